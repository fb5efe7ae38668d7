/* SPDX-License-Identifier: BSD-3-Clause */
/* IOCTL: file flags and extended flags, and nothing else. On ext4 (or what /var/tmp is). */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "share.h"

static struct share share;
static uint64_t file, fh;

static int begin(void **state)
{
	share_open(&share, "/var/tmp", NULL, 0);
	file = guest_create(&share, FS_ROOT, "file", &fh);
	return 0;
}

static int end(void **state)
{
	fs_release(share.fs, &share.call, file, &(struct fuse_release_in){ .fh = fh });
	share_close(&share);
	return 0;
}

static int call(uint64_t node, uint64_t handle, uint32_t command, const void *in, uint32_t in_size, void *out,
		uint32_t out_size, uint32_t *ret_size)
{
	struct fs_ioctl ioc = {
		.command = command,
		.in = in,
		.in_size = in_size,
		.out = out,
		.out_size = out_size,
		.ret_size = ret_size,
	};

	*ret_size = UINT32_MAX;
	return fs_ioctl(share.fs, &share.call, node, handle, &ioc);
}

static uint32_t host_flags(const char *name)
{
	uint32_t flags = 0;
	int fd = openat(share.root, name, O_RDONLY);

	assert_int_equal(ioctl(fd, FS_IOC_GETFLAGS, &flags), 0);
	close(fd);
	return flags;
}

static void test_flags(void **state)
{
	static const uint32_t sets[] = { FS_IOC_SETFLAGS, FS_IOC32_SETFLAGS };
	static const uint32_t gets[] = { FS_IOC_GETFLAGS, FS_IOC32_GETFLAGS };

	for (unsigned int i = 0; i < 4; i++) {
		/* As the kernel sends it (4 bytes), and as a program that goes by the number does (8). */
		uint32_t bytes = i % 2 ? 8 : 4, command = i / 2, size;
		uint64_t in, out;
		uint32_t flags;

		assert_int_equal(call(file, fh, gets[command], NULL, 0, &out, bytes, &size), 0);
		assert_int_equal(size, 4);
		memcpy(&flags, &out, 4);
		assert_int_equal(flags, host_flags("file"));
		in = flags ^ FS_NODUMP_FL;
		assert_int_equal(call(file, fh, sets[command], &in, bytes, NULL, 0, &size), 0);
		assert_int_equal(size, 0);
		assert_int_equal(host_flags("file"), (uint32_t)in);
	}
}

static void test_directory_and_no_handle(void **state)
{
	uint32_t flags = 0, size;
	struct fs_open dir;

	host_mkdir(&share, "dir");
	uint64_t node = guest_lookup(&share, FS_ROOT, "dir");
	assert_int_equal(call(node, FS_NO_HANDLE, FS_IOC_GETFLAGS, NULL, 0, &flags, 4, &size), 0);
	assert_int_equal(flags, host_flags("dir"));
	assert_int_equal(fs_opendir(share.fs, &share.call, node, 0, &dir), 0);
	flags |= FS_NOATIME_FL;
	assert_int_equal(call(node, dir.fh, FS_IOC_SETFLAGS, &flags, 4, NULL, 0, &size), 0);
	assert_int_equal(host_flags("dir"), flags);
	assert_int_equal(fs_releasedir(share.fs, &share.call, node, dir.fh), 0);
	/* A FIFO has no flags, and is not opened to find out. */
	assert_int_equal(mkfifoat(share.root, "fifo", 0644), 0);
	node = guest_lookup(&share, FS_ROOT, "fifo");
	assert_int_equal(call(node, FS_NO_HANDLE, FS_IOC_GETFLAGS, NULL, 0, &flags, 4, &size), -ENOTTY);
}

static void test_extended(void **state)
{
	struct fsxattr attr, back;
	uint32_t size;
	int result = call(file, fh, FS_IOC_FSGETXATTR, NULL, 0, &attr, sizeof(attr), &size);

	if (result == -ENOTTY || result == -EOPNOTSUPP)
		skip();
	assert_int_equal(result, 0);
	assert_int_equal(size, sizeof(attr));
	attr.fsx_xflags ^= FS_XFLAG_NODUMP;
	assert_int_equal(call(file, fh, FS_IOC_FSSETXATTR, &attr, sizeof(attr), NULL, 0, &size), 0);
	assert_int_equal(call(file, fh, FS_IOC_FSGETXATTR, NULL, 0, &back, sizeof(back), &size), 0);
	assert_int_equal(back.fsx_xflags, attr.fsx_xflags);
	assert_true(host_flags("file") & FS_NODUMP_FL);
}

static void test_short_buffers(void **state)
{
	char buffer[32] = "";
	uint32_t size;

	assert_int_equal(call(file, fh, FS_IOC_GETFLAGS, NULL, 0, buffer, 3, &size), -EINVAL);
	assert_int_equal(call(file, fh, FS_IOC_SETFLAGS, buffer, 3, NULL, 0, &size), -EINVAL);
	assert_int_equal(call(file, fh, FS_IOC_FSGETXATTR, NULL, 0, buffer, 27, &size), -EINVAL);
	assert_int_equal(call(file, fh, FS_IOC_FSSETXATTR, buffer, 27, NULL, 0, &size), -EINVAL);
}

static void test_others(void **state)
{
	static const uint32_t commands[] = { FICLONE,           FIBMAP, FIGETBSZ,  FIFREEZE, FITRIM, FIONREAD,
					     FS_IOC_GETVERSION, 0,      UINT32_MAX };
	char buffer[64] = "";
	uint32_t size;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		assert_int_equal(call(file, fh, commands[i], buffer, 64, buffer, 64, &size), -ENOTTY);
	assert_int_equal(call(file, 99, FS_IOC_GETFLAGS, NULL, 0, buffer, 64, &size), -EBADF);
	assert_int_equal(call(FS_ROOT, fh, FS_IOC_GETFLAGS, NULL, 0, buffer, 64, &size), -EBADF);
}

/* An old guest's kernel passes on what any user asks. */
static void test_old_guest(void **state)
{
	uint32_t flags, size;

	share.pt->session.minor = 31;
	assert_int_equal(call(file, fh, FS_IOC_GETFLAGS, NULL, 0, &flags, 4, &size), 0);
	flags ^= FS_NODUMP_FL;
	share.call.uid = 4711;
	assert_int_equal(call(file, fh, FS_IOC_SETFLAGS, &flags, 4, NULL, 0, &size), -EPERM);
	assert_int_equal(call(file, fh, FS_IOC_GETFLAGS, NULL, 0, &flags, 4, &size), 0);
	if (geteuid() != 0)
		skip();
	/* The owner may, but not everything. */
	assert_int_equal(fchownat(share.root, "file", 4711, 4711, 0), 0);
	flags ^= FS_NODUMP_FL;
	assert_int_equal(call(file, fh, FS_IOC_SETFLAGS, &flags, 4, NULL, 0, &size), 0);
	flags |= FS_IMMUTABLE_FL;
	assert_int_equal(call(file, fh, FS_IOC_SETFLAGS, &flags, 4, NULL, 0, &size), -EPERM);
	share.call.uid = 0;
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_flags),    TEST(test_directory_and_no_handle),
		TEST(test_extended), TEST(test_short_buffers),
		TEST(test_others),   TEST(test_old_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
