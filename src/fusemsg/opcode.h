/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one table of FUSE operations: how a request of each looks and how it is to be served. Whoever takes requests
 * apart, counts them or names them in a message asks here.
 */
#ifndef VIOFS_FUSEMSG_OPCODE_H
#define VIOFS_FUSEMSG_OPCODE_H

#include <stdint.h>

enum fusemsg_flags {
	/* May wait for the disk: not on a queue's thread when there is a pool. */
	FUSEMSG_POOL = 1 << 0,
	/* Is never answered. */
	FUSEMSG_NO_REPLY = 1 << 1,
	/* Changes the file system whenever it succeeds. OPEN and IOCTL change it by their arguments only. */
	FUSEMSG_MUTATES = 1 << 2,
	/* Extensions (security context, supplementary group) may follow the names. */
	FUSEMSG_EXTENSIONS = 1 << 3,
	/* The strings behind the arguments are not names of the file system, so not checked as such. */
	FUSEMSG_FREE_NAMES = 1 << 4,
	/* Bytes follow the names (the value of an attribute). */
	FUSEMSG_PAYLOAD = 1 << 5,
	/* Belongs to the session's life, not to a file: served in any state. */
	FUSEMSG_SESSION = 1 << 6,
	/* Not implemented on purpose: -ENOSYS. */
	FUSEMSG_REFUSED = 1 << 7,
};

struct fusemsg_opcode {
	const char *name; /* "LOOKUP" */
	uint8_t args; /* bytes of fixed arguments behind the header, at least */
	uint8_t names; /* NUL-terminated strings behind the arguments */
	uint16_t reply; /* bytes of reply behind the header that a success has, at least */
	uint16_t flags; /* FUSEMSG_* */
};

/* The most names that an operation has. */
#define FUSEMSG_NAMES_MAX 2
/* The largest args. */
#define FUSEMSG_ARGS_MAX 88

/* The entry of an opcode, NULL when the protocol up to 7.46 has none. */
const struct fusemsg_opcode *fusemsg_opcode_find(uint32_t opcode);

#endif
