/* SPDX-License-Identifier: BSD-3-Clause */
/* Open files and directories. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "fs/memory/internal.h"

int mem_file_new(struct memory *memory, struct inode *inode, uint32_t flags, uint64_t *ret_fh)
{
	struct file *file = calloc(1, sizeof(*file));
	int r;

	if (!file)
		return -ENOMEM;
	file->inode = inode;
	file->flags = flags;
	r = table_add(&memory->files, file, &file->id);
	if (r < 0) {
		free(file);
		return r;
	}
	inode->pins++;
	*ret_fh = file->id;
	return 0;
}

void mem_file_free(struct memory *memory, struct file *file)
{
	struct inode *inode = file->inode;

	table_remove(&memory->files, file->id);
	free(file);
	inode->pins--;
	inode_drop(memory, inode);
}

int mem_file_get(struct memory *memory, uint64_t fh, const struct inode *inode, struct file **ret_file)
{
	struct file *file;

	*ret_file = NULL;
	if (fh == FS_NO_HANDLE)
		return 0;
	file = table_get(&memory->files, fh);
	if (!file || file->inode != inode)
		return -EBADF;
	*ret_file = file;
	return 0;
}

int mem_file_get_data(struct memory *memory, uint64_t node, uint64_t fh, int access, struct inode **ret_inode,
		      struct file **ret_file)
{
	int r = inode_get(memory, node, ret_inode);
	int mode;

	if (r == 0)
		r = mem_file_get(memory, fh, *ret_inode, ret_file);
	if (r < 0)
		return r;
	if (!S_ISREG((*ret_inode)->mode))
		return S_ISDIR((*ret_inode)->mode) ? -EISDIR : -EINVAL;
	mode = *ret_file ? (int)((*ret_file)->flags & O_ACCMODE) : O_RDWR;
	return mode == O_RDWR || mode == access ? 0 : -EBADF;
}

/* A guest that caches writes reads the rest of the pages it writes to. */
static uint32_t effective_flags(const struct memory *memory, uint32_t flags)
{
	if (memory->info.writeback && (flags & O_ACCMODE) == O_WRONLY)
		flags = (flags & ~(uint32_t)O_ACCMODE) | O_RDWR;
	return flags;
}

static int open_inode(struct memory *memory, struct inode *inode, uint32_t flags, uint32_t open_flags,
		      struct fs_open *ret_open)
{
	int r;

	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		break;
	case S_IFDIR:
		return -EISDIR;
	case S_IFLNK:
		return -ELOOP;
	default:
		return -ENXIO;
	}
	*ret_open = (struct fs_open){ 0 };
	r = mem_file_new(memory, inode, effective_flags(memory, flags), &ret_open->fh);
	if (r < 0)
		return r;
	if (flags & O_TRUNC) {
		mem_data_resize(memory, inode, 0);
		if (open_flags & FUSE_OPEN_KILL_SUIDGID)
			inode_kill_suidgid(inode);
		mem_xattr_drop(memory, inode, "security.capability");
		inode_touch(inode);
	}
	return 0;
}

int memory_open(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, uint32_t open_flags,
		struct fs_open *ret_open)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	int r = inode_get(memory, node, &inode);

	return r < 0 ? r : open_inode(memory, inode, flags, open_flags, ret_open);
}

/* A file that did not exist is open to its maker whatever its mode says. */
static int create_new(struct memory *memory, struct fs_call *call, struct inode *directory, const char *name,
		      const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	uint32_t mode = S_IFREG | (in->mode & 07777 & ~in->umask);
	struct inode *inode = NULL;
	int r = entry_make(memory, call, directory, name, mode, 0, NULL, &inode);

	if (r < 0)
		return r;
	r = open_inode(memory, inode, in->flags & ~(uint32_t)O_TRUNC, 0, ret_open);
	if (r < 0) {
		entry_remove(memory, directory, dir_find(&directory->dir, name));
		entry_unlinked(memory, inode);
		return r;
	}
	inode_give(inode, ret_entry);
	return 0;
}

