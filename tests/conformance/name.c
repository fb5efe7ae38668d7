/* SPDX-License-Identifier: BSD-3-Clause */
/* Names: making, finding and removing every type of node. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "conformance.h"
#include "guest.h"

/* Linux' new_encode_dev() of major 8, minor 0x12345. */
#define DEVICE (0x45u | 8u << 8 | 0x12300u << 12)

static void lookup_absent(struct fs *fs)
{
	struct fuse_entry_out entry;
	uint64_t file = guest_file(fs, FS_ROOT, "file");

	assert_int_equal(fs_lookup(fs, guest_call(), FS_ROOT, "absent", &entry), -ENOENT);
	assert_int_equal(fs_lookup(fs, guest_call(), file, "name", &entry), -ENOTDIR);
}

static void lookup_is_stable(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file");
	struct fuse_entry_out entry;

	assert_int_equal(fs_lookup(fs, guest_call(), FS_ROOT, "file", &entry), 0);
	assert_int_equal(entry.nodeid, file);
	assert_int_equal(entry.attr.ino, guest_attr(fs, file).ino);
	assert_int_equal(entry.attr.mode, S_IFREG | 0644);
	assert_int_equal(entry.attr.nlink, 1);
	assert_int_equal(entry.attr.size, 0);
}

static void each_type_of_node(struct fs *fs)
{
	static const struct {
		uint32_t mode, rdev, expect_rdev;
	} nodes[] = {
		{ S_IFREG | 0640, 0, 0 },           { S_IFIFO | 0600, 0, 0 },
		{ S_IFSOCK | 0777, 0, 0 },          { S_IFCHR | 0666, 1u << 8 | 3, 1u << 8 | 3 },
		{ S_IFBLK | 0660, DEVICE, DEVICE }, { S_IFCHR | 0, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		struct fuse_entry_out entry;
		char name[8];

		snprintf(name, sizeof(name), "n%zu", i);
		assert_int_equal(fs_mknod(fs, guest_call(), FS_ROOT, name, nodes[i].mode, nodes[i].rdev, 0, &entry), 0);
		assert_int_equal(entry.attr.mode, nodes[i].mode);
		assert_int_equal(entry.attr.rdev, nodes[i].expect_rdev);
		assert_int_equal(guest_lookup(fs, FS_ROOT, name), entry.nodeid);
		assert_int_equal(guest_attr(fs, entry.nodeid).mode, nodes[i].mode);
		assert_int_equal(guest_attr(fs, entry.nodeid).rdev, nodes[i].expect_rdev);
		assert_int_equal(guest_unlink(fs, FS_ROOT, name), 0);
		assert_int_equal(guest_attr(fs, entry.nodeid).nlink, 0);
	}
}

static void make_existing(struct fs *fs)
{
	struct fuse_entry_out entry;
	uint64_t file = guest_file(fs, FS_ROOT, "file");

	assert_int_equal(guest_mknod(fs, FS_ROOT, "file", S_IFREG | 0600, 0), -EEXIST);
	assert_int_equal(fs_mkdir(fs, guest_call(), FS_ROOT, "file", 0700, 0, &entry), -EEXIST);
	assert_int_equal(guest_symlink(fs, FS_ROOT, "file", "target"), -EEXIST);
	assert_int_equal(guest_link(fs, file, FS_ROOT, "file"), -EEXIST);
}

static void make_in_what_is_no_directory(struct fs *fs)
{
	struct fuse_entry_out entry;
	uint64_t file = guest_file(fs, FS_ROOT, "file");

	assert_int_equal(guest_mknod(fs, file, "new", S_IFREG | 0600, 0), -ENOTDIR);
	assert_int_equal(fs_mkdir(fs, guest_call(), file, "new", 0700, 0, &entry), -ENOTDIR);
	assert_int_equal(guest_symlink(fs, file, "new", "target"), -ENOTDIR);
	assert_int_equal(guest_link(fs, file, file, "new"), -ENOTDIR);
	assert_int_equal(guest_unlink(fs, file, "new"), -ENOTDIR);
	assert_int_equal(guest_rmdir(fs, file, "new"), -ENOTDIR);
}

static void make_in_removed_directory(struct fs *fs)
{
	struct fuse_entry_out entry;
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory"), file = guest_file(fs, FS_ROOT, "file");

	assert_int_equal(guest_rmdir(fs, FS_ROOT, "directory"), 0);
	assert_int_equal(guest_mknod(fs, directory, "new", S_IFREG | 0600, 0), -ENOENT);
	assert_int_equal(fs_mkdir(fs, guest_call(), directory, "new", 0700, 0, &entry), -ENOENT);
	assert_int_equal(guest_symlink(fs, directory, "new", "target"), -ENOENT);
	assert_int_equal(guest_link(fs, file, directory, "new"), -ENOENT);
	assert_int_equal(guest_rename(fs, FS_ROOT, "file", directory, "new", 0), -ENOENT);
	assert_int_equal(guest_try_lookup(fs, directory, "new"), -ENOENT);
	assert_int_equal(guest_attr(fs, directory).nlink, 0);
}

static void make_directory_by_mknod(struct fs *fs)
{
	assert_true(guest_mknod(fs, FS_ROOT, "directory", S_IFDIR | 0755, 0) < 0);
	assert_false(guest_exists(fs, FS_ROOT, "directory"));
}

static void unlink_and_rmdir_errors(struct fs *fs)
{
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory");

	guest_file(fs, FS_ROOT, "file");
	guest_file(fs, directory, "inner");
	assert_int_equal(guest_unlink(fs, FS_ROOT, "absent"), -ENOENT);
	assert_int_equal(guest_rmdir(fs, FS_ROOT, "absent"), -ENOENT);
	assert_int_equal(guest_unlink(fs, FS_ROOT, "directory"), -EISDIR);
	assert_int_equal(guest_rmdir(fs, FS_ROOT, "file"), -ENOTDIR);
	assert_int_equal(guest_rmdir(fs, FS_ROOT, "directory"), -ENOTEMPTY);
	assert_int_equal(guest_unlink(fs, directory, "inner"), 0);
	assert_int_equal(guest_rmdir(fs, FS_ROOT, "directory"), 0);
	assert_int_equal(guest_unlink(fs, FS_ROOT, "file"), 0);
	assert_false(guest_exists(fs, FS_ROOT, "file"));
	assert_false(guest_exists(fs, FS_ROOT, "directory"));
}

static void symlink_target(struct fs *fs)
{
	struct fuse_entry_out entry;
	char buffer[64] = "", small[3];
	size_t length = 0;

	assert_int_equal(fs_symlink(fs, guest_call(), FS_ROOT, "link", "/some/where", &entry), 0);
	assert_int_equal(entry.attr.mode & S_IFMT, S_IFLNK);
	assert_int_equal(entry.attr.size, 11);
	assert_int_equal(fs_readlink(fs, guest_call(), entry.nodeid, buffer, sizeof(buffer), &length), 0);
	assert_int_equal(length, 11);
	assert_memory_equal(buffer, "/some/where", 11);
	assert_int_equal(fs_readlink(fs, guest_call(), entry.nodeid, small, sizeof(small), &length), -ENAMETOOLONG);
	assert_int_equal(fs_readlink(fs, guest_call(), FS_ROOT, buffer, sizeof(buffer), &length), -EINVAL);
	assert_int_equal(
	    fs_readlink(fs, guest_call(), guest_file(fs, FS_ROOT, "file"), buffer, sizeof(buffer), &length), -EINVAL);
}

static void symlink_longest_target(struct fs *fs)
{
	char target[4097], buffer[4096];
	struct fuse_entry_out entry;
	size_t length = 0;

	memset(target, 'x', sizeof(target));
	target[4096] = '\0';
	assert_int_equal(guest_symlink(fs, FS_ROOT, "long", target), -ENAMETOOLONG);
	target[4095] = '\0';
	assert_int_equal(fs_symlink(fs, guest_call(), FS_ROOT, "long", target, &entry), 0);
	assert_int_equal(fs_readlink(fs, guest_call(), entry.nodeid, buffer, sizeof(buffer), &length), 0);
	assert_int_equal(length, 4095);
	assert_memory_equal(buffer, target, 4095);
}

static void hard_links(struct fs *fs)
{
	struct fuse_entry_out entry;
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory"), fh;
	uint64_t file = guest_create(fs, FS_ROOT, "first", O_RDWR, &fh);

	guest_write(fs, file, fh, 0, "text");
	assert_int_equal(fs_link(fs, guest_call(), file, directory, "second", &entry), 0);
	assert_int_equal(entry.nodeid, file);
	assert_int_equal(entry.attr.nlink, 2);
	assert_int_equal(guest_lookup(fs, directory, "second"), file);
	assert_int_equal(guest_unlink(fs, FS_ROOT, "first"), 0);
	assert_int_equal(guest_attr(fs, file).nlink, 1);
	guest_expect(fs, guest_lookup(fs, directory, "second"), "text");
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void link_to_special(struct fs *fs)
{
	struct fuse_entry_out entry;

	assert_int_equal(guest_link(fs, guest_mkdir(fs, FS_ROOT, "directory"), FS_ROOT, "link"), -EPERM);
	assert_int_equal(fs_symlink(fs, guest_call(), FS_ROOT, "symlink", "target", &entry), 0);
	assert_int_equal(guest_link(fs, entry.nodeid, FS_ROOT, "symlink2"), 0);
	assert_int_equal(guest_attr(fs, entry.nodeid).nlink, 2);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "symlink2"), entry.nodeid);
	assert_int_equal(fs_mknod(fs, guest_call(), FS_ROOT, "fifo", S_IFIFO | 0600, 0, 0, &entry), 0);
	assert_int_equal(guest_link(fs, entry.nodeid, FS_ROOT, "fifo2"), 0);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "fifo2"), entry.nodeid);
}

