/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "fs/passthrough/hints.h"

static void test_hints(void **state)
{
	struct name_hints *hints;
	unsigned int right = 0;
	char name[32];

	assert_int_equal(hints_new(&hints), 0);
	assert_int_equal(hint_get(hints, 1, "a"), 0);
	hint_set(hints, 1, "a", 5);
	assert_int_equal(hint_get(hints, 1, "a"), 5);
	assert_int_equal(hint_get(hints, 2, "a"), 0);
	assert_int_equal(hint_get(hints, 1, "b"), 0);
	hint_set(hints, 1, "a", UINT64_MAX);
	assert_int_equal(hint_get(hints, 1, "a"), UINT64_MAX);
	/* Bounded, so some are lost; none is wrong. */
	for (uint64_t i = 1; i <= 20000; i++) {
		snprintf(name, sizeof(name), "file-%lu", (unsigned long)i);
		hint_set(hints, 7, name, i);
	}
	for (uint64_t i = 1; i <= 20000; i++) {
		uint64_t hint;

		snprintf(name, sizeof(name), "file-%lu", (unsigned long)i);
		hint = hint_get(hints, 7, name);
		assert_true(hint == 0 || hint == i);
		right += hint == i;
	}
	assert_true(right > 10000);
	hints_free(hints);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_hints) };

	return cmocka_run_group_tests_name("passthrough/hints", tests, NULL, NULL);
}
