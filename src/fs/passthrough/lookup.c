/* SPDX-License-Identifier: BSD-3-Clause */
/* LOOKUP in its three forms, and FORGET. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/passthrough/attr.h"
#include "fs/passthrough/hints.h"
#include "fs/passthrough/identity.h"
#include "fs/passthrough/ops.h"

/* #syscalls: statx openat close */

/* Directories above one another when the way up to the share is checked. */
#define DEPTH_MAX 4096

int passthrough_lookup(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		       struct fuse_entry_out *ret_entry)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use dir = NODE_USE_NONE, use = NODE_USE_NONE;
	struct statx st;
	int result, fd;

	result = node_get(pt, parent, &dir);
	if (result < 0)
		return result;
	if (node_type(&dir) != S_IFDIR)
		return -ENOTDIR;
	fd = node_fd(&dir);
	if (fd < 0)
		return fd;
	result = identity_resolve(&dir, fd, name, true, &st, &use);
	if (result < 0)
		return result;
	hint_set(pt->hints, parent, name, use.id);
	identity_entry(&use, &st, ret_entry);
	return 0;
}

int passthrough_lookup_self(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	struct statx st;
	int fd;

	fd = node_get_fd(passthrough_from_fs(fs), node, &use);
	if (fd < 0)
		return fd;
	if (statx(fd, "", AT_EMPTY_PATH, ATTR_MASK, &st) < 0)
		return -errno;
	node_raise(&use);
	identity_entry(&use, &st, ret_entry);
	return 0;
}

/*
 * Whether the directory fd lies in the share: the host may have moved it out, and then the way up by ".." misses
 * the root of the share.
 */
static int check_beneath(struct passthrough *pt, int dir_fd)
{
	_cleanup_node_ struct node_use root = NODE_USE_NONE;
	_cleanup_fd_ int fd = -1;
	struct node_identity identity, last = { .ino = 0 };
	struct statx st;
	int result = node_get(pt, FS_ROOT, &root);

	if (result < 0)
		return result;
	for (int depth = 0; depth < DEPTH_MAX; depth++) {
		int at = fd >= 0 ? fd : dir_fd;
		int up;

		if (statx(at, "", AT_EMPTY_PATH, ATTR_MASK, &st) < 0)
			return -errno;
		identity_from_statx(&st, &identity);
		if (identity.ino == root.node->ino && identity.dev == root.node->dev)
			return 0;
		if (identity.ino == last.ino && identity.dev == last.dev)
			return -ESTALE;
		last = identity;
		up = openat(at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (up < 0)
			return -errno;
		if (fd >= 0)
			close(fd);
		fd = up;
	}
	return -ESTALE;
}

int passthrough_lookup_parent(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use dir = NODE_USE_NONE, use = NODE_USE_NONE;
	struct statx st;
	int result, fd;

	result = node_get(pt, node, &dir);
	if (result < 0)
		return result;
	if (node_type(&dir) != S_IFDIR)
		return -ENOTDIR;
	/* To the guest an announced mount point is the root of a file system of its own. */
	if (node == FS_ROOT || (dir.node->flags & NODE_SUBMOUNT))
		return passthrough_lookup_self(fs, call, node, ret_entry);
	fd = node_fd(&dir);
	if (fd < 0)
		return fd;
	result = check_beneath(pt, fd);
	if (result < 0)
		return result;
	result = identity_resolve(&dir, fd, "..", false, &st, &use);
	if (result < 0)
		return result;
	identity_entry(&use, &st, ret_entry);
	return 0;
}

void passthrough_forget(struct fs *fs, uint64_t node, uint64_t count)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use use = NODE_USE_NONE;

	if (node != FS_ROOT && node_get(pt, node, &use) == 0)
		node_forget(&use, count);
}
