/* SPDX-License-Identifier: BSD-3-Clause */
/* What each sandbox mode leaves in sight. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/util.h"
#include "sandbox/sandbox.h"
#include "child.h"

static char directory[] = "/tmp/viofs-place-XXXXXX";
static char shared[64], marker[64];

static void block_signals(void)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, NULL);
}

static void enter(const struct sandbox_config *config, struct sandbox *sandbox)
{
	block_signals();
	int result = sandbox_enter(config, sandbox);
	/* Containers without the right to make namespaces cannot run these tests. */
	if (result == -EPERM)
		_exit(CHILD_SKIP);
	EXPECT(result == 0);
}

/* Through the working directory /proc/self/fd a descriptor can be opened anew. */
static void expect_reopening(const struct sandbox *sandbox)
{
	char number[16];

	int file = openat(sandbox->root_fd, "file", O_PATH | O_CLOEXEC);
	EXPECT(file >= 0);
	EXPECT(fchdir(sandbox->proc_self_fd) == 0);
	snprintf(number, sizeof(number), "%d", file);
	int again = open(number, O_RDWR | O_CLOEXEC);
	EXPECT(again >= 0);
	EXPECT(write(again, "x", 1) == 1);
	close(again);
	close(file);
}

/* ".." of the shared directory and of /proc/self/fd lead nowhere. */
static void expect_no_way_up(const struct sandbox *sandbox)
{
	struct stat here, above;

	EXPECT(fstat(sandbox->root_fd, &here) == 0 && fstatat(sandbox->root_fd, "..", &above, 0) == 0);
	EXPECT(here.st_ino == above.st_ino && here.st_dev == above.st_dev);
	EXPECT(fstat(sandbox->proc_self_fd, &here) == 0 && fstatat(sandbox->proc_self_fd, "..", &above, 0) == 0);
	EXPECT(here.st_ino == above.st_ino && here.st_dev == above.st_dev);
	EXPECT(openat(sandbox->proc_self_fd, "../status", O_RDONLY) < 0);
	EXPECT(openat(sandbox->proc_self_fd, "../../../etc/passwd", O_RDONLY) < 0);
	EXPECT(openat(sandbox->root_fd, "../marker", O_RDONLY) < 0);
}

static void expect_only_shared(const struct sandbox *sandbox)
{
	EXPECT(access("/file", F_OK) == 0);
	EXPECT(access(marker, F_OK) < 0 && errno == ENOENT);
	EXPECT(access("/etc/passwd", F_OK) < 0 && errno == ENOENT);
	EXPECT(access("/proc/self", F_OK) < 0);
	EXPECT(execl("/bin/true", "true", NULL) < 0);
}

static void expect_own_namespaces(const struct sandbox *sandbox)
{
	struct if_nameindex *interfaces;

	EXPECT(getpid() == 1);
	EXPECT(getppid() == 0);
	interfaces = if_nameindex();
	/* The loopback interface alone. */
	EXPECT(interfaces && interfaces[0].if_index == 1 && interfaces[1].if_index == 0);
	if_freenameindex(interfaces);
}

static void in_namespaces(void *data)
{
	struct sandbox_config config = { .mode = SANDBOX_NAMESPACE, .shared_dir = shared };
	struct sandbox sandbox;

	enter(&config, &sandbox);
	EXPECT(sandbox.own_mount && !sandbox.one_user && sandbox.all_ids);
	expect_own_namespaces(&sandbox);
	expect_only_shared(&sandbox);
	expect_no_way_up(&sandbox);
	expect_reopening(&sandbox);
	EXPECT(getgroups(0, NULL) == 0);
	EXPECT(mkdirat(sandbox.root_fd, "made", 0755) == 0 && unlinkat(sandbox.root_fd, "made", AT_REMOVEDIR) == 0);
	sandbox_fini(&sandbox);
	_exit(0);
}

/* What the shared directory's file system may hold is not run and has no powers. */
static void flags_of_mount(void *data)
{
	struct sandbox_config config = { .mode = SANDBOX_NAMESPACE, .shared_dir = shared };
	struct sandbox sandbox;

	enter(&config, &sandbox);
	EXPECT(fchmodat(sandbox.root_fd, "file", 0755, 0) == 0);
	EXPECT(syscall(SYS_execveat, sandbox.root_fd, "file", (char *[]){ NULL }, (char *[]){ NULL }, 0) < 0 && errno == EACCES);
	_exit(0);
}

static void become_nobody(void)
{
	EXPECT(setgroups(0, NULL) == 0 && setgid(65534) == 0 && setuid(65534) == 0);
	/* Otherwise /proc/self belongs to root. */
	prctl(PR_SET_DUMPABLE, 1);
}

static void in_user_namespace(void *data)
{
	struct sandbox_config config = { .mode = SANDBOX_NAMESPACE, .shared_dir = shared };
	struct sandbox sandbox;

	become_nobody();
	enter(&config, &sandbox);
	EXPECT(sandbox.own_mount && sandbox.one_user && !sandbox.all_ids);
	EXPECT(geteuid() == 65534 && getegid() == 65534);
	expect_own_namespaces(&sandbox);
	expect_only_shared(&sandbox);
	expect_no_way_up(&sandbox);
	expect_reopening(&sandbox);
	_exit(0);
}

