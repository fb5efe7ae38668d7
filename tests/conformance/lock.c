/* SPDX-License-Identifier: BSD-3-Clause */
/* POSIX and flock locks: ranges, owners, waiting, and every way they end. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "conformance.h"
#include "guest.h"

/* A file that is open twice, as by two guests. */
struct opened {
	struct fs *fs;
	uint64_t file, fh[2];
};

static struct opened open_twice(struct fs *fs)
{
	struct opened opened = { .fs = fs };

	opened.file = guest_create(fs, FS_ROOT, "file", O_RDWR, &opened.fh[0]);
	opened.fh[1] = guest_open(fs, opened.file, O_RDWR);
	return opened;
}

static void close_both(const struct opened *opened)
{
	assert_int_equal(guest_release(opened->fs, opened->file, opened->fh[0]), 0);
	assert_int_equal(guest_release(opened->fs, opened->file, opened->fh[1]), 0);
}

/* A POSIX lock of owner 100 + which, by the open file of that number. */
static struct fuse_lk_in posix_lock(const struct opened *opened, int which, uint32_t type, uint64_t start, uint64_t end)
{
	return (struct fuse_lk_in){
		.fh = opened->fh[which],
		.owner = 100 + which,
		.lk = { .start = start, .end = end, .type = type, .pid = 1000 + which },
	};
}

static int set(const struct opened *opened, int which, uint32_t type, uint64_t start, uint64_t end)
{
	const struct fuse_lk_in in = posix_lock(opened, which, type, start, end);

	return fs_setlk(opened->fs, guest_call(), opened->file, &in, false);
}

static int set_flock(const struct opened *opened, int which, uint32_t type)
{
	struct fuse_lk_in in = posix_lock(opened, which, type, 0, INT64_MAX);

	in.lk_flags = FUSE_LK_FLOCK;
	return fs_setlk(opened->fs, guest_call(), opened->file, &in, false);
}

static int wait_for(const struct opened *opened, struct guest_wait *wait, int which, uint32_t type, uint32_t lk_flags)
{
	struct fuse_lk_in in = posix_lock(opened, which, type, 0, INT64_MAX);

	in.lk_flags = lk_flags;
	return fs_setlk(opened->fs, &wait->call, opened->file, &in, true);
}

/* What GETLK answers. */
static struct fuse_file_lock get(const struct opened *opened, int which, uint32_t type, uint64_t start, uint64_t end)
{
	const struct fuse_lk_in in = posix_lock(opened, which, type, start, end);
	struct fuse_file_lock lock = { 0 };

	assert_int_equal(fs_getlk(opened->fs, guest_call(), opened->file, &in, &lock), 0);
	return lock;
}

static void exclusion(struct fs *fs)
{
	struct opened opened;

	NEED(fs, setlk);
	opened = open_twice(fs);
	assert_int_equal(set(&opened, 0, F_WRLCK, 10, 19), 0);
	assert_int_equal(set(&opened, 1, F_WRLCK, 15, 15), -EAGAIN);
	assert_int_equal(set(&opened, 1, F_RDLCK, 0, 10), -EAGAIN);
	assert_int_equal(set(&opened, 1, F_RDLCK, 19, INT64_MAX), -EAGAIN);
	assert_int_equal(set(&opened, 1, F_WRLCK, 0, 9), 0);
	assert_int_equal(set(&opened, 1, F_WRLCK, 20, INT64_MAX), 0);
	assert_int_equal(set(&opened, 0, F_UNLCK, 0, INT64_MAX), 0);
	assert_int_equal(set(&opened, 1, F_WRLCK, 10, 19), 0);
	assert_int_equal(set(&opened, 0, F_RDLCK, 15, 15), -EAGAIN);
	close_both(&opened);
}

static void readers_share(struct fs *fs)
{
	struct opened opened;

	NEED(fs, setlk);
	opened = open_twice(fs);
	assert_int_equal(set(&opened, 0, F_RDLCK, 0, 99), 0);
	assert_int_equal(set(&opened, 1, F_RDLCK, 50, 149), 0);
	assert_int_equal(set(&opened, 0, F_WRLCK, 0, 99), -EAGAIN);
	assert_int_equal(set(&opened, 0, F_WRLCK, 0, 49), 0); /* turned, where nobody else is */
	assert_int_equal(set(&opened, 1, F_RDLCK, 49, 49), -EAGAIN);
	close_both(&opened);
}

