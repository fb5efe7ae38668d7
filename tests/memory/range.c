/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranges of random owners against a plain array of bytes. */
#include "fs/memory/range.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#define OWNERS 3u
#define BYTES 40u

static uint32_t type_at(const struct list *ranges, uint64_t owner, uint64_t byte)
{
	uint32_t type = F_UNLCK;

	list_for_each (link, ranges) {
		const struct range *range = list_entry(link, struct range, link);

		if (range->owner != owner || range->start > byte || range->end < byte)
			continue;
		assert_int_equal(type, F_UNLCK); /* a byte is in one range of an owner */
		type = range->type;
	}
	return type;
}

static bool conflicts(uint32_t types[OWNERS][BYTES], const struct range *wanted)
{
	for (uint64_t owner = 0; owner < OWNERS; owner++)
		for (uint64_t byte = wanted->start; owner != wanted->owner && byte <= wanted->end; byte++)
			if (types[owner][byte] == F_WRLCK || (types[owner][byte] == F_RDLCK && wanted->type == F_WRLCK))
				return wanted->type != F_UNLCK;
	return false;
}

static void test_like_an_array(void **state)
{
	uint32_t types[OWNERS][BYTES], random = 7, count = 0, granted = 0;
	struct list ranges;

	list_init(&ranges);
	for (uint32_t i = 0; i < OWNERS; i++)
		for (uint32_t j = 0; j < BYTES; j++)
			types[i][j] = F_UNLCK;
	for (int round = 0; round < 5000; round++) {
		struct range wanted = { 0 };

		random = random * 1664525 + 1013904223;
		wanted.owner = (random >> 8) % OWNERS;
		wanted.type = (random >> 10) % 3;
		wanted.start = (random >> 12) % BYTES;
		wanted.end = wanted.start + (random >> 20) % (BYTES - wanted.start);
		assert_int_equal(range_find_conflict(&ranges, &wanted) != NULL, conflicts(types, &wanted));
		if (conflicts(types, &wanted))
			continue;
		granted++;
		assert_int_equal(range_apply(&ranges, &wanted, &count, 1000), 0);
		for (uint64_t byte = wanted.start; byte <= wanted.end; byte++)
			types[wanted.owner][byte] = wanted.type;
		for (uint32_t owner = 0; owner < OWNERS; owner++)
			for (uint32_t byte = 0; byte < BYTES; byte++)
				assert_int_equal(type_at(&ranges, owner, byte), types[owner][byte]);
	}
	assert_true(granted > 1000);
	for (uint64_t owner = 0; owner < OWNERS; owner++) {
		struct range all = { .owner = owner, .end = INT64_MAX, .type = F_UNLCK };

		assert_int_equal(range_apply(&ranges, &all, &count, 0), 0);
	}
	assert_true(list_is_empty(&ranges));
	assert_int_equal(count, 0);
}

static void test_neighbours_merge(void **state)
{
	struct range low = { .end = 9, .type = F_RDLCK }, high = { .start = 10, .end = INT64_MAX, .type = F_RDLCK };
	struct range all = { .end = INT64_MAX, .type = F_UNLCK };
	struct list ranges;
	uint32_t count = 0;

	list_init(&ranges);
	assert_int_equal(range_apply(&ranges, &low, &count, 10), 0);
	assert_int_equal(range_apply(&ranges, &high, &count, 10), 0);
	assert_int_equal(count, 1);
	assert_int_equal(range_apply(&ranges, &low, &count, 2), -ENOLCK);
	assert_int_equal(range_apply(&ranges, &all, &count, 10), 0);
}

static void test_kinds_are_apart(void **state)
{
	struct range posix = { .owner = 1, .end = INT64_MAX, .type = F_WRLCK }, flock = posix;
	struct range all = { .owner = 1, .end = INT64_MAX, .type = F_UNLCK };
	struct list ranges;
	uint32_t count = 0;

	list_init(&ranges);
	assert_int_equal(range_apply(&ranges, &posix, &count, 10), 0);
	flock.owner = 2;
	flock.flock = true;
	assert_null(range_find_conflict(&ranges, &flock));
	flock.flock = false;
	assert_non_null(range_find_conflict(&ranges, &flock));
	assert_int_equal(range_apply(&ranges, &all, &count, 10), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_like_an_array),
		cmocka_unit_test(test_neighbours_merge),
		cmocka_unit_test(test_kinds_are_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
