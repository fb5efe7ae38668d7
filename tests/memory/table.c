/* SPDX-License-Identifier: BSD-3-Clause */
/* Ids that go stale. */
#include "fs/memory/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_first_id_is_one(void **state)
{
	struct table table = { 0 };
	uint64_t id = 0;
	int object;

	assert_null(table_get(&table, 0));
	assert_null(table_get(&table, 1));
	assert_int_equal(table_add(&table, &object, &id), 0);
	assert_int_equal(id, 1);
	assert_ptr_equal(table_get(&table, 1), &object);
	assert_null(table_get(&table, 0));
	assert_null(table_get(&table, 2));
	assert_null(table_get(&table, UINT64_MAX));
	table_fini(&table);
}

static void test_old_id_finds_nothing(void **state)
{
	struct table table = { 0 };
	uint64_t old = 0, id = 0;
	int first, second;

	assert_int_equal(table_add(&table, &first, &old), 0);
	table_remove(&table, old);
	assert_null(table_get(&table, old));
	assert_int_equal(table_add(&table, &second, &id), 0);
	assert_int_equal((uint32_t)id, (uint32_t)old); /* the slot is used again */
	assert_int_not_equal(id, old);
	assert_null(table_get(&table, old));
	assert_ptr_equal(table_get(&table, id), &second);
	table_fini(&table);
}

static void test_many_and_iteration(void **state)
{
	static int objects[1000];
	static uint64_t ids[1000];
	struct table table = { 0 };
	uint32_t slot = 0;
	unsigned int seen = 0;

	for (int i = 0; i < 1000; i++)
		assert_int_equal(table_add(&table, &objects[i], &ids[i]), 0);
	for (int i = 0; i < 1000; i += 2)
		table_remove(&table, ids[i]);
	for (int i = 0; i < 1000; i++)
		assert_ptr_equal(table_get(&table, ids[i]), i % 2 ? &objects[i] : NULL);
	while (table_next(&table, &slot))
		seen++;
	assert_int_equal(seen, 500);
	table_fini(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_id_is_one),
		cmocka_unit_test(test_old_id_finds_nothing),
		cmocka_unit_test(test_many_and_iteration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
