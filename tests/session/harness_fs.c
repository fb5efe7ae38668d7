/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system of the harness. */
#include "harness.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/iov.h"
#include "harness_fs.h"

static struct harness_fs *note(struct fs *fs, struct fs_call *call, const char *operation, uint64_t node)
{
	struct harness_fs *own = (struct harness_fs *)fs;

	own->calls++;
	own->operation = operation;
	own->copy = *call;
	own->node = node;
	/* Another thread may be waiting for it. */
	__atomic_store_n(&own->call, call, __ATOMIC_RELEASE);
	return own;
}

static int answer(struct harness_fs *own)
{
	if (own->result == FS_PENDING && own->complete_early)
		own->call->complete(own->call, 0);
	return own->result;
}

static void set_names(struct harness_fs *own, const char *name, const char *name2)
{
	snprintf(own->name, sizeof(own->name), "%s", name);
	snprintf(own->name2, sizeof(own->name2), "%s", name2 ? name2 : "");
}

static const struct fuse_attr some_attr = {
	.ino = 77, .mode = S_IFREG | 0644, .nlink = 1, .flags = FUSE_ATTR_SUBMOUNT
};

static int answer_entry(struct harness_fs *own, struct fuse_entry_out *entry)
{
	/* What points into the request does not outlive it: copy here. */
	if (own->copy.secctx_name) {
		snprintf(own->name2, sizeof(own->name2), "%s", own->copy.secctx_name);
		memcpy(own->data, own->copy.secctx_value, own->copy.secctx_size);
	}
	*entry = (struct fuse_entry_out){ .nodeid = 5, .generation = 6, .attr = some_attr };
	return answer(own);
}

static int answer_open(struct harness_fs *own, struct fs_open *ret_open)
{
	*ret_open = (struct fs_open){ .fh = 9, .open_flags = FOPEN_NONSEEKABLE };
	return answer(own);
}

static int op_init(struct fs *fs, const struct fs_session_info *info)
{
	struct harness_fs *own = (struct harness_fs *)fs;

	own->inits++;
	own->info = *info;
	return 0;
}

static void op_reset(struct fs *fs)
{
	((struct harness_fs *)fs)->resets++;
}

static void op_destroy(struct fs *fs)
{
}

static int op_lookup(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		     struct fuse_entry_out *ret_entry)
{
	struct harness_fs *own = note(fs, call, "lookup", parent);

	set_names(own, name, NULL);
	return answer_entry(own, ret_entry);
}

static int op_lookup_self(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry)
{
	return answer_entry(note(fs, call, "lookup_self", node), ret_entry);
}

static int op_lookup_parent(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry)
{
	return answer_entry(note(fs, call, "lookup_parent", node), ret_entry);
}

static void op_forget(struct fs *fs, uint64_t node, uint64_t count)
{
	struct harness_fs *own = (struct harness_fs *)fs;

	own->forgets++;
	own->node = node;
	own->forgotten += count;
}

static int op_getattr(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fuse_attr *ret_attr)
{
	struct harness_fs *own = note(fs, call, "getattr", node);

	own->fh = fh;
	*ret_attr = some_attr;
	return answer(own);
}

static int op_setattr(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in,
		      struct fuse_attr *ret_attr)
{
	struct harness_fs *own = note(fs, call, "setattr", node);

	own->fh = in->fh;
	own->flags = in->valid;
	*ret_attr = some_attr;
	return answer(own);
}

static int op_statx(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint32_t flags, uint32_t mask,
		    struct fuse_statx_out *ret)
{
	struct harness_fs *own = note(fs, call, "statx", node);

	own->fh = fh;
	own->flags = flags;
	own->mode = mask;
	ret->stat.btime.tv_sec = 1234;
	return answer(own);
}

static int op_readlink(struct fs *fs, struct fs_call *call, uint64_t node, char *buffer, size_t size,
		       size_t *ret_length)
{
	struct harness_fs *own = note(fs, call, "readlink", node);

	if (own->data_length > size)
		return -ENAMETOOLONG;
	memcpy(buffer, own->data, own->data_length);
	*ret_length = own->data_length;
	return answer(own);
}

static int op_symlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target,
		      struct fuse_entry_out *ret_entry)
{
	struct harness_fs *own = note(fs, call, "symlink", parent);

	set_names(own, name, target);
	return answer_entry(own, ret_entry);
}

static int op_mknod(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
		    uint32_t rdev, uint32_t umask, struct fuse_entry_out *ret_entry)
{
	struct harness_fs *own = note(fs, call, "mknod", parent);

	set_names(own, name, NULL);
	own->mode = mode;
	own->umask = umask;
	own->other = rdev;
	return answer_entry(own, ret_entry);
}

