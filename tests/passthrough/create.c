/* SPDX-License-Identifier: BSD-3-Clause */
/* MKNOD, MKDIR, SYMLINK, LINK. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs/passthrough/attr.h"
#include "variants.h"

static struct stat host_stat(const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(share.root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st;
}

static void test_mknod(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		static const mode_t types[] = { S_IFREG, S_IFIFO, S_IFSOCK };
		struct fuse_entry_out entry;

		for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
			const char name[] = { (char)('a' + i), '\0' };

			assert_int_equal(
			    fs_mknod(share.fs, &share.call, FS_ROOT, name, types[i] | 0666, 0, 022, &entry), 0);
			assert_int_equal(entry.attr.mode, types[i] | 0644);
			assert_int_equal(host_stat(name).st_mode, types[i] | 0644);
			assert_int_equal(guest_lookup(&share, FS_ROOT, name), entry.nodeid);
			assert_int_equal(
			    fs_mknod(share.fs, &share.call, FS_ROOT, name, types[i] | 0666, 0, 022, &entry), -EEXIST);
		}
	}
}

static void test_devices(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		const uint32_t rdev = attr_encode_rdev(259, 70000);
		struct fuse_entry_out entry;

		if (geteuid() != 0)
			continue;
		assert_int_equal(fs_mknod(share.fs, &share.call, FS_ROOT, "b", S_IFBLK | 0600, rdev, 0, &entry), 0);
		assert_int_equal(entry.attr.rdev, rdev);
		assert_int_equal(host_stat("b").st_rdev, makedev(259, 70000));
		/* What overlayfs writes for a removed name. */
		assert_int_equal(fs_mknod(share.fs, &share.call, FS_ROOT, "w", S_IFCHR, 0, 0, &entry), 0);
		assert_int_equal(host_stat("w").st_mode, S_IFCHR);
		assert_int_equal(host_stat("w").st_rdev, 0);
	}
}

static void test_mkdir(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_entry_out entry;

		assert_int_equal(fs_mkdir(share.fs, &share.call, FS_ROOT, "d", 01777, 027, &entry), 0);
		assert_int_equal(entry.attr.mode, S_IFDIR | 01750);
		assert_int_equal(host_stat("d").st_mode, S_IFDIR | 01750);
		assert_int_equal(fs_mkdir(share.fs, &share.call, FS_ROOT, "d", 0777, 0, &entry), -EEXIST);
		guest_mkdir(&share, entry.nodeid, "e");
		assert_int_equal(host_stat("d/e").st_mode, S_IFDIR | 0755);
	}
}

static void test_symlink(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_entry_out entry;
		char target[64];
		size_t length;

		assert_int_equal(fs_symlink(share.fs, &share.call, FS_ROOT, "l", "/etc/passwd", &entry), 0);
		assert_int_equal(entry.attr.mode & S_IFMT, S_IFLNK);
		assert_int_equal(fs_readlink(share.fs, &share.call, entry.nodeid, target, sizeof(target), &length), 0);
		assert_int_equal(length, 11);
		assert_memory_equal(target, "/etc/passwd", 11);
		assert_int_equal(fs_readlink(share.fs, &share.call, entry.nodeid, target, 5, &length), -ENAMETOOLONG);
		assert_int_equal(fs_readlink(share.fs, &share.call, FS_ROOT, target, sizeof(target), &length), -EINVAL);
		/* Nothing is ever looked up through it. */
		assert_int_equal(guest_try_lookup(&share, entry.nodeid, "x", &entry), -ENOTDIR);
	}
}

static void test_link(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_entry_out entry;
		uint64_t a, dir, link, fh;

		a = guest_create(&share, FS_ROOT, "a", &fh);
		dir = guest_mkdir(&share, FS_ROOT, "dir");
		assert_int_equal(fs_link(share.fs, &share.call, a, dir, "b", &entry), 0);
		assert_int_equal(entry.nodeid, a);
		assert_int_equal(entry.attr.nlink, 2);
		assert_int_equal(host_stat("dir/b").st_ino, host_stat("a").st_ino);
		assert_int_equal(fs_link(share.fs, &share.call, a, dir, "b", &entry), -EEXIST);
		/* A link to a symbolic link is one to itself, not to what it names. */
		assert_int_equal(fs_symlink(share.fs, &share.call, FS_ROOT, "l", "a", &entry), 0);
		link = entry.nodeid;
		assert_int_equal(fs_link(share.fs, &share.call, link, dir, "m", &entry), 0);
		assert_int_equal(host_stat("dir/m").st_mode & S_IFMT, S_IFLNK);
		assert_int_equal(fs_link(share.fs, &share.call, dir, FS_ROOT, "d", &entry), -EPERM);
		assert_int_equal(guest_release(&share, a, fh), 0);
		/* CREATE and LINK counted one each. */
		guest_forget(&share, a, 1);
		assert_int_equal(guest_try_getattr(&share, a), 0);
		guest_forget(&share, a, 1);
		assert_int_equal(guest_try_getattr(&share, a), -ESTALE);
	}
}

