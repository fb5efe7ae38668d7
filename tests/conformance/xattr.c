/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes. */
#include <errno.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "conformance.h"
#include "guest.h"

static int set(struct fs *fs, uint64_t node, const char *name, const char *value, uint32_t flags)
{
	return fs_setxattr(fs, guest_call(), node, name, value, strlen(value), flags, 0);
}

static void expect(struct fs *fs, uint64_t node, const char *name, const char *value)
{
	char buffer[64];
	size_t size = 0;

	assert_int_equal(fs_getxattr(fs, guest_call(), node, name, buffer, sizeof(buffer), &size), 0);
	assert_int_equal(size, strlen(value));
	assert_memory_equal(buffer, value, size);
}

/* A file that has one attribute, user.a; skips where that is not possible. */
static uint64_t file_with_attribute(struct fs *fs, const char *value)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file");
	int result;

	NEED(fs, setxattr);
	result = set(fs, file, "user.a", value, 0);
	if (result == -EOPNOTSUPP)
		skip();
	assert_int_equal(result, 0);
	return file;
}

static void set_and_get(struct fs *fs)
{
	uint64_t file = file_with_attribute(fs, "value");
	char small[2];
	size_t size = 0;

	expect(fs, file, "user.a", "value");
	assert_int_equal(fs_getxattr(fs, guest_call(), file, "user.a", NULL, 0, &size), 0);
	assert_int_equal(size, 5);
	assert_int_equal(fs_getxattr(fs, guest_call(), file, "user.a", small, sizeof(small), &size), -ERANGE);
	assert_int_equal(fs_getxattr(fs, guest_call(), file, "user.b", small, sizeof(small), &size), -ENODATA);
	assert_int_equal(set(fs, file, "user.a", "other and longer", 0), 0);
	expect(fs, file, "user.a", "other and longer");
	assert_int_equal(set(fs, file, "user.a", "", 0), 0);
	expect(fs, file, "user.a", "");
}

static void flags(struct fs *fs)
{
	uint64_t file = file_with_attribute(fs, "value");

	assert_int_equal(set(fs, file, "user.a", "x", XATTR_CREATE), -EEXIST);
	assert_int_equal(set(fs, file, "user.b", "x", XATTR_REPLACE), -ENODATA);
	expect(fs, file, "user.a", "value");
	assert_int_equal(set(fs, file, "user.a", "new", XATTR_REPLACE), 0);
	assert_int_equal(set(fs, file, "user.b", "made", XATTR_CREATE), 0);
	expect(fs, file, "user.a", "new");
	expect(fs, file, "user.b", "made");
	assert_int_equal(set(fs, file, "user.b", "x", 0x100), -EINVAL);
}

static void remove_one(struct fs *fs)
{
	uint64_t file = file_with_attribute(fs, "value");

	assert_int_equal(fs_removexattr(fs, guest_call(), file, "user.a"), 0);
	assert_int_equal(fs_removexattr(fs, guest_call(), file, "user.a"), -ENODATA);
}

static bool is_listed(const char *list, size_t size, const char *name)
{
	for (size_t at = 0; at < size; at += strlen(list + at) + 1)
		if (strcmp(list + at, name) == 0)
			return true;
	return false;
}

static void list(struct fs *fs)
{
	uint64_t file = file_with_attribute(fs, "value");
	char buffer[4096];
	size_t size = 0, needed = 0;

	assert_int_equal(set(fs, file, "user.second", "x", 0), 0);
	assert_int_equal(fs_listxattr(fs, guest_call(), file, NULL, 0, &needed), 0);
	assert_true(needed >= sizeof("user.a") + sizeof("user.second"));
	assert_int_equal(fs_listxattr(fs, guest_call(), file, buffer, sizeof(buffer), &size), 0);
	assert_int_equal(size, needed);
	assert_int_equal(buffer[size - 1], '\0');
	assert_true(is_listed(buffer, size, "user.a"));
	assert_true(is_listed(buffer, size, "user.second"));
	assert_false(is_listed(buffer, size, "user.third"));
	assert_int_equal(fs_listxattr(fs, guest_call(), file, buffer, 3, &size), -ERANGE);
}

