/* SPDX-License-Identifier: BSD-3-Clause */
#include "fusemsg/name.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_split(void **state)
{
	/* On the heap without a NUL to spare, so that a sanitizer sees every byte too far. */
	const char bytes[] = { 'a', 'b', 0, 'c', 0, 'x', 'y' };
	char *text = malloc(sizeof(bytes));
	const char *strings[2];
	size_t used;

	memcpy(text, bytes, sizeof(bytes));
	assert_int_equal(fusemsg_split_strings(text, sizeof(bytes), 1, strings, &used), 0);
	assert_string_equal(strings[0], "ab");
	assert_int_equal(used, 3);
	assert_int_equal(fusemsg_split_strings(text, sizeof(bytes), 2, strings, &used), 0);
	assert_string_equal(strings[1], "c");
	assert_int_equal(used, 5);
	assert_int_equal(fusemsg_split_strings(text, 4, 2, strings, &used), -EINVAL);
	assert_int_equal(fusemsg_split_strings(text, 3, 2, strings, &used), -EINVAL);
	assert_int_equal(fusemsg_split_strings(text, 2, 1, strings, &used), -EINVAL);
	assert_int_equal(fusemsg_split_strings(text, 0, 1, strings, &used), -EINVAL);
	assert_int_equal(fusemsg_split_strings(text, 0, 0, strings, &used), 0);
	assert_int_equal(used, 0);
	/* A failure writes no result. */
	used = 99;
	assert_int_equal(fusemsg_split_strings(text, 4, 2, strings, &used), -EINVAL);
	assert_int_equal(used, 99);
	free(text);
}

static void test_check(void **state)
{
	char name[300] = { 0 };

	memset(name, 'n', 255);
	assert_int_equal(fusemsg_check_name(name), 0);
	name[255] = 'n';
	assert_int_equal(fusemsg_check_name(name), -ENAMETOOLONG);
	assert_int_equal(fusemsg_check_name("a"), 0);
	assert_int_equal(fusemsg_check_name("..."), 0);
	assert_int_equal(fusemsg_check_name(".a"), 0);
	assert_int_equal(fusemsg_check_name("a\\b\n\xff"), 0);
	assert_int_equal(fusemsg_check_name(""), -EINVAL);
	assert_int_equal(fusemsg_check_name("."), -EINVAL);
	assert_int_equal(fusemsg_check_name(".."), -EINVAL);
	assert_int_equal(fusemsg_check_name("/"), -EINVAL);
	assert_int_equal(fusemsg_check_name("a/"), -EINVAL);
	assert_int_equal(fusemsg_check_name("../a"), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
