/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <sys/mman.h>

#include "fs/passthrough/pin.h"
#include "fs/passthrough/slots.h"

/* #syscalls: mmap munmap madvise */

static void *map_memory(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

int slots_init(struct slots *slots, size_t entry_size)
{
	*slots = (struct slots){ .entry_size = entry_size, .end = 1 };
	slots->segments = map_memory(SLOTS_SEGMENT_COUNT * sizeof(slots->segments[0]));
	if (!slots->segments)
		return -ENOMEM;
	pthread_mutex_init(&slots->lock, NULL);
	return 0;
}

void slots_fini(struct slots *slots)
{
	if (!slots->segments)
		return;
	for (uint32_t segment = 0; segment < SLOTS_SEGMENT_COUNT && slots->segments[segment]; segment++)
		munmap(slots->segments[segment], SLOTS_SEGMENT * slots->entry_size);
	munmap(slots->segments, SLOTS_SEGMENT_COUNT * sizeof(slots->segments[0]));
	slots->segments = NULL;
	pthread_mutex_destroy(&slots->lock);
}

/* The first slot that was never used. */
static int take_fresh(struct slots *slots, uint32_t *ret_slot)
{
	uint32_t slot = slots->end;
	uint32_t segment = slot >> SLOTS_SEGMENT_SHIFT;
	struct slot_head *head;

	if (slot == UINT32_MAX)
		return -ENOMEM;
	if (!slots->segments[segment]) {
		size_t size = SLOTS_SEGMENT * slots->entry_size;
		char *memory = map_memory(size);

		if (!memory)
			return -ENOMEM;
		/* An idle daemon shall not pay for a huge page; one with many nodes may. */
		if (segment == 0)
			madvise(memory, size, MADV_NOHUGEPAGE);
		slots->segments[segment] = memory;
	}
	head = (void *)(slots->segments[segment] + (slot & (SLOTS_SEGMENT - 1)) * slots->entry_size);
	atomic_store(&head->word, pin_word(0, PIN_FREE));
	atomic_store_explicit(&slots->end, slot + 1, memory_order_release);
	*ret_slot = slot;
	return 0;
}

int slots_take(struct slots *slots, uint32_t *ret_slot)
{
	int result = 0;

	pthread_mutex_lock(&slots->lock);
	if (slots->free) {
		struct slot_head *head = slots_at(slots, slots->free);

		*ret_slot = slots->free;
		slots->free = head->link;
	} else {
		result = take_fresh(slots, ret_slot);
	}
	pthread_mutex_unlock(&slots->lock);
	return result;
}

void slots_give(struct slots *slots, uint32_t slot)
{
	struct slot_head *head = slots_at(slots, slot);

	pthread_mutex_lock(&slots->lock);
	head->link = slots->free;
	slots->free = slot;
	pthread_mutex_unlock(&slots->lock);
}
