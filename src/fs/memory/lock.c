/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Locks and those who wait for them. A waiter is a pending call; whenever ranges go away the waiters are tried again in
 * the order they came. A POSIX lock belongs to the owner that the guest names, a flock lock to the open file (to the
 * guest's owner where there is none, under no_open).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "fs/memory/internal.h"
#include "fs/memory/range.h"

/* Of all files together: what a guest can make us remember. */
#define LOCKS_MAX 65536u
#define WAITING_MAX 4096u

struct waiter {
	struct list link; /* in memory.waiters, then in a list of completed ones */
	struct fs_call *call;
	struct inode *inode; /* pinned */
	uint64_t fh;
	struct range wanted;
	int result;
};

static struct range range_of(const struct fuse_lk_in *in)
{
	bool flock = in->lk_flags & FUSE_LK_FLOCK;

	return (struct range){
		.owner = flock && in->fh != FS_NO_HANDLE ? in->fh : in->owner,
		.start = flock ? 0 : in->lk.start,
		.end = flock ? INT64_MAX : in->lk.end,
		.type = in->lk.type,
		.pid = in->lk.pid,
		.fh = in->fh,
		.flock = flock,
	};
}

/* Takes a waiter off with its result; the call is completed later, without the lock. */
static void finish(struct memory *memory, struct waiter *waiter, int result, struct list *completed)
{
	list_remove(&waiter->link);
	list_append(completed, &waiter->link);
	waiter->result = result;
	memory->waiting--;
	waiter->inode->pins--;
	inode_drop(memory, waiter->inode);
}

/* The first waiter on this inode that nothing stands in the way of, or NULL. */
static struct waiter *find_ready(const struct memory *memory, const struct inode *inode)
{
	list_for_each (link, &memory->waiters) {
		struct waiter *waiter = list_entry(link, struct waiter, link);

		if (waiter->inode == inode && !range_find_conflict(&inode->locks, &waiter->wanted))
			return waiter;
	}
	return NULL;
}

/* Something on this inode was unlocked: gives the waiters what they can have now. */
static void retry(struct memory *memory, struct inode *inode, struct list *completed)
{
	struct waiter *waiter;

	while ((waiter = find_ready(memory, inode)))
		finish(memory, waiter, range_apply(&inode->locks, &waiter->wanted, &memory->locks, LOCKS_MAX),
		       completed);
}

void mem_lock_complete(struct list *completed)
{
	struct list *link;

	while ((link = list_pop(completed))) {
		struct waiter *waiter = list_entry(link, struct waiter, link);

		waiter->call->complete(waiter->call, waiter->result);
		free(waiter);
	}
}

/* The caller calls retry() after the last. */
static void drop(struct memory *memory, struct range *range)
{
	list_remove(&range->link);
	free(range);
	memory->locks--;
}

void mem_lock_drop_owner(struct memory *memory, struct inode *inode, uint64_t owner, bool flock, struct list *completed)
{
	bool dropped = false;

	list_for_each_safe (link, &inode->locks) {
		struct range *range = list_entry(link, struct range, link);

		if (range->owner != owner || range->flock != flock)
			continue;
		drop(memory, range);
		dropped = true;
	}
	if (dropped)
		retry(memory, inode, completed);
}

void mem_lock_drop_file(struct memory *memory, struct inode *inode, uint64_t fh, struct list *completed)
{
	bool dropped = false;

	list_for_each_safe (link, &inode->locks) {
		struct range *range = list_entry(link, struct range, link);

		if (range->fh != fh)
			continue;
		drop(memory, range);
		dropped = true;
	}
	if (dropped)
		retry(memory, inode, completed);
}

void mem_lock_cancel_file(struct memory *memory, uint64_t fh, struct list *completed)
{
	list_for_each_safe (link, &memory->waiters) {
		struct waiter *waiter = list_entry(link, struct waiter, link);

		if (waiter->fh == fh)
			finish(memory, waiter, -EINTR, completed);
	}
}

void mem_lock_cancel_all(struct memory *memory, struct list *completed)
{
	list_for_each_safe (link, &memory->waiters)
		finish(memory, list_entry(link, struct waiter, link), -EINTR, completed);
}

void mem_lock_free_all(struct memory *memory, struct inode *inode)
{
	struct list *link;

	while ((link = list_pop(&inode->locks))) {
		free(list_entry(link, struct range, link));
		memory->locks--;
	}
}

static int check_range(const struct range *range)
{
	if (range->type != F_RDLCK && range->type != F_WRLCK && range->type != F_UNLCK)
		return -EINVAL;
	return range->start <= range->end && range->end <= INT64_MAX ? 0 : -EINVAL;
}

/* Finds what a lock request is about. */
static int get(struct memory *memory, uint64_t node, const struct fuse_lk_in *in, struct inode **ret_inode,
	       struct file **ret_file, struct range *ret_range)
{
	int r = inode_get(memory, node, ret_inode);

	if (r == 0)
		r = mem_file_get(memory, in->fh, *ret_inode, ret_file);
	if (r < 0)
		return r;
	*ret_range = range_of(in);
	return check_range(ret_range);
}

int memory_getlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in,
		 struct fuse_file_lock *ret_lock)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	struct file *file = NULL;
	struct range wanted;
	const struct range *conflict;
	int r = get(memory, node, in, &inode, &file, &wanted);

	if (r < 0)
		return r;
	conflict = range_find_conflict(&inode->locks, &wanted);
	*ret_lock = in->lk;
	ret_lock->type = F_UNLCK;
	if (conflict)
		*ret_lock = (struct fuse_file_lock){
			.start = conflict->start,
			.end = conflict->end,
			.type = conflict->type,
			.pid = conflict->pid,
		};
	return 0;
}

