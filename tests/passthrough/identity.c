/* SPDX-License-Identifier: BSD-3-Clause */
/* Files stay themselves, whatever the host does to their names and numbers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "variants.h"

static void test_look_and_read(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_entry_out entry;
		char names[64];
		uint64_t dir, file;

		host_mkdir(&share, "dir");
		host_write(&share, "dir/file", "hello");
		dir = guest_lookup(&share, FS_ROOT, "dir");
		file = guest_lookup(&share, dir, "file");
		assert_int_equal(guest_lookup(&share, dir, "file"), file);
		assert_int_equal(guest_try_lookup(&share, dir, "none", &entry), -ENOENT);
		assert_int_equal(guest_try_lookup(&share, file, "none", &entry), -ENOTDIR);
		assert_int_equal(guest_getattr(&share, file).size, 5);
		guest_expect(&share, file, "hello");
		for (int plus = 0; plus < 2; plus++) {
			assert_int_equal(guest_list(&share, dir, plus, 4096, names, sizeof(names)), 1);
			assert_string_equal(names, "file");
		}
	}
}

static void test_rename_and_replace(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		uint64_t a, b;

		host_write(&share, "a", "first");
		a = guest_lookup(&share, FS_ROOT, "a");
		assert_int_equal(renameat(share.root, "a", share.root, "b"), 0);
		guest_expect(&share, a, "first");
		assert_int_equal(guest_lookup(&share, FS_ROOT, "b"), a);
		host_write(&share, "a", "second");
		b = guest_lookup(&share, FS_ROOT, "a");
		assert_int_not_equal(a, b);
		guest_expect(&share, a, "first");
		guest_expect(&share, b, "second");
	}
}

static void test_replaced_at_once(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		/* ext4 gives the number of a removed inode to the next one. */
		for (int i = 0; i < 50; i++) {
			char text[16];
			uint64_t a, b;

			host_write(&share, "a", "old");
			a = guest_lookup(&share, FS_ROOT, "a");
			assert_int_equal(unlinkat(share.root, "a", 0), 0);
			snprintf(text, sizeof(text), "new %d", i);
			host_write(&share, "a", text);
			b = guest_lookup(&share, FS_ROOT, "a");
			assert_int_not_equal(a, b);
			guest_expect(&share, b, text);
			assert_int_equal(guest_lookup(&share, FS_ROOT, "a"), b);
			guest_forget(&share, a, 1);
			guest_forget(&share, b, 2);
			assert_int_equal(guest_try_getattr(&share, b), -ESTALE);
			unlinkat(share.root, "a", 0);
		}
	}
}

static void test_replaced_behind_a_forgotten_descriptor(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		uint64_t a;

		host_write(&share, "a", "old");
		a = guest_lookup(&share, FS_ROOT, "a");
		assert_int_equal(unlinkat(share.root, "a", 0), 0);
		host_write(&share, "a", "new");
		/* The host's removal: by descriptor the old file is there, by handle it is stale, never the new one. */
		if (!share.handles) {
			guest_expect(&share, a, "old");
		} else {
			struct fs_open open;

			assert_int_equal(fs_open(share.fs, &share.call, a, O_RDONLY, 0, &open), -ESTALE);
			assert_int_equal(guest_try_getattr(&share, a), -ESTALE);
		}
	}
}

static void test_exchanged_with_another_type(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fs_open open;
		uint64_t a;

		host_write(&share, "a", "text");
		a = guest_lookup(&share, FS_ROOT, "a");
		assert_int_equal(unlinkat(share.root, "a", 0), 0);
		assert_int_equal(mkfifoat(share.root, "a", 0600), 0);
		/* Opening a FIFO would hang here. */
		if (fs_open(share.fs, &share.call, a, O_RDONLY, 0, &open) == 0)
			assert_false(share.handles);
		a = guest_lookup(&share, FS_ROOT, "a");
		assert_int_equal(fs_open(share.fs, &share.call, a, O_RDONLY, 0, &open), -ENXIO);
	}
}

static void test_hard_links(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		uint64_t a;

		host_write(&share, "a", "text");
		assert_int_equal(linkat(share.root, "a", share.root, "b", 0), 0);
		a = guest_lookup(&share, FS_ROOT, "a");
		assert_int_equal(guest_lookup(&share, FS_ROOT, "b"), a);
		assert_int_equal(guest_getattr(&share, a).nlink, 2);
		assert_int_equal(unlinkat(share.root, "a", 0), 0);
		guest_expect(&share, a, "text");
		guest_forget(&share, a, 1);
		assert_int_equal(guest_getattr(&share, a).nlink, 1);
		guest_forget(&share, a, 1);
		assert_int_equal(guest_try_getattr(&share, a), -ESTALE);
	}
}

