/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage "capabilities": what is left of root's powers. */
#ifndef VIOFS_SANDBOX_CAPABILITIES_H
#define VIOFS_SANDBOX_CAPABILITIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A set of capabilities: bit N is capability N of linux/capability.h. */
typedef uint64_t capabilities_t;

/* What --modcaps asks for: added and removed are disjoint. */
struct capabilities_changes {
	capabilities_t added, removed;
};

#define CAPABILITIES_ERROR_MAX 160u

/* Parses "+sys_admin:-chown"; -EINVAL with the reason in error. The later of two about the same capability counts. */
int capabilities_parse(const char *text, struct capabilities_changes *ret_changes, char error[static CAPABILITIES_ERROR_MAX]);

struct capabilities_config {
	struct capabilities_changes changes;
	bool file_handles; /* opening by handle is wanted: keep CAP_DAC_READ_SEARCH */
	bool one_user; /* the ids of others cannot be taken here: CAP_SETUID and CAP_SETGID are of no use */
};

/*
 * Keeps, of what the process has, what serving files needs; drops the rest for good, as well as the right to gain any by
 * running a program. Call before threads start. *ret_kept is what the process can do now. Logs.
 */
int capabilities_drop(const struct capabilities_config *config, capabilities_t *ret_kept);

/* Drops all but what removing the socket takes. For the supervisor; best effort. */
void capabilities_drop_supervisor(void);

#endif
