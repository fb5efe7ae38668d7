/* SPDX-License-Identifier: BSD-3-Clause */
#include "fusemsg/dirent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_bytes(void **state)
{
	assert_int_equal(fusemsg_dirent_bytes(1, false), 32);
	assert_int_equal(fusemsg_dirent_bytes(8, false), 32);
	assert_int_equal(fusemsg_dirent_bytes(9, false), 40);
	assert_int_equal(fusemsg_dirent_bytes(255, false), 280);
	assert_int_equal(fusemsg_dirent_bytes(1, true), 160);
	assert_int_equal(fusemsg_dirent_bytes(255, true), 408);
}

static void check(size_t name_length, bool plus)
{
	unsigned char buffer[512], expected[512] = { 0 };
	struct iovec iov[] = { { buffer, 3 }, { buffer + 3, 50 }, { buffer + 53, sizeof(buffer) - 53 } };
	struct fuse_dirent dirent = { .ino = 7, .off = 8, .namelen = (uint32_t)name_length, .type = 4 };
	struct fuse_entry_out entry = { .nodeid = 9 };
	char name[256];
	struct iov_cursor cursor;
	size_t at = 0;

	memset(buffer, 0xee, sizeof(buffer));
	memset(name, 'n', sizeof(name));
	iov_cursor_init(&cursor, iov, 3);
	fusemsg_dirent_write(&cursor, plus ? &entry : NULL, &dirent, name);
	assert_int_equal(sizeof(buffer) - cursor.left, fusemsg_dirent_bytes(name_length, plus));
	if (plus) {
		memcpy(expected, &entry, sizeof(entry));
		at = sizeof(entry);
	}
	memcpy(expected + at, &dirent, sizeof(dirent));
	memcpy(expected + at + sizeof(dirent), name, name_length);
	assert_memory_equal(buffer, expected, fusemsg_dirent_bytes(name_length, plus));
	assert_int_equal(buffer[fusemsg_dirent_bytes(name_length, plus)], 0xee);
}

static void test_write(void **state)
{
	for (size_t length = 1; length <= 255; length++) {
		check(length, false);
		check(length, true);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
