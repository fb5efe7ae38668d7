/* SPDX-License-Identifier: BSD-3-Clause */
/* Names: making and removing the entries of directories and what they lead to. */
#include <errno.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "fs/memory/internal.h"

#define LINK_MAX_COUNT 65000u

static uint64_t entry_bytes(size_t length)
{
	return sizeof(struct dir_entry) + length + 1;
}

int entry_add(struct memory *memory, struct inode *parent, const char *name, struct inode *inode)
{
	uint64_t bytes = entry_bytes(strlen(name));
	int r = memory_charge(memory, bytes);

	if (r < 0)
		return r;
	r = dir_add(&parent->dir, name, inode);
	if (r < 0)
		memory_uncharge(memory, bytes);
	return r;
}

void entry_remove(struct memory *memory, struct inode *parent, struct dir_entry *entry)
{
	memory_uncharge(memory, entry_bytes(entry->length));
	dir_remove(&parent->dir, entry);
}

void entry_unlinked(struct memory *memory, struct inode *inode)
{
	inode_touch_ctime(inode);
	inode->linkable = false;
	if (S_ISDIR(inode->mode)) {
		inode->dir.parent->nlink--;
		inode->dir.parent = NULL;
		inode->nlink = 0;
	} else {
		inode->nlink--;
	}
	inode_drop(memory, inode);
}

/* Whether a name can be added to this directory. */
static int check_new(const struct inode *parent, const char *name)
{
	if (strlen(name) > FS_NAME_MAX)
		return -ENAMETOOLONG;
	if (dir_find(&parent->dir, name))
		return -EEXIST;
	return parent->nlink ? 0 : -ENOENT;
}

static int set_target(struct memory *memory, struct inode *inode, const char *target)
{
	size_t length = strlen(target);
	int r;

	if (!length)
		return -ENOENT;
	if (length >= PATH_MAX)
		return -ENAMETOOLONG;
	r = memory_charge(memory, length);
	if (r < 0)
		return r;
	inode->target = strdup(target);
	if (!inode->target) {
		memory_uncharge(memory, length);
		return -ENOMEM;
	}
	inode->size = length;
	return 0;
}

int entry_make(struct memory *memory, const struct fs_call *call, struct inode *parent, const char *name, uint32_t mode,
	       uint32_t rdev, const char *target, struct inode **ret_inode)
{
	struct inode *inode = NULL;
	int r = check_new(parent, name);

	if (r == 0)
		r = inode_new(memory, call, parent, mode, &inode);
	if (r < 0)
		return r;
	inode->rdev = rdev;
	if (target)
		r = set_target(memory, inode, target);
	if (r == 0)
		r = entry_add(memory, parent, name, inode);
	if (r < 0) {
		inode_drop(memory, inode);
		return r;
	}
	inode->nlink = 1;
	if (S_ISDIR(mode)) {
		inode->nlink = 2;
		inode->dir.parent = parent;
		parent->nlink++;
	}
	inode_touch(parent);
	*ret_inode = inode;
	return 0;
}

/* The operations that make a node, in one: mode with its type. */
static int make(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev,
		const char *target, struct fuse_entry_out *ret_entry)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *directory = NULL, *inode = NULL;
	int r = inode_get_dir(memory, parent, &directory);

	if (r == 0)
		r = entry_make(memory, call, directory, name, mode, rdev, target, &inode);
	if (r < 0)
		return r;
	inode_give(inode, ret_entry);
	return 0;
}

int memory_symlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target,
		   struct fuse_entry_out *ret_entry)
{
	return make(fs, call, parent, name, S_IFLNK | 0777, 0, target, ret_entry);
}

int memory_mknod(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev,
		 uint32_t umask, struct fuse_entry_out *ret_entry)
{
	uint32_t type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;

	switch (type) {
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		rdev = 0;
		break;
	case S_IFCHR:
	case S_IFBLK:
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	return make(fs, call, parent, name, type | (mode & 07777 & ~umask), rdev, NULL, ret_entry);
}

int memory_mkdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t umask,
		 struct fuse_entry_out *ret_entry)
{
	return make(fs, call, parent, name, S_IFDIR | (mode & 07777 & ~umask), 0, NULL, ret_entry);
}

/* Finds the entry to remove. */
static int find(struct memory *memory, uint64_t parent, const char *name, struct inode **ret_directory,
		struct dir_entry **ret_entry)
{
	int r = inode_get_dir(memory, parent, ret_directory);

	if (r < 0)
		return r;
	*ret_entry = dir_find(&(*ret_directory)->dir, name);
	return *ret_entry ? 0 : -ENOENT;
}

int memory_unlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *directory = NULL, *inode;
	struct dir_entry *entry = NULL;
	int r = find(memory, parent, name, &directory, &entry);

	if (r < 0)
		return r;
	inode = entry->inode;
	if (S_ISDIR(inode->mode))
		return -EISDIR;
	entry_remove(memory, directory, entry);
	inode_touch(directory);
	entry_unlinked(memory, inode);
	return 0;
}

int memory_rmdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *directory = NULL, *inode;
	struct dir_entry *entry = NULL;
	int r = find(memory, parent, name, &directory, &entry);

	if (r < 0)
		return r;
	inode = entry->inode;
	if (!S_ISDIR(inode->mode))
		return -ENOTDIR;
	if (inode->dir.count)
		return -ENOTEMPTY;
	entry_remove(memory, directory, entry);
	inode_touch(directory);
	entry_unlinked(memory, inode);
	return 0;
}

static int check_link(const struct inode *inode)
{
	if (S_ISDIR(inode->mode))
		return -EPERM;
	if (!inode->nlink && !inode->linkable)
		return -ENOENT;
	return inode->nlink < LINK_MAX_COUNT ? 0 : -EMLINK;
}

int memory_link(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t new_parent, const char *new_name,
		struct fuse_entry_out *ret_entry)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL, *directory = NULL;
	int r = inode_get(memory, node, &inode);

	if (r == 0)
		r = inode_get_dir(memory, new_parent, &directory);
	if (r == 0)
		r = check_new(directory, new_name);
	if (r == 0)
		r = check_link(inode);
	if (r == 0)
		r = entry_add(memory, directory, new_name, inode);
	if (r < 0)
		return r;
	inode->nlink++;
	inode_touch_ctime(inode);
	inode_touch(directory);
	inode_give(inode, ret_entry);
	return 0;
}

int memory_readlink(struct fs *fs, struct fs_call *call, uint64_t node, char *buffer, size_t size, size_t *ret_length)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	int r = inode_get(memory, node, &inode);

	if (r < 0)
		return r;
	if (!S_ISLNK(inode->mode))
		return -EINVAL;
	if (inode->size > size)
		return -ENAMETOOLONG;
	memcpy(buffer, inode->target, inode->size);
	*ret_length = inode->size;
	inode_touch_atime(inode);
	return 0;
}