/* What fcntl() asks of the descriptor: a POSIX lock needs the access that it guards. */
static int check_access(const struct file *file, const struct range *wanted)
{
	int mode = file ? (int)(file->flags & O_ACCMODE) : O_RDWR;

	if (wanted->flock || mode == O_RDWR || wanted->type == F_UNLCK)
		return 0;
	return mode == (wanted->type == F_RDLCK ? O_RDONLY : O_WRONLY) ? 0 : -EBADF;
}

static int enqueue(struct memory *memory, struct fs_call *call, struct inode *inode, uint64_t fh,
		   const struct range *wanted)
{
	struct waiter *waiter = memory->waiting < WAITING_MAX ? calloc(1, sizeof(*waiter)) : NULL;

	if (!waiter)
		return -ENOLCK;
	*waiter = (struct waiter){ .call = call, .inode = inode, .fh = fh, .wanted = *wanted };
	list_append(&memory->waiters, &waiter->link);
	memory->waiting++;
	inode->pins++;
	return FS_PENDING;
}

static int set(struct memory *memory, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, bool wait,
	       struct list *completed)
{
	struct inode *inode = NULL;
	struct file *file = NULL;
	struct range wanted;
	int r = get(memory, node, in, &inode, &file, &wanted);

	if (r == 0)
		r = check_access(file, &wanted);
	if (r < 0)
		return r;
	/* As Linux does: a flock lock is not converted but given up and asked for again. */
	if (wanted.flock && range_find_conflict(&inode->locks, &wanted))
		mem_lock_drop_owner(memory, inode, wanted.owner, true, completed);
	if (range_find_conflict(&inode->locks, &wanted))
		return wait ? enqueue(memory, call, inode, in->fh, &wanted) : -EAGAIN;
	r = range_apply(&inode->locks, &wanted, &memory->locks, LOCKS_MAX);
	if (r == 0 && wanted.type != F_WRLCK)
		retry(memory, inode, completed); /* less than before, perhaps */
	return r;
}

int memory_setlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, bool wait)
{
	struct list completed;
	int r;

	list_init(&completed);
	{
		_cleanup_unlock_ struct memory *memory = memory_lock(fs);

		r = set(memory, call, node, in, wait, &completed);
	}
	mem_lock_complete(&completed);
	return r;
}

void memory_interrupt(struct fs *fs, uint64_t unique)
{
	struct list completed;

	list_init(&completed);
	{
		_cleanup_unlock_ struct memory *memory = memory_lock(fs);

		list_for_each_safe (link, &memory->waiters) {
			struct waiter *waiter = list_entry(link, struct waiter, link);

			if (waiter->call->unique == unique)
				finish(memory, waiter, -EINTR, &completed);
		}
	}
	mem_lock_complete(&completed);
}
