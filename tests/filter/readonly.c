/* SPDX-License-Identifier: BSD-3-Clause */
/* Every operation, one by one: which are refused, and that the others reach the backend. */
#include "fs/filter/readonly.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/filter/fake.h"

struct setup {
	struct fake fake;
	struct fs *fs;
	struct fs_call call;
	struct fuse_entry_out entry;
	struct fuse_attr attr;
	struct fs_open open;
	struct fuse_create_in create;
	size_t size;
	uint64_t offset;
};

static void setup_init(struct setup *setup)
{
	memset(setup, 0, sizeof(*setup));
	fake_init(&setup->fake);
	assert_int_equal(readonly_new(&setup->fake.fs, &setup->fs), 0);
}

static void setup_fini(struct setup *setup)
{
	fs_free(setup->fs);
	assert_true(setup->fake.destroyed);
}

#define assert_refused(operation)                                                                                      \
	do {                                                                                                           \
		assert_int_equal(operation, -EROFS);                                                                   \
		assert_int_equal(setup.fake.calls, 0);                                                                 \
	} while (0)

#define assert_passed(operation)                                                                                       \
	do {                                                                                                           \
		assert_int_equal(operation, 0);                                                                        \
		assert_int_equal(setup.fake.calls, 1);                                                                 \
		setup.fake.calls = 0;                                                                                  \
	} while (0)

static void test_changes_are_refused(void **state)
{
	struct setup setup;
	struct fuse_setattr_in setattr = { .valid = FATTR_ATIME };
	struct fuse_write_in write = { .size = 0 };
	struct fuse_fallocate_in fallocate = { .length = 1 };
	struct fs_copy copy = { .length = 1 };

	setup_init(&setup);
	assert_refused(fs_setattr(setup.fs, &setup.call, 1, &setattr, &setup.attr));
	assert_refused(fs_symlink(setup.fs, &setup.call, 1, "a", "b", &setup.entry));
	assert_refused(fs_mknod(setup.fs, &setup.call, 1, "a", 0100644, 0, 0, &setup.entry));
	assert_refused(fs_mkdir(setup.fs, &setup.call, 1, "a", 0755, 0, &setup.entry));
	assert_refused(fs_unlink(setup.fs, &setup.call, 1, "a"));
	assert_refused(fs_rmdir(setup.fs, &setup.call, 1, "a"));
	assert_refused(fs_rename(setup.fs, &setup.call, 1, "a", 1, "b", 0));
	assert_refused(fs_link(setup.fs, &setup.call, 2, 1, "b", &setup.entry));
	assert_refused(fs_create(setup.fs, &setup.call, 1, "a", &setup.create, &setup.entry, &setup.open));
	assert_refused(fs_tmpfile(setup.fs, &setup.call, 1, &setup.create, &setup.entry, &setup.open));
	assert_refused(fs_write(setup.fs, &setup.call, 2, &write, NULL, 0, &setup.size));
	assert_refused(fs_setxattr(setup.fs, &setup.call, 2, "user.a", "", 0, 0, 0));
	assert_refused(fs_removexattr(setup.fs, &setup.call, 2, "user.a"));
	assert_refused(fs_access(setup.fs, &setup.call, 2, W_OK | R_OK));
	assert_refused(fs_fallocate(setup.fs, &setup.call, 2, &fallocate));
	assert_refused(fs_copy_file_range(setup.fs, &setup.call, &copy, &setup.offset));
	setup_fini(&setup);
}

static void test_opening_for_writing_is_refused(void **state)
{
	static const uint32_t refused[] = { O_WRONLY,          O_RDWR, O_RDWR | O_APPEND, O_ACCMODE, O_RDONLY | O_TRUNC,
					    O_RDONLY | O_CREAT };
	static const uint32_t passed[] = { O_RDONLY, O_RDONLY | O_APPEND, O_RDONLY | O_DIRECT | O_NOATIME };
	struct setup setup;

	setup_init(&setup);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_refused(fs_open(setup.fs, &setup.call, 2, refused[i], 0, &setup.open));
	for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++)
		assert_passed(fs_open(setup.fs, &setup.call, 2, passed[i], 0, &setup.open));
	setup_fini(&setup);
}

