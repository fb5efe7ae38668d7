/* SPDX-License-Identifier: BSD-3-Clause */
/* GETLK, SETLK, SETLKW, INTERRUPT: owners of one guest, two guests, and processes of the host. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fs/passthrough/lock.h"
#include "share.h"

#define ALICE 0xa11ceu
#define BOB 0xb0bu
#define CAROL 0xca401u
#define END ((uint64_t)INT64_MAX)

static struct share share;
static uint64_t file, fh, fh2; /* one file, opened twice */
static size_t descriptors; /* before all */

static uint64_t open_file(void)
{
	struct fs_open open;

	assert_int_equal(fs_open(share.fs, &share.call, file, O_RDWR, 0, &open), 0);
	return open.fh;
}

static int begin(void **state)
{
	descriptors = host_descriptors();
	share_open(&share, "/var/tmp", NULL, FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS);
	file = guest_create(&share, FS_ROOT, "file", &fh);
	fh2 = open_file();
	return 0;
}

static int end(void **state)
{
	share_close(&share);
	/* Nothing of locks or of files that were waited on is left open. */
	return host_descriptors() == descriptors ? 0 : -1;
}

static struct fuse_lk_in request(uint64_t owner, uint32_t type, uint64_t first, uint64_t last)
{
	return (
	    struct fuse_lk_in){ .fh = owner == BOB ? fh2 : fh,
				.owner = owner,
				.lk = { .type = type, .start = first, .end = last, .pid = (uint32_t)owner & 0xfff } };
}

static int setlk(uint64_t owner, uint32_t type, uint64_t first, uint64_t last)
{
	struct fuse_lk_in in = request(owner, type, first, last);

	return fs_setlk(share.fs, &share.call, file, &in, false);
}

static int setflock(uint64_t handle, uint32_t type)
{
	struct fuse_lk_in in = { .fh = handle, .lk_flags = FUSE_LK_FLOCK, .lk = { .type = type } };

	return fs_setlk(share.fs, &share.call, file, &in, false);
}

/* A read lock needs a file open for reading, a write lock one open for writing. */
static void test_access_mode(void **state)
{
	struct fs_open reader, writer;
	struct fuse_lk_in in = request(ALICE, F_WRLCK, 0, 9);

	assert_int_equal(fs_open(share.fs, &share.call, file, O_RDONLY, 0, &reader), 0);
	assert_int_equal(fs_open(share.fs, &share.call, file, O_WRONLY, 0, &writer), 0);
	in.fh = reader.fh;
	assert_int_equal(fs_setlk(share.fs, &share.call, file, &in, false), -EBADF);
	in.fh = writer.fh;
	assert_int_equal(fs_setlk(share.fs, &share.call, file, &in, false), 0);
	in.lk.type = F_RDLCK;
	assert_int_equal(fs_setlk(share.fs, &share.call, file, &in, false), -EBADF);
	in.fh = reader.fh;
	assert_int_equal(fs_setlk(share.fs, &share.call, file, &in, false), 0);
	in.lk.type = F_UNLCK;
	assert_int_equal(fs_setlk(share.fs, &share.call, file, &in, false), 0);
}

/* A call that may be pending. */
struct waiter {
	struct fs_call call;
	_Atomic int result;
	_Atomic unsigned int completed;
};
#define UNFINISHED 1000

static void waiter_complete(struct fs_call *call, int result)
{
	struct waiter *waiter = container_of(call, struct waiter, call);

	atomic_store(&waiter->result, result);
	atomic_fetch_add(&waiter->completed, 1);
}

static void waiter_init(struct waiter *waiter, uint64_t unique)
{
	*waiter = (struct waiter){ .call = { .unique = unique, .complete = waiter_complete }, .result = UNFINISHED };
}

static int waiter_setlk(struct waiter *waiter, uint64_t unique, struct fuse_lk_in in)
{
	waiter_init(waiter, unique);
	return fs_setlk(share.fs, &waiter->call, file, &in, true);
}

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 }, NULL);
}

