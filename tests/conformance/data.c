/* SPDX-License-Identifier: BSD-3-Clause */
/* What files hold: reads, writes, holes, LSEEK, FALLOCATE, COPY_FILE_RANGE. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "conformance.h"
#include "guest.h"

#define TIB (1ull << 40)
/* A multiple of every host's block size. */
#define STEP (64u << 10)

static void end_of_file(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);
	char buffer[16];

	assert_int_equal(guest_try_read(fs, file, fh, 0, buffer, sizeof(buffer)), 0);
	guest_write(fs, file, fh, 0, "0123456789");
	assert_int_equal(guest_try_read(fs, file, fh, 8, buffer, sizeof(buffer)), 2);
	assert_memory_equal(buffer, "89", 2);
	assert_int_equal(guest_try_read(fs, file, fh, 10, buffer, sizeof(buffer)), 0);
	assert_int_equal(guest_try_read(fs, file, fh, 1000, buffer, sizeof(buffer)), 0);
	guest_write(fs, file, fh, 8, "abcd");
	guest_expect(fs, file, "01234567abcd");
	assert_int_equal(guest_release(fs, file, fh), 0);
}

/* Across blocks, from and to buffers of odd lengths. */
static void scattered(struct fs *fs)
{
	enum { SIZE = 100001 };
	_cleanup_free_ unsigned char *out = malloc(SIZE), *in = calloc(1, SIZE);
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);
	const struct fuse_write_in write = { .fh = fh, .offset = 77, .size = SIZE };
	const struct iovec from[] = { { out, 1 }, { out + 1, 4096 }, { out + 4097, 0 }, { out + 4097, SIZE - 4097 } };
	const struct iovec to[] = { { in, 70000 }, { in + 70000, 3 }, { in + 70003, SIZE - 70003 } };
	size_t length = 0;

	for (size_t i = 0; i < SIZE; i++)
		out[i] = (unsigned char)(i * 7 + i / 256);
	assert_int_equal(fs_write(fs, guest_call(), file, &write, from, ARRAY_SIZE(from), &length), 0);
	assert_int_equal(length, SIZE);
	assert_int_equal(fs_read(fs, guest_call(), file, fh, 77, to, ARRAY_SIZE(to), &length), 0);
	assert_int_equal(length, SIZE);
	assert_memory_equal(in, out, SIZE);
	assert_int_equal(guest_try_read(fs, file, fh, 0, in, 77), 77);
	for (int i = 0; i < 77; i++)
		assert_int_equal(in[i], 0);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void sparse_8_tib(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);
	char buffer[8];

	guest_write(fs, file, fh, 8 * TIB, "far");
	assert_int_equal(guest_attr(fs, file).size, 8 * TIB + 3);
	assert_true(guest_attr(fs, file).blocks < 10000);
	assert_int_equal(guest_try_read(fs, file, fh, 8 * TIB, buffer, sizeof(buffer)), 3);
	assert_memory_equal(buffer, "far", 3);
	assert_int_equal(guest_try_read(fs, file, fh, 5 * TIB, buffer, sizeof(buffer)), sizeof(buffer));
	assert_memory_equal(buffer, "\0\0\0\0\0\0\0\0", sizeof(buffer));
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void beyond_every_offset(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);
	char buffer[8] = "";

	assert_true(guest_try_write(fs, file, fh, INT64_MAX, buffer, 8) < 0);
	assert_true(guest_try_write(fs, file, fh, UINT64_MAX, buffer, 8) < 0);
	assert_true(guest_try_write(fs, file, fh, UINT64_MAX - 3, buffer, 8) < 0);
	assert_true(guest_try_read(fs, file, fh, UINT64_MAX - 3, buffer, 8) <= 0);
	assert_int_equal(guest_attr(fs, file).size, 0);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void writes_move_times(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);

	guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_MTIME, .mtime = 1000 });
	guest_write(fs, file, fh, 0, "text");
	assert_true(guest_attr(fs, file).mtime > 1000);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static int seek(struct fs *fs, uint64_t file, uint64_t fh, uint64_t offset, uint32_t whence, uint64_t *ret_offset)
{
	return fs_lseek(fs, guest_call(), file, fh, offset, whence, ret_offset);
}