static void as_root_of_user_namespace(void *data)
{
	struct nsmap_range range = { 0, 65534, 1 };
	struct sandbox_config config = {
		.mode = SANDBOX_NAMESPACE, .shared_dir = shared, .uid_map = { &range, 1 }, .gid_map = { &range, 1 }
	};
	struct sandbox sandbox;

	become_nobody();
	enter(&config, &sandbox);
	EXPECT(sandbox.one_user && geteuid() == 0 && getegid() == 0);
	expect_reopening(&sandbox);
	_exit(0);
}

/* Root may map what it likes. */
static void root_with_maps(void *data)
{
	struct nsmap_range ranges[] = { { 0, 65534, 1 }, { 1, 200001, 100 } };
	struct sandbox_config config = {
		.mode = SANDBOX_NAMESPACE, .shared_dir = shared, .uid_map = { ranges, 2 }, .gid_map = { ranges, 2 }
	};
	struct sandbox sandbox;
	struct stat status;

	enter(&config, &sandbox);
	EXPECT(!sandbox.one_user && !sandbox.all_ids && geteuid() == 0 && getegid() == 0);
	EXPECT(fstatat(sandbox.root_fd, "file", &status, 0) == 0 && status.st_uid == 0);
	EXPECT(fchownat(sandbox.root_fd, "file", 7, 7, 0) == 0);
	EXPECT(fchownat(sandbox.root_fd, "file", 0, 0, 0) == 0);
	EXPECT(fchownat(sandbox.root_fd, "file", 5000, 0, 0) < 0 && errno == EINVAL);
	_exit(0);
}

static void in_chroot(void *data)
{
	struct sandbox_config config = { .mode = SANDBOX_CHROOT, .shared_dir = shared };
	struct sandbox sandbox;

	enter(&config, &sandbox);
	EXPECT(!sandbox.own_mount && !sandbox.one_user && sandbox.all_ids);
	EXPECT(getpid() != 1);
	expect_only_shared(&sandbox);
	expect_reopening(&sandbox);
	EXPECT(openat(sandbox.proc_self_fd, "../status", O_RDONLY) < 0);
	_exit(0);
}

static void chroot_refused(void *data)
{
	struct sandbox_config config = { .mode = SANDBOX_CHROOT, .shared_dir = shared };
	struct sandbox sandbox;

	become_nobody();
	block_signals();
	EXPECT(sandbox_enter(&config, &sandbox) == -EPERM);
	_exit(0);
}

static void in_none(void *data)
{
	struct sandbox_config config = { .mode = SANDBOX_NONE, .shared_dir = shared };
	struct sandbox sandbox;
	pid_t before = getpid();

	enter(&config, &sandbox);
	EXPECT(getpid() == before);
	EXPECT(access(marker, F_OK) == 0);
	expect_reopening(&sandbox);
	sandbox_fini(&sandbox);
	_exit(0);
}

static void nothing_shared(void *data)
{
	struct sandbox_config config = { .mode = SANDBOX_NAMESPACE };
	struct sandbox sandbox;

	enter(&config, &sandbox);
	EXPECT(access(marker, F_OK) < 0 && access("/etc", F_OK) < 0);
	_exit(0);
}

static void shared_root(void *data)
{
	struct sandbox_config config = { .mode = SANDBOX_NAMESPACE, .shared_dir = "/" };
	struct sandbox sandbox;

	enter(&config, &sandbox);
	EXPECT(faccessat(sandbox.root_fd, marker + 1, F_OK, 0) == 0);
	_exit(0);
}

static void not_a_directory(void *data)
{
	struct sandbox_config config = { .mode = SANDBOX_NAMESPACE, .shared_dir = marker };
	struct sandbox sandbox;

	for (config.mode = SANDBOX_NAMESPACE; config.mode <= SANDBOX_NONE; config.mode++) {
		config.shared_dir = marker;
		EXPECT(sandbox_enter(&config, &sandbox) == -ENOTDIR);
		config.shared_dir = "/does/not/exist";
		EXPECT(sandbox_enter(&config, &sandbox) == -ENOENT);
	}
}

static void note(void *data)
{
	EXPECT(write(*(int *)data, "e", 1) == 1);
}

/* The supervisor hands on SIGTERM, runs its last duty, and ends as the daemon ended. */
static void test_supervisor(void **state)
{
	int started[2], ended[2], status;
	char byte;

	assert_int_equal(pipe(started), 0);
	assert_int_equal(pipe(ended), 0);
	fflush(NULL);
	pid_t supervisor = fork();
	if (supervisor == 0) {
		struct sandbox_config config = {
			.mode = SANDBOX_NAMESPACE, .shared_dir = shared, .supervisor_ended = note, .data = &ended[1]
		};
		struct sandbox sandbox;
		sigset_t signals;
		int number = 0;

		enter(&config, &sandbox);
		EXPECT(write(started[1], "s", 1) == 1);
		sigemptyset(&signals);
		sigaddset(&signals, SIGTERM);
		EXPECT(sigwait(&signals, &number) == 0);
		_exit(number == SIGTERM ? 42 : 1);
	}
	close(started[1]);
	close(ended[1]);
	if (read(started[0], &byte, 1) != 1)
		skip();
	assert_int_equal(kill(supervisor, SIGTERM), 0);
	assert_int_equal(waitpid(supervisor, &status, 0), supervisor);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	assert_int_equal(read(ended[0], &byte, 1), 1);
	close(started[0]);
	close(ended[0]);
}

