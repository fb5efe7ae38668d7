/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Taking names away: UNLINK, RMDIR, RENAME.
 *
 * The guest may go on using a file whose last name goes: as working directory, through an O_PATH descriptor, in a mount. A file
 * handle alone does not keep a nameless file alive, so its node is given a descriptor first, which stays until the guest
 * forgets it. Which node a name means is known from a hint in the common case, so that this costs one call.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/passthrough/attr.h"
#include "fs/passthrough/cred.h"
#include "fs/passthrough/hints.h"
#include "fs/passthrough/mount.h"
#include "fs/passthrough/nodetable.h"
#include "fs/passthrough/ops.h"

/* #syscalls: unlinkat renameat renameat2 statx */

/* Keeps the file of a name that is about to go; ret_kept gets its node if that was done. Best effort. */
static void keep_file(struct node_use *dir, int fd, const char *name, struct node_use *ret_kept)
{
	struct node_identity identity;
	uint64_t hint = hint_get(dir->pt->hints, dir->id, name);
	struct statx st;

	/* Nodes of a mount without handles always hold their descriptor. */
	if (mount_at(dir->pt, dir->node->mount)->fd < 0)
		return;
	if (hint && node_get(dir->pt, hint, ret_kept) == 0) {
		if (!node_keep(ret_kept))
			node_put(ret_kept);
		return;
	}
	if (statx(fd, name, AT_SYMLINK_NOFOLLOW, ATTR_MASK, &st) < 0)
		return;
	/* A mount point cannot be removed. */
	if ((st.stx_mask & STATX_MNT_ID) && st.stx_mnt_id != mount_at(dir->pt, dir->node->mount)->kernel_id)
		return;
	if (!S_ISDIR(st.stx_mode) && st.stx_nlink > 1)
		return;
	identity_from_statx(&st, &identity);
	identity.mount = dir->node->mount;
	if (node_find(dir->pt, &identity, 0, false, ret_kept) != NODE_UNKNOWN && !node_keep(ret_kept))
		node_put(ret_kept);
}

/* The name has stayed, or not. */
static int settle_kept(struct node_use *kept, int result)
{
	if (result < 0 && kept->node)
		node_unkeep(kept);
	return result;
}

static int remove_name(struct fs *fs, uint64_t parent, const char *name, int flags)
{
	_cleanup_node_ struct node_use dir = NODE_USE_NONE, kept = NODE_USE_NONE;
	int fd;

	fd = node_get_fd(passthrough_from_fs(fs), parent, &dir);
	if (fd < 0)
		return fd;
	keep_file(&dir, fd, name, &kept);
	return settle_kept(&kept, unlinkat(fd, name, flags) < 0 ? -errno : 0);
}

int passthrough_unlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name)
{
	return remove_name(fs, parent, name, 0);
}

int passthrough_rmdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name)
{
	return remove_name(fs, parent, name, AT_REMOVEDIR);
}

/* A whiteout is a new file, and the caller's. */
static int rename_with_whiteout(struct passthrough *pt, struct fs_call *call, int fd, const char *name, int new_fd,
				const char *new_name, uint32_t flags)
{
	struct cred_guard guard;
	int result = cred_enter(&pt->cred, call, S_IFCHR, 0, &guard);

	if (result < 0)
		return result;
	result = renameat2(fd, name, new_fd, new_name, flags) < 0 ? -errno : 0;
	cred_leave(&guard);
	return result;
}

static void move_hints(struct passthrough *pt, uint64_t parent, const char *name, uint64_t new_parent,
		       const char *new_name, uint32_t flags)
{
	uint64_t moved = hint_get(pt->hints, parent, name);
	uint64_t other = hint_get(pt->hints, new_parent, new_name);

	if (moved)
		hint_set(pt->hints, new_parent, new_name, moved);
	if (other && (flags & RENAME_EXCHANGE))
		hint_set(pt->hints, parent, name, other);
}

int passthrough_rename(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint64_t new_parent,
		       const char *new_name, uint32_t flags)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use dir = NODE_USE_NONE, new_dir = NODE_USE_NONE, kept = NODE_USE_NONE;
	int result, fd, new_fd;

	if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	result = node_get(pt, parent, &dir);
	if (result == 0)
		result = node_get(pt, new_parent, &new_dir);
	if (result < 0)
		return result;
	fd = node_fd(&dir);
	if (fd < 0)
		return fd;
	new_fd = node_fd(&new_dir);
	if (new_fd < 0)
		return new_fd;
	if (!(flags & (RENAME_NOREPLACE | RENAME_EXCHANGE)))
		keep_file(&new_dir, new_fd, new_name, &kept);
	if (flags & RENAME_WHITEOUT)
		result = rename_with_whiteout(pt, call, fd, name, new_fd, new_name, flags);
	else
		result = renameat2(fd, name, new_fd, new_name, flags) < 0 ? -errno : 0;
	settle_kept(&kept, result);
	if (result == 0)
		move_hints(pt, parent, name, new_parent, new_name, flags);
	return result;
}