static void ranges_split(struct fs *fs)
{
	struct opened opened;

	NEED(fs, setlk);
	opened = open_twice(fs);
	assert_int_equal(set(&opened, 0, F_WRLCK, 0, 99), 0);
	assert_int_equal(set(&opened, 0, F_UNLCK, 40, 59), 0);
	assert_int_equal(set(&opened, 1, F_WRLCK, 40, 59), 0);
	assert_int_equal(set(&opened, 1, F_WRLCK, 39, 39), -EAGAIN);
	assert_int_equal(set(&opened, 1, F_WRLCK, 60, 60), -EAGAIN);
	assert_int_equal(set(&opened, 0, F_RDLCK, 60, 79), 0);
	assert_int_equal(set(&opened, 1, F_RDLCK, 60, 79), 0);
	assert_int_equal(set(&opened, 1, F_RDLCK, 80, 80), -EAGAIN);
	close_both(&opened);
}

static void getlk_tells(struct fs *fs)
{
	struct opened opened;
	struct fuse_file_lock lock;

	NEED(fs, setlk);
	NEED(fs, getlk);
	opened = open_twice(fs);
	assert_int_equal(get(&opened, 1, F_WRLCK, 0, INT64_MAX).type, F_UNLCK);
	assert_int_equal(set(&opened, 0, F_RDLCK, 10, 19), 0);
	lock = get(&opened, 1, F_WRLCK, 0, INT64_MAX);
	assert_int_equal(lock.type, F_RDLCK);
	assert_int_equal(lock.start, 10);
	assert_int_equal(lock.end, 19);
	assert_int_equal(get(&opened, 1, F_RDLCK, 0, INT64_MAX).type, F_UNLCK);
	assert_int_equal(get(&opened, 1, F_WRLCK, 20, 30).type, F_UNLCK);
	assert_int_equal(get(&opened, 0, F_WRLCK, 0, INT64_MAX).type, F_UNLCK); /* one's own is no obstacle */
	assert_int_equal(set(&opened, 0, F_UNLCK, 0, INT64_MAX), 0);
	assert_int_equal(set(&opened, 0, F_WRLCK, 5, INT64_MAX), 0);
	lock = get(&opened, 1, F_RDLCK, 0, INT64_MAX);
	assert_int_equal(lock.type, F_WRLCK);
	assert_int_equal(lock.start, 5);
	assert_int_equal(lock.end, INT64_MAX); /* to the end of the file, wherever that is */
	close_both(&opened);
}

/* The owner is a process of the guest, which may have the file open more than once. */
static void owner_is_not_handle(struct fs *fs)
{
	struct opened opened;
	struct fuse_lk_in in;

	NEED(fs, setlk);
	opened = open_twice(fs);
	assert_int_equal(set(&opened, 0, F_WRLCK, 0, 9), 0);
	in = posix_lock(&opened, 0, F_WRLCK, 0, 9);
	in.fh = opened.fh[1];
	assert_int_equal(fs_setlk(fs, guest_call(), opened.file, &in, false), 0);
	in = posix_lock(&opened, 1, F_WRLCK, 0, 9);
	in.fh = opened.fh[0];
	assert_int_equal(fs_setlk(fs, guest_call(), opened.file, &in, false), -EAGAIN);
	close_both(&opened);
}

static void flush_unlocks(struct fs *fs)
{
	struct opened opened;

	NEED(fs, setlk);
	opened = open_twice(fs);
	assert_int_equal(set(&opened, 0, F_WRLCK, 0, 9), 0);
	assert_int_equal(fs_flush(fs, guest_call(), opened.file, opened.fh[0], 77), 0); /* another process closes it */
	assert_int_equal(set(&opened, 1, F_WRLCK, 0, 9), -EAGAIN);
	assert_int_equal(fs_flush(fs, guest_call(), opened.file, opened.fh[0], 100), 0);
	assert_int_equal(set(&opened, 1, F_WRLCK, 0, 9), 0);
	close_both(&opened);
}

/* Whether the file is open for what it is locked for has been checked by the guest's kernel. */
static void lock_errors(struct fs *fs)
{
	struct opened opened;
	struct fuse_lk_in in;

	NEED(fs, setlk);
	opened = open_twice(fs);
	in = posix_lock(&opened, 0, F_WRLCK, 0, 9);
	assert_true(fs_setlk(fs, guest_call(), 1234567, &in, false) < 0);
	in.fh = 1234567;
	assert_int_equal(fs_setlk(fs, guest_call(), opened.file, &in, false), -EBADF);
	assert_int_equal(set(&opened, 0, 7, 0, 9), -EINVAL);
	assert_int_equal(set(&opened, 1, F_WRLCK, 0, 9), 0); /* nothing was locked */
	close_both(&opened);
}