static void binary_and_long(struct fs *fs)
{
	uint64_t file = file_with_attribute(fs, "value");
	unsigned char value[1024], buffer[1024];
	char name[XATTR_NAME_MAX + 1] = "user.";
	size_t size = 0;

	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (unsigned char)i;
	memset(name + 5, 'n', XATTR_NAME_MAX - 5 - 60); /* leaves room for what a map prepends */
	assert_int_equal(fs_setxattr(fs, guest_call(), file, name, value, sizeof(value), 0, 0), 0);
	assert_int_equal(fs_getxattr(fs, guest_call(), file, name, buffer, sizeof(buffer), &size), 0);
	assert_int_equal(size, sizeof(value));
	assert_memory_equal(buffer, value, sizeof(value));
}

static void too_large(struct fs *fs)
{
	uint64_t file = file_with_attribute(fs, "value");
	_cleanup_free_ char *value = calloc(1, XATTR_SIZE_MAX + 1);

	assert_int_equal(fs_setxattr(fs, guest_call(), file, "user.a", value, XATTR_SIZE_MAX + 1, 0, 0), -E2BIG);
	expect(fs, file, "user.a", "value");
}

static void of_directory(struct fs *fs)
{
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory");

	file_with_attribute(fs, "value");
	assert_int_equal(set(fs, directory, "user.a", "of a directory", 0), 0);
	expect(fs, directory, "user.a", "of a directory");
	assert_int_equal(set(fs, directory, "trusted.overlay.opaque", "y", 0), 0);
	expect(fs, directory, "trusted.overlay.opaque", "y");
}

/* Trusted attributes may be on any node; the guest has seen that the caller may have them. */
static void of_symlink(struct fs *fs)
{
	uint64_t file = file_with_attribute(fs, "value");
	struct fuse_entry_out entry;

	assert_int_equal(fs_symlink(fs, guest_call(), FS_ROOT, "symlink", "file", &entry), 0);
	assert_int_equal(set(fs, entry.nodeid, "trusted.a", "of the link", 0), 0);
	expect(fs, entry.nodeid, "trusted.a", "of the link");
	assert_int_equal(fs_removexattr(fs, guest_call(), file, "trusted.a"), -ENODATA);
}

static void survives_rename(struct fs *fs)
{
	uint64_t file = file_with_attribute(fs, "value");

	assert_int_equal(guest_rename(fs, FS_ROOT, "file", FS_ROOT, "moved", 0), 0);
	expect(fs, file, "user.a", "value");
	assert_int_equal(guest_unlink(fs, FS_ROOT, "moved"), 0);
	expect(fs, file, "user.a", "value"); /* and the file its last name */
}

static void of_unknown_node(struct fs *fs)
{
	size_t size = 0;
	char buffer[8];

	NEED(fs, setxattr);
	assert_int_equal(set(fs, 1234567, "user.a", "x", 0), -ESTALE);
	assert_int_equal(fs_getxattr(fs, guest_call(), 1234567, "user.a", buffer, 8, &size), -ESTALE);
	assert_int_equal(fs_listxattr(fs, guest_call(), 1234567, buffer, 8, &size), -ESTALE);
	assert_int_equal(fs_removexattr(fs, guest_call(), 1234567, "user.a"), -ESTALE);
}

const struct conformance_test conformance_xattr[] = {
	CONFORMANCE_TEST(set_and_get),
	CONFORMANCE_TEST(flags),
	CONFORMANCE_TEST(remove_one),
	CONFORMANCE_TEST(list),
	CONFORMANCE_TEST(binary_and_long),
	CONFORMANCE_TEST(too_large),
	CONFORMANCE_TEST(of_directory),
	CONFORMANCE_TEST(of_symlink),
	CONFORMANCE_TEST(survives_rename),
	CONFORMANCE_TEST(of_unknown_node),
	{ NULL, NULL },
};
