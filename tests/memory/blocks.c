/* SPDX-License-Identifier: BSD-3-Clause */
/* The tree of blocks against a plain array, and at the far end. */
#include "fs/memory/blocks.h"

#include <stdbool.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define RANGE 9000u

static void check(const struct blocks *blocks, const bool *present)
{
	uint64_t count = 0, data = BLOCK_NONE, hole = RANGE;

	for (uint64_t i = RANGE; i-- > 0;) {
		assert_int_equal(blocks_get(blocks, i) != NULL, present[i]);
		count += present[i];
		if (present[i])
			data = i;
		else
			hole = i;
		assert_int_equal(blocks_next_data(blocks, i), data);
		assert_int_equal(blocks_next_hole(blocks, i), hole);
	}
	assert_int_equal(blocks->count, count);
}

static void test_like_an_array(void **state)
{
	static bool present[RANGE];
	struct blocks blocks = { 0 };
	uint32_t random = 1;

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 60; i++) {
			void *block, *again;

			random = random * 1664525 + 1013904223;
			assert_int_equal(blocks_add(&blocks, random % RANGE, &block), 0);
			assert_int_equal(blocks_add(&blocks, random % RANGE, &again), 0);
			assert_ptr_equal(block, again);
			present[random % RANGE] = true;
		}
		random = random * 1664525 + 1013904223;
		uint64_t first = random % RANGE, last = first + random / RANGE % 1000;

		blocks_remove(&blocks, first, last);
		for (uint64_t i = first; i <= last && i < RANGE; i++)
			present[i] = false;
		check(&blocks, present);
	}
	blocks_remove(&blocks, 0, UINT64_MAX);
	assert_null(blocks.root);
	assert_int_equal(blocks.count, 0);
	assert_int_equal(blocks.height, 0);
}

static void test_far_end(void **state)
{
	const uint64_t far = INT64_MAX / BLOCK_SIZE;
	struct blocks blocks = { 0 };
	void *block;

	assert_int_equal(blocks_add(&blocks, far, &block), 0);
	memset(block, 0xff, BLOCK_SIZE);
	assert_int_equal(blocks_next_data(&blocks, 0), far);
	assert_int_equal(blocks_next_data(&blocks, far + 1), BLOCK_NONE);
	assert_null(blocks_get(&blocks, UINT64_MAX));
	blocks_remove(&blocks, 0, far - 1);
	assert_int_equal(blocks.count, 1);
	blocks_remove(&blocks, far, UINT64_MAX);
	assert_int_equal(blocks.count, 0);
	assert_null(blocks.root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_an_array),
		cmocka_unit_test(test_far_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
