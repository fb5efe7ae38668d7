/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: */
#include "sandbox/supervise.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"

/* Exit status of a daemon that a signal ended, as shells have it. */
#define EXIT_SIGNAL 128

static int status_of(pid_t child, int status)
{
	if (WIFEXITED(status))
		return WEXITSTATUS(status);

	int number = WTERMSIG(status);
	if (number == SIGSYS)
		log_error("the daemon (pid %d) was ended because it made a system call that it has no need of; "
			  "if nobody attacked it, report this and use --seccomp log meanwhile", (int)child);
	else
		log_error("the daemon (pid %d) was ended by signal %d (%s)", (int)child, number, strsignal(number));
	return EXIT_SIGNAL + number;
}

static _Noreturn void supervise(pid_t child, const struct supervise_config *config)
{
	sigset_t signals;
	int status;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	if (config->started)
		config->started(config->data);

	for (;;) {
		pid_t ended = waitpid(child, &status, WNOHANG);
		if (ended == child)
			break;
		int number = sigwaitinfo(&signals, NULL);
		if (number > 0 && number != SIGCHLD)
			kill(child, number);
	}
	if (config->ended)
		config->ended(config->data);
	_exit(status_of(child, status));
}

int supervise_fork(const struct supervise_config *config)
{
	int alive[2];

	/* Its write end lives in the supervisor alone, so that the child can tell whether it is still there. */
	if (pipe2(alive, O_CLOEXEC) < 0)
		return -errno;
	pid_t child = fork();
	if (child < 0) {
		int result = -errno;
		close(alive[0]);
		close(alive[1]);
		return result;
	}
	if (child > 0) {
		close(alive[0]);
		supervise(child, config);
	}

	close(alive[1]);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	struct pollfd gone = { .fd = alive[0], .events = POLLIN };
	if (poll(&gone, 1, 0) != 0)
		_exit(EXIT_FAILURE); /* it died before it could be asked for a signal */
	close(alive[0]);
	return 0;
}
