/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The word that guards a slot of a table: generation, and how many operations use the entry now.
 *
 * An id names a slot and the generation it had when the id was given out; ids of a slot that was freed since
 * find another generation. Flags below: a free slot can be pinned by nobody, a closing one by nobody new, and a busy one is
 * being changed by somebody who found no pins and needs a few instructions, no system call.
 */
#ifndef VIOFS_FS_PASSTHROUGH_PIN_H
#define VIOFS_FS_PASSTHROUGH_PIN_H

#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define PIN_FREE (UINT64_C(1) << 31)
#define PIN_BUSY (UINT64_C(1) << 30)
#define PIN_CLOSING (UINT64_C(1) << 29)
#define PIN_COUNT (PIN_CLOSING - 1)

static inline uint64_t pin_word(uint32_t generation, uint64_t low)
{
	return (uint64_t)generation << 32 | low;
}

static inline uint32_t pin_generation(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

/* Adds a pin; false when the slot is not what the id meant (any more). */
static inline bool pin_get(_Atomic uint64_t *word, uint32_t generation)
{
	uint64_t seen = atomic_load(word);

	for (;;) {
		if (pin_generation(seen) != generation || (seen & (PIN_FREE | PIN_CLOSING)) ||
		    (seen & PIN_COUNT) == PIN_COUNT)
			return false;
		if (seen & PIN_BUSY) {
			sched_yield();
			seen = atomic_load(word);
		} else if (atomic_compare_exchange_weak(word, &seen, seen + 1)) {
			return true;
		}
	}
}

/* Takes a pin away and returns the word as it is then. */
static inline uint64_t pin_put(_Atomic uint64_t *word)
{
	return atomic_fetch_sub(word, 1) - 1;
}

/* Takes an entry that nobody has pinned from generation to the word given; false when it is pinned, free or another. */
static inline bool pin_replace_idle(_Atomic uint64_t *word, uint32_t generation, uint64_t to)
{
	for (;;) {
		uint64_t seen = pin_word(generation, 0);

		if (atomic_compare_exchange_strong(word, &seen, to))
			return true;
		if (seen != pin_word(generation, PIN_BUSY))
			return false;
		sched_yield();
	}
}

#endif
