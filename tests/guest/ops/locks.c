/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Locks between the processes of one guest. That the daemon keeps them changes one thing: Linux's virtiofs driver has no
 * way yet to send FUSE_INTERRUPT ("TODO interrupts"), so who waits for such a lock cannot be interrupted or killed.
 * The checks that interrupt a waiter therefore need --have interrupts, which holds for locks that the guest keeps.
 */
#include "ops.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>

struct channel {
	int to[2];
	int from[2];
	pid_t pid;
};

static void nap(long milliseconds)
{
	nanosleep(&(struct timespec){ milliseconds / 1000, milliseconds % 1000 * 1000000 }, NULL);
}

static struct flock range(short type, off_t start, off_t length)
{
	return (struct flock){ .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length };
}

/* Runs body in a child and returns the exit status. */
static int in_child(int (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(body());
	SAME(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static int try_posix(void)
{
	struct flock lock = range(F_WRLCK, 50, 10);

	return fcntl(op_open("f", O_RDWR), F_SETLK, &lock) < 0 ? errno : 0;
}

static int try_posix_beside(void)
{
	struct flock lock = range(F_WRLCK, 200, 10);

	return fcntl(op_open("f", O_RDWR), F_SETLK, &lock) < 0 ? errno : 0;
}

static int ask_posix(void)
{
	struct flock lock = range(F_WRLCK, 0, 0);

	OK(fcntl(op_open("f", O_RDWR), F_GETLK, &lock));
	SAME(lock.l_type, F_WRLCK);
	SAME(lock.l_start, 0);
	SAME(lock.l_len, 100);
	SAME(lock.l_pid, getppid());
	return 0;
}

static void posix(void)
{
	struct flock lock = range(F_WRLCK, 0, 100);
	int fd = op_open("f", O_CREAT | O_RDWR);

	OK(fcntl(fd, F_SETLK, &lock));
	SAME(in_child(try_posix), EAGAIN);
	SAME(in_child(try_posix_beside), 0);
	SAME(in_child(ask_posix), 0);
	lock = range(F_UNLCK, 40, 30);
	OK(fcntl(fd, F_SETLK, &lock));
	SAME(in_child(try_posix), 0);
	lock = range(F_WRLCK, 0, 100);
	OK(fcntl(fd, F_SETLK, &lock));
	/* Closing any descriptor of the file drops the process's POSIX locks. */
	OK(close(op_open("f", O_RDWR)));
	SAME(in_child(try_posix), 0);
}

static void posix_shared(void)
{
	struct flock lock = range(F_RDLCK, 0, 0);
	int fd = op_open("f", O_CREAT | O_RDWR), status;

	OK(fcntl(fd, F_SETLK, &lock));
	if (!fork()) {
		OK(fcntl(op_open("f", O_RDONLY), F_SETLK, &lock));
		lock = range(F_WRLCK, 0, 0);
		FAILS(EAGAIN, fcntl(op_open("f", O_RDWR), F_SETLK, &lock));
		_exit(0);
	}
	wait(&status);
	SAME(status, 0);
}

static void posix_waits(void)
{
	struct flock lock = range(F_WRLCK, 0, 1);
	int fd = op_open("f", O_CREAT | O_RDWR), status;
	pid_t pid;

	OK(fcntl(fd, F_SETLK, &lock));
	pid = fork();
	if (!pid) {
		int other = op_open("f", O_RDWR);

		OK(fcntl(other, F_SETLKW, &lock));
		SAME(write(other, "got it", 6), 6);
		_exit(0);
	}
	nap(300);
	SAME(waitpid(pid, &status, WNOHANG), 0);
	/* The one that waits must not keep others from their work. */
	op_write("g", "meanwhile");
	op_expect("g", "meanwhile");
	SAME(op_stat("f").st_size, 0);
	lock.l_type = F_UNLCK;
	OK(fcntl(fd, F_SETLK, &lock));
	SAME(waitpid(pid, &status, 0), pid);
	SAME(status, 0);
	op_expect("f", "got it");
}

static void on_signal(int number)
{
	(void)number;
}

static void wait_interrupted(void)
{
	struct flock lock = range(F_WRLCK, 0, 1);
	int fd = op_open("f", O_CREAT | O_RDWR), status;
	pid_t pid;

	OK(fcntl(fd, F_SETLK, &lock));
	pid = fork();
	if (!pid) {
		struct sigaction action = { .sa_handler = on_signal };

		OK(sigaction(SIGUSR1, &action, NULL));
		FAILS(EINTR, fcntl(op_open("f", O_RDWR), F_SETLKW, &lock));
		_exit(0);
	}
	nap(300);
	OK(kill(pid, SIGUSR1));
	SAME(waitpid(pid, &status, 0), pid);
	SAME(status, 0);
	/* What was interrupted must not be granted later. */
	lock.l_type = F_UNLCK;
	OK(fcntl(fd, F_SETLK, &lock));
	nap(100);
	SAME(in_child(try_posix), 0);
}

static void waiter_killed(void)
{
	struct flock lock = range(F_WRLCK, 0, 1);
	int fd = op_open("f", O_CREAT | O_RDWR), status;
	pid_t pid;

	OK(fcntl(fd, F_SETLK, &lock));
	pid = fork();
	if (!pid) {
		fcntl(op_open("f", O_RDWR), F_SETLKW, &lock);
		_exit(0);
	}
	nap(200);
	OK(kill(pid, SIGKILL));
	SAME(waitpid(pid, &status, 0), pid);
	CHECK(WIFSIGNALED(status));
	lock.l_type = F_UNLCK;
	OK(fcntl(fd, F_SETLK, &lock));
	SAME(in_child(try_posix), 0);
}

static int try_flock(void)
{
	return flock(op_open("f", O_RDWR), LOCK_EX | LOCK_NB) < 0 ? errno : 0;
}

static int try_flock_shared(void)
{
	return flock(op_open("f", O_RDWR), LOCK_SH | LOCK_NB) < 0 ? errno : 0;
}

static void flocks(void)
{
	int fd = op_open("f", O_CREAT | O_RDWR), copy, status;
	pid_t pid;

	OK(flock(fd, LOCK_EX));
	SAME(in_child(try_flock), EWOULDBLOCK);
	copy = dup(fd);
	OK(close(fd));
	SAME(in_child(try_flock), EWOULDBLOCK);
	OK(flock(copy, LOCK_SH));
	SAME(in_child(try_flock), EWOULDBLOCK);
	SAME(in_child(try_flock_shared), 0);
	pid = fork();
	if (!pid) {
		/* Without its own copy of the open file that has the lock: it would wait for itself. */
		OK(close(copy));
		OK(flock(op_open("f", O_RDWR), LOCK_EX));
		_exit(0);
	}
	nap(200);
	SAME(waitpid(pid, &status, WNOHANG), 0);
	OK(close(copy));
	SAME(waitpid(pid, &status, 0), pid);
	SAME(status, 0);
	SAME(in_child(try_flock), 0);
}

static void flock_waits(void)
{
	int status, ready[2];
	char byte;
	pid_t holder, waiter;

	op_write("f", "");
	OK(pipe(ready));
	holder = fork();
	if (!holder) {
		OK(flock(op_open("f", O_RDWR), LOCK_EX));
		SAME(write(ready[1], "x", 1), 1);
		nap(400);
		_exit(0);
	}
	SAME(read(ready[0], &byte, 1), 1);
	waiter = fork();
	if (!waiter) {
		OK(flock(op_open("f", O_RDWR), LOCK_EX));
		_exit(0);
	}
	nap(100);
	SAME(waitpid(waiter, &status, WNOHANG), 0);
	SAME(waitpid(holder, &status, 0), holder);
	SAME(status, 0);
	SAME(waitpid(waiter, &status, 0), waiter);
	SAME(status, 0);
}

static void ofd(void)
{
	struct flock lock = range(F_WRLCK, 0, 100);
	int a = op_open("f", O_CREAT | O_RDWR), b = op_open("f", O_RDWR);

	OK(fcntl(a, F_OFD_SETLK, &lock));
	FAILS(EAGAIN, fcntl(b, F_OFD_SETLK, &lock));
	SAME(in_child(try_posix), EAGAIN);
	OK(close(a));
	/* FUSE tells of a close in two ways: FLUSH, which is waited for but names a process, and RELEASE, which is not. */
	for (int tries = 0; tries < 20 && fcntl(b, F_OFD_SETLK, &lock); tries++)
		nap(100);
	SAME(in_child(try_posix), EAGAIN);
	OK(close(b));
	for (int tries = 0; tries < 20 && in_child(try_posix); tries++)
		nap(100);
	SAME(in_child(try_posix), 0);
}

static const struct op ops[] = {
	{ "posix", posix, NULL },
	{ "posix_shared", posix_shared, NULL },
	{ "posix_waits", posix_waits, NULL },
	{ "wait_interrupted", wait_interrupted, "interrupts" },
	{ "waiter_killed", waiter_killed, "interrupts" },
	{ "flocks", flocks, NULL },
	{ "flock_waits", flock_waits, NULL },
	{ "ofd", ofd, NULL },
	{ NULL, NULL, NULL },
};

const struct op_group locks_group = { "locks", ops };
