/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes, of a node and of the file system. */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>

#include "fs/memory/internal.h"

/* Finds a node and, when one is named, checks its open file. */
static int get(struct memory *memory, uint64_t node, uint64_t fh, struct inode **ret_inode)
{
	struct file *file;
	int r = inode_get(memory, node, ret_inode);

	return r < 0 ? r : mem_file_get(memory, fh, *ret_inode, &file);
}

int memory_getattr(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fuse_attr *ret_attr)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	int r = get(memory, node, fh, &inode);

	if (r < 0)
		return r;
	inode_fill_attr(inode, ret_attr);
	return 0;
}

static int check_size(const struct inode *inode, const struct fuse_setattr_in *in)
{
	if (!(in->valid & FATTR_SIZE))
		return 0;
	if (S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISREG(inode->mode) || in->size > INT64_MAX)
		return -EINVAL;
	return 0;
}

static bool valid_time(uint32_t nanoseconds)
{
	return nanoseconds < 1000000000;
}

static int check_times(const struct fuse_setattr_in *in)
{
	if ((in->valid & FATTR_ATIME) && !(in->valid & FATTR_ATIME_NOW) && !valid_time(in->atimensec))
		return -EINVAL;
	if ((in->valid & FATTR_MTIME) && !(in->valid & FATTR_MTIME_NOW) && !valid_time(in->mtimensec))
		return -EINVAL;
	if ((in->valid & FATTR_CTIME) && !valid_time(in->ctimensec))
		return -EINVAL;
	return 0;
}

static void set_time(struct timespec *time, bool set, bool now, uint64_t seconds, uint32_t nanoseconds)
{
	if (now)
		*time = memory_now();
	else if (set)
		*time = (struct timespec){ .tv_sec = (time_t)seconds, .tv_nsec = nanoseconds };
}

/* A mode that is given together with an owner is the caller's last word. */
static void set_owner_and_mode(struct memory *memory, struct inode *inode, const struct fuse_setattr_in *in)
{
	if (in->valid & (FATTR_UID | FATTR_GID)) {
		inode_kill_suidgid(inode);
		mem_xattr_drop(memory, inode, "security.capability");
	}
	if (in->valid & FATTR_UID)
		inode->uid = in->uid;
	if (in->valid & FATTR_GID)
		inode->gid = in->gid;
	if (in->valid & FATTR_MODE)
		inode->mode = (inode->mode & S_IFMT) | (in->mode & 07777);
}

static int set_size(struct memory *memory, struct inode *inode, const struct fuse_setattr_in *in)
{
	bool changes = inode->size != in->size;
	int r = mem_data_resize(memory, inode, in->size);

	if (r < 0)
		return r;
	if (in->valid & FATTR_KILL_SUIDGID)
		inode_kill_suidgid(inode);
	mem_xattr_drop(memory, inode, "security.capability");
	if (changes)
		inode_touch(inode);
	return 0;
}

/* Whether something that the caller may set is set: then ctime moves. */
static bool changes_something(const struct fuse_setattr_in *in)
{
	return in->valid &
	       (FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_ATIME | FATTR_ATIME_NOW | FATTR_MTIME | FATTR_MTIME_NOW);
}

int memory_setattr(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in,
		   struct fuse_attr *ret_attr)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	int r = get(memory, node, in->valid & FATTR_FH ? in->fh : FS_NO_HANDLE, &inode);

	if (r == 0)
		r = check_size(inode, in);
	if (r == 0)
		r = check_times(in);
	if (r == 0 && (in->valid & FATTR_SIZE))
		r = set_size(memory, inode, in);
	if (r < 0)
		return r;
	set_owner_and_mode(memory, inode, in);
	set_time(&inode->atime, in->valid & FATTR_ATIME, in->valid & FATTR_ATIME_NOW, in->atime, in->atimensec);
	set_time(&inode->mtime, in->valid & FATTR_MTIME, in->valid & FATTR_MTIME_NOW, in->mtime, in->mtimensec);
	if (changes_something(in))
		inode_touch_ctime(inode);
	set_time(&inode->ctime, in->valid & FATTR_CTIME, false, in->ctime, in->ctimensec);
	inode_fill_attr(inode, ret_attr);
	return 0;
}

static struct fuse_sx_time sx_time(const struct timespec *time)
{
	return (struct fuse_sx_time){ .tv_sec = time->tv_sec, .tv_nsec = (uint32_t)time->tv_nsec };
}

int memory_statx(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint32_t flags, uint32_t mask,
		 struct fuse_statx_out *ret)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	int r = get(memory, node, fh, &inode);

	if (r < 0)
		return r;
	ret->flags = 0;
	ret->stat = (struct fuse_statx){
		.mask = STATX_BASIC_STATS | STATX_BTIME,
		.blksize = BLOCK_SIZE,
		.nlink = inode->nlink,
		.uid = inode->uid,
		.gid = inode->gid,
		.mode = (uint16_t)inode->mode,
		.ino = inode->ino,
		.size = inode->size,
		.blocks = inode->blocks.count * (BLOCK_SIZE / 512),
		.atime = sx_time(&inode->atime),
		.btime = sx_time(&inode->btime),
		.ctime = sx_time(&inode->ctime),
		.mtime = sx_time(&inode->mtime),
		.rdev_major = inode->rdev >> 8 & 0xfff,
		.rdev_minor = (inode->rdev & 0xff) | (inode->rdev >> 12 & 0xfff00),
	};
	return 0;
}

int memory_statfs(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_kstatfs *ret_statfs)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	uint64_t left;
	int r = inode_get(memory, node, &inode);

	if (r < 0)
		return r;
	left = (memory->max_bytes - memory->bytes) / BLOCK_SIZE;
	*ret_statfs = (struct fuse_kstatfs){
		.blocks = memory->max_bytes / BLOCK_SIZE,
		.bfree = left,
		.bavail = left,
		.files = memory->max_inodes,
		.ffree = memory->max_inodes - memory->inodes,
		.bsize = BLOCK_SIZE,
		.namelen = FS_NAME_MAX,
		.frsize = BLOCK_SIZE,
	};
	return 0;
}

/* The guest has checked permissions; what is left is that the node exists. */
int memory_access(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t mask)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode;

	return inode_get(memory, node, &inode);
}
