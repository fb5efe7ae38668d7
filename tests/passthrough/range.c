/* SPDX-License-Identifier: BSD-3-Clause */
/* FALLOCATE, LSEEK, COPY_FILE_RANGE and the syncs. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "variants.h"

static int guest_fallocate(uint64_t node, uint64_t fh, uint32_t mode, uint64_t offset, uint64_t length)
{
	const struct fuse_fallocate_in in = { .fh = fh, .offset = offset, .length = length, .mode = mode };

	return fs_fallocate(share.fs, &share.call, node, &in);
}

static int guest_lseek(uint64_t node, uint64_t fh, uint64_t offset, uint32_t whence, uint64_t *ret)
{
	return fs_lseek(share.fs, &share.call, node, fh, offset, whence, ret);
}

static void test_fallocate(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		uint64_t fh, file = guest_create(&share, FS_ROOT, "file", &fh);
		struct fuse_attr attr;

		assert_int_equal(guest_fallocate(file, fh, 0, 0, 65536), 0);
		attr = guest_getattr(&share, file);
		assert_int_equal(attr.size, 65536);
		assert_true(attr.blocks >= 128);
		assert_int_equal(guest_fallocate(file, fh, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 65536), 0);
		assert_int_equal(guest_getattr(&share, file).blocks, 0);
		assert_int_equal(guest_fallocate(file, fh, FALLOC_FL_KEEP_SIZE, 65536, 65536), 0);
		assert_int_equal(guest_getattr(&share, file).size, 65536);
		/* By node alone, when the guest opens nothing. */
		assert_int_equal(guest_fallocate(file, FS_NO_HANDLE, 0, 0, 100000), 0);
		assert_int_equal(guest_getattr(&share, file).size, 100000);

		assert_int_equal(guest_fallocate(file, fh, 0, 0, 0), -EINVAL);
		assert_int_equal(guest_fallocate(file, fh, 0, INT64_MAX, 1), -EFBIG);
		assert_int_equal(guest_fallocate(file, fh, 0, UINT64_MAX, 1), -EFBIG);
		assert_int_equal(guest_fallocate(file, fh, 0x8000, 0, 1), -EOPNOTSUPP);
		assert_int_equal(guest_fallocate(file, 99, 0, 0, 1), -EBADF);
		assert_int_equal(guest_fallocate(FS_ROOT, fh, 0, 0, 1), -EBADF);
		assert_int_equal(guest_release(&share, file, fh), 0);
	}
}

static void test_setid_bits(void **state)
{
	if (geteuid() != 0)
		skip();
	FOR_EACH_VARIANT(variant)
	{
		uint64_t fh, file = guest_create(&share, FS_ROOT, "file", &fh);

		for (int round = 0; round < 2; round++) {
			assert_int_equal(fchmodat(share.root, "file", 06755, 0), 0);
			share.call.uid = 0;
			assert_int_equal(guest_fallocate(file, fh, 0, 0, 4096), 0);
			assert_int_equal(guest_getattr(&share, file).mode & 07777, 06755);
			share.call.uid = 1000;
			assert_int_equal(guest_fallocate(file, fh, 0, 0, 4096), 0);
			/* Kernels before 5.19 keep them on tmpfs. */
			if (strcmp(variant->base, "/var/tmp") == 0)
				assert_int_equal(guest_getattr(&share, file).mode & 07777, 0755);
		}
		share.call.uid = 0;
		assert_int_equal(guest_release(&share, file, fh), 0);
	}
}

static void test_lseek(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		uint64_t fh, file = guest_create(&share, FS_ROOT, "file", &fh), offset;
		struct fs_open dir;

		assert_int_equal(guest_pwrite(&share, file, fh, "data", 1 << 20), 4);
		assert_int_equal(guest_lseek(file, fh, 0, SEEK_DATA, &offset), 0);
		assert_int_equal(offset, 1 << 20);
		assert_int_equal(guest_lseek(file, fh, 1 << 20, SEEK_HOLE, &offset), 0);
		assert_int_equal(offset, (1 << 20) + 4);
		assert_int_equal(guest_lseek(file, FS_NO_HANDLE, 0, SEEK_HOLE, &offset), 0);
		assert_int_equal(offset, 0);
		assert_int_equal(guest_lseek(file, fh, (1 << 20) + 4, SEEK_DATA, &offset), -ENXIO);
		assert_int_equal(guest_lseek(file, fh, UINT64_MAX, SEEK_DATA, &offset), -ENXIO);
		assert_int_equal(guest_lseek(file, fh, 0, SEEK_SET, &offset), -EINVAL);
		assert_int_equal(guest_lseek(file, fh, 0, SEEK_CUR, &offset), -EINVAL);
		assert_int_equal(guest_lseek(file, fh, 0, 77, &offset), -EINVAL);
		assert_int_equal(fs_opendir(share.fs, &share.call, FS_ROOT, 0, &dir), 0);
		assert_int_equal(guest_lseek(FS_ROOT, dir.fh, 0, SEEK_DATA, &offset), -EINVAL);
		assert_int_equal(fs_releasedir(share.fs, &share.call, FS_ROOT, dir.fh), 0);
		assert_int_equal(guest_release(&share, file, fh), 0);
	}
}

