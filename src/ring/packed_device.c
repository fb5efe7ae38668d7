/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device side of a packed ring. Spec: virtio 1.3, 2.8.
 *
 * One array of descriptors goes round; a slot is available, or used, by its two flag bits against a wrap counter that
 * turns over with each lap. A used chain takes back as many slots as it came in, with one used descriptor written at
 * the first of them. A batch of used descriptors becomes visible through its first one, whose flags are written last:
 * the driver looks at no slot before the one in front of it is used.
 */
#include <errno.h>
#include <stddef.h>

#include "ring/access.h"
#include "ring/chain.h"
#include "ring/device_formats.h"
#include "ring/inflight_formats.h"
#include "wire/virtio_ring.h"

/* The second half of a descriptor without its flags. */
#define PACKED_LENGTH_ID UINT64_C(0xffffffffffff)

static struct pvirtq_desc *slots_of(const struct ring_device *ring)
{
	return ring->config.desc;
}

/* Moves a position on by count slots, at most one lap. */
static void advance(uint32_t size, uint16_t *slot, bool *wrap, uint32_t count)
{
	uint32_t next = *slot + count;

	if (next >= size) {
		next -= size;
		*wrap = !*wrap;
	}
	*slot = (uint16_t)next;
}

static bool is_available(uint16_t flags, bool wrap)
{
	return !!(flags & VIRTQ_DESC_F_AVAIL) == wrap && !!(flags & VIRTQ_DESC_F_USED) != wrap;
}

/* Slots the driver does not own: taken, or given back but not published. */
static uint32_t taken_slots(const struct ring_device *ring)
{
	uint32_t taken = (uint32_t)ring->next_avail - ring->next_used;

	if (ring->avail_wrap != ring->used_wrap)
		taken += ring->config.size;
	return taken + ring->pending;
}

int packed_device_init(struct ring_device *ring)
{
	uint32_t base = ring->config.base;

	if (base == 0)
		base = PVIRTQ_BASE_INITIAL;
	ring->next_avail = (uint16_t)(base & (PVIRTQ_BASE_AVAIL_WRAP - 1));
	ring->avail_wrap = base & PVIRTQ_BASE_AVAIL_WRAP;
	ring->next_used = (uint16_t)((base & ~PVIRTQ_BASE_USED_WRAP) >> PVIRTQ_BASE_USED_SHIFT);
	ring->used_wrap = base & PVIRTQ_BASE_USED_WRAP;
	if (ring->next_avail >= ring->config.size || ring->next_used >= ring->config.size ||
	    taken_slots(ring) > ring->config.size)
		return -EINVAL;
	return ring->config.inflight ? inflight_packed_start(ring) : 0;
}

/* Adds what one descriptor of the ring stands for. */
static int add_descriptor(const struct ring_device *ring, struct chain_builder *builder, uint64_t address,
			  uint32_t length, uint16_t flags)
{
	if (!(flags & VIRTQ_DESC_F_INDIRECT))
		return chain_add(builder, address, length, flags & VIRTQ_DESC_F_WRITE);
	if (!ring->config.indirect || (flags & VIRTQ_DESC_F_NEXT))
		return -EBADMSG;
	return chain_add_indirect(builder, address, length, true);
}

/*
 * Copies the chain whose first descriptor stands at *slot and has word as its second half, at most free_slots long,
 * into chain and, where there is one, the in-flight region. Moves slot and wrap behind it.
 */
static int walk(struct ring_device *ring, const struct ring_memory *memory, struct ring_chain *chain, uint16_t *slot,
		bool *wrap, uint64_t word, uint32_t free_slots)
{
	const struct pvirtq_desc *slots = slots_of(ring);
	uint32_t size = ring->config.size;
	struct chain_builder builder;
	uint32_t count = 0;

	chain_begin(&builder, chain, memory, size);
	for (;;) {
		uint64_t address = ring_load64_unaligned(&slots[*slot].addr);
		uint16_t flags = (uint16_t)(word >> 48);
		int result;

		if (count == free_slots)
			return -EBADMSG;
		if (ring->config.inflight) {
			result = inflight_packed_add(ring, chain->inflight_entry, address, word);
			if (result < 0)
				return result;
		}
		result = add_descriptor(ring, &builder, address, (uint32_t)word, flags);
		if (result < 0)
			return result;
		count++;
		advance(size, slot, wrap, 1);
		if (!(flags & VIRTQ_DESC_F_NEXT))
			break;
		word = ring_load64_unaligned(&slots[*slot].len);
	}
	chain_finish(&builder);
	chain->id = (uint16_t)(word >> 32);
	chain->descriptors = (uint16_t)count;
	return 0;
}