static void link_to_removed(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file");

	assert_int_equal(guest_unlink(fs, FS_ROOT, "file"), 0);
	assert_int_equal(guest_link(fs, file, FS_ROOT, "again"), -ENOENT);
}

static void directory_link_counts(struct fs *fs)
{
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory");
	uint32_t root = guest_attr(fs, FS_ROOT).nlink;

	assert_int_equal(guest_attr(fs, directory).nlink, 2);
	guest_mkdir(fs, directory, "sub");
	guest_file(fs, directory, "file");
	assert_int_equal(guest_attr(fs, directory).nlink, 3);
	assert_int_equal(guest_rename(fs, directory, "sub", FS_ROOT, "sub", 0), 0);
	assert_int_equal(guest_attr(fs, directory).nlink, 2);
	assert_int_equal(guest_attr(fs, FS_ROOT).nlink, root + 1);
	assert_int_equal(guest_rmdir(fs, FS_ROOT, "sub"), 0);
	assert_int_equal(guest_attr(fs, FS_ROOT).nlink, root);
}

/* All bytes but '/' and NUL, in names of every length. */
static void names_of_any_bytes(struct fs *fs)
{
	char name[FS_NAME_MAX + 1];
	uint64_t file;

	for (size_t length = 1; length <= FS_NAME_MAX; length += 127) {
		for (size_t i = 0; i < length; i++) {
			char byte = (char)(1 + i);

			name[i] = byte == '/' ? '_' : byte;
		}
		name[length] = '\0';
		file = guest_file(fs, FS_ROOT, name);
		assert_int_equal(guest_lookup(fs, FS_ROOT, name), file);
		assert_int_equal(guest_rename(fs, FS_ROOT, name, FS_ROOT, "other", 0), 0);
		assert_false(guest_exists(fs, FS_ROOT, name));
		assert_int_equal(guest_rename(fs, FS_ROOT, "other", FS_ROOT, name, 0), 0);
		assert_int_equal(guest_unlink(fs, FS_ROOT, name), 0);
	}
}

