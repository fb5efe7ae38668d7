/* SPDX-License-Identifier: BSD-3-Clause */
/* Making nodes other than open files: MKNOD, MKDIR, SYMLINK, LINK. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/passthrough/attr.h"
#include "fs/passthrough/create.h"
#include "fs/passthrough/cred.h"
#include "fs/passthrough/hints.h"
#include "fs/passthrough/identity.h"
#include "fs/passthrough/ops.h"

/* #syscalls: mknodat mkdirat symlinkat linkat unlinkat statx setxattr */

int create_label(const struct fs_call *call, int fd)
{
	char name[PROC_FD_NAME_MAX];

	if (!call->secctx_name)
		return 0;
	if (setxattr(proc_fd_name(fd, name), call->secctx_name, call->secctx_value, call->secctx_size, 0) == 0)
		return 0;
	/* A file system without labels has files without labels. */
	return errno == EOPNOTSUPP ? 0 : -errno;
}

/* Looks the new file up and labels it. */
static int finish(struct node_use *dir, int fd, struct fs_call *call, const char *name, bool is_dir,
		  struct fuse_entry_out *ret_entry)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	struct statx st;
	int result = identity_resolve(dir, fd, name, false, &st, &use);

	if (result < 0)
		return result;
	if (call->secctx_name) {
		int path_fd = node_fd(&use);

		result = path_fd < 0 ? path_fd : create_label(call, path_fd);
		if (result < 0) {
			unlinkat(fd, name, is_dir ? AT_REMOVEDIR : 0);
			node_forget(&use, 1);
			return result;
		}
	}
	hint_set(dir->pt->hints, dir->id, name, use.id);
	identity_entry(&use, &st, ret_entry);
	return 0;
}

int passthrough_mknod(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev,
		      uint32_t umask, struct fuse_entry_out *ret_entry)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use dir = NODE_USE_NONE;
	struct cred_guard guard;
	uint32_t major, minor;
	int result, fd;

	fd = node_get_fd(pt, parent, &dir);
	if (fd < 0)
		return fd;
	attr_decode_rdev(rdev, &major, &minor);
	result = cred_enter(&pt->cred, call, mode, umask, &guard);
	if (result < 0)
		return result;
	result = mknodat(fd, name, guard.mode, makedev(major, minor));
	cred_leave(&guard);
	if (result < 0)
		return -errno;
	return finish(&dir, fd, call, name, false, ret_entry);
}

int passthrough_mkdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t umask,
		      struct fuse_entry_out *ret_entry)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use dir = NODE_USE_NONE;
	struct cred_guard guard;
	int result, fd;

	fd = node_get_fd(pt, parent, &dir);
	if (fd < 0)
		return fd;
	result = cred_enter(&pt->cred, call, S_IFDIR | (mode & 07777), umask, &guard);
	if (result < 0)
		return result;
	result = mkdirat(fd, name, guard.mode & 07777);
	cred_leave(&guard);
	if (result < 0)
		return -errno;
	return finish(&dir, fd, call, name, true, ret_entry);
}

int passthrough_symlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target,
			struct fuse_entry_out *ret_entry)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use dir = NODE_USE_NONE;
	struct cred_guard guard;
	int result, fd;

	fd = node_get_fd(pt, parent, &dir);
	if (fd < 0)
		return fd;
	result = cred_enter(&pt->cred, call, S_IFLNK | 0777, 0, &guard);
	if (result < 0)
		return result;
	result = symlinkat(target, fd, name);
	cred_leave(&guard);
	if (result < 0)
		return -errno;
	return finish(&dir, fd, call, name, false, ret_entry);
}

int passthrough_link(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t new_parent, const char *new_name,
		     struct fuse_entry_out *ret_entry)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use use = NODE_USE_NONE, dir = NODE_USE_NONE;
	char path[PROC_FD_NAME_MAX];
	struct statx st;
	int result, fd, dir_fd;

	result = node_get(pt, node, &use);
	if (result == 0)
		result = node_get(pt, new_parent, &dir);
	if (result < 0)
		return result;
	fd = node_fd(&use);
	if (fd < 0)
		return fd;
	dir_fd = node_fd(&dir);
	if (dir_fd < 0)
		return dir_fd;
	/* Unlike AT_EMPTY_PATH this needs no capability, and it gives a nameless file (O_TMPFILE) its name too. */
	if (linkat(AT_FDCWD, proc_fd_name(fd, path), dir_fd, new_name, AT_SYMLINK_FOLLOW) < 0)
		return -errno;
	if (statx(fd, "", AT_EMPTY_PATH, ATTR_MASK, &st) < 0)
		return -errno;
	node_raise(&use);
	hint_set(pt->hints, new_parent, new_name, node);
	identity_entry(&use, &st, ret_entry);
	return 0;
}