static void test_copy(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		uint64_t in_fh, out_fh, copied;
		uint64_t in = guest_create(&share, FS_ROOT, "in", &in_fh);
		uint64_t out = guest_create(&share, FS_ROOT, "out", &out_fh);
		struct fs_copy copy = { .node_in = in, .fh_in = in_fh, .node_out = out, .fh_out = out_fh };

		assert_int_equal(guest_pwrite(&share, in, in_fh, "abcdefgh", 0), 8);
		assert_int_equal(guest_pwrite(&share, out, out_fh, "12345678", 0), 8);
		copy.offset_in = 2;
		copy.offset_out = 4;
		copy.length = 3;
		assert_int_equal(fs_copy_file_range(share.fs, &share.call, &copy, &copied), 0);
		assert_int_equal(copied, 3);
		guest_expect(&share, out, "1234cde8");
		/* Up to the end, and no further. */
		copy.length = INT64_MAX / 2;
		assert_int_equal(fs_copy_file_range(share.fs, &share.call, &copy, &copied), 0);
		assert_int_equal(copied, 6);
		guest_expect(&share, out, "1234cdefgh");
		copy.offset_in = 8;
		assert_int_equal(fs_copy_file_range(share.fs, &share.call, &copy, &copied), 0);
		assert_int_equal(copied, 0);

		copy.flags = 1;
		assert_int_equal(fs_copy_file_range(share.fs, &share.call, &copy, &copied), -EINVAL);
		copy.flags = 0;
		copy.offset_in = UINT64_MAX;
		assert_int_equal(fs_copy_file_range(share.fs, &share.call, &copy, &copied), -EINVAL);
		copy.offset_in = 0;
		copy.node_out = in;
		assert_int_equal(fs_copy_file_range(share.fs, &share.call, &copy, &copied), -EBADF);
		/* Onto itself. */
		copy.fh_out = in_fh;
		copy.offset_out = 1;
		copy.length = 4;
		assert_int_equal(fs_copy_file_range(share.fs, &share.call, &copy, &copied), -EINVAL);
		assert_int_equal(guest_release(&share, in, in_fh), 0);
		assert_int_equal(guest_release(&share, out, out_fh), 0);
	}
}

static void test_syncs(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		uint64_t fh, file = guest_create(&share, FS_ROOT, "file", &fh);
		struct fs_open dir;

		assert_int_equal(guest_pwrite(&share, file, fh, "data", 0), 4);
		assert_int_equal(fs_fsync(share.fs, &share.call, file, fh, true), 0);
		assert_int_equal(fs_fsync(share.fs, &share.call, file, FS_NO_HANDLE, false), 0);
		assert_int_equal(fs_fsync(share.fs, &share.call, FS_ROOT, fh, false), -EBADF);
		assert_int_equal(fs_opendir(share.fs, &share.call, FS_ROOT, 0, &dir), 0);
		assert_int_equal(fs_fsyncdir(share.fs, &share.call, FS_ROOT, dir.fh, false), 0);
		assert_int_equal(fs_fsyncdir(share.fs, &share.call, FS_ROOT, FS_NO_HANDLE, true), 0);
		assert_int_equal(fs_releasedir(share.fs, &share.call, FS_ROOT, dir.fh), 0);
		if (strcmp(variant->base, "/dev/shm") == 0)
			assert_int_equal(fs_syncfs(share.fs, &share.call, FS_ROOT), 0);
		assert_int_equal(fs_syncfs(share.fs, &share.call, file), -ENOTDIR);
		assert_int_equal(guest_release(&share, file, fh), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fallocate), cmocka_unit_test(test_setid_bits), cmocka_unit_test(test_lseek),
		cmocka_unit_test(test_copy),      cmocka_unit_test(test_syncs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
