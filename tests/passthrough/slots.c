/* SPDX-License-Identifier: BSD-3-Clause */
/* Slots and pin words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fs/passthrough/pin.h"
#include "fs/passthrough/slots.h"

struct entry {
	_Atomic uint64_t word;
	uint32_t link;
	uint32_t value;
};

static void test_slots(void **state)
{
	const uint32_t count = SLOTS_SEGMENT + 10;
	struct slots slots;
	uint32_t slot;

	assert_int_equal(slots_init(&slots, sizeof(struct entry)), 0);
	assert_null(slots_at(&slots, 0));
	assert_null(slots_at(&slots, 1));
	assert_null(slots_at(&slots, UINT32_MAX));
	for (uint32_t i = 1; i <= count; i++) {
		struct entry *entry;

		assert_int_equal(slots_take(&slots, &slot), 0);
		assert_int_equal(slot, i);
		entry = slots_at(&slots, slot);
		assert_true(entry->word == pin_word(0, PIN_FREE));
		entry->value = i;
		entry->word = pin_word(0, 0);
	}
	assert_null(slots_at(&slots, count + 1));
	for (uint32_t i = 1; i <= count; i++)
		assert_int_equal(((struct entry *)slots_at(&slots, i))->value, i);
	((struct entry *)slots_at(&slots, 7))->word = pin_word(1, PIN_FREE);
	slots_give(&slots, 7);
	assert_int_equal(slots_take(&slots, &slot), 0);
	assert_int_equal(slot, 7);
	assert_int_equal(slots_take(&slots, &slot), 0);
	assert_int_equal(slot, count + 1);
	slots_fini(&slots);
	slots_fini(&slots);
}

static void test_pins(void **state)
{
	_Atomic uint64_t word = pin_word(5, 0);

	assert_false(pin_get(&word, 4));
	assert_true(pin_get(&word, 5));
	assert_true(pin_get(&word, 5));
	assert_false(pin_replace_idle(&word, 5, pin_word(6, PIN_FREE)));
	assert_true(pin_put(&word) == pin_word(5, 1));
	assert_true(pin_put(&word) == pin_word(5, 0));
	word |= PIN_CLOSING;
	assert_false(pin_get(&word, 5));
	word = pin_word(5, PIN_COUNT);
	assert_false(pin_get(&word, 5));
	word = pin_word(5, 0);
	assert_false(pin_replace_idle(&word, 4, pin_word(6, PIN_FREE)));
	assert_true(pin_replace_idle(&word, 5, pin_word(6, PIN_FREE)));
	assert_false(pin_get(&word, 5));
	assert_false(pin_get(&word, 6));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_slots), cmocka_unit_test(test_pins) };

	return cmocka_run_group_tests_name("passthrough/slots", tests, NULL, NULL);
}
