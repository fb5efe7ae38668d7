/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"
#include "cmd/listen.h"

static char directory[] = "/tmp/viofs-listen-XXXXXX";
static char path[80], lock_path[90];

static int connect_to(const char *to)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", to);
	int result = connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	close(fd);
	return result;
}

static void test_open(void **state)
{
	struct listener listener = LISTENER_INIT, second = LISTENER_INIT;
	struct stat status;
	char text[32] = "";

	umask(0);
	assert_int_equal(listener_open(path, NULL, &listener), 0);
	assert_int_equal(umask(022), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0700);
	assert_int_equal(connect_to(path), 0);
	int fd = open(lock_path, O_RDONLY);
	assert_true(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	assert_int_equal(atoi(text), getpid());
	assert_int_equal(stat(lock_path, &status), 0);
	assert_int_equal(status.st_mode, S_IFREG | 0600);

	/* A second one leaves the first alone. */
	assert_int_equal(listener_open(path, NULL, &second), -EBUSY);
	assert_int_equal(connect_to(path), 0);
	assert_int_equal(access(lock_path, F_OK), 0);

	/* Without tidying up, as after a crash: the next one takes over. */
	listener_fini(&listener);
	assert_int_equal(connect_to(path), -ECONNREFUSED);
	assert_int_equal(listener_open(path, NULL, &listener), 0);
	assert_int_equal(connect_to(path), 0);
	listener_unlink(&listener);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(lock_path, F_OK), -1);
	listener_fini(&listener);
}

static void test_relative(void **state)
{
	struct listener listener = LISTENER_INIT;

	assert_int_equal(chdir(directory), 0);
	assert_int_equal(listener_open("s", NULL, &listener), 0);
	assert_int_equal(chdir("/"), 0);
	assert_string_equal(listener.path, path);
	assert_int_equal(connect_to(path), 0);
	listener_unlink(&listener);
	assert_int_equal(access(path, F_OK), -1);
	listener_fini(&listener);
}

static void test_group(void **state)
{
	struct listener listener = LISTENER_INIT;
	struct stat status;

	assert_int_equal(listener_open(path, "no-such-group-here", &listener), -ENOENT);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(access(lock_path, F_OK), -1);
	if (geteuid() != 0)
		skip();
	assert_int_equal(listener_open(path, "1", &listener), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0770);
	assert_int_equal(status.st_gid, 1);
	listener_unlink(&listener);
	listener_fini(&listener);
}

static void test_refused(void **state)
{
	struct listener listener = LISTENER_INIT;
	char long_path[200];

	close(open(path, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(listener_open(path, NULL, &listener), -EEXIST);
	assert_int_equal(access(path, F_OK), 0);
	unlink(path);
	assert_int_equal(listener_open("/does/not/exist/s", NULL, &listener), -ENOENT);
	assert_int_equal(listener_open("/tmp/", NULL, &listener), -EINVAL);
	snprintf(long_path, sizeof(long_path), "%s/%0120d", directory, 1);
	assert_int_equal(listener_open(long_path, NULL, &listener), -ENAMETOOLONG);
	assert_int_equal(listener.fd, -1);
}

static void test_adopt(void **state)
{
	struct listener listener = LISTENER_INIT, other = LISTENER_INIT;
	int pair[2];

	assert_int_equal(listener_adopt(999, &other), -EBADF);
	int fd = open("/dev/null", O_RDONLY);
	assert_int_equal(listener_adopt(fd, &other), -ENOTSOCK);
	close(fd);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	assert_int_equal(listener_adopt(pair[0], &other), -EINVAL);
	close(pair[0]);
	close(pair[1]);
	assert_int_equal(listener_open(path, NULL, &listener), 0);
	fd = dup(listener.fd);
	assert_int_equal(listener_adopt(fd, &other), 0);
	assert_int_equal(other.fd, fd);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	listener_unlink(&other); /* not ours: nothing happens */
	assert_int_equal(access(path, F_OK), 0);
	listener_fini(&other);
	listener_unlink(&listener);
	listener_fini(&listener);
}

static int setup(void **state)
{
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/s", directory);
	snprintf(lock_path, sizeof(lock_path), "%s.pid", path);
	return 0;
}

static int teardown(void **state)
{
	return rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open),	cmocka_unit_test(test_relative), cmocka_unit_test(test_group),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_adopt),
	};
	log_setup(getenv("VIOFS_TEST_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_OFF, false, "test");
	return cmocka_run_group_tests(tests, setup, teardown);
}
