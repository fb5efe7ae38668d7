/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage "seccomp": which system calls may be made. The last, when all threads that start up run. */
#ifndef VIOFS_SANDBOX_SECCOMP_H
#define VIOFS_SANDBOX_SECCOMP_H

#include <stdbool.h>

/* What happens on a call that is not needed. */
enum seccomp_on_other {
	SECCOMP_NONE, /* it is made: no filter */
	SECCOMP_KILL, /* the process ends */
	SECCOMP_LOG, /* it is made, and the kernel's audit log says so */
	SECCOMP_TRAP, /* SIGSYS, for a debugger or a core file */
};

struct seccomp_config {
	enum seccomp_on_other on_other;
	bool syslog; /* messages go to the system's log: reconnecting to it stays possible */
};

/*
 * Filters all threads of the process. Needs libseccomp; a build with sanitizers, whose run-time makes calls of its own,
 * goes without. Logs; -errno when the kernel refused.
 */
int seccomp_enter(const struct seccomp_config *config);

#endif
