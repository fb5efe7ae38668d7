/* SPDX-License-Identifier: BSD-3-Clause */
/* READ and WRITE. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "variants.h"

/* One byte each, more of them than one system call takes. */
#define MANY (2 * IOV_MAX + 17)

static struct iovec many[MANY];
static char bytes[MANY];

static void set_up_many(void)
{
	for (size_t i = 0; i < MANY; i++)
		many[i] = (struct iovec){ .iov_base = &bytes[i], .iov_len = 1 };
}

static void test_many_buffers(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_write_in in = { .offset = 1, .size = MANY };
		size_t length;
		uint64_t a = guest_create(&share, FS_ROOT, "a", &in.fh);

		set_up_many();
		for (size_t i = 0; i < MANY; i++)
			bytes[i] = (char)(i * 7);
		assert_int_equal(fs_write(share.fs, &share.call, a, &in, many, MANY, &length), 0);
		assert_int_equal(length, MANY);
		assert_int_equal(guest_getattr(&share, a).size, MANY + 1);
		memset(bytes, 0, sizeof(bytes));
		/* Beyond the end by one. */
		assert_int_equal(fs_read(share.fs, &share.call, a, in.fh, 2, many, MANY, &length), 0);
		assert_int_equal(length, MANY - 1);
		for (size_t i = 0; i < MANY - 1; i++)
			assert_int_equal(bytes[i], (char)((i + 1) * 7));
	}
}

static void test_ends(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		static char block[4096];
		char buffer[64];
		uint64_t fh, a = guest_create(&share, FS_ROOT, "a", &fh);
		const struct iovec iov = { .iov_base = block, .iov_len = sizeof(block) };
		const struct fuse_write_in in = { .fh = fh, .size = sizeof(block) };
		size_t length;

		assert_int_equal(guest_pread(&share, a, fh, buffer, sizeof(buffer), 0), 0);
		assert_int_equal(guest_pread(&share, a, fh, buffer, 0, 0), 0);
		/* A file whose end is one of a sector too. */
		assert_int_equal(fs_write(share.fs, &share.call, a, &in, &iov, 1, &length), 0);
		assert_int_equal(guest_pread(&share, a, fh, buffer, sizeof(buffer), 4090), 6);
		assert_int_equal(guest_pread(&share, a, fh, buffer, sizeof(buffer), 4096), 0);
		assert_int_equal(guest_pread(&share, a, fh, buffer, sizeof(buffer), INT64_MAX - 64), 0);
		/* What overflows is refused before it reaches the host. */
		assert_int_equal(guest_pread(&share, a, fh, buffer, sizeof(buffer), INT64_MAX), -EINVAL);
		assert_int_equal(guest_pread(&share, a, fh, buffer, sizeof(buffer), UINT64_MAX), -EINVAL);
		assert_int_equal(guest_pwrite(&share, a, fh, "text", UINT64_MAX - 1), -EINVAL);
		assert_int_equal(guest_pwrite(&share, a, fh, "text", INT64_MAX - 3), -EINVAL);
	}
}

static void test_far_out(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		const uint64_t far = UINT64_C(8) << 40;
		uint64_t fh, a = guest_create(&share, FS_ROOT, "a", &fh);
		char buffer[8];

		/* Where the host's file system ends before. */
		if (guest_pwrite(&share, a, fh, "text", far) == -EFBIG)
			continue;
		assert_int_equal(guest_getattr(&share, a).size, far + 4);
		assert_int_equal(guest_pread(&share, a, fh, buffer, sizeof(buffer), far - 2), 6);
		assert_memory_equal(buffer, "\0\0text", 6);
		assert_true(guest_getattr(&share, a).blocks < 100);
	}
}