static void flock_exclusion(struct fs *fs)
{
	struct opened opened;

	NEED(fs, setlk);
	opened = open_twice(fs);
	assert_int_equal(set_flock(&opened, 0, F_RDLCK), 0);
	assert_int_equal(set_flock(&opened, 1, F_RDLCK), 0);
	assert_int_equal(set_flock(&opened, 1, F_UNLCK), 0);
	assert_int_equal(set_flock(&opened, 0, F_WRLCK), 0);
	assert_int_equal(set_flock(&opened, 1, F_RDLCK), -EAGAIN);
	assert_int_equal(set_flock(&opened, 1, F_WRLCK), -EAGAIN);
	assert_int_equal(set_flock(&opened, 0, F_UNLCK), 0);
	assert_int_equal(set_flock(&opened, 1, F_WRLCK), 0);
	close_both(&opened);
}

static void flock_and_posix_are_apart(struct fs *fs)
{
	struct opened opened;

	NEED(fs, setlk);
	opened = open_twice(fs);
	assert_int_equal(set_flock(&opened, 0, F_WRLCK), 0);
	assert_int_equal(set(&opened, 1, F_WRLCK, 0, INT64_MAX), 0);
	close_both(&opened);
}

static void release_ends_flock(struct fs *fs)
{
	struct opened opened;

	NEED(fs, setlk);
	opened = open_twice(fs);
	assert_int_equal(set_flock(&opened, 0, F_WRLCK), 0);
	assert_int_equal(guest_release(fs, opened.file, opened.fh[0]), 0);
	assert_int_equal(set_flock(&opened, 1, F_WRLCK), 0);
	assert_int_equal(guest_release(fs, opened.file, opened.fh[1]), 0);
}

/* The owner of an F_OFD_SETLK is its open file: only the end of that one tells that its locks are to go. */
static void release_ends_posix(struct fs *fs)
{
	struct opened opened;

	NEED(fs, setlk);
	opened = open_twice(fs);
	assert_int_equal(set(&opened, 0, F_WRLCK, 0, 9), 0);
	assert_int_equal(guest_release(fs, opened.file, opened.fh[0]), 0);
	assert_int_equal(set(&opened, 1, F_WRLCK, 0, 9), 0);
	assert_int_equal(guest_release(fs, opened.file, opened.fh[1]), 0);
}

static void wait_free(struct fs *fs)
{
	static struct guest_wait wait;
	struct opened opened;
	int result;

	NEED(fs, setlk);
	opened = open_twice(fs);
	guest_wait_init(&wait, 10);
	result = wait_for(&opened, &wait, 0, F_WRLCK, 0);
	assert_int_equal(result == FS_PENDING ? guest_wait_for(&wait) : result, 0);
	assert_int_equal(set(&opened, 1, F_RDLCK, 0, 0), -EAGAIN);
	close_both(&opened);
}

/* Waits behind one who has the lock until that ends it in some way. */
static void wait_until(struct fs *fs, uint32_t lk_flags, void (*end)(const struct opened *opened))
{
	static struct guest_wait wait;
	struct opened opened;

	NEED(fs, setlk);
	opened = open_twice(fs);
	guest_wait_init(&wait, 10);
	assert_int_equal(lk_flags ? set_flock(&opened, 0, F_WRLCK) : set(&opened, 0, F_WRLCK, 5, 5), 0);
	assert_int_equal(wait_for(&opened, &wait, 1, F_WRLCK, lk_flags), FS_PENDING);
	usleep(20000);
	assert_false(guest_wait_is_done(&wait));
	end(&opened);
	assert_int_equal(guest_wait_for(&wait), 0);
	/* And now has it: whoever else wants it does not get it. */
	opened.fh[0] = guest_open(fs, opened.file, O_RDWR);
	assert_int_equal(lk_flags ? set_flock(&opened, 0, F_RDLCK) : set(&opened, 0, F_RDLCK, 0, 0), -EAGAIN);
	close_both(&opened);
}

static void by_unlock(const struct opened *opened)
{
	assert_int_equal(set(opened, 0, F_UNLCK, 0, INT64_MAX), 0);
	assert_int_equal(guest_release(opened->fs, opened->file, opened->fh[0]), 0);
}

static void by_flush(const struct opened *opened)
{
	assert_int_equal(fs_flush(opened->fs, guest_call(), opened->file, opened->fh[0], 100), 0);
	assert_int_equal(guest_release(opened->fs, opened->file, opened->fh[0]), 0);
}

static void by_release(const struct opened *opened)
{
	assert_int_equal(guest_release(opened->fs, opened->file, opened->fh[0]), 0);
}

static void wait_until_unlock(struct fs *fs)
{
	wait_until(fs, 0, by_unlock);
}

static void wait_until_flush(struct fs *fs)
{
	wait_until(fs, 0, by_flush);
}

static void wait_until_release(struct fs *fs)
{
	wait_until(fs, FUSE_LK_FLOCK, by_release);
}