static int waiter_wait(struct waiter *waiter)
{
	for (int i = 0; i < 5000 && !atomic_load(&waiter->completed); i++)
		pause_ms(1);
	return atomic_load(&waiter->result);
}

/* A process of the host that does as told, byte by byte. */
struct host {
	pid_t pid;
	int commands, answers;
};

static void host_serve(int commands, int answers)
{
	char path[160], byte;
	int fd;

	/* A copy of the daemon's descriptors would keep its locks. */
	for (fd = 3; fd < 1024; fd++)
		if (fd != commands && fd != answers)
			close(fd);
	snprintf(path, sizeof(path), "%s/file", share.path);
	fd = open(path, O_RDWR | O_CLOEXEC);

	while (read(commands, &byte, 1) == 1) {
		struct flock lock = { .l_whence = SEEK_SET, .l_start = 10, .l_len = 10 };
		int result = -1;

		switch (byte) {
		case 'w':
			lock.l_type = F_WRLCK;
			result = fcntl(fd, F_SETLK, &lock);
			break;
		case 'r':
			lock.l_type = F_RDLCK;
			result = fcntl(fd, F_SETLK, &lock);
			break;
		case 'u':
			lock.l_type = F_UNLCK;
			result = fcntl(fd, F_SETLK, &lock);
			break;
		case 'x':
			result = flock(fd, LOCK_EX | LOCK_NB);
			break;
		case 'n':
			result = flock(fd, LOCK_UN);
			break;
		}
		byte = result == 0 ? 'y' : 'n';
		if (write(answers, &byte, 1) != 1)
			break;
	}
	_exit(0);
}

static void host_start(struct host *host)
{
	int commands[2], answers[2];

	assert_int_equal(pipe2(commands, O_CLOEXEC), 0);
	assert_int_equal(pipe2(answers, O_CLOEXEC), 0);
	host->pid = fork();
	assert_true(host->pid >= 0);
	if (host->pid == 0) {
		close(commands[1]);
		host_serve(commands[0], answers[1]);
	}
	close(commands[0]);
	close(answers[1]);
	host->commands = commands[1];
	host->answers = answers[0];
}

static bool host_does(struct host *host, char command)
{
	char byte = 0;

	assert_int_equal(write(host->commands, &command, 1), 1);
	assert_int_equal(read(host->answers, &byte, 1), 1);
	return byte == 'y';
}

static void host_stop(struct host *host)
{
	int status;

	close(host->commands);
	close(host->answers);
	assert_int_equal(waitpid(host->pid, &status, 0), host->pid);
}

static void test_owners_exclude_each_other(void **state)
{
	assert_int_equal(setlk(ALICE, F_WRLCK, 0, 9), 0);
	assert_int_equal(setlk(BOB, F_WRLCK, 5, 5), -EAGAIN);
	assert_int_equal(setlk(BOB, F_RDLCK, 9, 20), -EAGAIN);
	assert_int_equal(setlk(BOB, F_WRLCK, 10, 20), 0);
	/* Again and differently by oneself. */
	assert_int_equal(setlk(ALICE, F_RDLCK, 0, 9), 0);
	assert_int_equal(setlk(BOB, F_RDLCK, 0, 9), 0);
	assert_int_equal(setlk(ALICE, F_WRLCK, 0, 0), -EAGAIN);
	assert_int_equal(setlk(BOB, F_UNLCK, 0, 4), 0);
	assert_int_equal(setlk(ALICE, F_WRLCK, 0, 4), 0);
	assert_int_equal(setlk(ALICE, F_WRLCK, 5, 5), -EAGAIN);
	/* Two open files of one process. */
	struct fuse_lk_in in = request(ALICE, F_WRLCK, 0, 4);
	in.fh = fh2;
	assert_int_equal(fs_setlk(share.fs, &share.call, file, &in, false), 0);
}

static void test_ranges(void **state)
{
	assert_int_equal(setlk(ALICE, F_WRLCK, END, END), 0);
	assert_int_equal(setlk(BOB, F_WRLCK, 0, END), -EAGAIN);
	assert_int_equal(setlk(BOB, F_WRLCK, 0, END - 1), 0);
	assert_int_equal(setlk(BOB, F_WRLCK, 1, 0), -EINVAL);
	assert_int_equal(setlk(BOB, F_WRLCK, 0, END + 1), -EINVAL);
	assert_int_equal(setlk(BOB, 7, 0, 1), -EINVAL);
}