static void seek_data_and_holes(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh), found = 0;

	NEED(fs, lseek);
	guest_write(fs, file, fh, 4 * STEP, "data");
	guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = 10 * STEP });
	assert_int_equal(seek(fs, file, fh, 0, SEEK_DATA, &found), 0);
	assert_int_equal(found, 4 * STEP);
	assert_int_equal(seek(fs, file, fh, 4 * STEP + 1, SEEK_DATA, &found), 0);
	assert_int_equal(found, 4 * STEP + 1);
	assert_int_equal(seek(fs, file, fh, 0, SEEK_HOLE, &found), 0);
	assert_int_equal(found, 0);
	assert_int_equal(seek(fs, file, fh, 4 * STEP, SEEK_HOLE, &found), 0);
	assert_true(found > 4 * STEP && found <= 5 * STEP);
	assert_int_equal(seek(fs, file, fh, 5 * STEP, SEEK_DATA, &found), -ENXIO);
	assert_int_equal(seek(fs, file, fh, 9 * STEP, SEEK_HOLE, &found), 0);
	assert_int_equal(found, 9 * STEP);
	assert_int_equal(seek(fs, file, fh, 10 * STEP, SEEK_HOLE, &found), -ENXIO);
	assert_int_equal(seek(fs, file, fh, 10 * STEP, SEEK_DATA, &found), -ENXIO);
	assert_int_equal(seek(fs, file, fh, 0, 77, &found), -EINVAL);
	/* The end of a file without holes is one. */
	guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = 0 });
	guest_write(fs, file, fh, 0, "text");
	assert_int_equal(seek(fs, file, fh, 1, SEEK_HOLE, &found), 0);
	assert_int_equal(found, 4);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static int allocate(struct fs *fs, uint64_t file, uint64_t fh, uint32_t mode, uint64_t offset, uint64_t length)
{
	const struct fuse_fallocate_in in = { .fh = fh, .offset = offset, .length = length, .mode = mode };

	return fs_fallocate(fs, guest_call(), file, &in);
}

static void allocate_blocks(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);
	char buffer[4];
	int result;

	NEED(fs, fallocate);
	result = allocate(fs, file, fh, FALLOC_FL_KEEP_SIZE, 0, 4 * STEP);
	if (result == -EOPNOTSUPP)
		skip();
	assert_int_equal(result, 0);
	assert_int_equal(guest_attr(fs, file).size, 0);
	assert_true(guest_attr(fs, file).blocks >= 4 * STEP / 512);
	assert_int_equal(allocate(fs, file, fh, 0, 100, STEP), 0);
	assert_int_equal(guest_attr(fs, file).size, STEP + 100);
	assert_int_equal(guest_try_read(fs, file, fh, STEP, buffer, 4), 4);
	assert_memory_equal(buffer, "\0\0\0\0", 4);
	assert_int_equal(allocate(fs, file, fh, 0, 0, 10), 0); /* never shrinks */
	assert_int_equal(guest_attr(fs, file).size, STEP + 100);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void allocate_errors(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file"), reader = guest_open(fs, file, O_RDONLY);
	uint64_t writer = guest_open(fs, file, O_WRONLY);

	NEED(fs, fallocate);
	assert_int_equal(allocate(fs, file, reader, 0, 0, 10), -EBADF);
	assert_int_equal(allocate(fs, file, writer, 0, 0, 0), -EINVAL);
	assert_true(allocate(fs, file, writer, 0, UINT64_MAX, 10) < 0);
	assert_true(allocate(fs, file, writer, 0, 10, UINT64_MAX) < 0);
	assert_int_equal(allocate(fs, file, writer, 0, INT64_MAX - 5, 10), -EFBIG);
	assert_int_equal(allocate(fs, file, writer, FALLOC_FL_PUNCH_HOLE, 0, 10), -EOPNOTSUPP); /* needs KEEP_SIZE */
	assert_int_equal(allocate(fs, file, writer, 1u << 20, 0, 10), -EOPNOTSUPP);
	assert_int_equal(guest_release(fs, file, reader), 0);
	assert_int_equal(guest_release(fs, file, writer), 0);
}

