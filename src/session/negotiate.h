/* SPDX-License-Identifier: BSD-3-Clause */
/* What a guest's INIT and our configuration agree on. A pure function of both. */
#ifndef VIOFS_SESSION_NEGOTIATE_H
#define VIOFS_SESSION_NEGOTIATE_H

#include <stdbool.h>

#include "session/session.h"

/* Bytes a single WRITE may carry when nothing is configured; the reason for 1 MiB: Linux' default limit is 256 pages.
 */
#define NEGOTIATE_MAX_WRITE_DEFAULT (1024u * 1024)
/* Linux lifts anything smaller to a page. */
#define NEGOTIATE_MAX_WRITE_MIN 4096u
/* What 65535 pages of 4 KiB, the limit of the field, leave as a round number. */
#define NEGOTIATE_MAX_WRITE_MAX (128u * 1024 * 1024)
/* Pages of a request when the guest has no FUSE_MAX_PAGES. */
#define NEGOTIATE_PAGES_DEFAULT 32u

/* What the file system below can do. */
struct negotiate_abilities {
	bool locks;
	bool ioctl;
	bool lookup_self; /* and of the parent */
};

/*
 * Answers an INIT of major version 7. Returns 0 with the reply and what the file system is to be told; -EPROTO when the
 * guest is too old or lacks what the configuration demands (logged).
 */
int negotiate(const struct session_config *config, const struct negotiate_abilities *abilities,
	      const struct fuse_init_in *in, struct fuse_init_out *ret_out, struct fs_session_info *ret_info);

#endif
