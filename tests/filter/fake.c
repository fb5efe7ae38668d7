/* SPDX-License-Identifier: BSD-3-Clause */
#include "tests/filter/fake.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/util.h"

static struct fake *fake_from_fs(struct fs *fs)
{
	return container_of(fs, struct fake, fs);
}

static int note(struct fs *fs, struct fs_call *call, const char *operation)
{
	struct fake *fake = fake_from_fs(fs);

	fake->calls++;
	fake->operation = operation;
	fake->seen.uid = call->uid;
	fake->seen.gid = call->gid;
	fake->seen.group = call->group;
	snprintf(fake->seen.secctx, sizeof(fake->seen.secctx), "%s", call->secctx_name ? call->secctx_name : "");
	return fake->answer;
}

static int answer_attr(struct fs *fs, struct fs_call *call, const char *operation, struct fuse_attr *attr)
{
	struct fake *fake = fake_from_fs(fs);

	note(fs, call, operation);
	if (fake->later) {
		fake->call = call;
		fake->attr = attr;
		return FS_PENDING;
	}
	attr->uid = fake->uid;
	attr->gid = fake->gid;
	return fake->answer;
}

static int answer_entry(struct fs *fs, struct fs_call *call, const char *operation, struct fuse_entry_out *entry)
{
	entry->nodeid = 7;
	return answer_attr(fs, call, operation, &entry->attr);
}

void fake_complete(struct fake *fake)
{
	fake->attr->uid = fake->uid;
	fake->attr->gid = fake->gid;
	fake->call->complete(fake->call, fake->answer);
}

static void fake_destroy(struct fs *fs)
{
	fake_from_fs(fs)->destroyed = true;
}

static int fake_lookup(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		       struct fuse_entry_out *ret_entry)
{
	return answer_entry(fs, call, "lookup", ret_entry);
}

static int fake_lookup_node(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry)
{
	return answer_entry(fs, call, "lookup_self", ret_entry);
}

static void fake_forget(struct fs *fs, uint64_t node, uint64_t count)
{
	fake_from_fs(fs)->calls++;
}

static int fake_getattr(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fuse_attr *ret_attr)
{
	return answer_attr(fs, call, "getattr", ret_attr);
}

static int fake_setattr(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in,
			struct fuse_attr *ret_attr)
{
	struct fake *fake = fake_from_fs(fs);

	fake->seen.valid = in->valid;
	fake->seen.set_uid = in->uid;
	fake->seen.set_gid = in->gid;
	return answer_attr(fs, call, "setattr", ret_attr);
}

static int fake_statx(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint32_t flags, uint32_t mask,
		      struct fuse_statx_out *ret)
{
	struct fake *fake = fake_from_fs(fs);

	ret->stat.uid = fake->uid;
	ret->stat.gid = fake->gid;
	return note(fs, call, "statx");
}

static int fake_readlink(struct fs *fs, struct fs_call *call, uint64_t node, char *buffer, size_t size,
			 size_t *ret_length)
{
	*ret_length = 0;
	return note(fs, call, "readlink");
}

static int fake_symlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target,
			struct fuse_entry_out *ret_entry)
{
	return answer_entry(fs, call, "symlink", ret_entry);
}

static int fake_mknod(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
		      uint32_t rdev, uint32_t umask, struct fuse_entry_out *ret_entry)
{
	return answer_entry(fs, call, "mknod", ret_entry);
}

static int fake_mkdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
		      uint32_t umask, struct fuse_entry_out *ret_entry)
{
	return answer_entry(fs, call, "mkdir", ret_entry);
}

static int fake_unlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name)
{
	return note(fs, call, "unlink");
}

static int fake_rmdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name)
{
	return note(fs, call, "rmdir");
}

static int fake_rename(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint64_t new_parent,
		       const char *new_name, uint32_t flags)
{
	return note(fs, call, "rename");
}

static int fake_link(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t new_parent, const char *new_name,
		     struct fuse_entry_out *ret_entry)
{
	return answer_entry(fs, call, "link", ret_entry);
}

static int fake_open(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, uint32_t open_flags,
		     struct fs_open *ret_open)
{
	return note(fs, call, "open");
}

static int fake_create(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		       const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	return answer_entry(fs, call, "create", ret_entry);
}

static int fake_tmpfile(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in,
			struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	return answer_entry(fs, call, "tmpfile", ret_entry);
}

static int fake_read(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		     const struct iovec *iov, size_t count, size_t *ret_length)
{
	*ret_length = 0;
	return note(fs, call, "read");
}

static int fake_write(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_write_in *in,
		      const struct iovec *iov, size_t count, size_t *ret_length)
{
	*ret_length = 0;
	return note(fs, call, "write");
}

static int fake_statfs(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_kstatfs *ret_statfs)
{
	return note(fs, call, "statfs");
}

static int fake_release(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_release_in *in)
{
	return note(fs, call, "release");
}

static int fake_flush(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t lock_owner)
{
	return note(fs, call, "flush");
}