static void test_moved_directory(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_entry_out entry;
		uint64_t a, b, file;

		host_mkdir(&share, "a");
		host_mkdir(&share, "b");
		host_write(&share, "a/file", "text");
		a = guest_lookup(&share, FS_ROOT, "a");
		b = guest_lookup(&share, FS_ROOT, "b");
		assert_int_equal(renameat(share.root, "a", share.root, "b/a"), 0);
		file = guest_lookup(&share, a, "file");
		guest_expect(&share, file, "text");
		assert_int_equal(guest_lookup(&share, b, "a"), a);
		assert_int_equal(fs_lookup_parent(share.fs, &share.call, a, &entry), 0);
		assert_int_equal(entry.nodeid, b);
		assert_int_equal(fs_lookup_parent(share.fs, &share.call, b, &entry), 0);
		assert_int_equal(entry.nodeid, FS_ROOT);
		assert_int_equal(fs_lookup_parent(share.fs, &share.call, FS_ROOT, &entry), 0);
		assert_int_equal(entry.nodeid, FS_ROOT);
		assert_int_equal(fs_lookup_self(share.fs, &share.call, file, &entry), 0);
		assert_int_equal(entry.nodeid, file);
		guest_forget(&share, file, 1);
		guest_expect(&share, file, "text");
	}
}

static void test_moved_out_of_the_share(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		char outside[sizeof(share.path) + 8];
		struct fuse_entry_out entry;
		uint64_t a;

		host_mkdir(&share, "a");
		a = guest_lookup(&share, FS_ROOT, "a");
		snprintf(outside, sizeof(outside), "%s-out", share.path);
		assert_int_equal(renameat(share.root, "a", AT_FDCWD, outside), 0);
		assert_int_equal(fs_lookup_parent(share.fs, &share.call, a, &entry), -ESTALE);
		assert_int_equal(rmdir(outside), 0);
	}
}

static void test_made_up_ids(void **state)
{
	static const uint64_t ids[] = {
		0, 2, 3, 1000, UINT32_MAX, UINT64_C(1) << 32 | 1, UINT64_C(1) << 32 | 2, UINT64_MAX, UINT64_C(1) << 63
	};

	FOR_EACH_VARIANT(variant)
	{
		for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
			struct fuse_attr attr;
			struct fuse_entry_out entry;
			size_t length;

			assert_int_equal(guest_try_getattr(&share, ids[i]), -ESTALE);
			assert_int_equal(guest_try_lookup(&share, ids[i], "a", &entry), -ESTALE);
			assert_int_equal(
			    fs_read(share.fs, &share.call, FS_ROOT, ids[i] ? ids[i] : 1, 0, NULL, 0, &length), -EBADF);
			assert_int_equal(fs_release(share.fs, &share.call, FS_ROOT,
						    &(struct fuse_release_in){ .fh = ids[i] ? ids[i] : 1 }),
					 -EBADF);
			assert_int_equal(fs_getattr(share.fs, &share.call, ids[i], ids[i], &attr), -ESTALE);
			guest_forget(&share, ids[i], UINT64_MAX);
		}
		guest_forget(&share, FS_ROOT, UINT64_MAX);
		assert_int_equal(guest_try_getattr(&share, FS_ROOT), 0);
	}
}

static void test_forgotten_ids(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		size_t before = host_descriptors();
		uint64_t a, b;

		host_write(&share, "a", "a");
		host_write(&share, "b", "b");
		a = guest_lookup(&share, FS_ROOT, "a");
		guest_forget(&share, a, 1);
		assert_int_equal(guest_try_getattr(&share, a), -ESTALE);
		/* The slot is used again, the id is not. */
		b = guest_lookup(&share, FS_ROOT, "b");
		assert_int_equal((uint32_t)a, (uint32_t)b);
		assert_int_not_equal(a, b);
		assert_int_equal(guest_try_getattr(&share, a), -ESTALE);
		assert_int_equal(guest_try_getattr(&share, b), 0);
		/* More than was looked up. */
		guest_forget(&share, b, UINT64_MAX);
		assert_int_equal(guest_try_getattr(&share, b), -ESTALE);
		assert_int_equal(host_descriptors(), before);
	}
}

static void test_reset(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		size_t before = host_descriptors();
		struct fs_open open;
		uint64_t a, dir;

		host_write(&share, "a", "a");
		host_mkdir(&share, "dir");
		a = guest_lookup(&share, FS_ROOT, "a");
		dir = guest_lookup(&share, FS_ROOT, "dir");
		assert_int_equal(guest_try_getattr(&share, dir), 0);
		assert_int_equal(fs_open(share.fs, &share.call, a, O_RDWR, 0, &open), 0);
		assert_int_equal(fs_opendir(share.fs, &share.call, dir, 0, &open), 0);
		fs_reset(share.fs);
		assert_int_equal(host_descriptors(), before);
		assert_int_equal(guest_try_getattr(&share, a), -ESTALE);
		assert_int_not_equal(guest_lookup(&share, FS_ROOT, "a"), a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look_and_read),
		cmocka_unit_test(test_rename_and_replace),
		cmocka_unit_test(test_replaced_at_once),
		cmocka_unit_test(test_replaced_behind_a_forgotten_descriptor),
		cmocka_unit_test(test_exchanged_with_another_type),
		cmocka_unit_test(test_hard_links),
		cmocka_unit_test(test_moved_directory),
		cmocka_unit_test(test_moved_out_of_the_share),
		cmocka_unit_test(test_made_up_ids),
		cmocka_unit_test(test_forgotten_ids),
		cmocka_unit_test(test_reset),
	};

	return cmocka_run_group_tests_name("passthrough/identity", tests, NULL, NULL);
}
