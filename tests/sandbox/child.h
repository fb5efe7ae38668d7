/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a piece of a test in a process of its own: isolation cannot be undone. */
#ifndef TESTS_SANDBOX_CHILD_H
#define TESTS_SANDBOX_CHILD_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child: says what failed and ends with failure. */
#define EXPECT(condition)                                                                      \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			fprintf(stderr, "%s:%d: not so: %s (errno %d)\n", __FILE__, __LINE__, #condition, errno); \
			_exit(1);                                                              \
		}                                                                              \
	} while (0)

/* The child says that the machine cannot do this. */
#define CHILD_SKIP 77

/* The wait status as shells have it: exit status, or 128 + signal. */
static inline int run_child(void (*body)(void *data), void *data)
{
	int status;

	fflush(NULL);
	pid_t child = fork();
	if (child == 0) {
		/* cmocka catches these. */
		signal(SIGSYS, SIG_DFL);
		signal(SIGILL, SIG_DFL);
		signal(SIGSEGV, SIG_DFL);
		body(data);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

#define assert_child(body, data)                    \
	do {                                        \
		int _status = run_child(body, data); \
		if (_status == CHILD_SKIP)          \
			skip();                     \
		assert_int_equal(_status, 0);       \
	} while (0)

#endif