static void odd_names(struct fs *fs)
{
	static const char *const names[] = { "...", "..x", ".x", " ", "-", "~", "\\", "*", "a b", "\xff\xfe" };
	uint64_t files[ARRAY_SIZE(names)];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		files[i] = guest_file(fs, FS_ROOT, names[i]);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(guest_lookup(fs, FS_ROOT, names[i]), files[i]);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_int_equal(guest_unlink(fs, FS_ROOT, names[i]), 0);
}

/* Deeper than a path can be long. */
static void deep_tree(struct fs *fs)
{
	enum { DEPTH = 100 };
	char name[FS_NAME_MAX + 1];
	uint64_t nodes[DEPTH + 1];

	memset(name, 'd', FS_NAME_MAX);
	name[FS_NAME_MAX] = '\0';
	nodes[0] = FS_ROOT;
	for (int i = 0; i < DEPTH; i++)
		nodes[i + 1] = guest_mkdir(fs, nodes[i], name);
	guest_file(fs, nodes[DEPTH], "bottom");
	for (int i = 0; i < DEPTH; i++)
		assert_int_equal(guest_lookup(fs, nodes[i], name), nodes[i + 1]);
	assert_true(guest_exists(fs, nodes[DEPTH], "bottom"));
	assert_int_equal(guest_rename(fs, nodes[DEPTH], "bottom", FS_ROOT, "top", 0), 0);
	for (int i = DEPTH; i > 0; i--) {
		fs_forget(fs, nodes[i], 2);
		assert_int_equal(guest_rmdir(fs, nodes[i - 1], name), 0);
	}
}