/* When the supervisor is killed the daemon goes with it. */
static void test_supervisor_killed(void **state)
{
	int alive[2];
	char byte;

	assert_int_equal(pipe(alive), 0);
	fflush(NULL);
	pid_t supervisor = fork();
	if (supervisor == 0) {
		struct sandbox_config config = { .mode = SANDBOX_NAMESPACE, .shared_dir = shared };
		struct sandbox sandbox;

		enter(&config, &sandbox);
		EXPECT(write(alive[1], "s", 1) == 1);
		for (;;)
			pause();
	}
	close(alive[1]);
	if (read(alive[0], &byte, 1) != 1)
		skip();
	kill(supervisor, SIGKILL);
	waitpid(supervisor, NULL, 0);
	/* End of file when the last holder is gone. */
	assert_int_equal(read(alive[0], &byte, 1), 0);
	close(alive[0]);
}

static void die(void *data)
{
	struct sandbox_config config = { .mode = SANDBOX_NAMESPACE, .shared_dir = shared };
	struct sandbox sandbox;

	enter(&config, &sandbox);
	/* A process with pid 1 is not ended by its own signals, save by faults. */
	__builtin_trap();
}

static bool is_root(void)
{
	return geteuid() == 0;
}

#define ROOT_TEST(name)                          \
	static void test_##name(void **state)    \
	{                                        \
		if (!is_root())                  \
			skip();                  \
		assert_child(name, NULL);        \
	}
/* A process with threads, and the thread sanitizer has one, may not make a user namespace. */
#define USER_NAMESPACE_TEST(name)                \
	static void test_##name(void **state)    \
	{                                        \
		if (!is_root() || SANITIZE_THREAD) \
			skip();                  \
		assert_child(name, NULL);        \
	}
ROOT_TEST(in_namespaces)
ROOT_TEST(flags_of_mount)
USER_NAMESPACE_TEST(in_user_namespace)
USER_NAMESPACE_TEST(as_root_of_user_namespace)
USER_NAMESPACE_TEST(root_with_maps)
ROOT_TEST(in_chroot)
ROOT_TEST(chroot_refused)
ROOT_TEST(nothing_shared)
ROOT_TEST(shared_root)

static void test_in_none(void **state)
{
	assert_child(in_none, NULL);
}

static void test_not_a_directory(void **state)
{
	assert_child(not_a_directory, NULL);
}

static void test_daemon_dies(void **state)
{
	int status = is_root() ? run_child(die, NULL) : CHILD_SKIP;

	if (status == CHILD_SKIP)
		skip();
	/* A sanitizer turns the fault into its own exit status. */
	assert_true(status == 128 + SIGILL || status == 1);
}

static int setup(void **state)
{
	if (!mkdtemp(directory))
		return -1;
	/* The other user must get there. */
	chmod(directory, 0755);
	snprintf(shared, sizeof(shared), "%s/shared", directory);
	snprintf(marker, sizeof(marker), "%s/marker", directory);
	mkdir(shared, 0755);
	close(open(marker, O_CREAT | O_WRONLY, 0644));
	char file[80];
	snprintf(file, sizeof(file), "%s/file", shared);
	close(open(file, O_CREAT | O_WRONLY, 0644));
	if (geteuid() == 0 && (chown(shared, 65534, 65534) < 0 || chown(file, 65534, 65534) < 0))
		return -1;
	return 0;
}

static int teardown(void **state)
{
	char file[80];

	snprintf(file, sizeof(file), "%s/file", shared);
	unlink(file);
	unlink(marker);
	rmdir(shared);
	rmdir(directory);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_namespaces),
		cmocka_unit_test(test_flags_of_mount),
		cmocka_unit_test(test_in_user_namespace),
		cmocka_unit_test(test_as_root_of_user_namespace),
		cmocka_unit_test(test_root_with_maps),
		cmocka_unit_test(test_in_chroot),
		cmocka_unit_test(test_chroot_refused),
		cmocka_unit_test(test_in_none),
		cmocka_unit_test(test_nothing_shared),
		cmocka_unit_test(test_shared_root),
		cmocka_unit_test(test_not_a_directory),
		cmocka_unit_test(test_supervisor),
		cmocka_unit_test(test_supervisor_killed),
		cmocka_unit_test(test_daemon_dies),
	};
	log_setup(getenv("VIOFS_TEST_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_OFF, false, "test");
	return cmocka_run_group_tests(tests, setup, teardown);
}
