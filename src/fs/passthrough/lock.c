/* SPDX-License-Identifier: BSD-3-Clause */
/* GETLK, SETLK, SETLKW and INTERRUPT; lock.h says how locks are kept. */
/* #syscalls: fcntl flock */
#include "fs/passthrough/lock.h"

#include <errno.h>
#include <sys/file.h>

#include "base/util.h"
#include "fs/passthrough/ops.h"

/* How many other owners are looked at for the one that is in the way. */
#define HOLDERS_MAX 64u

/* The guest's range has an inclusive end, INT64_MAX being that of all files. */
static int to_flock(const struct fuse_file_lock *lock, struct flock *ret_lock)
{
	if (lock->type != F_RDLCK && lock->type != F_WRLCK && lock->type != F_UNLCK)
		return -EINVAL;
	if (lock->start > lock->end || lock->end > INT64_MAX)
		return -EINVAL;
	*ret_lock = (struct flock){ .l_type = (short)lock->type, .l_whence = SEEK_SET, .l_start = (off_t)lock->start };
	if (lock->end < INT64_MAX)
		ret_lock->l_len = (off_t)(lock->end - lock->start) + 1;
	return 0;
}

static void from_flock(const struct flock *lock, uint32_t pid, struct fuse_file_lock *ret_lock)
{
	*ret_lock = (struct fuse_file_lock){ .type = (uint32_t)lock->l_type };
	if (lock->l_type == F_UNLCK)
		return;
	ret_lock->start = (uint64_t)lock->l_start;
	ret_lock->end = lock->l_len ? (uint64_t)lock->l_start + (uint64_t)lock->l_len - 1 : INT64_MAX;
	ret_lock->pid = pid;
}

/*
 * Whose lock was found to be in the way? The kernel does not say of which description it is. But asked on behalf of the
 * holder itself, that lock is not in the way: so who gets another answer than the one found, is it.
 */
static uint32_t holder_of(struct lock_table *table, uint64_t node, uint64_t owner, const struct flock *found)
{
	struct lock_owner *others[HOLDERS_MAX];
	size_t count = lock_owner_others(table, node, owner, others, HOLDERS_MAX);
	uint32_t pid = 0;

	for (size_t i = 0; i < count; i++) {
		struct flock probe = *found;

		probe.l_type = F_WRLCK;
		probe.l_pid = 0;
		if (!pid && fcntl(others[i]->fd, F_OFD_GETLK, &probe) == 0 &&
		    (probe.l_type == F_UNLCK || probe.l_start != found->l_start || probe.l_len != found->l_len))
			pid = others[i]->pid;
		lock_owner_put(table, others[i]);
	}
	return pid;
}

int passthrough_getlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in,
		      struct fuse_file_lock *ret_lock)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_handle_ struct handle_use handle = HANDLE_USE_NONE;
	struct lock_owner *owner;
	struct flock lock;
	uint32_t pid = 0;
	int result = to_flock(&in->lk, &lock);

	if (result == 0)
		result = handle_get(pt, in->fh, node, &handle);
	if (result < 0)
		return result;
	/* Who holds no locks has none that could be taken for others', so any description will do. */
	owner = lock_owner_find(pt->locks, node, in->owner);
	if (fcntl(owner ? owner->fd : handle.handle->fd, F_OFD_GETLK, &lock) < 0)
		result = -errno;
	lock_owner_put(pt->locks, owner);
	if (result < 0)
		return result;
	if (lock.l_type != F_UNLCK && lock.l_pid == -1)
		pid = holder_of(pt->locks, node, in->owner, &lock);
	from_flock(&lock, pid, ret_lock);
	return 0;
}

/* Puts what the request holds, unless a thread waits with it. */
static int try_or_wait(struct passthrough *pt, struct fs_call *call, struct lock_request *request, bool wait)
{
	int result = lock_try(request);

	if (result == -EAGAIN && wait)
		result = lock_wait_start(pt->locks, call, request);
	if (result != FS_PENDING) {
		lock_owner_put(pt->locks, request->owner);
		handle_put(&request->handle);
	}
	return result;
}

static int set_flock(struct passthrough *pt, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in,
		     bool wait)
{
	struct lock_request request = { .is_flock = true };
	int result;

	switch (in->lk.type) {
	case F_RDLCK:
		request.operation = LOCK_SH;
		break;
	case F_WRLCK:
		request.operation = LOCK_EX;
		break;
	case F_UNLCK:
		request.operation = LOCK_UN;
		break;
	default:
		return -EINVAL;
	}
	result = handle_get(pt, in->fh, node, &request.handle);
	if (result < 0)
		return result;
	request.fd = request.handle.handle->fd;
	return try_or_wait(pt, call, &request, wait);
}

/* A read lock takes a file open for reading, a write lock one open for writing, as fcntl() has it. */
static int check_access(const struct handle *handle, uint32_t type)
{
	int access = handle->flags & O_ACCMODE;

	return (type == F_RDLCK && access == O_WRONLY) || (type == F_WRLCK && access == O_RDONLY) ? -EBADF : 0;
}

static int set_posix(struct passthrough *pt, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in,
		     bool wait)
{
	_cleanup_handle_ struct handle_use handle = HANDLE_USE_NONE;
	struct lock_request request = { .is_flock = false };
	int result = to_flock(&in->lk, &request.lock);

	/* The file is checked and need not stay: the owner's description has the lock. */
	if (result == 0)
		result = handle_get(pt, in->fh, node, &handle);
	if (result == 0)
		result = check_access(handle.handle, in->lk.type);
	if (result < 0)
		return result;
	if (in->lk.type == F_UNLCK) {
		if (in->lk.start == 0 && in->lk.end == INT64_MAX) {
			lock_owner_drop(pt->locks, node, in->owner);
			return 0;
		}
		request.owner = lock_owner_find(pt->locks, node, in->owner);
		if (!request.owner)
			return 0;
	} else {
		result = lock_owner_get(pt, node, in->owner, in->fh, in->lk.pid, &request.owner);
		if (result < 0)
			return result;
	}
	request.fd = request.owner->fd;
	return try_or_wait(pt, call, &request, wait);
}

int passthrough_setlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, bool wait)
{
	struct passthrough *pt = passthrough_from_fs(fs);

	return in->lk_flags & FUSE_LK_FLOCK ? set_flock(pt, call, node, in, wait) : set_posix(pt, call, node, in, wait);
}

void passthrough_interrupt(struct fs *fs, uint64_t unique)
{
	lock_wait_interrupt(passthrough_from_fs(fs)->locks, unique);
}