/* size bytes of 'x'. */
static uint64_t filled(struct fs *fs, size_t size, uint64_t *ret_fh)
{
	_cleanup_free_ char *data = malloc(size);
	uint64_t file = guest_create(fs, FS_ROOT, "file", O_RDWR, ret_fh);

	memset(data, 'x', size);
	assert_int_equal(guest_try_write(fs, file, *ret_fh, 0, data, size), size);
	return file;
}

/* Whether exactly start to end (exclusive) is zero in a file of 'x'. */
static void expect_zeroed(struct fs *fs, uint64_t file, uint64_t fh, size_t size, size_t start, size_t end)
{
	_cleanup_free_ char *data = malloc(size);

	assert_int_equal(guest_try_read(fs, file, fh, 0, data, size), size);
	for (size_t i = 0; i < size; i++)
		if (data[i] != (i >= start && i < end ? 0 : 'x'))
			fail_msg("wrong byte at %zu", i);
}

static void punch_hole(struct fs *fs)
{
	uint64_t fh, file = filled(fs, 5 * STEP, &fh), blocks = guest_attr(fs, file).blocks, found = 0;
	int result;

	NEED(fs, fallocate);
	result = allocate(fs, file, fh, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, STEP - 10, 2 * STEP + 17);
	if (result == -EOPNOTSUPP)
		skip();
	assert_int_equal(result, 0);
	expect_zeroed(fs, file, fh, 5 * STEP, STEP - 10, 3 * STEP + 7);
	assert_int_equal(guest_attr(fs, file).size, 5 * STEP);
	assert_int_equal(fs_fsync(fs, guest_call(), file, fh, false), 0);
	assert_true(guest_attr(fs, file).blocks < blocks);
	NEED(fs, lseek);
	assert_int_equal(seek(fs, file, fh, 0, SEEK_HOLE, &found), 0);
	assert_int_equal(found, STEP);
	assert_int_equal(seek(fs, file, fh, STEP, SEEK_DATA, &found), 0);
	assert_int_equal(found, 3 * STEP);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void punch_small_hole(struct fs *fs)
{
	uint64_t fh, file = filled(fs, 1000, &fh);
	int result;

	NEED(fs, fallocate);
	result = allocate(fs, file, fh, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 10, 20);
	if (result == -EOPNOTSUPP)
		skip();
	assert_int_equal(result, 0);
	expect_zeroed(fs, file, fh, 1000, 10, 30);
	/* Beyond the end nothing happens. */
	assert_int_equal(allocate(fs, file, fh, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * STEP, STEP), 0);
	expect_zeroed(fs, file, fh, 1000, 10, 30);
	assert_int_equal(guest_attr(fs, file).size, 1000);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void zero_range(struct fs *fs)
{
	uint64_t fh, file = filled(fs, 3 * STEP, &fh);
	int result;

	NEED(fs, fallocate);
	result = allocate(fs, file, fh, FALLOC_FL_ZERO_RANGE, 100, STEP);
	if (result == -EOPNOTSUPP) /* tmpfs of Linux */
		skip();
	assert_int_equal(result, 0);
	expect_zeroed(fs, file, fh, 3 * STEP, 100, STEP + 100);
	assert_int_equal(allocate(fs, file, fh, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 3 * STEP - 10, STEP), 0);
	assert_int_equal(guest_attr(fs, file).size, 3 * STEP);
	assert_int_equal(allocate(fs, file, fh, FALLOC_FL_ZERO_RANGE, 3 * STEP - 10, STEP), 0);
	assert_int_equal(guest_attr(fs, file).size, 4 * STEP - 10);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void copy_between_files(struct fs *fs)
{
	uint64_t from_fh, from = guest_create(fs, FS_ROOT, "from", O_RDWR, &from_fh);
	uint64_t to_fh, to = guest_create(fs, FS_ROOT, "to", O_RDWR, &to_fh), copied = 0;
	struct fs_copy copy = { from, from_fh, 2, to, to_fh, 1, 4, 0 };

	NEED(fs, copy_file_range);
	guest_write(fs, from, from_fh, 0, "0123456789");
	guest_write(fs, to, to_fh, 0, "abcdefghij");
	assert_int_equal(fs_copy_file_range(fs, guest_call(), &copy, &copied), 0);
	assert_int_equal(copied, 4);
	guest_expect(fs, to, "a2345fghij");
	/* Up to the end of the source, beyond the end of the target. */
	copy = (struct fs_copy){ from, from_fh, 7, to, to_fh, 9, 1000, 0 };
	assert_int_equal(fs_copy_file_range(fs, guest_call(), &copy, &copied), 0);
	assert_int_equal(copied, 3);
	guest_expect(fs, to, "a2345fghi789");
	copy.offset_in = 10;
	assert_int_equal(fs_copy_file_range(fs, guest_call(), &copy, &copied), 0);
	assert_int_equal(copied, 0);
	copy.flags = 1;
	assert_int_equal(fs_copy_file_range(fs, guest_call(), &copy, &copied), -EINVAL);
	assert_int_equal(guest_release(fs, from, from_fh), 0);
	assert_int_equal(guest_release(fs, to, to_fh), 0);
}

static void copy_within_file(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh), copied = 0;
	struct fs_copy copy = { file, fh, 0, file, fh, 2, 4, 0 };

	NEED(fs, copy_file_range);
	guest_write(fs, file, fh, 0, "0123456789");
	assert_int_equal(fs_copy_file_range(fs, guest_call(), &copy, &copied), -EINVAL); /* they overlap */
	copy.offset_out = 6;
	assert_int_equal(fs_copy_file_range(fs, guest_call(), &copy, &copied), 0);
	assert_int_equal(copied, 4);
	guest_expect(fs, file, "0123450123");
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void copy_errors(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file"), other = guest_file(fs, FS_ROOT, "other"), copied = 0;
	uint64_t reader = guest_open(fs, file, O_RDONLY), writer = guest_open(fs, other, O_WRONLY);
	struct fs_copy copy = { other, writer, 0, file, reader, 0, 4, 0 };

	NEED(fs, copy_file_range);
	assert_int_equal(fs_copy_file_range(fs, guest_call(), &copy, &copied), -EBADF);
	copy = (struct fs_copy){ other, reader, 0, file, writer, 0, 4, 0 }; /* of the other node each */
	assert_int_equal(fs_copy_file_range(fs, guest_call(), &copy, &copied), -EBADF);
	assert_int_equal(guest_release(fs, file, reader), 0);
	assert_int_equal(guest_release(fs, other, writer), 0);
}

const struct conformance_test conformance_data[] = {
	CONFORMANCE_TEST(end_of_file),
	CONFORMANCE_TEST(scattered),
	CONFORMANCE_TEST(sparse_8_tib),
	CONFORMANCE_TEST(beyond_every_offset),
	CONFORMANCE_TEST(writes_move_times),
	CONFORMANCE_TEST(seek_data_and_holes),
	CONFORMANCE_TEST(allocate_blocks),
	CONFORMANCE_TEST(allocate_errors),
	CONFORMANCE_TEST(punch_hole),
	CONFORMANCE_TEST(punch_small_hole),
	CONFORMANCE_TEST(zero_range),
	CONFORMANCE_TEST(copy_between_files),
	CONFORMANCE_TEST(copy_within_file),
	CONFORMANCE_TEST(copy_errors),
	{ NULL, NULL },
};