static int op_mkdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
		    uint32_t umask, struct fuse_entry_out *ret_entry)
{
	struct harness_fs *own = note(fs, call, "mkdir", parent);

	set_names(own, name, NULL);
	own->mode = mode;
	own->umask = umask;
	return answer_entry(own, ret_entry);
}

static int op_unlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name)
{
	struct harness_fs *own = note(fs, call, "unlink", parent);

	set_names(own, name, NULL);
	return answer(own);
}

static int op_rmdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name)
{
	struct harness_fs *own = note(fs, call, "rmdir", parent);

	set_names(own, name, NULL);
	return answer(own);
}

static int op_rename(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint64_t new_parent,
		     const char *new_name, uint32_t flags)
{
	struct harness_fs *own = note(fs, call, "rename", parent);

	set_names(own, name, new_name);
	own->other = new_parent;
	own->flags = flags;
	return answer(own);
}

static int op_link(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t new_parent, const char *new_name,
		   struct fuse_entry_out *ret_entry)
{
	struct harness_fs *own = note(fs, call, "link", node);

	set_names(own, new_name, NULL);
	own->other = new_parent;
	return answer_entry(own, ret_entry);
}

static int op_open(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, uint32_t open_flags,
		   struct fs_open *ret_open)
{
	struct harness_fs *own = note(fs, call, "open", node);

	own->flags = flags;
	own->other = open_flags;
	return answer_open(own, ret_open);
}

static int op_create(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		     const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	struct harness_fs *own = note(fs, call, "create", parent);

	set_names(own, name, NULL);
	own->flags = in->flags;
	own->umask = in->umask;
	*ret_open = (struct fs_open){ .fh = 9 };
	return answer_entry(own, ret_entry);
}

static int op_tmpfile(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in,
		      struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	*ret_open = (struct fs_open){ .fh = 9 };
	return answer_entry(note(fs, call, "tmpfile", parent), ret_entry);
}

static int op_read(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		   const struct iovec *iov, size_t count, size_t *ret_length)
{
	struct harness_fs *own = note(fs, call, "read", node);
	struct iov_cursor cursor;

	own->fh = fh;
	own->offset = offset;
	own->other = iov_length(iov, count);
	iov_cursor_init(&cursor, iov, count);
	*ret_length = iov_cursor_write(&cursor, own->data, own->data_length);
	return answer(own);
}

static int op_write(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_write_in *in,
		    const struct iovec *iov, size_t count, size_t *ret_length)
{
	struct harness_fs *own = note(fs, call, "write", node);
	struct iov_cursor cursor;

	own->fh = in->fh;
	own->offset = in->offset;
	iov_cursor_init(&cursor, iov, count);
	own->data_length = *ret_length = iov_cursor_read(&cursor, own->data, sizeof(own->data));
	return answer(own);
}

static int op_statfs(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_kstatfs *ret_statfs)
{
	ret_statfs->blocks = 4711;
	return answer(note(fs, call, "statfs", node));
}

static int op_release(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_release_in *in)
{
	struct harness_fs *own = note(fs, call, "release", node);

	own->fh = in->fh;
	return answer(own);
}

static int op_flush(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t lock_owner)
{
	struct harness_fs *own = note(fs, call, "flush", node);

	own->fh = fh;
	own->other = lock_owner;
	return answer(own);
}

static int op_fsync(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only)
{
	struct harness_fs *own = note(fs, call, "fsync", node);

	own->fh = fh;
	own->flags = data_only;
	return answer(own);
}

static int op_opendir(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, struct fs_open *ret_open)
{
	return answer_open(note(fs, call, "opendir", node), ret_open);
}

static int op_readdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		      struct fs_dir_sink *sink)
{
	struct harness_fs *own = note(fs, call, sink->plus ? "readdirplus" : "readdir", node);

	own->fh = fh;
	own->offset = offset;
	for (own->other = 0; own->other < own->entries; own->other++) {
		char name[32];
		int length = snprintf(name, sizeof(name), "entry%llu", (unsigned long long)own->other);
		struct fuse_entry_out entry = { .nodeid = own->other == 0 ? 0 : 5, .attr.flags = FUSE_ATTR_SUBMOUNT };
		bool fits = sink->fits(sink, (size_t)length);
		int error = sink->add(sink, name, (size_t)length, 100 + own->other, 8, own->other + 1,
				      sink->plus ? &entry : NULL);

		assert_int_equal(fits, error == 0);
		if (error) {
			assert_int_equal(error, -ENOSPC);
			break;
		}
	}
	return own->list_result ? own->list_result : answer(own);
}

static int op_releasedir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh)
{
	struct harness_fs *own = note(fs, call, "releasedir", node);

	own->fh = fh;
	return answer(own);
}

