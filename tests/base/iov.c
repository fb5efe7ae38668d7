/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/iov.h"
#include "base/util.h"

static char memory[16];
/* "abc" "" "defgh" "i", with an empty buffer in the middle as a guest may send it. */
static const struct iovec scattered[] = { { memory, 3 }, { memory + 3, 0 }, { memory + 3, 5 }, { memory + 8, 1 } };

static int fill(void **state UNUSED)
{
	memcpy(memory, "abcdefghi", 9);
	return 0;
}

static void reads_across_buffers(void **state UNUSED)
{
	struct iov_cursor cursor;
	char out[16] = "";

	iov_cursor_init(&cursor, scattered, ARRAY_SIZE(scattered));
	assert_int_equal(cursor.left, 9);
	assert_int_equal(iov_cursor_read(&cursor, out, 4), 4);
	assert_memory_equal(out, "abcd", 4);
	assert_int_equal(iov_cursor_read(&cursor, out, 100), 5);
	assert_memory_equal(out, "efghi", 5);
	assert_int_equal(iov_cursor_read(&cursor, out, 1), 0);
}

static void writes_across_buffers(void **state UNUSED)
{
	struct iov_cursor cursor;

	iov_cursor_init(&cursor, scattered, ARRAY_SIZE(scattered));
	assert_int_equal(iov_cursor_skip(&cursor, 2), 2);
	assert_int_equal(iov_cursor_write(&cursor, "XYZ", 3), 3);
	assert_memory_equal(memory, "abXYZfghi", 9);
}

static void slices_without_moving(void **state UNUSED)
{
	struct iov_cursor cursor;
	struct iovec slice[4];

	iov_cursor_init(&cursor, scattered, ARRAY_SIZE(scattered));
	iov_cursor_skip(&cursor, 1);
	assert_int_equal(iov_cursor_slice(&cursor, 4, slice, 4), 2);
	assert_ptr_equal(slice[0].iov_base, memory + 1);
	assert_int_equal(slice[0].iov_len, 2);
	assert_int_equal(slice[1].iov_len, 2);
	assert_int_equal(cursor.left, 8);
	assert_int_equal(iov_cursor_slice(&cursor, 8, slice, 1), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reads_across_buffers, fill),
		cmocka_unit_test_setup(writes_across_buffers, fill),
		cmocka_unit_test_setup(slices_without_moving, fill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
