/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Three kinds of system calls:
 *
 * - those that the sources name in their "#syscalls:" comments, collected at build time: allowed, some with
 *   arguments narrowed (narrow() below);
 * - those that a C library may try behind our back, because it is newer than the one we were written with, and that it can
 *   do without: ENOSYS, as on an older kernel. So are all calls with a number newer than any we know;
 * - the others: the process is ended, trapped, or the call logged. A call missing in the comments shows here,
 *   loudly, rather than as a strange errno in a guest.
 *
 * Calls with allowed arguments cost nothing when narrowed is not needed: the kernel keeps a bitmap of calls that a filter
 * allows always. So nothing on the path of a request is narrowed.
 */
/*
 * What the C library needs for threads, memory and the end of the process, whatever the sources do:
 * #syscalls: brk mmap munmap mprotect mremap madvise futex clone exit exit_group set_robust_list rseq
 * rt_sigprocmask rt_sigaction rt_sigreturn sigaltstack restart_syscall getpid gettid tgkill sched_yield sched_getaffinity
 * getrandom clock_gettime clock_nanosleep nanosleep gettimeofday read write close fstat newfstatat prctl
 */
#include "sandbox/seccomp.h"

#include <errno.h>
#include <seccomp.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/log.h"
#include "base/util.h"

struct call {
	const char *name;
	int number;
};

static const struct call allowed[] = {
#include "sandbox/syscalls.h"
};

/* The last call that this filter was written with; what comes after is unknown to it. */
#define NEWEST_KNOWN 450 /* set_mempolicy_home_node, Linux 5.17 */
/* Linux adds about ten a year. */
#define UNKNOWN_UP_TO 639

/* Calls that some C library prefers to an older one that is allowed, or can do without. */
static const struct call optional[] = {
#define OPTIONAL(name) { #name, SYS_##name }
	OPTIONAL(clone3), /* its flags lie in memory, where no filter sees them; clone's do not */
	OPTIONAL(rseq),
	OPTIONAL(membarrier),
	OPTIONAL(getcpu),
	OPTIONAL(get_robust_list),
	OPTIONAL(sysinfo),
	OPTIONAL(uname),
	OPTIONAL(prlimit64),
	OPTIONAL(pidfd_open),
	OPTIONAL(pidfd_send_signal),
	OPTIONAL(openat2),
	OPTIONAL(faccessat),
	OPTIONAL(epoll_pwait),
#ifdef SYS_faccessat2
	OPTIONAL(faccessat2),
#endif
#ifdef SYS_close_range
	OPTIONAL(close_range),
#endif
#ifdef SYS_epoll_pwait2
	OPTIONAL(epoll_pwait2),
#endif
#ifdef SYS_futex_waitv
	OPTIONAL(futex_waitv),
#endif
#undef OPTIONAL
};

static bool is_allowed(int number)
{
	/* Files name it, since a C library makes it for pthread_create(); it then takes clone instead. */
	if (number == SYS_clone3)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
		if (allowed[i].number == number)
			return true;
	}
	return false;
}

static bool is_optional(int number)
{
	for (size_t i = 0; i < ARRAY_SIZE(optional); i++) {
		if (optional[i].number == number)
			return true;
	}
	return false;
}

/* Only threads: flags ask for one, and for no namespace. */
#define CLONE_NAMESPACES                                                                                              \
	((uint64_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET))

/* Compares one argument of a call; second is for SCMP_CMP_MASKED_EQ, where first is the mask. */
static struct scmp_arg_cmp argument(unsigned int index, enum scmp_compare how, uint64_t first, uint64_t second)
{
	return (struct scmp_arg_cmp){ .arg = index, .op = how, .datum_a = first, .datum_b = second };
}

/*
 * Allows a call with the arguments that are needed. 1 when it is none of these, 0 or -errno otherwise. What is not allowed
 * here falls to the filter's default, save for memory that could be executed: loading a library must fail softly.
 */
static int narrow(scmp_filter_ctx filter, int number)
{
	switch (number) {
	case SYS_clone:
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
					argument(0, SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_NAMESPACES, CLONE_THREAD));
	case SYS_prctl: {
		/* Threads get names. C libraries name memory too (PR_SET_VMA), and do without where they may not. */
		int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, argument(0, SCMP_CMP_EQ, PR_SET_NAME, 0));
		return result < 0 ? result :
				    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EINVAL), number, 1, argument(0, SCMP_CMP_NE, PR_SET_NAME, 0));
	}
	case SYS_unshare:
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, argument(0, SCMP_CMP_EQ, CLONE_FS, 0));
	case SYS_socket:
		return seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, argument(0, SCMP_CMP_EQ, AF_UNIX, 0));
	case SYS_mmap:
	case SYS_mprotect: {
		int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1, argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
		return result < 0 ? result :
				    seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 1,
						     argument(2, SCMP_CMP_MASKED_EQ, PROT_EXEC, PROT_EXEC));
	}
	case SYS_ioctl: {
		/* Those of files are of type 'f', 'X' or 'v' (linux/fs.h); above all none of the terminal on standard error. */
		int result = 0;
		for (const char *type = "fXv"; result == 0 && *type; type++)
			result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 1,
						  argument(1, SCMP_CMP_MASKED_EQ, 0xff00, (uint64_t)*type << 8));
		return result;
	}
	default:
		return 1;
	}
}

static int add_rules(scmp_filter_ctx filter, const struct seccomp_config *config)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(allowed); i++) {
		int number = allowed[i].number;

		if (!is_allowed(number) || (!config->syslog && (number == SYS_socket || number == SYS_connect)))
			continue;
		result = narrow(filter, number);
		if (result == 1)
			result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
	}
	for (size_t i = 0; result == 0 && i < ARRAY_SIZE(optional); i++) {
		if (!is_allowed(optional[i].number))
			result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), optional[i].number, 0);
	}
	for (int number = NEWEST_KNOWN + 1; result == 0 && number <= UNKNOWN_UP_TO; number++) {
		if (!is_allowed(number) && !is_optional(number))
			result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), number, 0);
	}
	return result;
}

int seccomp_enter(const struct seccomp_config *config)
{
	static const uint32_t actions[] = {
		[SECCOMP_KILL] = SCMP_ACT_KILL_PROCESS,
		[SECCOMP_LOG] = SCMP_ACT_LOG,
		[SECCOMP_TRAP] = SCMP_ACT_TRAP,
	};

	if (config->on_other == SECCOMP_NONE) {
		log_debug("seccomp: off; every system call may be made");
		return 0;
	}
	if (SANITIZE_ADDRESS || SANITIZE_THREAD) {
		log_info("this build has sanitizers, which make system calls of their own: going without seccomp");
		return 0;
	}

	scmp_filter_ctx filter = seccomp_init(actions[config->on_other]);
	if (!filter)
		return -ENOMEM;
	/* All threads at once, and look-up by a tree rather than one call after the other. */
	int result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
#if SCMP_VER_MAJOR > 2 || (SCMP_VER_MAJOR == 2 && SCMP_VER_MINOR >= 5)
	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
#endif
	if (result == 0)
		result = add_rules(filter, config);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	if (result < 0) {
		log_error("cannot filter system calls: %s; use --seccomp none where the kernel or the container has no seccomp",
			  strerror(-result));
		return result;
	}
	log_debug("seccomp: %zu system calls may be made, the others %s", ARRAY_SIZE(allowed),
		  config->on_other == SECCOMP_KILL ? "end the process" :
		  config->on_other == SECCOMP_LOG  ? "are logged" :
						     "trap");
	return 0;
}
