/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device side of a split ring. Spec: virtio 1.3, 2.7.
 *
 * Order: the available index is read with acquire before its entries; used entries are written before the used index
 * is released; between writing an index (or a suppression field) and reading the driver's counterpart stands a full
 * fence, on both sides, so that one of the two always sees the other.
 */
#include <errno.h>
#include <stddef.h>

#include "ring/access.h"
#include "ring/chain.h"
#include "ring/device_formats.h"
#include "ring/inflight_formats.h"
#include "wire/virtio_ring.h"

static struct virtq_avail *avail_of(const struct ring_device *ring)
{
	return ring->config.driver;
}

static struct virtq_used *used_of(const struct ring_device *ring)
{
	return ring->config.device;
}

static uint16_t mask_of(const struct ring_device *ring)
{
	return (uint16_t)(ring->config.size - 1);
}

int split_device_init(struct ring_device *ring)
{
	int result = 0;

	ring->next_avail = (uint16_t)ring->config.base;
	ring->next_used = ring_load16(&used_of(ring)->idx);
	if (ring->config.inflight)
		result = inflight_split_start(ring);
	ring->avail_seen = ring->next_avail;
	return result;
}

/* Copies the chain that begins at head, each descriptor once. */
static int walk(struct ring_device *ring, const struct ring_memory *memory, struct ring_chain *chain, uint16_t head)
{
	const struct virtq_desc *table = ring->config.desc;
	struct chain_builder builder;
	uint16_t index = head;
	uint16_t slots = 0;

	chain_begin(&builder, chain, memory, ring->config.size);
	for (;;) {
		const char *at;
		uint64_t address, word;
		uint16_t flags;
		int result;

		if (index >= ring->config.size)
			return -EBADMSG;
		at = (const char *)&table[index];
		address = ring_load64_unaligned(at);
		word = ring_load64_unaligned(at + 8);
		flags = (uint16_t)(word >> 32);
		slots++;
		if (flags & VIRTQ_DESC_F_INDIRECT) {
			/* A table ends its chain. */
			if (!ring->config.indirect || (flags & VIRTQ_DESC_F_NEXT))
				return -EBADMSG;
			result = chain_add_indirect(&builder, address, (uint32_t)word, false);
		} else {
			result = chain_add(&builder, address, (uint32_t)word, flags & VIRTQ_DESC_F_WRITE);
		}
		if (result < 0)
			return result;
		if (!(flags & VIRTQ_DESC_F_NEXT))
			break;
		index = (uint16_t)(word >> 48);
	}
	chain_finish(&builder);
	chain->id = head;
	chain->descriptors = slots;
	return 0;
}

/* Takes a chain again that was in flight when the process before us ended. */
static int pop_again(struct ring_device *ring, const struct ring_memory *memory, struct ring_chain *chain)
{
	int result = walk(ring, memory, chain, ring->resubmit[ring->resubmit_next].slot);

	if (result < 0)
		return result;
	inflight_resubmit_done(ring);
	return 1;
}

int split_device_pop(struct ring_device *ring, const struct ring_memory *memory, struct ring_chain *chain)
{
	uint16_t next = ring->next_avail;
	uint16_t taken, head;
	int result;

	if (inflight_resubmit_any(ring))
		return pop_again(ring, memory, chain);
	if (next == ring->avail_seen) {
		uint16_t index = ring_load16_acquire(&avail_of(ring)->idx);

		if (index == next)
			return 0;
		if ((uint16_t)(index - next) > ring->config.size)
			return -EBADMSG;
		ring->avail_seen = index;
	}
	/* A driver that offers more chains than it has descriptors offers some twice. */
	taken = (uint16_t)(next - (uint16_t)(ring->next_used - ring->pending));
	if (taken >= ring->config.size)
		return -EBADMSG;
	head = ring_load16(&avail_of(ring)->ring[next & mask_of(ring)]);
	result = walk(ring, memory, chain, head);
	if (result < 0)
		return result;
	if (ring->config.inflight)
		inflight_split_take(ring, head);
	ring->next_avail = (uint16_t)(next + 1);
	return 1;
}

void split_device_push(struct ring_device *ring, const struct ring_chain *chain, uint32_t written)
{
	uint16_t slot = ring->next_used & mask_of(ring);
	struct virtq_used_elem *elem = &used_of(ring)->ring[slot];
	size_t start = offsetof(struct virtq_used, ring) + slot * sizeof(*elem);

	if (ring->config.inflight)
		inflight_split_give(ring, chain->id);
	ring_store32(&elem->id, chain->id);
	ring_store32(&elem->len, written);
	ring->next_used++;
	ring->pending++;
	device_mark_dirty(ring, start, start + sizeof(*elem));
}

void split_device_publish(struct ring_device *ring)
{
	size_t start = offsetof(struct virtq_used, idx);

	ring_store16_release(&used_of(ring)->idx, ring->next_used);
	if (ring->config.inflight)
		inflight_split_commit(ring);
	device_mark_dirty(ring, start, start + sizeof(uint16_t));
}

bool split_device_wants_signal(const struct ring_device *ring, uint32_t count)
{
	const struct virtq_avail *avail = avail_of(ring);
	uint16_t used_event;

	ring_fence();
	if (!ring->config.event_idx)
		return !(ring_load16(&avail->flags) & VIRTQ_AVAIL_F_NO_INTERRUPT);
	used_event = ring_load16(&avail->ring[ring->config.size]);
	/* Whether the index passed used_event on its last count steps. */
	return (uint16_t)(ring->next_used - used_event - 1) < count;
}

bool split_device_enable_kick(struct ring_device *ring)
{
	struct virtq_used *used = used_of(ring);
	size_t start = 0;

	if (ring->config.event_idx) {
		start = offsetof(struct virtq_used, ring) + ring->config.size * sizeof(used->ring[0]);
		ring_store16((uint16_t *)(void *)((char *)used + start), ring->next_avail);
	} else {
		ring_store16(&used->flags, 0);
	}
	device_mark_dirty(ring, start, start + sizeof(uint16_t));
	ring_fence();
	return ring_load16(&avail_of(ring)->idx) != ring->next_avail;
}

void split_device_disable_kick(struct ring_device *ring)
{
	/* With EVENT_IDX the old avail_event lies behind: it causes no kick until it is moved. */
	if (ring->config.event_idx)
		return;
	ring_store16(&used_of(ring)->flags, VIRTQ_USED_F_NO_NOTIFY);
	device_mark_dirty(ring, 0, sizeof(uint16_t));
}
