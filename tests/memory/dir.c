/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries by name and in order, while others come and go. */
#include "fs/memory/dir.h"

#include <stdio.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void add(struct dir *dir, int number)
{
	char name[16];

	snprintf(name, sizeof(name), "n%d", number);
	assert_int_equal(dir_add(dir, name, NULL), 0);
}

static struct dir_entry *find(const struct dir *dir, int number)
{
	char name[16];

	snprintf(name, sizeof(name), "n%d", number);
	return dir_find(dir, name);
}

static void test_names(void **state)
{
	struct dir dir;

	dir_init(&dir, NULL);
	assert_null(find(&dir, 0));
	for (int i = 0; i < 1000; i++)
		add(&dir, i);
	for (int i = 0; i < 1000; i += 3)
		dir_remove(&dir, find(&dir, i));
	for (int i = 0; i < 1000; i++)
		assert_int_equal(find(&dir, i) != NULL, i % 3 != 0);
	assert_null(find(&dir, 1000));
	assert_int_equal(dir.count, 666);
	dir_fini(&dir);
}

/* The order survives removals, compaction and additions; what is added comes last. */
static void test_order_is_stable(void **state)
{
	struct dir dir;
	uint64_t cookie = 0;
	struct dir_entry *entry;
	int expected = 500;

	dir_init(&dir, NULL);
	for (int i = 0; i < 1000; i++)
		add(&dir, i);
	cookie = find(&dir, 499)->cookie;
	for (int i = 0; i < 1000; i++)
		if (i % 100)
			dir_remove(&dir, find(&dir, i));
	assert_true(dir.order_used < 100); /* removed ones do not pile up */
	add(&dir, 1000);
	while ((entry = dir_next(&dir, cookie))) {
		assert_ptr_equal(entry, find(&dir, expected));
		expected += 100;
		cookie = entry->cookie;
	}
	assert_int_equal(expected, 1100);
	assert_null(dir_next(&dir, UINT64_MAX));
	dir_fini(&dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_order_is_stable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
