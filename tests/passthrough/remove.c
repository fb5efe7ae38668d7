/* SPDX-License-Identifier: BSD-3-Clause */
/* UNLINK, RMDIR, RENAME, and what stays usable after. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/passthrough/nodetable.h"
#include "variants.h"

static bool host_has(const char *path)
{
	return faccessat(share.root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int guest_unlink(uint64_t parent, const char *name)
{
	return fs_unlink(share.fs, &share.call, parent, name);
}

static int guest_rename(const char *name, const char *new_name, uint32_t flags)
{
	return fs_rename(share.fs, &share.call, FS_ROOT, name, FS_ROOT, new_name, flags);
}

static void test_unlink(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		host_write(&share, "a", "text");
		host_mkdir(&share, "dir");
		assert_int_equal(guest_unlink(FS_ROOT, "a"), 0);
		assert_false(host_has("a"));
		assert_int_equal(guest_unlink(FS_ROOT, "a"), -ENOENT);
		assert_int_equal(guest_unlink(FS_ROOT, "dir"), -EISDIR);
		assert_int_equal(fs_rmdir(share.fs, &share.call, FS_ROOT, "dir"), 0);
		assert_false(host_has("dir"));
	}
}

static void test_open_file_stays(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		size_t before = host_descriptors();
		uint64_t a, fh;
		char buffer[16];

		a = guest_create(&share, FS_ROOT, "a", &fh);
		assert_int_equal(guest_pwrite(&share, a, fh, "text", 0), 4);
		assert_int_equal(guest_unlink(FS_ROOT, "a"), 0);
		/* Another file takes the name, and on ext4 would take the inode's number. */
		host_write(&share, "a", "other");
		assert_int_equal(guest_pread(&share, a, fh, buffer, sizeof(buffer), 0), 4);
		assert_int_equal(guest_getattr(&share, a).nlink, 0);
		guest_expect(&share, a, "text");
		assert_int_not_equal(guest_lookup(&share, FS_ROOT, "a"), a);
		guest_expect(&share, guest_lookup(&share, FS_ROOT, "a"), "other");
		assert_int_equal(guest_release(&share, a, fh), 0);
		guest_forget(&share, a, 1);
		guest_forget(&share, guest_lookup(&share, FS_ROOT, "a"), 3);
		assert_int_equal(host_descriptors(), before);
	}
}

/* As by an O_PATH descriptor or a working directory of the guest: no open file on our side. */
static void test_held_node_stays(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		size_t before = host_descriptors();
		uint64_t a, b, dir;

		host_write(&share, "a", "text");
		host_write(&share, "b", "other");
		host_write(&share, "c", "third");
		host_mkdir(&share, "dir");
		a = guest_lookup(&share, FS_ROOT, "a");
		b = guest_lookup(&share, FS_ROOT, "b");
		dir = guest_lookup(&share, FS_ROOT, "dir");
		assert_int_equal(guest_unlink(FS_ROOT, "a"), 0);
		assert_int_equal(guest_getattr(&share, a).nlink, 0);
		guest_expect(&share, a, "text");
		assert_int_equal(guest_rename("c", "b", 0), 0);
		guest_expect(&share, b, "other");
		assert_int_equal(fs_rmdir(share.fs, &share.call, FS_ROOT, "dir"), 0);
		guest_getattr(&share, dir);
		guest_forget(&share, a, 1);
		guest_forget(&share, b, 1);
		guest_forget(&share, dir, 1);
		assert_int_equal(host_descriptors(), before);
		assert_int_equal(share.pt->nodes->cache.kept, 0);
	}
}

/* The name under which it was looked up last is not the last name to go. */
static void test_held_node_stays_under_another_name(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_entry_out entry;
		uint64_t a, fh;

		a = guest_create(&share, FS_ROOT, "a", &fh);
		assert_int_equal(guest_release(&share, a, fh), 0);
		assert_int_equal(fs_link(share.fs, &share.call, a, FS_ROOT, "b", &entry), 0);
		assert_int_equal(renameat(share.root, "a", share.root, "c"), 0);
		assert_int_equal(guest_unlink(FS_ROOT, "b"), 0);
		assert_int_equal(guest_unlink(FS_ROOT, "c"), 0);
		assert_int_equal(guest_getattr(&share, a).nlink, 0);
	}
}

