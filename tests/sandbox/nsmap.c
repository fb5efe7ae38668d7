/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/util.h"
#include "sandbox/nsmap.h"

static void test_forms(void **state)
{
	static const struct {
		const char *text;
		int result;
	} table[] = {
		{ ":0:100000:65536:", 0 },
		{ ",0,100000,65536,", 0 },
		{ "x7x8x9x", 0 },
		{ ":0:0:4294967295:", 0 },
		{ "", -EINVAL },
		{ ":", -EINVAL },
		{ "0:1:1", -EINVAL },
		{ ":0:1:1", -EINVAL },
		{ ":0:1:1:x", -EINVAL },
		{ ":0:1:1:1:", -EINVAL },
		{ ":0:1:", -EINVAL },
		{ ":0:1:0:", -EINVAL },
		{ ":0,1:1:", -EINVAL },
		{ "::1:1:", -EINVAL },
		{ ":-1:1:1:", -EINVAL },
		{ ":0:4294967295:1:", -EINVAL },
		{ ":1:0:4294967295:", -EINVAL },
		{ ":0:4294967296:1:", -EINVAL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct nsmap map = { 0 };

		if (nsmap_add(&map, table[i].text) != table[i].result)
			fail_msg("'%s'", table[i].text);
		assert_int_equal(map.count, table[i].result == 0);
		nsmap_fini(&map);
	}
}

static void test_overlaps(void **state)
{
	struct nsmap map = { 0 };

	assert_int_equal(nsmap_add(&map, ":0:1000:10:"), 0);
	assert_int_equal(nsmap_add(&map, ":9:2000:1:"), -EEXIST);
	assert_int_equal(nsmap_add(&map, ":20:1009:1:"), -EEXIST);
	assert_int_equal(nsmap_add(&map, ":10:1010:5:"), 0);
	assert_int_equal(map.count, 2);
	assert_int_equal(map.ranges[1].inside, 10);
	assert_int_equal(map.ranges[1].outside, 1010);
	assert_int_equal(map.ranges[1].count, 5);
	assert_true(nsmap_has_inside(&map, 0));
	assert_true(nsmap_has_inside(&map, 14));
	assert_false(nsmap_has_inside(&map, 15));
	nsmap_fini(&map);
}

static void test_too_many(void **state)
{
	struct nsmap map = { 0 };
	char text[64];

	for (unsigned int i = 0; i < NSMAP_RANGES_MAX; i++) {
		snprintf(text, sizeof(text), ":%u:%u:1:", i, i + 5000);
		assert_int_equal(nsmap_add(&map, text), 0);
	}
	assert_int_equal(nsmap_add(&map, ":90000:90000:1:"), -E2BIG);
	nsmap_fini(&map);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_overlaps),
		cmocka_unit_test(test_too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