int memory_create(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		  const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *directory = NULL;
	struct dir_entry *entry;
	int r = inode_get_dir(memory, parent, &directory);

	if (r < 0)
		return r;
	entry = dir_find(&directory->dir, name);
	if (!entry)
		return create_new(memory, call, directory, name, in, ret_entry, ret_open);
	if (in->flags & O_EXCL)
		return -EEXIST;
	r = open_inode(memory, entry->inode, in->flags, in->open_flags, ret_open);
	if (r < 0)
		return r;
	inode_give(entry->inode, ret_entry);
	return 0;
}

int memory_tmpfile(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in,
		   struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *directory = NULL, *inode = NULL;
	int r = inode_get_dir(memory, parent, &directory);

	if (r == 0)
		r = inode_new(memory, call, directory, S_IFREG | (in->mode & 07777 & ~in->umask), &inode);
	if (r < 0)
		return r;
	inode->linkable = !(in->flags & O_EXCL);
	r = open_inode(memory, inode, in->flags & ~(uint32_t)O_TRUNC, 0, ret_open);
	if (r < 0) {
		inode_drop(memory, inode);
		return r;
	}
	inode_give(inode, ret_entry);
	return 0;
}

/* Closes fh and ends what hangs on it; the owner's locks as release_flags say. */
static int close_file(struct memory *memory, uint64_t node, const struct fuse_release_in *in, struct list *completed)
{
	struct inode *inode = NULL;
	struct file *file = NULL;
	int r = inode_get(memory, node, &inode);

	if (r == 0)
		r = mem_file_get(memory, in->fh, inode, &file);
	if (r < 0)
		return r;
	if (in->release_flags & FUSE_RELEASE_FLUSH)
		mem_lock_drop_owner(memory, inode, in->lock_owner, false, completed);
	if (in->release_flags & FUSE_RELEASE_FLOCK_UNLOCK)
		mem_lock_drop_owner(memory, inode, in->lock_owner, true, completed);
	if (file) {
		mem_lock_cancel_file(memory, file->id, completed);
		mem_lock_drop_file(memory, inode, file->id, completed);
		mem_file_free(memory, file);
	}
	return 0;
}

int memory_release(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_release_in *in)
{
	struct list completed;
	int r;

	list_init(&completed);
	{
		_cleanup_unlock_ struct memory *memory = memory_lock(fs);

		r = close_file(memory, node, in, &completed);
	}
	mem_lock_complete(&completed);
	return r;
}

/* A process has closed one of its descriptors: its POSIX locks go. */
int memory_flush(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t lock_owner)
{
	struct list completed;
	struct inode *inode = NULL;
	struct file *file;
	int r;

	list_init(&completed);
	{
		_cleanup_unlock_ struct memory *memory = memory_lock(fs);

		r = inode_get(memory, node, &inode);
		if (r == 0)
			r = mem_file_get(memory, fh, inode, &file);
		if (r == 0)
			mem_lock_drop_owner(memory, inode, lock_owner, false, &completed);
	}
	mem_lock_complete(&completed);
	return r;
}

/* Memory is as durable as it gets. */
int memory_fsync(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	struct file *file;
	int r = inode_get(memory, node, &inode);

	return r < 0 ? r : mem_file_get(memory, fh, inode, &file);
}

int memory_syncfs(struct fs *fs, struct fs_call *call, uint64_t node)
{
	return 0;
}

int memory_ioctl(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fs_ioctl *ioctl)
{
	return -ENOTTY;
}

int memory_opendir(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, struct fs_open *ret_open)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	int r = inode_get_dir(memory, node, &inode);

	if (r < 0)
		return r;
	*ret_open = (struct fs_open){ 0 };
	return mem_file_new(memory, inode, flags, &ret_open->fh);
}

int memory_releasedir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	struct file *file = NULL;
	int r = inode_get_dir(memory, node, &inode);

	if (r == 0)
		r = mem_file_get(memory, fh, inode, &file);
	if (r == 0 && file)
		mem_file_free(memory, file);
	return r;
}
