/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a command while it holds a lock on a file: flock [-n] [-p] FILE COMMAND...
 * -n: exit status 1 instead of waiting. -p: a POSIX lock of the whole file instead of a flock() one.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static int take(int fd, bool posix, bool wait)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return posix ? fcntl(fd, wait ? F_SETLKW : F_SETLK, &whole) : flock(fd, LOCK_EX | (wait ? 0 : LOCK_NB));
}

int main(int argc, char **argv)
{
	bool posix = false, wait_for = true;
	int opt, fd, status;
	pid_t pid;

	while ((opt = getopt(argc, argv, "+np")) != -1) {
		posix |= opt == 'p';
		wait_for &= opt != 'n';
	}
	if (optind + 2 > argc)
		return 2;
	fd = open(argv[optind], O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0) {
		perror(argv[optind]);
		return 2;
	}
	if (take(fd, posix, wait_for)) {
		if (errno == EWOULDBLOCK || errno == EACCES)
			return 1;
		perror("flock");
		return 2;
	}
	pid = fork();
	if (!pid) {
		execvp(argv[optind + 1], argv + optind + 1);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
