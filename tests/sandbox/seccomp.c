/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/util.h"
#include "sandbox/seccomp.h"
#include "child.h"

#define SANITIZED (SANITIZE_ADDRESS || SANITIZE_THREAD)

static const struct seccomp_config kill_config = { SECCOMP_KILL, false };

/* A call with its arguments, made under the filter. */
struct attempt {
	const char *name;
	long number;
	long arguments[4];
};

static void attempt(void *data)
{
	const struct attempt *call = data;

	EXPECT(seccomp_enter(&kill_config) == 0);
	syscall(call->number, call->arguments[0], call->arguments[1], call->arguments[2], call->arguments[3]);
	_exit(0);
}

static void test_deadly(void **state)
{
	static const char path[] = "/bin/true";
	struct attempt table[] = {
		{ "execve", SYS_execve, { (long)path, 0, 0 } },
		{ "execveat", SYS_execveat, { AT_FDCWD, (long)path, 0, 0 } },
		{ "ptrace", SYS_ptrace, { PTRACE_TRACEME } },
		{ "mount", SYS_mount, { 0 } },
		{ "fork", SYS_clone, { SIGCHLD } },
		{ "thread with a namespace", SYS_clone, { CLONE_THREAD | CLONE_NEWUSER } },
		{ "unshare user", SYS_unshare, { CLONE_NEWUSER } },
		{ "chroot", SYS_chroot, { (long)path } },
		{ "setns", SYS_setns, { 0 } },
		{ "socket", SYS_socket, { AF_UNIX, SOCK_STREAM } },
		{ "kill", SYS_kill, { 1, 0 } },
		{ "bpf", SYS_bpf, { 0 } },
		{ "io_uring_setup", 425, { 0 } },
		{ "process_vm_readv", SYS_process_vm_readv, { 0 } },
		{ "ioctl of a terminal", SYS_ioctl, { 0, TIOCSTI, (long)path } },
	};

	if (SANITIZED)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		int status = run_child(attempt, &table[i]);
		if (status != 128 + SIGSYS)
			fail_msg("%s: status %d", table[i].name, status);
	}
}

static void *thread(void *data)
{
	return data;
}

static void still_possible(void *data)
{
	pthread_t id;
	void *result = NULL;

	EXPECT(seccomp_enter(&kill_config) == 0);
	/* Threads, which a C library starts by a call whose flags we cannot see, if it may. */
	EXPECT(pthread_create(&id, NULL, thread, data) == 0 && pthread_join(id, &result) == 0 && result == data);
	void *memory = malloc(8 << 20);
	EXPECT(memory);
	free(memory);
	EXPECT(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED && errno == EPERM);
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	EXPECT(memory != MAP_FAILED && mprotect(memory, 4096, PROT_READ | PROT_EXEC) < 0 && errno == EPERM);
	log_message(LOG_LEVEL_DEBUG, "still logging");
	_exit(0);
}

/* As on a kernel that does not have them. */
static void unknown(void *data)
{
	static const long numbers[] = { 435 /* clone3 */, 500, 639 };

	EXPECT(seccomp_enter(&kill_config) == 0);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		errno = 0;
		EXPECT(syscall(numbers[i], 0, 0, 0, 0, 0, 0) == -1 && errno == ENOSYS);
	}
	_exit(0);
}

static void test_possible(void **state)
{
	if (SANITIZED)
		skip();
	assert_child(still_possible, NULL);
	assert_child(unknown, NULL);
}

static atomic_bool go;

static void *execute_when_told(void *data)
{
	while (!atomic_load(&go))
		sched_yield();
	syscall(SYS_ptrace, PTRACE_TRACEME);
	return NULL;
}

/* A thread that ran before is held as well. */
static void other_thread(void *data)
{
	pthread_t id;

	EXPECT(pthread_create(&id, NULL, execute_when_told, NULL) == 0);
	EXPECT(seccomp_enter(&kill_config) == 0);
	atomic_store(&go, true);
	pthread_join(id, NULL);
	_exit(0);
}

static void trap(void *data)
{
	struct seccomp_config config = { SECCOMP_TRAP, false };

	EXPECT(seccomp_enter(&config) == 0);
	syscall(SYS_chroot, "/");
	_exit(0);
}

static void tolerant(void *data)
{
	struct seccomp_config config = { *(enum seccomp_on_other *)data, false };

	EXPECT(seccomp_enter(&config) == 0);
	EXPECT(syscall(SYS_chroot, "/nowhere/at/all") == -1 && (errno == ENOENT || errno == EPERM));
	_exit(0);
}

static void test_modes(void **state)
{
	if (SANITIZED)
		skip();
	assert_int_equal(run_child(other_thread, NULL), 128 + SIGSYS);
	assert_int_equal(run_child(trap, NULL), 128 + SIGSYS);
	assert_child(tolerant, &(enum seccomp_on_other){ SECCOMP_LOG });
	assert_child(tolerant, &(enum seccomp_on_other){ SECCOMP_NONE });
}

static void with_syslog(void *data)
{
	struct seccomp_config config = { SECCOMP_KILL, true };

	EXPECT(seccomp_enter(&config) == 0);
	EXPECT(socket(AF_UNIX, SOCK_DGRAM, 0) >= 0);
	socket(AF_INET, SOCK_STREAM, 0);
	_exit(0);
}

static void test_syslog(void **state)
{
	if (SANITIZED)
		skip();
	assert_int_equal(run_child(with_syslog, NULL), 128 + SIGSYS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_deadly),
		cmocka_unit_test(test_possible),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_syslog),
	};
	log_setup(LOG_LEVEL_ERROR, false, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