static void test_bad_files(void **state)
{
	struct fuse_lk_in in = request(ALICE, F_WRLCK, 0, END);
	struct fuse_file_lock lock;

	in.fh = 999;
	assert_int_equal(fs_setlk(share.fs, &share.call, file, &in, true), -EBADF);
	assert_int_equal(fs_getlk(share.fs, &share.call, file, &in, &lock), -EBADF);
	in.lk_flags = FUSE_LK_FLOCK;
	assert_int_equal(fs_setlk(share.fs, &share.call, file, &in, true), -EBADF);
	in.fh = fh;
	assert_int_equal(fs_setlk(share.fs, &share.call, FS_ROOT, &in, true), -EBADF);
	in.lk.type = 7;
	assert_int_equal(fs_setlk(share.fs, &share.call, file, &in, true), -EINVAL);
}

static void test_host_processes(void **state)
{
	struct host host;

	host_start(&host);
	assert_true(host_does(&host, 'w'));
	assert_int_equal(setlk(ALICE, F_RDLCK, 0, END), -EAGAIN);
	assert_int_equal(setlk(ALICE, F_WRLCK, 0, 9), 0);
	assert_true(host_does(&host, 'r'));
	assert_int_equal(setlk(ALICE, F_RDLCK, 0, END), 0);
	assert_true(host_does(&host, 'u'));
	assert_int_equal(setlk(ALICE, F_WRLCK, 15, 15), 0);
	assert_false(host_does(&host, 'r'));
	assert_int_equal(setlk(ALICE, F_UNLCK, 0, END), 0);
	assert_true(host_does(&host, 'w'));
	host_stop(&host);
}

static void test_flock(void **state)
{
	struct host host;

	host_start(&host);
	assert_int_equal(setflock(fh, F_RDLCK), 0);
	assert_int_equal(setflock(fh2, F_RDLCK), 0);
	assert_int_equal(setflock(fh, F_WRLCK), -EAGAIN);
	assert_false(host_does(&host, 'x'));
	assert_int_equal(setflock(fh2, F_UNLCK), 0);
	assert_int_equal(setflock(fh, F_WRLCK), 0);
	assert_int_equal(setflock(fh2, F_RDLCK), -EAGAIN);
	/* Not in the way of the other kind. */
	assert_int_equal(setlk(BOB, F_WRLCK, 0, END), 0);
	/* Closing ends it. */
	assert_int_equal(guest_release(&share, file, fh), 0);
	assert_true(host_does(&host, 'x'));
	assert_int_equal(setflock(fh2, F_RDLCK), -EAGAIN);
	host_stop(&host);
	assert_int_equal(setflock(fh2, F_RDLCK), 0);
}

static void test_getlk(void **state)
{
	struct fuse_lk_in in = request(BOB, F_WRLCK, 0, END);
	struct fuse_file_lock lock;
	struct host host;

	assert_int_equal(fs_getlk(share.fs, &share.call, file, &in, &lock), 0);
	assert_int_equal(lock.type, F_UNLCK);
	assert_int_equal(setlk(ALICE, F_RDLCK, 100, END), 0);
	assert_int_equal(setlk(BOB, F_RDLCK, 0, 5), 0);
	assert_int_equal(fs_getlk(share.fs, &share.call, file, &in, &lock), 0);
	assert_int_equal(lock.type, F_RDLCK);
	assert_int_equal(lock.start, 100);
	assert_int_equal(lock.end, END);
	assert_int_equal(lock.pid, ALICE & 0xfff);
	in.lk.type = F_RDLCK;
	assert_int_equal(fs_getlk(share.fs, &share.call, file, &in, &lock), 0);
	assert_int_equal(lock.type, F_UNLCK);

	/* The right one of several; who has none asks as well. */
	assert_int_equal(setlk(0xca701, F_WRLCK, 50, 59), 0);
	in = request(0xdead, F_RDLCK, 0, END);
	assert_int_equal(fs_getlk(share.fs, &share.call, file, &in, &lock), 0);
	assert_int_equal(lock.type, F_WRLCK);
	assert_int_equal(lock.start, 50);
	assert_int_equal(lock.end, 59);
	assert_int_equal(lock.pid, 0xca701 & 0xfff);

	/* A process of the host has no number here. */
	host_start(&host);
	assert_true(host_does(&host, 'w'));
	in = request(0xdead, F_RDLCK, 0, 20);
	assert_int_equal(fs_getlk(share.fs, &share.call, file, &in, &lock), 0);
	assert_int_equal(lock.type, F_WRLCK);
	assert_int_equal(lock.start, 10);
	assert_int_equal(lock.end, 19);
	assert_int_equal(lock.pid, 0);
	host_stop(&host);
}

