/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage "landlock": which files may be touched, whatever path or descriptor leads to them. */
#ifndef VIOFS_SANDBOX_LANDLOCK_H
#define VIOFS_SANDBOX_LANDLOCK_H

#include <stdbool.h>

struct landlock_config {
	int root_fd; /* the tree where everything but running programs stays allowed; -1: nothing on disk */
	int remove_fd; /* a directory where files may be removed still (the socket), or -1 */
	bool file_handles; /* files may be opened by handle */
	bool own_mount; /* root_fd is the root of a mount */
	bool network; /* the backend speaks TCP */
};

/*
 * Restricts this thread and those it starts later. What the kernel cannot do, or cannot do without harm, is left out and
 * said at debug level. 0, also when nothing was restricted; -errno when the kernel refused what it said it could (logged).
 */
int landlock_enter(const struct landlock_config *config);

#endif