static void test_append(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		char text[] = "text", buffer[32];
		const struct iovec iov = { .iov_base = text, .iov_len = 4 };
		struct fuse_write_in in = { .size = 4, .flags = O_WRONLY | O_APPEND };
		size_t length;
		uint64_t a = guest_create(&share, FS_ROOT, "a", &in.fh);

		host_write(&share, "a", "12345");
		/* The guest does not know how long the file has become: the offset is its guess. */
		assert_int_equal(fs_write(share.fs, &share.call, a, &in, &iov, 1, &length), 0);
		assert_int_equal(length, 4);
		/* Pages of a mapping go to their place. */
		in.write_flags = FUSE_WRITE_CACHE;
		in.offset = 1;
		assert_int_equal(fs_write(share.fs, &share.call, a, &in, &iov, 1, &length), 0);
		assert_int_equal(guest_pread(&share, a, in.fh, buffer, sizeof(buffer), 0), 9);
		assert_memory_equal(buffer, "1texttext", 9);
	}
}

static void test_wrong_handles(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		uint64_t fh, other_fh, a, b;
		struct fs_open open;
		char buffer[8];

		a = guest_create(&share, FS_ROOT, "a", &fh);
		b = guest_create(&share, FS_ROOT, "b", &other_fh);
		assert_int_equal(guest_pread(&share, a, other_fh, buffer, sizeof(buffer), 0), -EBADF);
		assert_int_equal(guest_pwrite(&share, b, fh, "x", 0), -EBADF);
		assert_int_equal(guest_release(&share, b, fh), -EBADF);
		assert_int_equal(guest_release(&share, a, fh), 0);
		assert_int_equal(guest_pread(&share, a, fh, buffer, sizeof(buffer), 0), -EBADF);
		assert_int_equal(fs_opendir(share.fs, &share.call, FS_ROOT, 0, &open), 0);
		assert_int_equal(guest_pread(&share, FS_ROOT, open.fh, buffer, sizeof(buffer), 0), -EISDIR);
		/* Read-only and write-only handles are that. */
		assert_int_equal(fs_open(share.fs, &share.call, a, O_RDONLY, 0, &open), 0);
		assert_int_equal(guest_pwrite(&share, a, open.fh, "x", 0), -EBADF);
	}
}

static void test_without_handle(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		size_t before;
		char buffer[8];
		uint64_t a;

		host_write(&share, "a", "text");
		a = guest_lookup(&share, FS_ROOT, "a");
		guest_getattr(&share, a);
		before = host_descriptors();
		assert_int_equal(guest_pwrite(&share, a, FS_NO_HANDLE, "x", 1), 1);
		assert_int_equal(guest_pread(&share, a, FS_NO_HANDLE, buffer, sizeof(buffer), 0), 4);
		assert_memory_equal(buffer, "txxt", 4);
		assert_int_equal(host_descriptors(), before);
	}
}

static void test_set_id_bits(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		char text[] = "text";
		const struct iovec iov = { .iov_base = text, .iov_len = 4 };
		struct fuse_write_in in = { .size = 4 };
		size_t length;
		uint64_t a = guest_create(&share, FS_ROOT, "a", &in.fh);

		if (geteuid() != 0)
			continue;
		assert_int_equal(fchmodat(share.root, "a", 06755, 0), 0);
		assert_int_equal(fs_write(share.fs, &share.call, a, &in, &iov, 1, &length), 0);
		assert_int_equal(guest_getattr(&share, a).mode, S_IFREG | 06755);
		in.write_flags = FUSE_WRITE_KILL_SUIDGID;
		assert_int_equal(fs_write(share.fs, &share.call, a, &in, &iov, 1, &length), 0);
		assert_int_equal(guest_getattr(&share, a).mode, S_IFREG | 0755);
		/* The capability is back for the next. */
		in.write_flags = 0;
		assert_int_equal(fchmodat(share.root, "a", 06755, 0), 0);
		assert_int_equal(fs_write(share.fs, &share.call, a, &in, &iov, 1, &length), 0);
		assert_int_equal(guest_getattr(&share, a).mode, S_IFREG | 06755);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_many_buffers),  cmocka_unit_test(test_ends),
		cmocka_unit_test(test_far_out),       cmocka_unit_test(test_append),
		cmocka_unit_test(test_wrong_handles), cmocka_unit_test(test_without_handle),
		cmocka_unit_test(test_set_id_bits),
	};

	return cmocka_run_group_tests_name("passthrough/io", tests, NULL, NULL);
}
