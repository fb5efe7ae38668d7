/* SPDX-License-Identifier: BSD-3-Clause */
/* CREATE and TMPFILE. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "variants.h"

static int create(uint32_t flags, uint32_t mode, uint32_t umask, const char *name, struct fuse_entry_out *ret_entry,
		  struct fs_open *ret_open)
{
	const struct fuse_create_in in = { .flags = flags, .mode = S_IFREG | mode, .umask = umask };

	return fs_create(share.fs, &share.call, FS_ROOT, name, &in, ret_entry, ret_open);
}

static void test_new(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		size_t before = host_descriptors();
		struct fuse_entry_out entry;
		struct fs_open open;
		char buffer[16];

		assert_int_equal(create(O_RDWR, 0666, 026, "a", &entry, &open), 0);
		assert_int_equal(entry.attr.mode, S_IFREG | 0640);
		assert_int_equal(guest_lookup(&share, FS_ROOT, "a"), entry.nodeid);
		assert_int_equal(guest_pwrite(&share, entry.nodeid, open.fh, "text", 0), 4);
		assert_int_equal(guest_pread(&share, entry.nodeid, open.fh, buffer, sizeof(buffer), 1), 3);
		assert_memory_equal(buffer, "ext", 3);
		assert_int_equal(guest_release(&share, entry.nodeid, open.fh), 0);
		assert_int_equal(guest_release(&share, entry.nodeid, open.fh), -EBADF);
		guest_forget(&share, entry.nodeid, 2);
		assert_int_equal(host_descriptors(), before);
	}
}

static void test_existing(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_entry_out entry;
		struct fs_open open;
		uint64_t a;

		host_write(&share, "a", "text");
		a = guest_lookup(&share, FS_ROOT, "a");
		assert_int_equal(create(O_RDWR | O_EXCL, 0600, 0, "a", &entry, &open), -EEXIST);
		assert_int_equal(create(O_RDWR, 0600, 0, "a", &entry, &open), 0);
		assert_int_equal(entry.nodeid, a);
		assert_int_equal(entry.attr.mode, S_IFREG | 0644);
		assert_int_equal(guest_getattr(&share, a).size, 4);
		assert_int_equal(guest_release(&share, a, open.fh), 0);
		assert_int_equal(create(O_RDWR | O_TRUNC, 0600, 0, "a", &entry, &open), 0);
		assert_int_equal(guest_getattr(&share, a).size, 0);
	}
}

static void test_taken_by_something_else(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_entry_out entry;
		struct fs_open open;

		host_mkdir(&share, "dir");
		assert_int_equal(mkfifoat(share.root, "fifo", 0600), 0);
		host_write(&share, "file", "text");
		assert_int_equal(symlinkat("file", share.root, "link"), 0);
		assert_int_equal(symlinkat("none", share.root, "dangling"), 0);
		assert_int_equal(create(O_RDWR, 0600, 0, "dir", &entry, &open), -EISDIR);
		assert_int_equal(create(O_RDONLY, 0600, 0, "fifo", &entry, &open), -ENXIO);
		assert_int_equal(create(O_RDWR | O_TRUNC, 0600, 0, "link", &entry, &open), -ELOOP);
		assert_int_equal(create(O_RDWR, 0600, 0, "dangling", &entry, &open), -ELOOP);
		assert_int_equal(faccessat(share.root, "none", F_OK, 0), -1);
		guest_expect(&share, guest_lookup(&share, FS_ROOT, "file"), "text");
	}
}

static void test_write_only_with_writeback(void **state)
{
	const struct passthrough_config config = { .file_handles = PASSTHROUGH_HANDLES_PREFER };
	struct fuse_entry_out entry;
	struct fs_open open;
	char buffer[8];

	share_open(&share, "/var/tmp", &config, FUSE_WRITEBACK_CACHE);
	assert_int_equal(create(O_WRONLY | O_APPEND, 0600, 0, "a", &entry, &open), 0);
	assert_int_equal(guest_pwrite(&share, entry.nodeid, open.fh, "text", 0), 4);
	assert_int_equal(guest_pread(&share, entry.nodeid, open.fh, buffer, sizeof(buffer), 0), 4);
	share_close(&share);
	share_open(&share, "/var/tmp", &config, 0);
	assert_int_equal(create(O_WRONLY, 0600, 0, "a", &entry, &open), 0);
	assert_int_equal(guest_pread(&share, entry.nodeid, open.fh, buffer, sizeof(buffer), 0), -EBADF);
	share_close(&share);
}

static void test_tmpfile(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		const struct fuse_create_in in = { .flags = O_RDWR, .mode = S_IFREG | 0640 };
		struct fuse_entry_out entry, link;
		struct fs_open open;
		char names[32];
		uint64_t dir = guest_mkdir(&share, FS_ROOT, "dir");

		assert_int_equal(fs_tmpfile(share.fs, &share.call, dir, &in, &entry, &open), 0);
		assert_int_equal(entry.attr.nlink, 0);
		assert_int_equal(entry.attr.mode, S_IFREG | 0640);
		assert_int_equal(guest_list(&share, dir, true, 4096, names, sizeof(names)), 0);
		assert_int_equal(guest_pwrite(&share, entry.nodeid, open.fh, "text", 0), 4);
		assert_int_equal(guest_getattr(&share, entry.nodeid).size, 4);
		assert_int_equal(fs_link(share.fs, &share.call, entry.nodeid, dir, "named", &link), 0);
		assert_int_equal(link.nodeid, entry.nodeid);
		assert_int_equal(link.attr.nlink, 1);
		assert_int_equal(guest_release(&share, entry.nodeid, open.fh), 0);
		guest_expect(&share, guest_lookup(&share, dir, "named"), "text");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_existing),
		cmocka_unit_test(test_taken_by_something_else),
		cmocka_unit_test(test_write_only_with_writeback),
		cmocka_unit_test(test_tmpfile),
	};

	return cmocka_run_group_tests_name("passthrough/createfile", tests, NULL, NULL);
}
