/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "fs/passthrough/attr.h"
#include "fs/passthrough/cred.h"
#include "fs/passthrough/handle.h"
#include "fs/passthrough/ops.h"

/* #syscalls: statx readlinkat fstatfs chmod fchmodat fchownat truncate ftruncate utimensat */

void identity_from_statx(const struct statx *st, struct node_identity *ret_identity)
{
	*ret_identity = (struct node_identity){
		.ino = st->stx_ino,
		.btime = st->stx_mask & STATX_BTIME ? st->stx_btime.tv_sec * INT64_C(1000000000) + st->stx_btime.tv_nsec
						    : NODE_NO_BTIME,
		.dev = st->stx_dev_major << 20 | st->stx_dev_minor,
		.type = st->stx_mode & S_IFMT,
	};
}

uint32_t attr_encode_rdev(uint32_t major, uint32_t minor)
{
	return (minor & 0xff) | (major & 0xfff) << 8 | (minor & ~0xffu) << 12;
}

void attr_decode_rdev(uint32_t rdev, uint32_t *ret_major, uint32_t *ret_minor)
{
	*ret_major = (rdev & 0xfff00) >> 8;
	*ret_minor = (rdev & 0xff) | ((rdev >> 12) & 0xfff00);
}

void attr_from_statx(const struct statx *st, const struct node *node, struct fuse_attr *ret_attr)
{
	*ret_attr = (struct fuse_attr){
		.ino = attr_fold_ino(st->stx_ino, node->fold),
		.size = st->stx_size,
		.blocks = st->stx_blocks,
		.atime = (uint64_t)st->stx_atime.tv_sec,
		.mtime = (uint64_t)st->stx_mtime.tv_sec,
		.ctime = (uint64_t)st->stx_ctime.tv_sec,
		.atimensec = st->stx_atime.tv_nsec,
		.mtimensec = st->stx_mtime.tv_nsec,
		.ctimensec = st->stx_ctime.tv_nsec,
		.mode = st->stx_mode,
		.nlink = st->stx_nlink,
		.uid = st->stx_uid,
		.gid = st->stx_gid,
		.rdev = attr_encode_rdev(st->stx_rdev_major, st->stx_rdev_minor),
		.blksize = st->stx_blksize,
		.flags = node->flags & NODE_SUBMOUNT ? FUSE_ATTR_SUBMOUNT : 0,
	};
}

/*
 * A descriptor to ask attributes of: the node's, or that of a handle where the node has none open at the moment. The handle
 * must be put after use.
 */
static int stat_fd(struct node_use *use, uint64_t fh, struct handle_use *ret_handle)
{
	int result;

	if (fh != FS_NO_HANDLE && atomic_load(&use->node->fd) < 0) {
		result = handle_get(use->pt, fh, use->id, ret_handle);
		return result < 0 ? result : ret_handle->handle->fd;
	}
	return node_fd(use);
}

int passthrough_getattr(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fuse_attr *ret_attr)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	_cleanup_handle_ struct handle_use handle = HANDLE_USE_NONE;
	struct statx st;
	int result, fd;

	result = node_get(passthrough_from_fs(fs), node, &use);
	if (result < 0)
		return result;
	fd = stat_fd(&use, fh, &handle);
	if (fd < 0)
		return fd;
	if (statx(fd, "", AT_EMPTY_PATH, ATTR_MASK, &st) < 0)
		return -errno;
	attr_from_statx(&st, use.node, ret_attr);
	return 0;
}

static struct fuse_sx_time sx_time(const struct statx_timestamp *time)
{
	return (struct fuse_sx_time){ .tv_sec = time->tv_sec, .tv_nsec = time->tv_nsec };
}

int passthrough_statx(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint32_t flags, uint32_t mask,
		      struct fuse_statx_out *ret)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	_cleanup_handle_ struct handle_use handle = HANDLE_USE_NONE;
	struct statx st;
	int result, fd;

	result = node_get(passthrough_from_fs(fs), node, &use);
	if (result < 0)
		return result;
	fd = stat_fd(&use, fh, &handle);
	if (fd < 0)
		return fd;
	if (statx(fd, "", AT_EMPTY_PATH | (int)(flags & AT_STATX_SYNC_TYPE), STATX_BASIC_STATS | STATX_BTIME, &st) < 0)
		return -errno;
	ret->flags = use.node->flags & NODE_SUBMOUNT ? FUSE_ATTR_SUBMOUNT : 0;
	ret->stat = (struct fuse_statx){
		.mask = st.stx_mask & (STATX_BASIC_STATS | STATX_BTIME),
		.blksize = st.stx_blksize,
		.attributes = st.stx_attributes,
		.attributes_mask = st.stx_attributes_mask,
		.nlink = st.stx_nlink,
		.uid = st.stx_uid,
		.gid = st.stx_gid,
		.mode = st.stx_mode,
		.ino = attr_fold_ino(st.stx_ino, use.node->fold),
		.size = st.stx_size,
		.blocks = st.stx_blocks,
		.atime = sx_time(&st.stx_atime),
		.btime = sx_time(&st.stx_btime),
		.ctime = sx_time(&st.stx_ctime),
		.mtime = sx_time(&st.stx_mtime),
		.rdev_major = st.stx_rdev_major,
		.rdev_minor = st.stx_rdev_minor,
		.dev_major = st.stx_dev_major,
		.dev_minor = st.stx_dev_minor,
	};
	return 0;
}

