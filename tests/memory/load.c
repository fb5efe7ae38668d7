/* SPDX-License-Identifier: BSD-3-Clause */
/* A directory of the host, copied. */
#include "fs/memory/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static struct fs_call call;

static void put(const char *name, const char *text, off_t offset)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0640);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), offset), strlen(text));
	close(fd);
}

static uint64_t find(struct fs *fs, uint64_t parent, const char *name, struct fuse_attr *attr)
{
	struct fuse_entry_out entry;

	assert_int_equal(fs_lookup(fs, &call, parent, name, &entry), 0);
	*attr = entry.attr;
	return entry.nodeid;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	return remove(path);
}

static void test_load(void **state)
{
	char directory[] = "/tmp/viofs-load-XXXXXX", buffer[16];
	const struct timespec times[2] = { { 1000, 1 }, { 2000, 2 } };
	struct memory_config config = { 0 };
	struct fs *fs = NULL;
	struct fuse_attr attr, link_attr;
	struct iovec iov = { buffer, sizeof(buffer) };
	size_t length = 0;
	uint64_t sub, node;
	bool has_xattrs;
	int fd, back = open(".", O_PATH | O_CLOEXEC);

	assert_non_null(mkdtemp(directory));
	assert_int_equal(chdir(directory), 0);
	assert_int_equal(mkdir("sub", 0750), 0);
	put("sub/file", "hello", 0);
	put("sparse", "end", (off_t)1 << 30);
	assert_int_equal(link("sub/file", "link"), 0);
	assert_int_equal(symlink("sub/file", "symlink"), 0);
	assert_int_equal(mkfifo("fifo", 0600), 0);
	has_xattrs = setxattr("sub/file", "user.a", "b", 1, 0) == 0;
	assert_int_equal(utimensat(AT_FDCWD, "sub", times, 0), 0);
	fd = open(".", O_RDONLY | O_DIRECTORY);
	assert_true(fd >= 0);

	assert_int_equal(memory_new(&config, &fs), 0);
	assert_int_equal(memory_load(fs, fd), 0);
	close(fd);
	sub = find(fs, FS_ROOT, "sub", &attr);
	assert_int_equal(attr.mode, S_IFDIR | 0750);
	assert_int_equal(attr.mtime, 2000);
	assert_int_equal(attr.mtimensec, 2);
	node = find(fs, sub, "file", &attr);
	assert_int_equal(attr.mode, S_IFREG | 0640);
	assert_int_equal(attr.uid, getuid());
	assert_int_equal(attr.nlink, 2);
	assert_int_equal(attr.size, 5);
	assert_int_equal(find(fs, FS_ROOT, "link", &link_attr), node);
	assert_int_equal(fs_read(fs, &call, node, FS_NO_HANDLE, 0, &iov, 1, &length), 0);
	assert_int_equal(length, 5);
	assert_memory_equal(buffer, "hello", 5);
	assert_int_equal(fs_getxattr(fs, &call, node, "user.a", buffer, sizeof(buffer), &length),
			 has_xattrs ? 0 : -ENODATA);
	node = find(fs, FS_ROOT, "sparse", &attr);
	assert_int_equal(attr.size, (1 << 30) + 3);
	assert_true(attr.blocks < 1000);
	assert_int_equal(fs_read(fs, &call, node, FS_NO_HANDLE, 1 << 30, &iov, 1, &length), 0);
	assert_int_equal(length, 3);
	assert_memory_equal(buffer, "end", 3);
	node = find(fs, FS_ROOT, "symlink", &attr);
	assert_int_equal(fs_readlink(fs, &call, node, buffer, sizeof(buffer), &length), 0);
	assert_int_equal(length, 8);
	assert_memory_equal(buffer, "sub/file", 8);
	find(fs, FS_ROOT, "fifo", &attr);
	assert_int_equal(attr.mode, S_IFIFO | 0600);
	fs_free(fs);

	assert_int_equal(fchdir(back), 0);
	close(back);
	assert_int_equal(nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_load) };

	umask(0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
