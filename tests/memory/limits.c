/* SPDX-License-Identifier: BSD-3-Clause */
/* The budget: what is full says -ENOSPC, and everything freed can be used again. */
#include "fs/memory/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct fs_call call;

static struct fs *new_fs(uint64_t bytes, uint64_t inodes)
{
	struct memory_config config = { bytes, inodes };
	struct fs *fs = NULL;

	assert_int_equal(memory_new(&config, &fs), 0);
	return fs;
}

static struct fuse_kstatfs free_of(struct fs *fs)
{
	struct fuse_kstatfs statfs;

	assert_int_equal(fs_statfs(fs, &call, FS_ROOT, &statfs), 0);
	return statfs;
}

static void test_inodes(void **state)
{
	struct fs *fs = new_fs(0, 11);
	struct fuse_entry_out entry;
	char name[16];

	for (int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		assert_int_equal(fs_mknod(fs, &call, FS_ROOT, name, S_IFREG, 0, 0, &entry), 0);
	}
	assert_int_equal(free_of(fs).ffree, 0);
	assert_int_equal(fs_mkdir(fs, &call, FS_ROOT, "more", 0, 0, &entry), -ENOSPC);
	assert_int_equal(fs_lookup(fs, &call, FS_ROOT, "more", &entry), -ENOENT);
	assert_int_equal(fs_unlink(fs, &call, FS_ROOT, "n9"), 0);
	assert_int_equal(free_of(fs).ffree, 0); /* the guest still knows it */
	assert_int_equal(fs_lookup(fs, &call, FS_ROOT, "n8", &entry), 0);
	assert_int_equal(fs_unlink(fs, &call, FS_ROOT, "n8"), 0);
	fs_forget(fs, entry.nodeid, 2);
	assert_int_equal(free_of(fs).ffree, 1);
	assert_int_equal(fs_mkdir(fs, &call, FS_ROOT, "more", 0, 0, &entry), 0);
	fs_free(fs);
}

static void test_bytes(void **state)
{
	static char data[16 * 4096];
	struct fs *fs = new_fs(10 * 4096, 0);
	struct fuse_create_in create = { .flags = O_RDWR, .mode = 0644 };
	struct fuse_write_in in = { 0 };
	struct fuse_fallocate_in allocate = { .length = sizeof(data) };
	struct iovec iov = { data, sizeof(data) };
	struct fuse_entry_out entry;
	struct fs_open open;
	size_t written = 0;
	uint64_t bfree;

	assert_int_equal(fs_create(fs, &call, FS_ROOT, "f", &create, &entry, &open), 0);
	bfree = free_of(fs).bfree;
	assert_int_equal(bfree, 9);
	in.fh = allocate.fh = open.fh;
	assert_int_equal(fs_fallocate(fs, &call, entry.nodeid, &allocate), -ENOSPC);
	allocate.length = 1ull << 60;
	assert_int_equal(fs_fallocate(fs, &call, entry.nodeid, &allocate), -ENOSPC);
	assert_int_equal(free_of(fs).bfree, bfree);
	assert_int_equal(fs_write(fs, &call, entry.nodeid, &in, &iov, 1, &written), 0);
	assert_int_equal(written, 9 * 4096);
	in.offset = 1 << 20;
	assert_int_equal(fs_write(fs, &call, entry.nodeid, &in, &iov, 1, &written), -ENOSPC);
	assert_int_equal(fs_setxattr(fs, &call, entry.nodeid, "user.a", data, 5000, 0, 0), -ENOSPC);
	assert_int_equal(free_of(fs).bfree, 0);
	assert_int_equal(fs_unlink(fs, &call, FS_ROOT, "f"), 0);
	fs_forget(fs, entry.nodeid, 1);
	assert_int_equal(free_of(fs).bfree, 1); /* still open: only the name is gone */
	fs_reset(fs);
	assert_int_equal(free_of(fs).bfree, 10);
	assert_int_equal(free_of(fs).ffree, 9);
	fs_free(fs);
}

static void test_names_and_attributes_count(void **state)
{
	struct fs *fs = new_fs(10 * 4096, 1000);
	struct fuse_entry_out entry, other;
	char name[256], value[100] = "";
	int r = 0, i;

	assert_int_equal(fs_mknod(fs, &call, FS_ROOT, "n", S_IFREG, 0, 0, &entry), 0);
	for (i = 0; r == 0 && i < 1000; i++) {
		snprintf(name, sizeof(name), "%0250d", i);
		r = fs_link(fs, &call, entry.nodeid, FS_ROOT, name, &other);
	}
	assert_int_equal(r, -ENOSPC);
	while (i-- > 1) {
		snprintf(name, sizeof(name), "%0250d", i - 1);
		assert_int_equal(fs_unlink(fs, &call, FS_ROOT, name), 0);
	}
	for (i = 0, r = 0; r == 0 && i < 1000; i++) {
		snprintf(name, sizeof(name), "user.%d", i);
		r = fs_setxattr(fs, &call, entry.nodeid, name, value, sizeof(value), 0, 0);
	}
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(fs_unlink(fs, &call, FS_ROOT, "n"), 0);
	fs_reset(fs);
	assert_int_equal(free_of(fs).bfree, 10);
	fs_free(fs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inodes),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_names_and_attributes_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