static int set_owner(int fd, const struct fuse_setattr_in *in)
{
	uid_t uid = in->valid & FATTR_UID ? in->uid : (uid_t)-1;
	gid_t gid = in->valid & FATTR_GID ? in->gid : (gid_t)-1;

	/* An id that the guest could not map must not turn into "leave as it is". */
	if (((in->valid & FATTR_UID) && uid == (uid_t)-1) || ((in->valid & FATTR_GID) && gid == (gid_t)-1))
		return -EINVAL;
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static int set_size(struct node_use *use, int fd, const struct fuse_setattr_in *in)
{
	_cleanup_handle_ struct handle_use handle = HANDLE_USE_NONE;
	char name[PROC_FD_NAME_MAX];
	int result;

	if (in->size > INT64_MAX)
		return -EFBIG;
	if (node_type(use) != S_IFREG)
		return node_type(use) == S_IFDIR ? -EISDIR : -EINVAL;
	if (in->valid & FATTR_FH) {
		result = handle_get(use->pt, in->fh, use->id, &handle);
		if (result < 0)
			return result;
		if ((handle.handle->flags & O_ACCMODE) != O_RDONLY)
			return ftruncate(handle.handle->fd, (off_t)in->size) < 0 ? -errno : 0;
	}
	return truncate(proc_fd_name(fd, name), (off_t)in->size) < 0 ? -errno : 0;
}

static struct timespec new_time(uint32_t valid, uint32_t set, uint32_t now, uint64_t seconds, uint32_t nanoseconds)
{
	if (valid & now)
		return (struct timespec){ .tv_nsec = UTIME_NOW };
	if (valid & set)
		return (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = nanoseconds };
	return (struct timespec){ .tv_nsec = UTIME_OMIT };
}

static int set_times(int fd, const struct fuse_setattr_in *in)
{
	const struct timespec times[2] = {
		new_time(in->valid, FATTR_ATIME, FATTR_ATIME_NOW, in->atime, in->atimensec),
		new_time(in->valid, FATTR_MTIME, FATTR_MTIME_NOW, in->mtime, in->mtimensec),
	};
	char name[PROC_FD_NAME_MAX];

	/* UTIME_NOW and UTIME_OMIT lie above this. */
	if (in->atimensec > 999999999 || in->mtimensec > 999999999)
		return -EINVAL;
	return utimensat(AT_FDCWD, proc_fd_name(fd, name), times, 0) < 0 ? -errno : 0;
}

int passthrough_setattr(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in,
			struct fuse_attr *ret_attr)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	char name[PROC_FD_NAME_MAX];
	struct statx st;
	int result, fd;

	fd = node_get_fd(passthrough_from_fs(fs), node, &use);
	if (fd < 0)
		return fd;
	result = cred_kill_setid(in->valid & FATTR_KILL_SUIDGID);
	/* The owner first: that takes set-id bits away, which a mode given along means to keep. */
	if (result == 0 && (in->valid & (FATTR_UID | FATTR_GID)))
		result = set_owner(fd, in);
	if (result == 0 && (in->valid & FATTR_MODE) && chmod(proc_fd_name(fd, name), in->mode & 07777) < 0)
		result = -errno;
	if (result == 0 && (in->valid & FATTR_SIZE))
		result = set_size(&use, fd, in);
	if (result == 0 && (in->valid & (FATTR_ATIME | FATTR_MTIME | FATTR_ATIME_NOW | FATTR_MTIME_NOW)))
		result = set_times(fd, in);
	if (result < 0)
		return result;
	if (statx(fd, "", AT_EMPTY_PATH, ATTR_MASK, &st) < 0)
		return -errno;
	attr_from_statx(&st, use.node, ret_attr);
	return 0;
}

int passthrough_readlink(struct fs *fs, struct fs_call *call, uint64_t node, char *buffer, size_t size,
			 size_t *ret_length)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	ssize_t length;
	int result, fd;

	result = node_get(passthrough_from_fs(fs), node, &use);
	if (result < 0)
		return result;
	if (node_type(&use) != S_IFLNK)
		return -EINVAL;
	fd = node_fd(&use);
	if (fd < 0)
		return fd;
	length = readlinkat(fd, "", buffer, size);
	if (length < 0)
		return -errno;
	/* The call cuts silently, but no target is longer than PATH_MAX - 1, which is also the room that Linux gives. */
	if ((size_t)length == size && size < PATH_MAX - 1)
		return -ENAMETOOLONG;
	*ret_length = (size_t)length;
	return 0;
}

int passthrough_statfs(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_kstatfs *ret_statfs)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	struct statfs info;
	int fd;

	fd = node_get_fd(passthrough_from_fs(fs), node, &use);
	if (fd < 0)
		return fd;
	if (fstatfs(fd, &info) < 0)
		return -errno;
	*ret_statfs = (struct fuse_kstatfs){
		.blocks = info.f_blocks,
		.bfree = info.f_bfree,
		.bavail = info.f_bavail,
		.files = info.f_files,
		.ffree = info.f_ffree,
		.bsize = (uint32_t)info.f_bsize,
		.namelen = (uint32_t)info.f_namelen,
		.frsize = (uint32_t)info.f_frsize,
	};
	return 0;
}

int passthrough_access(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t mask)
{
	struct fuse_attr attr;
	uint32_t granted;
	int result = passthrough_getattr(fs, call, node, FS_NO_HANDLE, &attr);

	if (result < 0)
		return result;
	if (mask & ~(uint32_t)(R_OK | W_OK | X_OK))
		return -EINVAL;
	/* Guests check permissions themselves (default_permissions); this is for one that asks nevertheless. */
	if (call->uid == 0)
		granted = R_OK | W_OK | (S_ISDIR(attr.mode) || (attr.mode & 0111) ? X_OK : 0);
	else if (call->uid == attr.uid)
		granted = attr.mode >> 6;
	else if (call->gid == attr.gid)
		granted = attr.mode >> 3;
	else
		granted = attr.mode;
	return mask & ~granted ? -EACCES : 0;
}
