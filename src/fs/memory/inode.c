/* SPDX-License-Identifier: BSD-3-Clause */
/* Inodes: making, finding and dropping them, what they say of themselves. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/memory/internal.h"

/* The caller's ids; in a set-group-id directory the group is the directory's, and directories inherit the bit. */
static int set_owner(struct inode *inode, const struct fs_call *call, const struct inode *parent)
{
	if (call->uid == FUSE_INVALID_UIDGID || call->gid == FUSE_INVALID_UIDGID)
		return -EOVERFLOW;
	inode->uid = call->uid;
	inode->gid = call->gid;
	if (parent && (parent->mode & S_ISGID)) {
		inode->gid = parent->gid;
		if (S_ISDIR(inode->mode))
			inode->mode |= S_ISGID;
	}
	return 0;
}

int inode_new(struct memory *memory, const struct fs_call *call, const struct inode *parent, uint32_t mode,
	      struct inode **ret_inode)
{
	struct inode *inode;
	int r;

	if (memory->inodes >= memory->max_inodes)
		return -ENOSPC;
	inode = calloc(1, sizeof(*inode));
	if (!inode)
		return -ENOMEM;
	inode->mode = mode;
	inode->ino = ++memory->last_ino;
	list_init(&inode->xattrs);
	list_init(&inode->locks);
	dir_init(&inode->dir, NULL);
	inode->atime = inode->mtime = inode->ctime = inode->btime = memory_now();
	r = set_owner(inode, call, parent);
	if (r == 0)
		r = table_add(&memory->nodes, inode, &inode->id);
	if (r < 0) {
		free(inode);
		return r;
	}
	memory->inodes++;
	if (call->secctx_name) {
		r = mem_xattr_set(memory, inode, call->secctx_name, call->secctx_value, call->secctx_size, 0);
		if (r < 0) {
			inode_drop(memory, inode);
			return r;
		}
	}
	*ret_inode = inode;
	return 0;
}

void inode_drop(struct memory *memory, struct inode *inode)
{
	if (inode->nlink || inode->lookups || inode->pins)
		return;
	table_remove(&memory->nodes, inode->id);
	memory->inodes--;
	mem_data_free(memory, inode);
	mem_xattr_free_all(memory, inode);
	mem_lock_free_all(memory, inode);
	dir_fini(&inode->dir);
	if (inode->target)
		memory_uncharge(memory, inode->size);
	free(inode->target);
	free(inode);
}

int inode_get(struct memory *memory, uint64_t node, struct inode **ret_inode)
{
	struct inode *inode = table_get(&memory->nodes, node);

	if (!inode || (!inode->lookups && inode != memory->root))
		return -ESTALE;
	*ret_inode = inode;
	return 0;
}

int inode_get_dir(struct memory *memory, uint64_t node, struct inode **ret_inode)
{
	struct inode *inode = NULL;
	int r = inode_get(memory, node, &inode);

	if (r < 0)
		return r;
	if (!S_ISDIR(inode->mode))
		return -ENOTDIR;
	*ret_inode = inode;
	return 0;
}

void inode_fill_attr(const struct inode *inode, struct fuse_attr *ret_attr)
{
	*ret_attr = (struct fuse_attr){
		.ino = inode->ino,
		.size = inode->size,
		.blocks = inode->blocks.count * (BLOCK_SIZE / 512),
		.atime = (uint64_t)inode->atime.tv_sec,
		.atimensec = (uint32_t)inode->atime.tv_nsec,
		.mtime = (uint64_t)inode->mtime.tv_sec,
		.mtimensec = (uint32_t)inode->mtime.tv_nsec,
		.ctime = (uint64_t)inode->ctime.tv_sec,
		.ctimensec = (uint32_t)inode->ctime.tv_nsec,
		.mode = inode->mode,
		.nlink = inode->nlink,
		.uid = inode->uid,
		.gid = inode->gid,
		.rdev = inode->rdev,
		.blksize = BLOCK_SIZE,
	};
}

void inode_give(struct inode *inode, struct fuse_entry_out *ret_entry)
{
	*ret_entry = (struct fuse_entry_out){ .nodeid = inode->id };
	inode_fill_attr(inode, &ret_entry->attr);
	inode->lookups++;
}

void inode_touch(struct inode *inode)
{
	inode->mtime = inode->ctime = memory_now();
}

void inode_touch_ctime(struct inode *inode)
{
	inode->ctime = memory_now();
}

static bool is_after(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

void inode_touch_atime(struct inode *inode)
{
	struct timespec now = memory_now();

	if (!is_after(&inode->atime, &inode->mtime) || !is_after(&inode->atime, &inode->ctime) ||
	    now.tv_sec - inode->atime.tv_sec >= 24 * 60 * 60)
		inode->atime = now;
}

void inode_kill_suidgid(struct inode *inode)
{
	if (!S_ISREG(inode->mode))
		return;
	inode->mode &= ~(uint32_t)S_ISUID;
	/* Without group execution the bit once meant mandatory locking, and stays. */
	if (inode->mode & S_IXGRP)
		inode->mode &= ~(uint32_t)S_ISGID;
}

int memory_lookup(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		  struct fuse_entry_out *ret_entry)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *directory = NULL;
	struct dir_entry *entry;
	int r = inode_get_dir(memory, parent, &directory);

	if (r < 0)
		return r;
	if (strlen(name) > FS_NAME_MAX)
		return -ENAMETOOLONG;
	entry = dir_find(&directory->dir, name);
	if (!entry)
		return -ENOENT;
	inode_give(entry->inode, ret_entry);
	return 0;
}

/* Also of nodes that the guest has forgotten: it asks for what an NFS client still remembers. */
int memory_lookup_self(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = table_get(&memory->nodes, node);

	if (!inode)
		return -ESTALE;
	inode_give(inode, ret_entry);
	return 0;
}

int memory_lookup_parent(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	int r = inode_get_dir(memory, node, &inode);

	if (r < 0)
		return r;
	if (!inode->dir.parent)
		return -ENOENT;
	inode_give(inode->dir.parent, ret_entry);
	return 0;
}

void memory_forget(struct fs *fs, uint64_t node, uint64_t count)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;

	if (inode_get(memory, node, &inode) < 0)
		return;
	inode->lookups -= MIN(inode->lookups, count);
	inode_drop(memory, inode);
}
