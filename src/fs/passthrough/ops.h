/* SPDX-License-Identifier: BSD-3-Clause */
/* The operations of the passthrough backend, one declaration each; see fs.h for what they mean. */
#ifndef VIOFS_FS_PASSTHROUGH_OPS_H
#define VIOFS_FS_PASSTHROUGH_OPS_H

#include "fs/fs.h"

/* lookup.c */
int passthrough_lookup(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		struct fuse_entry_out *ret_entry);
int passthrough_lookup_self(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry);
int passthrough_lookup_parent(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry);
void passthrough_forget(struct fs *fs, uint64_t node, uint64_t count);

/* attr.c */
int passthrough_getattr(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fuse_attr *ret_attr);
int passthrough_setattr(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in,
		struct fuse_attr *ret_attr);
int passthrough_statx(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint32_t flags, uint32_t mask,
		struct fuse_statx_out *ret);
int passthrough_readlink(struct fs *fs, struct fs_call *call, uint64_t node, char *buffer, size_t size,
		size_t *ret_length);
int passthrough_statfs(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_kstatfs *ret_statfs);
int passthrough_access(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t mask);

/* create.c */
int passthrough_symlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target,
		struct fuse_entry_out *ret_entry);
int passthrough_mknod(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
		uint32_t rdev, uint32_t umask, struct fuse_entry_out *ret_entry);
int passthrough_mkdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
		uint32_t umask, struct fuse_entry_out *ret_entry);
int passthrough_link(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t new_parent, const char *new_name,
		struct fuse_entry_out *ret_entry);

/* remove.c */
int passthrough_unlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name);
int passthrough_rmdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name);
int passthrough_rename(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint64_t new_parent,
		const char *new_name, uint32_t flags);

/* open.c */
int passthrough_open(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, uint32_t open_flags,
		struct fs_open *ret_open);
int passthrough_release(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_release_in *in);
int passthrough_flush(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t lock_owner);
int passthrough_opendir(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, struct fs_open *ret_open);
int passthrough_releasedir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh);

/* createfile.c */
int passthrough_create(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open);
int passthrough_tmpfile(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in,
		struct fuse_entry_out *ret_entry, struct fs_open *ret_open);

/* io.c */
int passthrough_read(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		const struct iovec *iov, size_t count, size_t *ret_length);
int passthrough_write(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_write_in *in,
		const struct iovec *iov, size_t count, size_t *ret_length);

/* readdir.c */
int passthrough_readdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		struct fs_dir_sink *sink);

/* range.c */
int passthrough_fsync(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only);
int passthrough_fsyncdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only);
int passthrough_fallocate(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_fallocate_in *in);
int passthrough_lseek(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		uint32_t whence, uint64_t *ret_offset);
int passthrough_copy_file_range(struct fs *fs, struct fs_call *call, const struct fs_copy *copy,
		uint64_t *ret_copied);
int passthrough_syncfs(struct fs *fs, struct fs_call *call, uint64_t node);

/* xattr.c */
int passthrough_setxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, const void *value,
		size_t size, uint32_t flags, uint32_t setxattr_flags);
int passthrough_getxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, void *value,
		size_t size, size_t *ret_size);
int passthrough_listxattr(struct fs *fs, struct fs_call *call, uint64_t node, char *list, size_t size,
		size_t *ret_size);
int passthrough_removexattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name);

/* lock.c */
int passthrough_getlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in,
		struct fuse_file_lock *ret_lock);
int passthrough_setlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, bool wait);
void passthrough_interrupt(struct fs *fs, uint64_t unique);

/* ioctl.c */
int passthrough_ioctl(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fs_ioctl *ioctl);

#endif