/* Takes a chain again that was in flight when the process before us ended, from the copy in the region. */
static int pop_again(struct ring_device *ring, const struct ring_memory *memory, struct ring_chain *chain)
{
	uint16_t first = ring->resubmit[ring->resubmit_next].slot;
	uint16_t count = inflight_packed_count(ring, first);
	uint16_t entry = first;
	struct chain_builder builder;
	uint64_t address, word = 0;

	if (count == 0 || count > ring->config.size)
		return -EBADMSG;
	chain_begin(&builder, chain, memory, ring->config.size);
	for (uint16_t i = 0; i < count; i++) {
		int result = inflight_packed_read(ring, &entry, &address, &word);

		if (result < 0)
			return result;
		result = add_descriptor(ring, &builder, address, (uint32_t)word, (uint16_t)(word >> 48));
		if (result < 0)
			return result;
	}
	chain_finish(&builder);
	chain->id = (uint16_t)(word >> 32);
	chain->descriptors = count;
	chain->inflight_entry = first;
	inflight_resubmit_done(ring);
	return 1;
}

int packed_device_pop(struct ring_device *ring, const struct ring_memory *memory, struct ring_chain *chain)
{
	uint16_t slot = ring->next_avail;
	bool wrap = ring->avail_wrap;
	uint16_t flags;
	uint64_t word;
	int result;

	if (inflight_resubmit_any(ring))
		return pop_again(ring, memory, chain);
	flags = ring_load16_acquire(&slots_of(ring)[slot].flags);
	if (!is_available(flags, wrap))
		return 0;
	/* The flags told that the rest is there: length, id, and flags again, of which the first reading counts. */
	word = ring_load64_unaligned(&slots_of(ring)[slot].len);
	word = (word & PACKED_LENGTH_ID) | (uint64_t)flags << 48;
	if (ring->config.inflight)
		chain->inflight_entry = inflight_packed_begin(ring);
	result = walk(ring, memory, chain, &slot, &wrap, word, ring->config.size - taken_slots(ring));
	if (result < 0) {
		if (ring->config.inflight)
			inflight_packed_abort(ring, chain->inflight_entry);
		return result;
	}
	if (ring->config.inflight)
		inflight_packed_end(ring);
	ring->next_avail = slot;
	ring->avail_wrap = wrap;
	return 1;
}

void packed_device_push(struct ring_device *ring, const struct ring_chain *chain, uint32_t written)
{
	struct pvirtq_desc *slot = &slots_of(ring)[ring->next_used];
	size_t start = ring->next_used * sizeof(*slot);
	uint16_t flags = written > 0 ? VIRTQ_DESC_F_WRITE : 0;

	if (ring->config.inflight)
		inflight_packed_give(ring, chain->inflight_entry);
	if (ring->used_wrap)
		flags |= VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;
	ring_store32(&slot->len, written);
	ring_store16(&slot->id, chain->id);
	if (ring->pending == 0) {
		ring->batch_slot = ring->next_used;
		ring->batch_flags = flags;
	} else {
		ring_store16(&slot->flags, flags);
	}
	advance(ring->config.size, &ring->next_used, &ring->used_wrap, chain->descriptors);
	ring->pending += chain->descriptors;
	device_mark_dirty(ring, start, start + sizeof(*slot));
}

void packed_device_publish(struct ring_device *ring)
{
	if (ring->config.inflight)
		inflight_packed_prepare(ring);
	ring_store16_release(&slots_of(ring)[ring->batch_slot].flags, ring->batch_flags);
	if (ring->config.inflight)
		inflight_packed_commit(ring);
	/* Dirty since the push, but the range may have been read and cleared since. */
	device_mark_dirty(ring, ring->batch_slot * sizeof(struct pvirtq_desc),
			  (ring->batch_slot + 1u) * sizeof(struct pvirtq_desc));
}

bool packed_device_wants_signal(const struct ring_device *ring, uint32_t count)
{
	const struct pvirtq_event_suppress *driver = ring->config.driver;
	uint16_t flags, off_wrap, event;

	ring_fence();
	flags = ring_load16_acquire(&driver->flags) & 3;
	if (!ring->config.event_idx || flags != PVIRTQ_EVENT_F_DESC)
		return flags != PVIRTQ_EVENT_F_DISABLE;
	off_wrap = ring_load16(&driver->off_wrap);
	event = off_wrap & (PVIRTQ_EVENT_WRAP - 1);
	/* Positions count on from the lap we are in; one of the lap before lies below zero. */
	if (!!(off_wrap & PVIRTQ_EVENT_WRAP) != ring->used_wrap)
		event = (uint16_t)(event - ring->config.size);
	return (uint16_t)(ring->next_used - event - 1) < count;
}

bool packed_device_enable_kick(struct ring_device *ring)
{
	struct pvirtq_event_suppress *device = ring->config.device;

	if (ring->config.event_idx) {
		ring_store16(&device->off_wrap, ring->next_avail | (ring->avail_wrap ? PVIRTQ_EVENT_WRAP : 0));
		ring_store16_release(&device->flags, PVIRTQ_EVENT_F_DESC);
	} else {
		ring_store16(&device->flags, PVIRTQ_EVENT_F_ENABLE);
	}
	ring_fence();
	return is_available(ring_load16(&slots_of(ring)[ring->next_avail].flags), ring->avail_wrap);
}

void packed_device_disable_kick(struct ring_device *ring)
{
	struct pvirtq_event_suppress *device = ring->config.device;

	ring_store16(&device->flags, PVIRTQ_EVENT_F_DISABLE);
}
