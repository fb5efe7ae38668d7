/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rename, in all its kinds. A name that is replaced keeps its entry and gets the other inode, so that a listing under
 * way sees it once.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/memory/internal.h"

/* One rename: from's entry and, where that exists, to's. */
struct move {
	struct inode *from_dir, *to_dir;
	struct dir_entry *from, *to;
	const char *from_name, *to_name;
};

/* Whether a directory is inode or lies somewhere below it. */
static bool is_within(const struct inode *directory, const struct inode *inode)
{
	const struct inode *at = directory;

	while (at != inode) {
		if (!at->dir.parent || at->dir.parent == at)
			return false;
		at = at->dir.parent;
	}
	return true;
}

/* A directory now lies in to instead of from. */
static void move_directory(struct inode *inode, struct inode *from, struct inode *to)
{
	if (!S_ISDIR(inode->mode))
		return;
	inode->dir.parent = to;
	from->nlink--;
	to->nlink++;
}

static int check_replace(const struct inode *inode, const struct inode *victim)
{
	if (S_ISDIR(victim->mode) && !S_ISDIR(inode->mode))
		return -EISDIR;
	if (!S_ISDIR(victim->mode) && S_ISDIR(inode->mode))
		return -ENOTDIR;
	return S_ISDIR(victim->mode) && victim->dir.count ? -ENOTEMPTY : 0;
}

static int exchange(struct move *move)
{
	struct inode *first = move->from->inode, *second;

	if (!move->to)
		return -ENOENT;
	second = move->to->inode;
	if (is_within(move->from_dir, second))
		return -EINVAL;
	move->from->inode = second;
	move->to->inode = first;
	move_directory(first, move->from_dir, move->to_dir);
	move_directory(second, move->to_dir, move->from_dir);
	inode_touch_ctime(second);
	return 0;
}

static int make_whiteout(struct memory *memory, const struct fs_call *call, const struct move *move,
			 struct inode **ret_whiteout)
{
	struct fs_call plain = *call;

	plain.secctx_name = NULL; /* that is for what the caller makes by itself */
	return inode_new(memory, &plain, move->from_dir, S_IFCHR, ret_whiteout);
}

static int replace(struct memory *memory, struct move *move, struct inode *whiteout)
{
	struct inode *inode = move->from->inode, *victim = move->to ? move->to->inode : NULL;
	int r;

	if (victim) {
		r = check_replace(inode, victim);
		if (r < 0)
			return r;
		move->to->inode = inode;
	} else {
		if (!move->to_dir->nlink)
			return -ENOENT;
		r = entry_add(memory, move->to_dir, move->to_name, inode);
		if (r < 0)
			return r;
	}
	if (whiteout) {
		whiteout->nlink = 1;
		move->from->inode = whiteout;
	} else {
		entry_remove(memory, move->from_dir, move->from);
	}
	move_directory(inode, move->from_dir, move->to_dir);
	if (victim)
		entry_unlinked(memory, victim);
	return 0;
}

static int find(struct memory *memory, uint64_t parent, const char *name, struct inode **ret_dir,
		struct dir_entry **ret_entry)
{
	int r = inode_get_dir(memory, parent, ret_dir);

	if (r < 0)
		return r;
	if (strlen(name) > FS_NAME_MAX)
		return -ENAMETOOLONG;
	*ret_entry = dir_find(&(*ret_dir)->dir, name);
	return 0;
}

static int check_move(const struct move *move, uint32_t flags)
{
	if (!move->from)
		return -ENOENT;
	if (move->to && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	/* A directory cannot come to lie within itself; one that contains the source cannot be replaced. */
	if (S_ISDIR(move->from->inode->mode) && is_within(move->to_dir, move->from->inode))
		return -EINVAL;
	if (move->to && !(flags & RENAME_EXCHANGE) && S_ISDIR(move->to->inode->mode) &&
	    is_within(move->from_dir, move->to->inode))
		return -ENOTEMPTY;
	return 0;
}

static int do_move(struct memory *memory, const struct fs_call *call, struct move *move, uint32_t flags)
{
	struct inode *whiteout = NULL;
	int r = 0;

	if (flags & RENAME_EXCHANGE)
		return exchange(move);
	if (flags & RENAME_WHITEOUT)
		r = make_whiteout(memory, call, move, &whiteout);
	if (r < 0)
		return r;
	r = replace(memory, move, whiteout);
	if (r < 0 && whiteout)
		inode_drop(memory, whiteout);
	return r;
}

int memory_rename(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint64_t new_parent,
		  const char *new_name, uint32_t flags)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct move move = { .from_name = name, .to_name = new_name };
	struct inode *inode;
	int r;

	if (flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return -EINVAL;
	r = find(memory, parent, name, &move.from_dir, &move.from);
	if (r == 0)
		r = find(memory, new_parent, new_name, &move.to_dir, &move.to);
	if (r == 0)
		r = check_move(&move, flags);
	if (r < 0)
		return r;
	inode = move.from->inode;
	if (move.to && move.to->inode == inode) /* two names of one file: both stay */
		return 0;
	r = do_move(memory, call, &move, flags);
	if (r < 0)
		return r;
	inode_touch_ctime(inode);
	inode_touch(move.from_dir);
	inode_touch(move.to_dir);
	return 0;
}