static void test_closing_drops(void **state)
{
	size_t before = host_descriptors();
	struct fuse_release_in release = { .fh = fh, .release_flags = FUSE_RELEASE_FLUSH, .lock_owner = ALICE };

	assert_int_equal(setlk(ALICE, F_WRLCK, 0, 9), 0);
	assert_int_equal(setlk(BOB, F_WRLCK, 20, 29), 0);
	/* Of any of its files on the node. */
	assert_int_equal(fs_flush(share.fs, &share.call, file, fh2, ALICE), 0);
	assert_int_equal(setlk(BOB, F_WRLCK, 0, 9), 0);
	assert_int_equal(setlk(ALICE, F_WRLCK, 20, 29), -EAGAIN);
	assert_int_equal(setlk(ALICE, F_WRLCK, 30, 39), 0);
	assert_int_equal(fs_release(share.fs, &share.call, file, &release), 0);
	assert_int_equal(setlk(BOB, F_WRLCK, 30, 39), 0);
	assert_int_equal(setlk(BOB, F_UNLCK, 0, END), 0);
	assert_int_equal(host_descriptors(), before - 1);
	fh = fh2;
}

/* The owner of an F_OFD_SETLK is its open file: only the end of that one tells that its locks are to go. */
static void test_release_drops(void **state)
{
	struct fuse_release_in release = { .fh = fh };

	assert_int_equal(setlk(ALICE, F_WRLCK, 0, 9), 0);
	assert_int_equal(setlk(BOB, F_WRLCK, 20, 29), 0);
	assert_int_equal(fs_release(share.fs, &share.call, file, &release), 0);
	fh = open_file();
	assert_int_equal(setlk(CAROL, F_WRLCK, 20, 29), -EAGAIN);
	assert_int_equal(setlk(CAROL, F_WRLCK, 0, 9), 0);
}

static void test_wait_is_granted(void **state)
{
	struct waiter bob;

	assert_int_equal(setlk(ALICE, F_WRLCK, 0, 9), 0);
	/* Free: no need to wait. */
	assert_int_equal(waiter_setlk(&bob, 2, request(BOB, F_WRLCK, 10, 19)), 0);
	assert_int_equal(waiter_setlk(&bob, 2, request(BOB, F_WRLCK, 0, 9)), FS_PENDING);
	pause_ms(20);
	assert_int_equal(atomic_load(&bob.completed), 0);
	/* The rest goes on meanwhile, also for the owner who waits. */
	assert_int_equal(setlk(BOB, F_WRLCK, 100, 100), 0);
	assert_int_equal(setlk(ALICE, F_UNLCK, 0, 9), 0);
	assert_int_equal(waiter_wait(&bob), 0);
	assert_int_equal(setlk(ALICE, F_RDLCK, 0, 0), -EAGAIN);
}

