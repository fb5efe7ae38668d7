/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The nodes a guest knows, and how to reach their files.
 *
 * A node id is a slot of the table and the slot's generation, so an id that was forgotten, or made up, is found out. An
 * operation pins the node it works on (node_get() ... node_put()); pinned nodes are never freed and keep their descriptor.
 * The entry goes when its lookup count and its pins are both zero. No lock is held across a system call.
 *
 *	_cleanup_node_ struct node_use use = NODE_USE_NONE;
 *	int result = node_get(pt, id, &use);
 *	if (result < 0)
 *		return result;
 *	int fd = node_fd(&use);
 *	if (fd < 0)
 *		return fd;
 */
#ifndef VIOFS_FS_PASSTHROUGH_NODE_H
#define VIOFS_FS_PASSTHROUGH_NODE_H

#include <stdatomic.h>
#include <stdint.h>

#include "fs/passthrough/procfd.h"
#include "fs/passthrough/state.h"

struct node;

/* A node in use by one operation; on the stack of its thread. */
struct node_use {
	struct passthrough *pt;
	struct node *node;
	uint64_t id;
	int private_fd; /* a descriptor that found no room in the cache: closed by node_put(), -1 when there is none */
};
#define NODE_USE_NONE ((struct node_use){ .private_fd = -1 })

/* Pins a node; -ESTALE when the id names none. */
int node_get(struct passthrough *pt, uint64_t id, struct node_use *ret_use);

/* Unpins; harmless on NODE_USE_NONE. */
void node_put(struct node_use *use);
#define _cleanup_node_ __attribute__((cleanup(node_put)))

/*
 * An O_PATH descriptor of the node, or -errno; valid until node_put(), not to be closed. As a directory descriptor it
 * resolves names; through proc_fd_name() it is a path for the calls that take no O_PATH descriptor.
 */
int node_fd(struct node_use *use);
/* Both: pins the node and returns its descriptor. The use is to be put also when only that failed. */
int node_get_fd(struct passthrough *pt, uint64_t id, struct node_use *use);

/* Opens the node's file anew with O_* flags (O_CLOEXEC and O_NOFOLLOW are added): a descriptor of the caller's, or -errno.
 * Only regular files and directories are opened, anything else is -ENXIO. */
int node_open(struct node_use *use, int flags);

/*
 * After an open failed with this (positive) errno: 0 when it was for lack of descriptors and some were made free, so that another try
 * is due, else -errno. Every opening call goes through it.
 */
int fd_retry(struct passthrough *pt, int error);

/* S_IFMT part of the mode. */
uint32_t node_type(const struct node_use *use);

#endif
