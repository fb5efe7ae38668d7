/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Isolation of the daemon, in named stages. Each takes something away for good and says at log level debug what the
 * process may still do. They come in this order, because each needs what a later one takes:
 *
 *	limits		how many descriptors the process may have (limits.h)
 *	listen		the socket, while the host's paths are still there (cmd/listen.h)
 *	place		what the process can see: namespaces or chroot, the shared directory as root (here)
 *	capabilities	what it may do as root (capabilities.h)
 *	landlock	which files it may touch, whatever path leads there (landlock.h)
 *	seccomp		which system calls it may make (seccomp.h); last, when all threads run
 *
 * Unlike libraries below, the stages report failure to the operator themselves (cause and remedy, one sentence, at
 * level error), since only they know the cause; the errno they return says merely that it failed.
 */
#ifndef VIOFS_SANDBOX_SANDBOX_H
#define VIOFS_SANDBOX_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>

#include "sandbox/nsmap.h"

enum sandbox_mode {
	/*
	 * Own mount, pid and network namespaces, as another user than root also an own user namespace. The shared directory is
	 * "/" and nothing else of the host is reachable by name. The daemon runs in a child.
	 */
	SANDBOX_NAMESPACE,
	/* The shared directory is "/"; needs CAP_SYS_CHROOT. The daemon runs in a child. */
	SANDBOX_CHROOT,
	/* Everything of the host stays reachable by name. The daemon runs in the calling process. */
	SANDBOX_NONE,
};

struct sandbox_config {
	enum sandbox_mode mode;
	const char *shared_dir; /* NULL: nothing is shared from disk, the root is an empty directory of proc's */
	/* For the user namespace; empty: the own id alone, as itself. */
	struct nsmap uid_map, gid_map;
	/* In the process that stays outside as the supervisor (namespace and chroot): runs once the child exists, to
	 * close what only the child needs; and runs when the child has ended, to tidy up. May be NULL. */
	void (*supervisor_started)(void *data);
	void (*supervisor_ended)(void *data);
	void *data;
};

/* What the daemon works with, in whatever place it is. */
struct sandbox {
	int root_fd; /* the shared directory, O_PATH; -1 when there is none */
	int proc_self_fd; /* the directory /proc/self/fd, O_PATH; nothing above it can be reached where the kernel allows */
	bool own_mount; /* root_fd is the root of a mount of its own */
	bool all_ids; /* every uid and gid of the kernel exists here */
	bool one_user; /* only one uid is mapped here: taking the ids of others is impossible */
};

/*
 * Goes to the place that config names. Call with a single thread and with SIGTERM, SIGINT and SIGHUP blocked.
 * 0 in the process that is to be the daemon. With namespace and chroot that is a child: the caller never returns, it
 * waits for the child, hands it the signals named, tidies up, and exits with its status. When the supervisor dies the
 * child is killed.
 */
int sandbox_enter(const struct sandbox_config *config, struct sandbox *ret_sandbox);

/* Closes the descriptors. */
void sandbox_fini(struct sandbox *sandbox);

#endif