static void test_wait_for_the_host(void **state)
{
	struct waiter alice, bob;
	struct host host;
	struct fuse_lk_in in = { .fh = fh2, .lk_flags = FUSE_LK_FLOCK, .lk = { .type = F_WRLCK } };

	host_start(&host);
	assert_true(host_does(&host, 'w'));
	assert_true(host_does(&host, 'x'));
	assert_int_equal(waiter_setlk(&alice, 2, request(ALICE, F_WRLCK, 0, 10)), FS_PENDING);
	assert_int_equal(waiter_setlk(&bob, 3, in), FS_PENDING);
	pause_ms(20);
	assert_int_equal(atomic_load(&alice.completed) + atomic_load(&bob.completed), 0);
	assert_true(host_does(&host, 'u'));
	assert_int_equal(waiter_wait(&alice), 0);
	assert_int_equal(atomic_load(&bob.completed), 0);
	assert_true(host_does(&host, 'n'));
	assert_int_equal(waiter_wait(&bob), 0);
	assert_false(host_does(&host, 'x'));
	/* A process that dies lets go. */
	assert_int_equal(setlk(ALICE, F_UNLCK, 0, END), 0);
	assert_true(host_does(&host, 'w'));
	assert_int_equal(waiter_setlk(&alice, 4, request(ALICE, F_WRLCK, 0, 10)), FS_PENDING);
	assert_int_equal(kill(host.pid, SIGKILL), 0);
	host_stop(&host);
	assert_int_equal(waiter_wait(&alice), 0);
}

static void test_interrupt(void **state)
{
	struct fuse_lk_in in = { .fh = fh2, .lk_flags = FUSE_LK_FLOCK, .lk = { .type = F_WRLCK } };
	struct waiter bob, flocker;

	assert_int_equal(setlk(ALICE, F_WRLCK, 0, END), 0);
	assert_int_equal(setflock(fh, F_WRLCK), 0);
	assert_int_equal(waiter_setlk(&bob, 2, request(BOB, F_WRLCK, 0, 9)), FS_PENDING);
	assert_int_equal(waiter_setlk(&flocker, 3, in), FS_PENDING);
	fs_interrupt(share.fs, 77);
	pause_ms(20);
	assert_int_equal(atomic_load(&bob.completed) + atomic_load(&flocker.completed), 0);
	fs_interrupt(share.fs, 2);
	assert_int_equal(waiter_wait(&bob), -EINTR);
	assert_int_equal(atomic_load(&flocker.completed), 0);
	fs_interrupt(share.fs, 3);
	assert_int_equal(waiter_wait(&flocker), -EINTR);
	/* Too late, twice. */
	fs_interrupt(share.fs, 3);
	assert_int_equal(atomic_load(&flocker.completed), 1);
	/* Who gave up does not get it later. */
	assert_int_equal(setlk(ALICE, F_UNLCK, 0, END), 0);
	pause_ms(10);
	assert_int_equal(setlk(ALICE, F_WRLCK, 0, END), 0);
}

/* The signal may come at any moment, also just before the thread waits. */
static void test_interrupt_at_once(void **state)
{
	unsigned int random = 1;

	assert_int_equal(setlk(ALICE, F_WRLCK, 0, END), 0);
	for (unsigned int i = 0; i < 1000; i++) {
		struct waiter bob;
		struct timespec now, until;

		assert_int_equal(waiter_setlk(&bob, i, request(BOB, F_WRLCK, 0, 9)), FS_PENDING);
		random = random * 1103515245 + 12345;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += (random >> 8) % 150000;
		do
			clock_gettime(CLOCK_MONOTONIC, &now);
		while (now.tv_sec == until.tv_sec && now.tv_nsec < until.tv_nsec);
		fs_interrupt(share.fs, i);
		assert_int_equal(waiter_wait(&bob), -EINTR);
		assert_int_equal(atomic_load(&bob.completed), 1);
	}
}

static void handle_signal(int number)
{
}

/* A signal that does not end the system call is like one that comes too early: more will follow. */
static void test_lost_signal(void **state)
{
	struct sigaction lossy = { .sa_handler = handle_signal, .sa_flags = SA_RESTART }, before;
	struct waiter bob;

	assert_int_equal(setlk(ALICE, F_WRLCK, 0, END), 0);
	assert_int_equal(waiter_setlk(&bob, 2, request(BOB, F_WRLCK, 0, 9)), FS_PENDING);
	pause_ms(10);
	assert_int_equal(sigaction(LOCK_SIGNAL, &lossy, &before), 0);
	fs_interrupt(share.fs, 2);
	pause_ms(20);
	assert_int_equal(atomic_load(&bob.completed), 0);
	assert_int_equal(sigaction(LOCK_SIGNAL, &before, NULL), 0);
	assert_int_equal(waiter_wait(&bob), -EINTR);
}