static int op_fsyncdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only)
{
	struct harness_fs *own = note(fs, call, "fsyncdir", node);

	own->fh = fh;
	own->flags = data_only;
	return answer(own);
}

static int op_setxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, const void *value,
		       size_t size, uint32_t flags, uint32_t setxattr_flags)
{
	struct harness_fs *own = note(fs, call, "setxattr", node);

	set_names(own, name, NULL);
	memcpy(own->data, value, size);
	own->data_length = size;
	own->flags = flags;
	own->other = setxattr_flags;
	return answer(own);
}

static int answer_value(struct harness_fs *own, void *value, size_t size, size_t *ret_size)
{
	if (size > 0 && own->data_length > size)
		return -ERANGE;
	if (size > 0)
		memcpy(value, own->data, own->data_length);
	*ret_size = own->data_length;
	return answer(own);
}

static int op_getxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, void *value, size_t size,
		       size_t *ret_size)
{
	struct harness_fs *own = note(fs, call, "getxattr", node);

	set_names(own, name, NULL);
	return answer_value(own, value, size, ret_size);
}

static int op_listxattr(struct fs *fs, struct fs_call *call, uint64_t node, char *list, size_t size, size_t *ret_size)
{
	return answer_value(note(fs, call, "listxattr", node), list, size, ret_size);
}

static int op_removexattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name)
{
	struct harness_fs *own = note(fs, call, "removexattr", node);

	set_names(own, name, NULL);
	return answer(own);
}

static int op_getlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in,
		    struct fuse_file_lock *ret_lock)
{
	*ret_lock = in->lk;
	ret_lock->pid = 4242;
	return answer(note(fs, call, "getlk", node));
}

static int op_setlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, bool wait)
{
	return answer(note(fs, call, wait ? "setlkw" : "setlk", node));
}

static int op_access(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t mask)
{
	struct harness_fs *own = note(fs, call, "access", node);

	own->flags = mask;
	return answer(own);
}

static int op_fallocate(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_fallocate_in *in)
{
	struct harness_fs *own = note(fs, call, "fallocate", node);

	own->offset = in->offset;
	return answer(own);
}

static int op_lseek(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, uint32_t whence,
		    uint64_t *ret_offset)
{
	*ret_offset = offset + 1;
	return answer(note(fs, call, "lseek", node));
}

static int op_copy(struct fs *fs, struct fs_call *call, const struct fs_copy *copy, uint64_t *ret_copied)
{
	struct harness_fs *own = note(fs, call, "copy_file_range", copy->node_in);

	own->other = copy->node_out;
	*ret_copied = copy->length;
	return answer(own);
}

static int op_syncfs(struct fs *fs, struct fs_call *call, uint64_t node)
{
	return answer(note(fs, call, "syncfs", node));
}

static int op_ioctl(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fs_ioctl *ioctl)
{
	struct harness_fs *own = note(fs, call, "ioctl", node);

	own->flags = ioctl->command;
	memcpy(own->data, ioctl->in, ioctl->in_size);
	own->data_length = ioctl->in_size;
	memset(ioctl->out, 'o', ioctl->out_size);
	*ioctl->ret_size = ioctl->out_size;
	return answer(own);
}

static void op_interrupt(struct fs *fs, uint64_t unique)
{
	struct harness_fs *own = (struct harness_fs *)fs;

	own->interrupts++;
	own->other = unique;
}

const struct fs_ops harness_ops = {
	.init = op_init,
	.reset = op_reset,
	.destroy = op_destroy,
	.lookup = op_lookup,
	.lookup_self = op_lookup_self,
	.lookup_parent = op_lookup_parent,
	.forget = op_forget,
	.getattr = op_getattr,
	.setattr = op_setattr,
	.statx = op_statx,
	.readlink = op_readlink,
	.symlink = op_symlink,
	.mknod = op_mknod,
	.mkdir = op_mkdir,
	.unlink = op_unlink,
	.rmdir = op_rmdir,
	.rename = op_rename,
	.link = op_link,
	.open = op_open,
	.create = op_create,
	.tmpfile = op_tmpfile,
	.read = op_read,
	.write = op_write,
	.statfs = op_statfs,
	.release = op_release,
	.flush = op_flush,
	.fsync = op_fsync,
	.opendir = op_opendir,
	.readdir = op_readdir,
	.releasedir = op_releasedir,
	.fsyncdir = op_fsyncdir,
	.setxattr = op_setxattr,
	.getxattr = op_getxattr,
	.listxattr = op_listxattr,
	.removexattr = op_removexattr,
	.getlk = op_getlk,
	.setlk = op_setlk,
	.access = op_access,
	.fallocate = op_fallocate,
	.lseek = op_lseek,
	.copy_file_range = op_copy,
	.syncfs = op_syncfs,
	.ioctl = op_ioctl,
	.interrupt = op_interrupt,
};