static void test_owner(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fs_call call = { .uid = 1234, .gid = 4321 };
		struct fuse_entry_out entry;
		struct fs_open open;
		uint64_t dir;

		if (geteuid() != 0)
			continue;
		/* A directory the caller could not write to: the guest has checked that, we do not again. */
		dir = guest_mkdir(&share, FS_ROOT, "dir");
		assert_int_equal(fs_mkdir(share.fs, &call, dir, "d", 0755, 0, &entry), 0);
		assert_int_equal(entry.attr.uid, 1234);
		assert_int_equal(entry.attr.gid, 4321);
		assert_int_equal(fs_symlink(share.fs, &call, dir, "l", "x", &entry), 0);
		assert_int_equal(entry.attr.uid, 1234);
		assert_int_equal(fs_mknod(share.fs, &call, dir, "n", S_IFREG | 0600, 0, 0, &entry), 0);
		assert_int_equal(entry.attr.gid, 4321);
		assert_int_equal(fs_create(share.fs, &call, dir, "f",
					   &(struct fuse_create_in){ .flags = O_RDWR, .mode = 0600 }, &entry, &open),
				 0);
		assert_int_equal(entry.attr.uid, 1234);
		assert_int_equal(entry.attr.gid, 4321);
		/* And back. */
		guest_mkdir(&share, dir, "r");
		assert_int_equal(host_stat("dir/r").st_uid, 0);
		/* In a set-group-id directory the group is the directory's. */
		assert_int_equal(fchmodat(share.root, "dir", 02775, 0), 0);
		assert_int_equal(fs_mkdir(share.fs, &call, dir, "s", 0755, 0, &entry), 0);
		assert_int_equal(entry.attr.gid, 0);
		assert_int_equal(entry.attr.mode, S_IFDIR | 02755);
	}
}

static void test_label(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fs_call call = { .secctx_name = "trusted.label", .secctx_value = "blue", .secctx_size = 4 };
		struct fuse_entry_out entry;
		struct fs_open open;
		char path[160], value[16];

		if (geteuid() != 0)
			continue;
		assert_int_equal(fs_create(share.fs, &call, FS_ROOT, "f",
					   &(struct fuse_create_in){ .flags = O_RDWR, .mode = 0600 }, &entry, &open),
				 0);
		assert_int_equal(fs_mkdir(share.fs, &call, FS_ROOT, "d", 0755, 0, &entry), 0);
		assert_int_equal(fs_symlink(share.fs, &call, FS_ROOT, "l", "f", &entry), 0);
		for (const char *name = "fdl"; *name; name++) {
			snprintf(path, sizeof(path), "%s/%c", share.path, *name);
			assert_int_equal(lgetxattr(path, "trusted.label", value, sizeof(value)), 4);
			assert_memory_equal(value, "blue", 4);
		}
		/* What cannot be labelled (no name is empty) is not left behind. */
		call.secctx_name = "";
		assert_int_equal(fs_mkdir(share.fs, &call, FS_ROOT, "e", 0755, 0, &entry), -ERANGE);
		assert_int_equal(guest_try_lookup(&share, FS_ROOT, "e", &entry), -ENOENT);
		assert_int_equal(fs_create(share.fs, &call, FS_ROOT, "g",
					   &(struct fuse_create_in){ .flags = O_RDWR, .mode = 0600 }, &entry, &open),
				 -ERANGE);
		assert_int_equal(guest_try_lookup(&share, FS_ROOT, "g", &entry), -ENOENT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mknod),   cmocka_unit_test(test_devices), cmocka_unit_test(test_mkdir),
		cmocka_unit_test(test_symlink), cmocka_unit_test(test_link),    cmocka_unit_test(test_owner),
		cmocka_unit_test(test_label),
	};

	return cmocka_run_group_tests_name("passthrough/create", tests, NULL, NULL);
}
