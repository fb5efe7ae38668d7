/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An array of entries addressed by a 32-bit index, growing in segments that never move, so that readers need no lock.
 * Entries hold no pointers to one another, only indices. Slot 0 does not exist.
 *
 * An entry begins with its pin word (see pin.h) and a 32-bit link, which is the free list's while the slot is free and
 * its owner's while it is used.
 */
#ifndef VIOFS_FS_PASSTHROUGH_SLOTS_H
#define VIOFS_FS_PASSTHROUGH_SLOTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct slot_head {
	_Atomic uint64_t word;
	uint32_t link;
};

#define SLOTS_SEGMENT_SHIFT 16u
#define SLOTS_SEGMENT (UINT32_C(1) << SLOTS_SEGMENT_SHIFT)
#define SLOTS_SEGMENT_COUNT (UINT32_C(1) << (32u - SLOTS_SEGMENT_SHIFT))

struct slots {
	size_t entry_size;
	_Atomic(char *) *segments; /* SLOTS_SEGMENT_COUNT, NULL where not yet there */
	_Atomic uint32_t end; /* slots from here on were never used */
	pthread_mutex_t lock; /* of all below and of growth */
	uint32_t free; /* first of the free list, 0 for none */
};

int slots_init(struct slots *slots, size_t entry_size);
void slots_fini(struct slots *slots);

/* A free slot, still marked PIN_FREE under its generation: pin_word(generation, 1) makes it live. -ENOMEM. */
int slots_take(struct slots *slots, uint32_t *ret_slot);

/* Gives a slot back whose word the caller has already set to its next generation and PIN_FREE. */
void slots_give(struct slots *slots, uint32_t slot);

/* The entry of a slot, NULL when the slot was never used. */
static inline void *slots_at(const struct slots *slots, uint32_t slot)
{
	if (slot == 0 || slot >= atomic_load_explicit(&slots->end, memory_order_acquire))
		return NULL;
	return atomic_load_explicit(&slots->segments[slot >> SLOTS_SEGMENT_SHIFT], memory_order_relaxed) +
	       (slot & (SLOTS_SEGMENT - 1)) * slots->entry_size;
}

#endif
