/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/filter/readonly.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <unistd.h>

static int readonly_setattr(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in,
			    struct fuse_attr *ret_attr)
{
	return -EROFS;
}

static int readonly_symlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target,
			    struct fuse_entry_out *ret_entry)
{
	return -EROFS;
}

static int readonly_mknod(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
			  uint32_t rdev, uint32_t umask, struct fuse_entry_out *ret_entry)
{
	return -EROFS;
}

static int readonly_mkdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
			  uint32_t umask, struct fuse_entry_out *ret_entry)
{
	return -EROFS;
}

static int readonly_remove(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name)
{
	return -EROFS;
}

static int readonly_rename(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint64_t new_parent,
			   const char *new_name, uint32_t flags)
{
	return -EROFS;
}

static int readonly_link(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t new_parent, const char *new_name,
			 struct fuse_entry_out *ret_entry)
{
	return -EROFS;
}

static int readonly_open(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, uint32_t open_flags,
			 struct fs_open *ret_open)
{
	/* O_RDONLY | O_TRUNC truncates as well. */
	if ((flags & O_ACCMODE) != O_RDONLY || flags & (O_TRUNC | O_CREAT))
		return -EROFS;
	return fs_open(fs->next, call, node, flags, open_flags, ret_open);
}

/* A guest sends CREATE only for a name that was not there when it looked. */
static int readonly_create(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
			   const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	return -EROFS;
}

static int readonly_tmpfile(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in,
			    struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	return -EROFS;
}

static int readonly_write(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_write_in *in,
			  const struct iovec *iov, size_t count, size_t *ret_length)
{
	return -EROFS;
}

static int readonly_setxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, const void *value,
			     size_t size, uint32_t flags, uint32_t setxattr_flags)
{
	return -EROFS;
}

static int readonly_removexattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name)
{
	return -EROFS;
}

static int readonly_access(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t mask)
{
	return mask & W_OK ? -EROFS : fs_access(fs->next, call, node, mask);
}

static int readonly_fallocate(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_fallocate_in *in)
{
	return -EROFS;
}

static int readonly_copy_file_range(struct fs *fs, struct fs_call *call, const struct fs_copy *copy,
				    uint64_t *ret_copied)
{
	return -EROFS;
}

/* Those known to read pass; an ioctl that is new to this file might change something. */
static int readonly_ioctl(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fs_ioctl *ioctl)
{
	switch (ioctl->command) {
	case FS_IOC_GETFLAGS:
	case FS_IOC32_GETFLAGS:
	case FS_IOC_FSGETXATTR:
		return fs_ioctl(fs->next, call, node, fh, ioctl);
	case FS_IOC_SETFLAGS:
	case FS_IOC32_SETFLAGS:
	case FS_IOC_FSSETXATTR:
		return -EROFS;
	default:
		return -ENOTTY;
	}
}

static void readonly_destroy(struct fs *fs)
{
	free(fs);
}

static const struct fs_ops readonly_ops = {
	.destroy = readonly_destroy,
	.setattr = readonly_setattr,
	.symlink = readonly_symlink,
	.mknod = readonly_mknod,
	.mkdir = readonly_mkdir,
	.unlink = readonly_remove,
	.rmdir = readonly_remove,
	.rename = readonly_rename,
	.link = readonly_link,
	.open = readonly_open,
	.create = readonly_create,
	.tmpfile = readonly_tmpfile,
	.write = readonly_write,
	.setxattr = readonly_setxattr,
	.removexattr = readonly_removexattr,
	.access = readonly_access,
	.fallocate = readonly_fallocate,
	.copy_file_range = readonly_copy_file_range,
	.ioctl = readonly_ioctl,
};

int readonly_new(struct fs *next, struct fs **ret_fs)
{
	struct fs *fs = malloc(sizeof(*fs));

	if (!fs)
		return -ENOMEM;
	*fs = (struct fs){ .ops = &readonly_ops, .next = next, .name = "readonly" };
	*ret_fs = fs;
	return 0;
}