static void names_move_times(struct fs *fs)
{
	const struct fuse_setattr_in old = { .valid = FATTR_MTIME, .mtime = 1000 };
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory");

	guest_setattr(fs, directory, old);
	guest_file(fs, directory, "file");
	assert_true(guest_attr(fs, directory).mtime > 1000);
	guest_setattr(fs, directory, old);
	assert_int_equal(guest_unlink(fs, directory, "file"), 0);
	assert_true(guest_attr(fs, directory).mtime > 1000);
}

static void inode_numbers_differ(struct fs *fs)
{
	uint64_t seen[50];

	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		char name[8];

		snprintf(name, sizeof(name), "n%zu", i);
		seen[i] = guest_attr(fs, guest_file(fs, FS_ROOT, name)).ino;
		assert_int_not_equal(seen[i], 0);
		for (size_t j = 0; j < i; j++)
			assert_int_not_equal(seen[i], seen[j]);
	}
}

const struct conformance_test conformance_name[] = {
	CONFORMANCE_TEST(lookup_absent),
	CONFORMANCE_TEST(lookup_is_stable),
	CONFORMANCE_TEST(each_type_of_node),
	CONFORMANCE_TEST(make_existing),
	CONFORMANCE_TEST(make_in_what_is_no_directory),
	CONFORMANCE_TEST(make_in_removed_directory),
	CONFORMANCE_TEST(make_directory_by_mknod),
	CONFORMANCE_TEST(unlink_and_rmdir_errors),
	CONFORMANCE_TEST(symlink_target),
	CONFORMANCE_TEST(symlink_longest_target),
	CONFORMANCE_TEST(hard_links),
	CONFORMANCE_TEST(link_to_special),
	CONFORMANCE_TEST(link_to_removed),
	CONFORMANCE_TEST(directory_link_counts),
	CONFORMANCE_TEST(names_of_any_bytes),
	CONFORMANCE_TEST(odd_names),
	CONFORMANCE_TEST(deep_tree),
	CONFORMANCE_TEST(names_move_times),
	CONFORMANCE_TEST(inode_numbers_differ),
	{ NULL, NULL },
};