/* A wait that is interrupted leaves what its owner had. */
static void test_interrupted_upgrade(void **state)
{
	struct waiter bob;

	assert_int_equal(setlk(ALICE, F_RDLCK, 0, 9), 0);
	assert_int_equal(setlk(BOB, F_RDLCK, 0, 9), 0);
	assert_int_equal(waiter_setlk(&bob, 2, request(BOB, F_WRLCK, 0, 9)), FS_PENDING);
	pause_ms(10);
	fs_interrupt(share.fs, 2);
	assert_int_equal(waiter_wait(&bob), -EINTR);
	assert_int_equal(setlk(ALICE, F_WRLCK, 0, 9), -EAGAIN);
}

/* One thread of a process waits, another gives up all locks: the wait goes on, and what it brings is kept. */
static void test_unlock_beside_a_wait(void **state)
{
	struct waiter bob;

	assert_int_equal(setlk(ALICE, F_WRLCK, 0, 9), 0);
	assert_int_equal(setlk(BOB, F_WRLCK, 20, 29), 0);
	assert_int_equal(waiter_setlk(&bob, 2, request(BOB, F_WRLCK, 0, 9)), FS_PENDING);
	assert_int_equal(setlk(BOB, F_UNLCK, 0, END), 0);
	assert_int_equal(setlk(ALICE, F_WRLCK, 20, 29), 0);
	assert_int_equal(setlk(ALICE, F_UNLCK, 0, END), 0);
	assert_int_equal(waiter_wait(&bob), 0);
	assert_int_equal(setlk(ALICE, F_WRLCK, 0, 9), -EAGAIN);
	assert_int_equal(fs_flush(share.fs, &share.call, file, fh2, BOB), 0);
	assert_int_equal(setlk(ALICE, F_WRLCK, 0, 9), 0);
}

static void test_reset(void **state)
{
	struct fuse_lk_in in = { .fh = fh2, .lk_flags = FUSE_LK_FLOCK, .lk = { .type = F_WRLCK } };
	struct waiter bobs[20], flocker;
	struct host host;

	host_start(&host);
	assert_int_equal(setlk(ALICE, F_WRLCK, 0, END), 0);
	assert_int_equal(setflock(fh, F_WRLCK), 0);
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(waiter_setlk(&bobs[i], i, request(BOB + i, F_WRLCK, 0, 9)), FS_PENDING);
	assert_int_equal(waiter_setlk(&flocker, 99, in), FS_PENDING);
	fs_reset(share.fs);
	/* Completed before it returned, each once. */
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(atomic_load(&bobs[i].completed), 1);
		assert_int_equal(atomic_load(&bobs[i].result), -EINTR);
	}
	assert_int_equal(atomic_load(&flocker.result), -EINTR);
	assert_true(host_does(&host, 'w'));
	assert_true(host_does(&host, 'x'));
	host_stop(&host);
}

/* A guest may keep so many threads of ours waiting and no more. */
static void test_too_many(void **state)
{
	static struct waiter waiters[LOCK_WAITS_MAX + 1];

	assert_int_equal(setlk(ALICE, F_WRLCK, 0, END), 0);
	for (unsigned int i = 0; i < LOCK_WAITS_MAX; i++)
		assert_int_equal(waiter_setlk(&waiters[i], i, request(BOB, F_RDLCK, i, i)), FS_PENDING);
	assert_int_equal(waiter_setlk(&waiters[LOCK_WAITS_MAX], 9999, request(BOB, F_RDLCK, 0, 0)), -ENOLCK);
	assert_int_equal(setlk(BOB, F_RDLCK, 0, 0), -EAGAIN);
	assert_int_equal(setlk(ALICE, F_UNLCK, 0, END), 0);
	for (unsigned int i = 0; i < LOCK_WAITS_MAX; i++)
		assert_int_equal(waiter_wait(&waiters[i]), 0);
	assert_int_equal(setlk(ALICE, F_WRLCK, LOCK_WAITS_MAX - 1, LOCK_WAITS_MAX - 1), -EAGAIN);
}