static void test_ioctls(void **state)
{
	static const uint32_t passed[] = { FS_IOC_GETFLAGS, FS_IOC32_GETFLAGS, FS_IOC_FSGETXATTR };
	static const uint32_t refused[] = { FS_IOC_SETFLAGS, FS_IOC32_SETFLAGS, FS_IOC_FSSETXATTR };
	struct setup setup;
	uint32_t size;
	struct fs_ioctl ioctl = { .ret_size = &size };

	setup_init(&setup);
	for (size_t i = 0; i < 3; i++) {
		ioctl.command = refused[i];
		assert_refused(fs_ioctl(setup.fs, &setup.call, 2, 0, &ioctl));
		ioctl.command = passed[i];
		assert_passed(fs_ioctl(setup.fs, &setup.call, 2, 0, &ioctl));
	}
	ioctl.command = FICLONE;
	assert_int_equal(fs_ioctl(setup.fs, &setup.call, 2, 0, &ioctl), -ENOTTY);
	assert_int_equal(setup.fake.calls, 0);
	setup_fini(&setup);
}

static int sink_add(struct fs_dir_sink *sink, const char *name, size_t length, uint64_t ino, uint32_t type,
		    uint64_t next_offset, const struct fuse_entry_out *entry)
{
	return 0;
}

static bool sink_fits(const struct fs_dir_sink *sink, size_t length)
{
	return true;
}

static void test_reading_and_locking_pass(void **state)
{
	struct fs_dir_sink sink = { .add = sink_add, .fits = sink_fits };
	struct setup setup;
	struct fuse_statx_out statx;
	struct fuse_kstatfs statfs;
	struct fuse_release_in release = { .fh = 1 };
	struct fuse_lk_in lk = { .fh = 1, .lk.type = F_WRLCK };
	struct fuse_file_lock lock;
	char byte;

	setup_init(&setup);
	assert_passed(fs_lookup(setup.fs, &setup.call, 1, "a", &setup.entry));
	assert_passed(fs_getattr(setup.fs, &setup.call, 2, 0, &setup.attr));
	assert_passed(fs_statx(setup.fs, &setup.call, 2, 0, 0, 0, &statx));
	assert_passed(fs_readlink(setup.fs, &setup.call, 2, &byte, 1, &setup.size));
	assert_passed(fs_read(setup.fs, &setup.call, 2, 1, 0, NULL, 0, &setup.size));
	assert_passed(fs_statfs(setup.fs, &setup.call, 2, &statfs));
	assert_passed(fs_release(setup.fs, &setup.call, 2, &release));
	assert_passed(fs_flush(setup.fs, &setup.call, 2, 1, 0));
	assert_passed(fs_fsync(setup.fs, &setup.call, 2, 1, false));
	assert_passed(fs_opendir(setup.fs, &setup.call, 1, 0, &setup.open));
	assert_passed(fs_readdir(setup.fs, &setup.call, 1, 1, 0, &sink));
	assert_passed(fs_releasedir(setup.fs, &setup.call, 1, 1));
	assert_passed(fs_fsyncdir(setup.fs, &setup.call, 1, 1, false));
	assert_passed(fs_getxattr(setup.fs, &setup.call, 2, "user.a", NULL, 0, &setup.size));
	assert_passed(fs_listxattr(setup.fs, &setup.call, 2, NULL, 0, &setup.size));
	assert_passed(fs_getlk(setup.fs, &setup.call, 2, &lk, &lock));
	assert_passed(fs_setlk(setup.fs, &setup.call, 2, &lk, true));
	assert_passed(fs_access(setup.fs, &setup.call, 2, R_OK | X_OK));
	assert_passed(fs_lseek(setup.fs, &setup.call, 2, 1, 0, SEEK_DATA, &setup.offset));
	assert_passed(fs_syncfs(setup.fs, &setup.call, 1));
	setup_fini(&setup);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_changes_are_refused),
		cmocka_unit_test(test_opening_for_writing_is_refused),
		cmocka_unit_test(test_ioctls),
		cmocka_unit_test(test_reading_and_locking_pass),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