static void interrupt(struct fs *fs)
{
	static struct guest_wait wait;
	struct opened opened;

	NEED(fs, setlk);
	NEED(fs, interrupt);
	opened = open_twice(fs);
	guest_wait_init(&wait, 10);
	assert_int_equal(set(&opened, 0, F_WRLCK, 5, 5), 0);
	assert_int_equal(wait_for(&opened, &wait, 1, F_WRLCK, 0), FS_PENDING);
	fs_interrupt(fs, 11);
	usleep(20000);
	assert_false(guest_wait_is_done(&wait));
	fs_interrupt(fs, 10);
	assert_int_equal(guest_wait_for(&wait), -EINTR);
	fs_interrupt(fs, 10);
	assert_int_equal(set(&opened, 0, F_UNLCK, 0, INT64_MAX), 0);
	assert_int_equal(set(&opened, 0, F_WRLCK, 0, INT64_MAX), 0); /* it got nothing */
	close_both(&opened);
}

static void interrupt_flock(struct fs *fs)
{
	static struct guest_wait wait;
	struct opened opened;

	NEED(fs, setlk);
	NEED(fs, interrupt);
	opened = open_twice(fs);
	guest_wait_init(&wait, 10);
	assert_int_equal(set_flock(&opened, 0, F_WRLCK), 0);
	assert_int_equal(wait_for(&opened, &wait, 1, F_RDLCK, FUSE_LK_FLOCK), FS_PENDING);
	fs_interrupt(fs, 10);
	assert_int_equal(guest_wait_for(&wait), -EINTR);
	close_both(&opened);
}

static void reset_ends_waiting(struct fs *fs)
{
	const struct fs_session_info info = { .minor = FUSE_KERNEL_MINOR_VERSION };
	static struct guest_wait wait;
	struct opened opened;

	NEED(fs, setlk);
	opened = open_twice(fs);
	guest_wait_init(&wait, 10);
	assert_int_equal(set(&opened, 0, F_WRLCK, 5, 5), 0);
	assert_int_equal(wait_for(&opened, &wait, 1, F_WRLCK, 0), FS_PENDING);
	fs_reset(fs);
	assert_true(guest_wait_is_done(&wait)); /* before the reset returned */
	assert_int_equal(guest_wait_for(&wait), -EINTR);
	assert_int_equal(fs_init(fs, &info), 0);
	opened.file = guest_lookup(fs, FS_ROOT, "file");
	opened.fh[0] = guest_open(fs, opened.file, O_RDWR);
	opened.fh[1] = guest_open(fs, opened.file, O_RDWR);
	assert_int_equal(set(&opened, 1, F_WRLCK, 0, INT64_MAX), 0); /* no lock is left */
	close_both(&opened);
}

/* Readers that wait get the lock together. */
static void many_wait(struct fs *fs)
{
	enum { WAITERS = 8 };
	static struct guest_wait waits[WAITERS];
	struct opened opened;

	NEED(fs, setlk);
	opened = open_twice(fs);
	assert_int_equal(set(&opened, 0, F_WRLCK, 0, 9), 0);
	for (uint64_t i = 0; i < WAITERS; i++) {
		struct fuse_lk_in in = posix_lock(&opened, 1, F_RDLCK, 0, 9);

		in.owner = 200 + i;
		guest_wait_init(&waits[i], 20 + i);
		assert_int_equal(fs_setlk(fs, &waits[i].call, opened.file, &in, true), FS_PENDING);
	}
	assert_int_equal(set(&opened, 0, F_UNLCK, 0, 9), 0);
	for (int i = 0; i < WAITERS; i++)
		assert_int_equal(guest_wait_for(&waits[i]), 0);
	assert_int_equal(set(&opened, 0, F_WRLCK, 0, 9), -EAGAIN);
	close_both(&opened);
}

const struct conformance_test conformance_lock[] = {
	CONFORMANCE_TEST(exclusion),
	CONFORMANCE_TEST(readers_share),
	CONFORMANCE_TEST(ranges_split),
	CONFORMANCE_TEST(getlk_tells),
	CONFORMANCE_TEST(owner_is_not_handle),
	CONFORMANCE_TEST(flush_unlocks),
	CONFORMANCE_TEST(lock_errors),
	CONFORMANCE_TEST(flock_exclusion),
	CONFORMANCE_TEST(flock_and_posix_are_apart),
	CONFORMANCE_TEST(release_ends_flock),
	CONFORMANCE_TEST(release_ends_posix),
	CONFORMANCE_TEST(wait_free),
	CONFORMANCE_TEST(wait_until_unlock),
	CONFORMANCE_TEST(wait_until_flush),
	CONFORMANCE_TEST(wait_until_release),
	CONFORMANCE_TEST(interrupt),
	CONFORMANCE_TEST(interrupt_flock),
	CONFORMANCE_TEST(reset_ends_waiting),
	CONFORMANCE_TEST(many_wait),
	{ NULL, NULL },
};
