/* SPDX-License-Identifier: BSD-3-Clause */
/* From a node to its file: descriptors of pinned nodes. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "fs/passthrough/attr.h"
#include "fs/passthrough/mount.h"
#include "fs/passthrough/nodetable.h"

/* #syscalls: open_by_handle_at open openat statx close */

uint32_t node_type(const struct node_use *use)
{
	return use->node->type;
}

int fd_retry(struct passthrough *pt, int error)
{
	if (error != EMFILE && error != ENFILE)
		return -error;
	if (fd_cache_shrink(pt))
		return 0;
	log_warn_limited("no descriptor is left to open a file of the share with; raise the limit of open files "
			 "(--rlimit-nofile), or share a file system with file handles (--inode-file-handles)");
	return -error;
}

static int open_handle(struct passthrough *pt, const struct node *node, int flags)
{
	struct file_handle_buffer handle;
	int result;

	node_copy_handle(pt, node, &handle);
	do {
		int fd = open_by_handle_at(mount_at(pt, node->mount)->fd, (void *)&handle, flags | O_CLOEXEC | O_NOFOLLOW);

		if (fd >= 0)
			return fd;
		/* What Linux says, not meaning memory, while the inode's number is being given to a new file: ours is gone. */
		if (errno == ENOMEM)
			return -ESTALE;
		result = fd_retry(pt, errno);
	} while (result == 0);
	return result;
}

/* Handle and attributes of an unverified node were taken one after the other: make sure they are of one file. */
static int verify(const struct node *node, int fd)
{
	struct node_identity identity;
	struct statx st;

	if (statx(fd, "", AT_EMPTY_PATH, ATTR_MASK, &st) < 0)
		return -errno;
	identity_from_statx(&st, &identity);
	if (identity.ino != node->ino || identity.dev != node->dev || identity.btime != node->btime ||
	    identity.type != node->type)
		return -ESTALE;
	return 0;
}

int node_open_path(struct node_use *use)
{
	return open_handle(use->pt, use->node, O_PATH);
}

/*
 * A file that was kept for being removed may never have been used before: its descriptor was taken by
 * an unverified handle.
 */
static int verify_kept(struct node *node, int fd)
{
	int result = verify(node, fd);

	if (result < 0)
		return result;
	atomic_fetch_or(&node->flags, NODE_VERIFIED);
	return fd;
}

int node_fd(struct node_use *use)
{
	struct node *node = use->node;
	int known = atomic_load(&node->fd);
	_cleanup_fd_ int fd = -1;
	int result;

	if (known >= 0) {
		uint16_t flags = atomic_load(&node->flags);

		if ((flags & (NODE_KEPT | NODE_VERIFIED)) == NODE_KEPT && node_has_handle(node))
			return verify_kept(node, known);
		/* Read first: a store would move the line between processors for nothing. */
		if (!(flags & NODE_REFERENCED))
			atomic_fetch_or(&node->flags, NODE_REFERENCED);
		return known;
	}
	if (use->private_fd >= 0)
		return use->private_fd;
	fd = open_handle(use->pt, node, O_PATH);
	if (fd < 0)
		return take_fd(&fd);
	if (!(node->flags & NODE_VERIFIED)) {
		result = verify(node, fd);
		if (result < 0)
			return result;
		atomic_fetch_or(&node->flags, NODE_VERIFIED);
	}
	result = fd_cache_insert(use->pt, use, fd);
	if (result < 0)
		result = use->private_fd = fd;
	fd = -1;
	return result;
}

int node_get_fd(struct passthrough *pt, uint64_t id, struct node_use *use)
{
	int result = node_get(pt, id, use);

	return result < 0 ? result : node_fd(use);
}

int node_open(struct node_use *use, int flags)
{
	struct node *node = use->node;
	char name[PROC_FD_NAME_MAX];
	int fd, result;

	if (node->type != S_IFREG && node->type != S_IFDIR)
		return -ENXIO;
	/* Nothing but what it was looked up as is opened: an unverified handle could be a device's by now. */
	if (node_has_handle(node) && (node->flags & NODE_VERIFIED))
		return open_handle(use->pt, node, flags);
	fd = node_fd(use);
	if (fd < 0)
		return fd;
	if (node_has_handle(node))
		return open_handle(use->pt, node, flags);
	do {
		/* Here O_NOFOLLOW would refuse the link that the name is; what it leads to is the node's own file. */
		result = open(proc_fd_name(fd, name), flags | O_CLOEXEC);
		if (result >= 0)
			return result;
		result = fd_retry(use->pt, errno);
	} while (result == 0);
	return result;
}
