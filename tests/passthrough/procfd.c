/* SPDX-License-Identifier: BSD-3-Clause */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/util.h"
#include "fs/passthrough/procfd.h"

static void test_numbers(void **state)
{
	char buffer[PROC_FD_NAME_MAX];

	assert_string_equal(proc_fd_name(0, buffer), "0");
	assert_string_equal(proc_fd_name(7, buffer), "7");
	assert_string_equal(proc_fd_name(1048576, buffer), "1048576");
	assert_string_equal(proc_fd_name(INT_MAX, buffer), "2147483647");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_numbers) };

	return cmocka_run_group_tests_name("passthrough/procfd", tests, NULL, NULL);
}
