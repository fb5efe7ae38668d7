/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The socket that front-ends connect to: made at a path, or brought by who starts us.
 *
 * A socket made here has a lock file PATH.pid beside it with the daemon's process id, as virtiofsd's: whoever holds the lock
 * owns the path, so a socket that is found there is a leftover.
 */
#ifndef VIOFS_CMD_LISTEN_H
#define VIOFS_CMD_LISTEN_H

#include <stdbool.h>

struct listener {
	int fd; /* listening, close-on-exec */
	int lock_fd; /* holds the lock; -1 when the socket was brought */
	char *path, *lock_path; /* absolute; NULL when the socket was brought */
};

#define LISTENER_INIT { .fd = -1, .lock_fd = -1 }

/*
 * Makes the socket, accessible to its owner alone or also to group (a name or a number; NULL for none). -EBUSY when another
 * daemon serves the path, -EEXIST when something else than a socket is there, other errnos of the file system and
 * network; the reason is logged. Changes the umask while it runs.
 */
int listener_open(const char *path, const char *group, struct listener *ret_listener);

/* Takes over descriptor fd. -EBADF, -ENOTSOCK, or -EINVAL when it does not listen or is no stream socket; logged. */
int listener_adopt(int fd, struct listener *ret_listener);

/* Removes the socket and the lock file. Needs the host's paths. */
void listener_unlink(const struct listener *listener);

/* Closes and frees, without removing anything. */
void listener_fini(struct listener *listener);

#endif
