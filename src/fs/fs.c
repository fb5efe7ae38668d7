/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The only way anybody calls a file system: finds the layer that has the operation, calls it, and asserts what every
 * backend promises about its answer. The assertions state bugs of this project, never what a guest might do: a
 * backend must not pass on a broken answer of the world outside (a server, a kernel) as its own.
 *
 * Answers that come later (FS_PENDING) are not checked here; the caller checks them as it writes the reply.
 */
#include "fs/fs.h"

#include <assert.h>
#include <errno.h>

#include "base/iov.h"

/* Errnos from 512 on are the kernel's own and break a Linux guest's check of replies. */
#define ERRNO_LIMIT 512

/* The first layer at or below _fs that has the operation, or NULL. */
#define find_layer(_fs, operation)                                                                                     \
	({                                                                                                             \
		struct fs *_layer = (_fs);                                                                             \
		while (_layer && !_layer->ops->operation)                                                              \
			_layer = _layer->next;                                                                         \
		_layer;                                                                                                \
	})

/* Calls the operation on the layer that has it. */
#define call_layer(fs, operation, ...)                                                                                 \
	({                                                                                                             \
		struct fs *_found = find_layer(fs, operation);                                                         \
		_found ? check(_found->ops->operation(_found, __VA_ARGS__)) : -ENOSYS;                                 \
	})

static inline int check(int result)
{
	assert(result == 0 || result == FS_PENDING || (result < 0 && result > -ERRNO_LIMIT));
	return result;
}

static inline int check_entry(int result, const struct fuse_entry_out *entry)
{
	assert(result != 0 || entry->nodeid != 0);
	return result;
}

static inline int check_length(int result, const size_t *length, size_t limit)
{
	assert(result != 0 || *length <= limit);
	return result;
}

void fs_free(struct fs *fs)
{
	while (fs) {
		struct fs *next = fs->next;

		assert(fs->ops->destroy);
		fs->ops->destroy(fs);
		fs = next;
	}
}

int fs_init(struct fs *fs, const struct fs_session_info *info)
{
	struct fs *layer = find_layer(fs, init);

	return layer ? check(layer->ops->init(layer, info)) : 0;
}

void fs_reset(struct fs *fs)
{
	struct fs *layer = find_layer(fs, reset);

	if (layer)
		layer->ops->reset(layer);
}

int fs_lookup(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, struct fuse_entry_out *ret_entry)
{
	return check_entry(call_layer(fs, lookup, call, parent, name, ret_entry), ret_entry);
}

int fs_lookup_self(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry)
{
	return check_entry(call_layer(fs, lookup_self, call, node, ret_entry), ret_entry);
}

int fs_lookup_parent(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry)
{
	return check_entry(call_layer(fs, lookup_parent, call, node, ret_entry), ret_entry);
}

void fs_forget(struct fs *fs, uint64_t node, uint64_t count)
{
	struct fs *layer = find_layer(fs, forget);

	if (layer)
		layer->ops->forget(layer, node, count);
}

int fs_getattr(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fuse_attr *ret_attr)
{
	return call_layer(fs, getattr, call, node, fh, ret_attr);
}

int fs_setattr(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in,
	       struct fuse_attr *ret_attr)
{
	return call_layer(fs, setattr, call, node, in, ret_attr);
}

int fs_statx(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint32_t flags, uint32_t mask,
	     struct fuse_statx_out *ret)
{
	return call_layer(fs, statx, call, node, fh, flags, mask, ret);
}

int fs_readlink(struct fs *fs, struct fs_call *call, uint64_t node, char *buffer, size_t size, size_t *ret_length)
{
	return check_length(call_layer(fs, readlink, call, node, buffer, size, ret_length), ret_length, size);
}

int fs_symlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target,
	       struct fuse_entry_out *ret_entry)
{
	return check_entry(call_layer(fs, symlink, call, parent, name, target, ret_entry), ret_entry);
}

int fs_mknod(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev,
	     uint32_t umask, struct fuse_entry_out *ret_entry)
{
	return check_entry(call_layer(fs, mknod, call, parent, name, mode, rdev, umask, ret_entry), ret_entry);
}

int fs_mkdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t umask,
	     struct fuse_entry_out *ret_entry)
{
	return check_entry(call_layer(fs, mkdir, call, parent, name, mode, umask, ret_entry), ret_entry);
}

int fs_unlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name)
{
	return call_layer(fs, unlink, call, parent, name);
}

int fs_rmdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name)
{
	return call_layer(fs, rmdir, call, parent, name);
}

int fs_rename(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint64_t new_parent,
	      const char *new_name, uint32_t flags)
{
	return call_layer(fs, rename, call, parent, name, new_parent, new_name, flags);
}