static int fake_fsync(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only)
{
	return note(fs, call, "fsync");
}

static int fake_opendir(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, struct fs_open *ret_open)
{
	return note(fs, call, "opendir");
}

/* Two entries: one without attributes, one with. */
static int fake_readdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
			struct fs_dir_sink *sink)
{
	struct fake *fake = fake_from_fs(fs);
	struct fuse_entry_out entry = { .nodeid = 0 };
	int result = note(fs, call, "readdir");

	if (result < 0 || !sink->fits(sink, 1) || sink->add(sink, ".", 1, 1, 4, 1, sink->plus ? &entry : NULL) < 0)
		return result;
	entry = (struct fuse_entry_out){ .nodeid = 7, .attr = { .uid = fake->uid, .gid = fake->gid } };
	if (sink->fits(sink, 4))
		sink->add(sink, "file", 4, 7, 8, 2, sink->plus ? &entry : NULL);
	return result;
}

static int fake_releasedir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh)
{
	return note(fs, call, "releasedir");
}

static int fake_fsyncdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only)
{
	return note(fs, call, "fsyncdir");
}

static int note_name(struct fs *fs, struct fs_call *call, const char *operation, const char *name)
{
	struct fake *fake = fake_from_fs(fs);

	snprintf(fake->seen.name, sizeof(fake->seen.name), "%s", name);
	return note(fs, call, operation);
}

static int fake_setxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, const void *value,
			 size_t size, uint32_t flags, uint32_t setxattr_flags)
{
	return note_name(fs, call, "setxattr", name);
}

static int fake_getxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, void *value, size_t size,
			 size_t *ret_size)
{
	*ret_size = 0;
	return note_name(fs, call, "getxattr", name);
}

static int fake_listxattr(struct fs *fs, struct fs_call *call, uint64_t node, char *list, size_t size, size_t *ret_size)
{
	struct fake *fake = fake_from_fs(fs);
	int result = note(fs, call, "listxattr");

	if (size && size < fake->list_size)
		return -ERANGE;
	if (size)
		memcpy(list, fake->list, fake->list_size);
	*ret_size = fake->list_size;
	return result;
}

static int fake_removexattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name)
{
	struct fake *fake = fake_from_fs(fs);

	fake->removals++;
	snprintf(fake->removed, sizeof(fake->removed), "%s", name);
	fake->removed_from = node;
	return note_name(fs, call, "removexattr", name);
}

static int fake_getlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in,
		      struct fuse_file_lock *ret_lock)
{
	return note(fs, call, "getlk");
}

static int fake_setlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, bool wait)
{
	return note(fs, call, "setlk");
}

static int fake_access(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t mask)
{
	return note(fs, call, "access");
}

static int fake_fallocate(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_fallocate_in *in)
{
	return note(fs, call, "fallocate");
}

static int fake_lseek(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, uint32_t whence,
		      uint64_t *ret_offset)
{
	return note(fs, call, "lseek");
}

static int fake_copy_file_range(struct fs *fs, struct fs_call *call, const struct fs_copy *copy, uint64_t *ret_copied)
{
	*ret_copied = 0;
	return note(fs, call, "copy_file_range");
}

static int fake_syncfs(struct fs *fs, struct fs_call *call, uint64_t node)
{
	return note(fs, call, "syncfs");
}

static int fake_ioctl(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fs_ioctl *ioctl)
{
	*ioctl->ret_size = 0;
	return note(fs, call, "ioctl");
}

static const struct fs_ops fake_ops = {
	.destroy = fake_destroy,
	.lookup = fake_lookup,
	.lookup_self = fake_lookup_node,
	.lookup_parent = fake_lookup_node,
	.forget = fake_forget,
	.getattr = fake_getattr,
	.setattr = fake_setattr,
	.statx = fake_statx,
	.readlink = fake_readlink,
	.symlink = fake_symlink,
	.mknod = fake_mknod,
	.mkdir = fake_mkdir,
	.unlink = fake_unlink,
	.rmdir = fake_rmdir,
	.rename = fake_rename,
	.link = fake_link,
	.open = fake_open,
	.create = fake_create,
	.tmpfile = fake_tmpfile,
	.read = fake_read,
	.write = fake_write,
	.statfs = fake_statfs,
	.release = fake_release,
	.flush = fake_flush,
	.fsync = fake_fsync,
	.opendir = fake_opendir,
	.readdir = fake_readdir,
	.releasedir = fake_releasedir,
	.fsyncdir = fake_fsyncdir,
	.setxattr = fake_setxattr,
	.getxattr = fake_getxattr,
	.listxattr = fake_listxattr,
	.removexattr = fake_removexattr,
	.getlk = fake_getlk,
	.setlk = fake_setlk,
	.access = fake_access,
	.fallocate = fake_fallocate,
	.lseek = fake_lseek,
	.copy_file_range = fake_copy_file_range,
	.syncfs = fake_syncfs,
	.ioctl = fake_ioctl,
};

void fake_init(struct fake *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->fs = (struct fs){ .ops = &fake_ops, .name = "fake" };
}
