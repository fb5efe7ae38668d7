/* SPDX-License-Identifier: BSD-3-Clause */
/* Listing a directory. Offsets are the cookies of entries. */
#include <errno.h>

#include "fs/memory/internal.h"

/* "." or "..". Returns 1 when the sink is full. */
static int add_dot(struct fs_dir_sink *sink, const char *name, size_t length, const struct inode *inode,
		   uint64_t cookie)
{
	struct fuse_entry_out entry = { 0 };

	inode_fill_attr(inode, &entry.attr);
	return sink->add(sink, name, length, inode->ino, S_IFDIR >> 12, cookie, sink->plus ? &entry : NULL) < 0;
}

static int add_entry(struct fs_dir_sink *sink, const struct dir_entry *entry)
{
	struct inode *inode = entry->inode;
	struct fuse_entry_out out;
	int r;

	if (!sink->fits(sink, entry->length))
		return 1;
	if (sink->plus)
		inode_give(inode, &out);
	r = sink->add(sink, entry->name, entry->length, inode->ino, (inode->mode & S_IFMT) >> 12, entry->cookie,
		      sink->plus ? &out : NULL);
	if (r < 0 && sink->plus)
		inode->lookups--; /* it has a link, so it stays */
	return r < 0;
}

static void list(const struct inode *directory, uint64_t offset, struct fs_dir_sink *sink)
{
	const struct inode *parent = directory->dir.parent ? directory->dir.parent : directory;

	if (offset < DIR_COOKIE_SELF && add_dot(sink, ".", 1, directory, DIR_COOKIE_SELF))
		return;
	if (offset < DIR_COOKIE_PARENT && add_dot(sink, "..", 2, parent, DIR_COOKIE_PARENT))
		return;
	for (;;) {
		const struct dir_entry *entry = dir_next(&directory->dir, MAX(offset, DIR_COOKIE_PARENT));

		if (!entry || add_entry(sink, entry))
			return;
		offset = entry->cookie;
	}
}

int memory_readdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		   struct fs_dir_sink *sink)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *directory = NULL;
	struct file *file;
	int r = inode_get_dir(memory, node, &directory);

	if (r == 0)
		r = mem_file_get(memory, fh, directory, &file);
	if (r < 0)
		return r;
	list(directory, offset, sink);
	inode_touch_atime(directory);
	return 0;
}
