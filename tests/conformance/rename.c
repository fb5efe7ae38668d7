/* SPDX-License-Identifier: BSD-3-Clause */
/* Rename, in all its kinds. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "conformance.h"
#include "guest.h"

static void plain(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "old"), directory = guest_mkdir(fs, FS_ROOT, "directory");

	assert_int_equal(guest_rename(fs, FS_ROOT, "old", directory, "new", 0), 0);
	assert_false(guest_exists(fs, FS_ROOT, "old"));
	assert_int_equal(guest_lookup(fs, directory, "new"), file);
	assert_int_equal(guest_attr(fs, file).nlink, 1);
	assert_int_equal(guest_rename(fs, FS_ROOT, "old", FS_ROOT, "new", 0), -ENOENT);
}

static void replaces(struct fs *fs)
{
	uint64_t fh, source = guest_create(fs, FS_ROOT, "source", O_RDWR, &fh);
	uint64_t victim_fh, victim = guest_create(fs, FS_ROOT, "victim", O_RDWR, &victim_fh);
	char buffer[8];

	guest_write(fs, source, fh, 0, "source");
	guest_write(fs, victim, victim_fh, 0, "victim");
	assert_int_equal(guest_rename(fs, FS_ROOT, "source", FS_ROOT, "victim", 0), 0);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "victim"), source);
	guest_expect(fs, source, "source");
	/* The replaced one lives on for those who have it open. */
	assert_int_equal(guest_attr(fs, victim).nlink, 0);
	assert_int_equal(guest_try_read(fs, victim, victim_fh, 0, buffer, sizeof(buffer)), 6);
	assert_memory_equal(buffer, "victim", 6);
	assert_int_equal(guest_release(fs, source, fh), 0);
	assert_int_equal(guest_release(fs, victim, victim_fh), 0);
}

static void to_itself(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "a");

	assert_int_equal(guest_rename(fs, FS_ROOT, "a", FS_ROOT, "a", 0), 0);
	assert_int_equal(guest_link(fs, file, FS_ROOT, "b"), 0);
	/* Two names of one file: both stay. */
	assert_int_equal(guest_rename(fs, FS_ROOT, "a", FS_ROOT, "b", 0), 0);
	assert_true(guest_exists(fs, FS_ROOT, "a"));
	assert_true(guest_exists(fs, FS_ROOT, "b"));
	assert_int_equal(guest_attr(fs, file).nlink, 2);
}

static void types_must_match(struct fs *fs)
{
	uint64_t full = guest_mkdir(fs, FS_ROOT, "full"), directory = guest_mkdir(fs, FS_ROOT, "directory");

	guest_file(fs, FS_ROOT, "file");
	guest_file(fs, full, "inner");
	assert_int_equal(guest_rename(fs, FS_ROOT, "file", FS_ROOT, "directory", 0), -EISDIR);
	assert_int_equal(guest_rename(fs, FS_ROOT, "directory", FS_ROOT, "file", 0), -ENOTDIR);
	assert_int_equal(guest_rename(fs, FS_ROOT, "directory", FS_ROOT, "full", 0), -ENOTEMPTY);
	assert_int_equal(guest_rename(fs, full, "absent", FS_ROOT, "full", 0), -ENOENT);
	assert_int_equal(guest_rename(fs, FS_ROOT, "full", FS_ROOT, "directory", 0), 0);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "directory"), full);
	assert_int_equal(guest_attr(fs, directory).nlink, 0);
	assert_int_equal(guest_rename(fs, FS_ROOT, "file", guest_lookup(fs, full, "inner"), "x", 0), -ENOTDIR);
}

static void into_itself(struct fs *fs)
{
	uint64_t outer = guest_mkdir(fs, FS_ROOT, "outer"), inner = guest_mkdir(fs, outer, "inner");

	guest_file(fs, inner, "file");
	assert_int_equal(guest_rename(fs, FS_ROOT, "outer", inner, "x", 0), -EINVAL);
	assert_int_equal(guest_rename(fs, FS_ROOT, "outer", outer, "x", 0), -EINVAL);
	assert_int_equal(guest_rename(fs, inner, "file", FS_ROOT, "outer", 0), -ENOTEMPTY);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "outer"), outer);
	assert_int_equal(guest_lookup(fs, outer, "inner"), inner);
}

static void noreplace(struct fs *fs)
{
	uint64_t a = guest_file(fs, FS_ROOT, "a"), b = guest_file(fs, FS_ROOT, "b");

	assert_int_equal(guest_rename(fs, FS_ROOT, "a", FS_ROOT, "b", RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "a"), a);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "b"), b);
	assert_int_equal(guest_rename(fs, FS_ROOT, "a", FS_ROOT, "c", RENAME_NOREPLACE), 0);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "c"), a);
}