int fs_link(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t new_parent, const char *new_name,
	    struct fuse_entry_out *ret_entry)
{
	return check_entry(call_layer(fs, link, call, node, new_parent, new_name, ret_entry), ret_entry);
}

int fs_open(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, uint32_t open_flags,
	    struct fs_open *ret_open)
{
	return call_layer(fs, open, call, node, flags, open_flags, ret_open);
}

int fs_create(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const struct fuse_create_in *in,
	      struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	return check_entry(call_layer(fs, create, call, parent, name, in, ret_entry, ret_open), ret_entry);
}

int fs_tmpfile(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in,
	       struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	return check_entry(call_layer(fs, tmpfile, call, parent, in, ret_entry, ret_open), ret_entry);
}

int fs_read(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, const struct iovec *iov,
	    size_t count, size_t *ret_length)
{
	int result = call_layer(fs, read, call, node, fh, offset, iov, count, ret_length);

	assert(result != 0 || *ret_length <= iov_length(iov, count));
	return result;
}

int fs_write(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_write_in *in,
	     const struct iovec *iov, size_t count, size_t *ret_length)
{
	int result = call_layer(fs, write, call, node, in, iov, count, ret_length);

	assert(result != 0 || *ret_length <= iov_length(iov, count));
	return result;
}

int fs_statfs(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_kstatfs *ret_statfs)
{
	return call_layer(fs, statfs, call, node, ret_statfs);
}

int fs_release(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_release_in *in)
{
	return call_layer(fs, release, call, node, in);
}

int fs_flush(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t lock_owner)
{
	return call_layer(fs, flush, call, node, fh, lock_owner);
}

int fs_fsync(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only)
{
	return call_layer(fs, fsync, call, node, fh, data_only);
}

int fs_opendir(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, struct fs_open *ret_open)
{
	return call_layer(fs, opendir, call, node, flags, ret_open);
}

int fs_readdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
	       struct fs_dir_sink *sink)
{
	return call_layer(fs, readdir, call, node, fh, offset, sink);
}

int fs_releasedir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh)
{
	return call_layer(fs, releasedir, call, node, fh);
}

int fs_fsyncdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only)
{
	return call_layer(fs, fsyncdir, call, node, fh, data_only);
}

int fs_setxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, const void *value, size_t size,
		uint32_t flags, uint32_t setxattr_flags)
{
	return call_layer(fs, setxattr, call, node, name, value, size, flags, setxattr_flags);
}

int fs_getxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, void *value, size_t size,
		size_t *ret_size)
{
	int result = call_layer(fs, getxattr, call, node, name, value, size, ret_size);

	return size > 0 ? check_length(result, ret_size, size) : result;
}

int fs_listxattr(struct fs *fs, struct fs_call *call, uint64_t node, char *list, size_t size, size_t *ret_size)
{
	int result = call_layer(fs, listxattr, call, node, list, size, ret_size);

	return size > 0 ? check_length(result, ret_size, size) : result;
}

int fs_removexattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name)
{
	return call_layer(fs, removexattr, call, node, name);
}

int fs_getlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in,
	     struct fuse_file_lock *ret_lock)
{
	return call_layer(fs, getlk, call, node, in, ret_lock);
}

int fs_setlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, bool wait)
{
	return call_layer(fs, setlk, call, node, in, wait);
}

int fs_access(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t mask)
{
	return call_layer(fs, access, call, node, mask);
}

int fs_fallocate(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_fallocate_in *in)
{
	return call_layer(fs, fallocate, call, node, in);
}

int fs_lseek(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, uint32_t whence,
	     uint64_t *ret_offset)
{
	return call_layer(fs, lseek, call, node, fh, offset, whence, ret_offset);
}

int fs_copy_file_range(struct fs *fs, struct fs_call *call, const struct fs_copy *copy, uint64_t *ret_copied)
{
	int result = call_layer(fs, copy_file_range, call, copy, ret_copied);

	assert(result != 0 || *ret_copied <= copy->length);
	return result;
}

int fs_syncfs(struct fs *fs, struct fs_call *call, uint64_t node)
{
	return call_layer(fs, syncfs, call, node);
}

int fs_ioctl(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fs_ioctl *ioctl)
{
	int result = call_layer(fs, ioctl, call, node, fh, ioctl);

	assert(result != 0 || *ioctl->ret_size <= ioctl->out_size);
	return result;
}

void fs_interrupt(struct fs *fs, uint64_t unique)
{
	struct fs *layer = find_layer(fs, interrupt);

	if (layer)
		layer->ops->interrupt(layer, unique);
}