static void test_rename(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		uint64_t a, b;

		host_write(&share, "a", "a");
		host_write(&share, "b", "b");
		a = guest_lookup(&share, FS_ROOT, "a");
		b = guest_lookup(&share, FS_ROOT, "b");
		assert_int_equal(guest_rename("a", "b", RENAME_NOREPLACE), -EEXIST);
		assert_int_equal(guest_rename("a", "b", RENAME_EXCHANGE), 0);
		assert_int_equal(guest_lookup(&share, FS_ROOT, "a"), b);
		assert_int_equal(guest_lookup(&share, FS_ROOT, "b"), a);
		assert_int_equal(guest_rename("a", "c", RENAME_NOREPLACE), 0);
		assert_int_equal(guest_rename("none", "c", 0), -ENOENT);
		assert_int_equal(guest_rename("b", "c", 0), 0);
		assert_int_equal(guest_lookup(&share, FS_ROOT, "c"), a);
		assert_int_equal(guest_rename("c", "d", 0x80), -EINVAL);
		assert_int_equal(guest_rename("c", "d", RENAME_EXCHANGE | RENAME_NOREPLACE), -EINVAL);
		/* The moved file goes, and is kept under its new name. */
		assert_int_equal(guest_unlink(FS_ROOT, "c"), 0);
		assert_int_equal(guest_getattr(&share, a).nlink, 0);
		assert_int_equal(guest_getattr(&share, b).nlink, 0);
	}
}

static void test_whiteout(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fs_call call = { .uid = 1234, .gid = 1234 };
		struct stat st;

		if (geteuid() != 0)
			continue;
		host_write(&share, "a", "a");
		assert_int_equal(fs_rename(share.fs, &call, FS_ROOT, "a", FS_ROOT, "b", RENAME_WHITEOUT), 0);
		assert_int_equal(fstatat(share.root, "a", &st, 0), 0);
		assert_int_equal(st.st_mode & S_IFMT, S_IFCHR);
		assert_int_equal(st.st_rdev, 0);
		assert_int_equal(st.st_uid, 1234);
		guest_expect(&share, guest_lookup(&share, FS_ROOT, "b"), "a");
	}
}

/* What could not be removed is not kept for it. */
static void test_failed_removal(void **state)
{
	FOR_EACH_VARIANT(variant) {
		host_mkdir(&share, "full");
		host_write(&share, "full/a", "");
		host_mkdir(&share, "other");
		guest_lookup(&share, FS_ROOT, "full");
		assert_int_equal(fs_rmdir(share.fs, &share.call, FS_ROOT, "full"), -ENOTEMPTY);
		assert_int_equal(share.pt->nodes->cache.kept, 0);
		assert_int_equal(guest_rename("other", "full", 0), -ENOTEMPTY);
		assert_int_equal(guest_rename("none", "full", 0), -ENOENT);
		assert_int_equal(share.pt->nodes->cache.kept, 0);
	}
}

/* A guest that keeps many removed files does not take all descriptors. */
static void test_kept_are_bounded(void **state)
{
	const struct passthrough_config config = { .file_handles = PASSTHROUGH_HANDLES_PREFER, .fd_cache = 16 };
	uint64_t nodes[64];
	unsigned int alive = 0;
	size_t before;

	share_open(&share, "/var/tmp", &config, 0);
	before = host_descriptors();
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		char name[16];

		snprintf(name, sizeof(name), "f%zu", i);
		host_write(&share, name, name);
		nodes[i] = guest_lookup(&share, FS_ROOT, name);
		assert_int_equal(guest_unlink(FS_ROOT, name), 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		alive += guest_try_getattr(&share, nodes[i]) == 0;
	if (share.handles) {
		assert_int_equal(alive, 8);
		assert_true(host_descriptors() <= before + 16 + 8);
	}
	share_close(&share);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unlink),           cmocka_unit_test(test_open_file_stays),
		cmocka_unit_test(test_held_node_stays),  cmocka_unit_test(test_held_node_stays_under_another_name),
		cmocka_unit_test(test_rename),           cmocka_unit_test(test_whiteout),
		cmocka_unit_test(test_failed_removal),
		cmocka_unit_test(test_kept_are_bounded),
	};

	return cmocka_run_group_tests_name("passthrough/remove", tests, NULL, NULL);
}