static void exchange(struct fs *fs)
{
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory"), file = guest_file(fs, FS_ROOT, "file");
	uint64_t sub = guest_mkdir(fs, directory, "sub");
	uint32_t root_links = guest_attr(fs, FS_ROOT).nlink;

	guest_file(fs, sub, "inner");
	assert_int_equal(guest_rename(fs, FS_ROOT, "file", directory, "sub", RENAME_EXCHANGE), 0);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "file"), sub);
	assert_int_equal(guest_lookup(fs, directory, "sub"), file);
	assert_true(guest_exists(fs, sub, "inner"));
	assert_int_equal(guest_attr(fs, FS_ROOT).nlink, root_links + 1);
	assert_int_equal(guest_attr(fs, directory).nlink, 2);
	assert_int_equal(guest_rename(fs, FS_ROOT, "file", FS_ROOT, "absent", RENAME_EXCHANGE), -ENOENT);
	assert_int_equal(guest_rename(fs, FS_ROOT, "absent", FS_ROOT, "file", RENAME_EXCHANGE), -ENOENT);
}

static void exchange_with_ancestor(struct fs *fs)
{
	uint64_t outer = guest_mkdir(fs, FS_ROOT, "outer"), inner = guest_mkdir(fs, outer, "inner");

	guest_file(fs, inner, "file");
	assert_int_equal(guest_rename(fs, FS_ROOT, "outer", outer, "inner", RENAME_EXCHANGE), -EINVAL);
	assert_int_equal(guest_rename(fs, inner, "file", FS_ROOT, "outer", RENAME_EXCHANGE), -EINVAL);
}

/* As overlayfs in the guest does. */
static void whiteout(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file");
	struct fuse_entry_out entry;
	int result = guest_rename(fs, FS_ROOT, "file", FS_ROOT, "moved", RENAME_WHITEOUT);

	if (result == -EINVAL) /* the host's file system does not know it */
		skip();
	assert_int_equal(result, 0);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "moved"), file);
	assert_int_equal(fs_lookup(fs, guest_call(), FS_ROOT, "file", &entry), 0);
	assert_int_equal(entry.attr.mode & S_IFMT, S_IFCHR);
	assert_int_equal(entry.attr.rdev, 0);
	assert_int_equal(entry.attr.nlink, 1);
	guest_file(fs, FS_ROOT, "victim");
	assert_int_equal(guest_rename(fs, FS_ROOT, "moved", FS_ROOT, "victim", RENAME_WHITEOUT | RENAME_NOREPLACE),
			 -EEXIST);
	assert_int_equal(guest_rename(fs, FS_ROOT, "moved", FS_ROOT, "victim", RENAME_WHITEOUT), 0);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "victim"), file);
	assert_int_equal(guest_unlink(fs, FS_ROOT, "moved"), 0);
}

static void bad_flags(struct fs *fs)
{
	guest_file(fs, FS_ROOT, "a");
	guest_file(fs, FS_ROOT, "b");
	assert_int_equal(guest_rename(fs, FS_ROOT, "a", FS_ROOT, "b", RENAME_EXCHANGE | RENAME_NOREPLACE), -EINVAL);
	assert_int_equal(guest_rename(fs, FS_ROOT, "a", FS_ROOT, "b", RENAME_EXCHANGE | RENAME_WHITEOUT), -EINVAL);
	assert_int_equal(guest_rename(fs, FS_ROOT, "a", FS_ROOT, "b", 1u << 20), -EINVAL);
	assert_true(guest_exists(fs, FS_ROOT, "a"));
}

static void open_file_follows(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "a", O_RDWR, &fh), directory = guest_mkdir(fs, FS_ROOT, "d");

	assert_int_equal(guest_rename(fs, FS_ROOT, "a", directory, "b", 0), 0);
	guest_write(fs, file, fh, 0, "text");
	guest_expect(fs, guest_lookup(fs, directory, "b"), "text");
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void directory_keeps_contents(struct fs *fs)
{
	uint64_t a = guest_mkdir(fs, FS_ROOT, "a"), sub = guest_mkdir(fs, a, "sub"), b = guest_mkdir(fs, FS_ROOT, "b");

	guest_file(fs, sub, "file");
	assert_int_equal(guest_rename(fs, a, "sub", b, "moved", 0), 0);
	assert_true(guest_exists(fs, sub, "file"));
	assert_int_equal(guest_lookup(fs, b, "moved"), sub);
	guest_file(fs, sub, "more");
	assert_int_equal(guest_rmdir(fs, FS_ROOT, "a"), 0);
	assert_int_equal(guest_rmdir(fs, b, "moved"), -ENOTEMPTY);
}

const struct conformance_test conformance_rename[] = {
	CONFORMANCE_TEST(plain),
	CONFORMANCE_TEST(replaces),
	CONFORMANCE_TEST(to_itself),
	CONFORMANCE_TEST(types_must_match),
	CONFORMANCE_TEST(into_itself),
	CONFORMANCE_TEST(noreplace),
	CONFORMANCE_TEST(exchange),
	CONFORMANCE_TEST(exchange_with_ancestor),
	CONFORMANCE_TEST(whiteout),
	CONFORMANCE_TEST(bad_flags),
	CONFORMANCE_TEST(open_file_follows),
	CONFORMANCE_TEST(directory_keeps_contents),
	{ NULL, NULL },
};
