/* SPDX-License-Identifier: BSD-3-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "base/log.h"
#include "sandbox/landlock.h"
#include "child.h"

static char directory[] = "/tmp/viofs-landlock-XXXXXX";
static int shared_fd = -1, directory_fd = -1;

static long version(void)
{
	return syscall(444 /* landlock_create_ruleset */, NULL, 0, 1);
}

static void expect_inside(void)
{
	int fd = openat(shared_fd, "file", O_RDWR | O_CREAT, 0600);

	EXPECT(fd >= 0 && ftruncate(fd, 10) == 0);
	EXPECT(mkdirat(shared_fd, "a", 0700) == 0 && mkdirat(shared_fd, "b", 0700) == 0);
	EXPECT(renameat(shared_fd, "file", shared_fd, "a/file") == 0);
	EXPECT(linkat(shared_fd, "a/file", shared_fd, "b/file", 0) == 0);
	EXPECT(renameat2(shared_fd, "a", shared_fd, "b", 2 /* RENAME_EXCHANGE */) == 0);
	EXPECT(symlinkat("x", shared_fd, "symlink") == 0 && mkfifoat(shared_fd, "fifo", 0600) == 0);
	EXPECT(openat(shared_fd, "a", O_RDONLY | O_DIRECTORY) >= 0);
	EXPECT(unlinkat(shared_fd, "a/file", 0) == 0 && unlinkat(shared_fd, "b/file", 0) == 0);
	EXPECT(unlinkat(shared_fd, "a", AT_REMOVEDIR) == 0 && unlinkat(shared_fd, "b", AT_REMOVEDIR) == 0);
	EXPECT(unlinkat(shared_fd, "symlink", 0) == 0 && unlinkat(shared_fd, "fifo", 0) == 0);
	close(fd);
}

static void files(void *data)
{
	struct landlock_config config = { .root_fd = shared_fd, .remove_fd = -1 };

	if (version() < 2)
		_exit(CHILD_SKIP);
	EXPECT(landlock_enter(&config) == 0);
	EXPECT(openat(directory_fd, "outside", O_RDONLY) < 0 && errno == EACCES);
	EXPECT(openat(directory_fd, "new", O_WRONLY | O_CREAT, 0600) < 0 && errno == EACCES);
	EXPECT(unlinkat(directory_fd, "outside", 0) < 0 && errno == EACCES);
	EXPECT(open("/etc/passwd", O_RDONLY) < 0 && errno == EACCES);
	EXPECT(openat(shared_fd, "program", O_RDONLY) >= 0);
	execveat(shared_fd, "program", (char *[]){ NULL }, (char *[]){ NULL }, 0);
	EXPECT(errno == EACCES);
	expect_inside();
}

static void removing(void *data)
{
	struct landlock_config config = { .root_fd = shared_fd, .remove_fd = directory_fd };

	if (version() < 2)
		_exit(CHILD_SKIP);
	EXPECT(close(openat(directory_fd, "socket", O_CREAT | O_WRONLY, 0600)) == 0);
	EXPECT(landlock_enter(&config) == 0);
	EXPECT(unlinkat(directory_fd, "socket", 0) == 0);
	EXPECT(openat(directory_fd, "outside", O_RDONLY) < 0 && errno == EACCES);
}

/* With file handles on a mount that is not our own nothing about files may be refused, whatever the kernel. */
static void handles(void *data)
{
	struct landlock_config config = { .root_fd = shared_fd, .remove_fd = -1, .file_handles = true, .own_mount = false };

	EXPECT(landlock_enter(&config) == 0);
	EXPECT(openat(directory_fd, "outside", O_RDONLY) >= 0);
	expect_inside();
}

static bool can_connect(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(9), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	/* Refused by nobody but the other side. */
	bool asked = connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 || errno == ECONNREFUSED;
	close(fd);
	return asked;
}

static void network(void *data)
{
	struct landlock_config config = { .root_fd = shared_fd, .remove_fd = -1, .network = *(bool *)data };

	if (version() < 4 || !can_connect())
		_exit(CHILD_SKIP);
	EXPECT(landlock_enter(&config) == 0);
	EXPECT(can_connect() == config.network);
}

static void nothing_shared(void *data)
{
	struct landlock_config config = { .root_fd = -1, .remove_fd = -1 };

	if (version() < 2)
		_exit(CHILD_SKIP);
	EXPECT(landlock_enter(&config) == 0);
	EXPECT(openat(shared_fd, "program", O_RDONLY) < 0 && errno == EACCES);
}

static void test_files(void **state)
{
	assert_child(files, NULL);
}

static void test_removing(void **state)
{
	assert_child(removing, NULL);
}

static void test_handles(void **state)
{
	assert_child(handles, NULL);
}

static void test_network(void **state)
{
	assert_child(network, &(bool){ false });
	assert_child(network, &(bool){ true });
}

static void test_nothing_shared(void **state)
{
	assert_child(nothing_shared, NULL);
}

static int setup(void **state)
{
	if (!mkdtemp(directory))
		return -1;
	directory_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (mkdirat(directory_fd, "shared", 0700) < 0)
		return -1;
	shared_fd = openat(directory_fd, "shared", O_PATH | O_DIRECTORY | O_CLOEXEC);
	close(openat(directory_fd, "outside", O_CREAT | O_WRONLY, 0600));
	close(openat(shared_fd, "program", O_CREAT | O_WRONLY, 0700));
	return shared_fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	unlinkat(shared_fd, "program", 0);
	unlinkat(shared_fd, "file", 0);
	unlinkat(directory_fd, "outside", 0);
	unlinkat(directory_fd, "shared", AT_REMOVEDIR);
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_removing),
		cmocka_unit_test(test_handles),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_nothing_shared),
	};
	log_setup(LOG_LEVEL_OFF, false, "test");
	return cmocka_run_group_tests(tests, setup, teardown);
}