static void *contender(void *data)
{
	struct waiter waiter;
	uint64_t owner = (uint64_t)(uintptr_t)data;
	static int counter; /* guarded by the lock under test */

	for (unsigned int i = 0; i < 200; i++) {
		struct fuse_lk_in in = request(owner, F_WRLCK, 0, 0);
		int result = waiter_setlk(&waiter, owner << 32 | i, in);

		if (result == FS_PENDING)
			result = waiter_wait(&waiter);
		if (result == -EINTR)
			continue;
		if (result != 0)
			return "lock";
		int seen = __atomic_add_fetch(&counter, 1, __ATOMIC_RELAXED);
		if (seen != 1)
			return "two at once";
		__atomic_sub_fetch(&counter, 1, __ATOMIC_RELAXED);
		if (i % 3 == 0)
			fs_flush(share.fs, &share.call, file, fh, owner);
		else if (setlk(owner, F_UNLCK, 0, 0) != 0)
			return "unlock";
		/* Somebody's, perhaps. */
		fs_interrupt(share.fs, (owner ^ 1) << 32 | i);
	}
	return NULL;
}

static void test_contention(void **state)
{
	pthread_t threads[4];
	void *complaint;

	for (uintptr_t i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, contender, (void *)(0x100 + i)), 0);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(pthread_join(threads[i], &complaint), 0);
		if (complaint)
			fail_msg("%s", (char *)complaint);
	}
}

/* Another guest is another daemon: locks of one are seen by the other, on the same file. */
static void test_two_daemons(void **state)
{
	struct fuse_entry_out entry;
	struct fs_open open;
	struct fuse_file_lock found;
	struct fs *other;
	struct passthrough_config config = { .root_fd = share.root, .cwd_is_proc_self_fd = true };
	const struct fs_session_info info = { .minor = 38 };

	assert_int_equal(passthrough_new(&config, &other), 0);
	assert_int_equal(fs_init(other, &info), 0);
	assert_int_equal(fs_lookup(other, &share.call, FS_ROOT, "file", &entry), 0);
	assert_int_equal(fs_open(other, &share.call, entry.nodeid, O_RDWR, 0, &open), 0);
	struct fuse_lk_in in = { .fh = open.fh, .owner = ALICE, .lk = { .type = F_WRLCK, .end = 9 } };

	assert_int_equal(setlk(ALICE, F_WRLCK, 5, 5), 0);
	/* The same number of an owner does not make it the same owner. */
	assert_int_equal(fs_setlk(other, &share.call, entry.nodeid, &in, false), -EAGAIN);
	assert_int_equal(fs_getlk(other, &share.call, entry.nodeid, &in, &found), 0);
	assert_int_equal(found.start, 5);
	assert_int_equal(found.pid, 0);
	assert_int_equal(setlk(ALICE, F_UNLCK, 5, 5), 0);
	assert_int_equal(fs_setlk(other, &share.call, entry.nodeid, &in, false), 0);
	assert_int_equal(setlk(ALICE, F_WRLCK, 5, 5), -EAGAIN);
	fs_reset(other);
	assert_int_equal(setlk(ALICE, F_WRLCK, 5, 5), 0);
	fs_free(other);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_access_mode), TEST(test_owners_exclude_each_other),
		TEST(test_ranges),
		TEST(test_bad_files),
		TEST(test_host_processes),
		TEST(test_flock),
		TEST(test_getlk),
		TEST(test_closing_drops),
		TEST(test_release_drops),
		TEST(test_wait_is_granted),
		TEST(test_wait_for_the_host),
		TEST(test_interrupt),
		TEST(test_interrupt_at_once),
		TEST(test_lost_signal),
		TEST(test_interrupted_upgrade),
		TEST(test_unlock_beside_a_wait),
		TEST(test_reset),
		TEST(test_too_many),
		TEST(test_contention),
		TEST(test_two_daemons),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
