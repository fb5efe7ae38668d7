/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver side of a packed ring. The order of accesses mirrors packed_device.c. */
#include <errno.h>

#include "ring/access.h"
#include "ring/driver_formats.h"
#include "wire/virtio_ring.h"

static struct pvirtq_desc *slots_of(const struct ring_driver *ring)
{
	return ring->config.desc;
}

static void advance(uint32_t size, uint16_t *slot, bool *wrap, uint32_t count)
{
	uint32_t next = *slot + count;

	if (next >= size) {
		next -= size;
		*wrap = !*wrap;
	}
	*slot = (uint16_t)next;
}

static void write_slot(struct ring_driver *ring, const struct ring_buffer *buffer, uint16_t id, uint32_t flags)
{
	struct pvirtq_desc *slot = &slots_of(ring)[ring->next_avail];

	flags |= ring->avail_wrap ? VIRTQ_DESC_F_AVAIL : VIRTQ_DESC_F_USED;
	ring_store64(&slot->addr, buffer->address);
	ring_store32(&slot->len, buffer->length);
	ring_store16(&slot->id, id);
	if (ring->added == 0) {
		ring->batch_slot = ring->next_avail;
		ring->batch_flags = (uint16_t)flags;
	} else {
		ring_store16(&slot->flags, (uint16_t)flags);
	}
	advance(ring->config.size, &ring->next_avail, &ring->avail_wrap, 1);
	ring->added++;
}

void packed_driver_add(struct ring_driver *ring, const struct ring_buffer *buffers, size_t count, size_t readable,
		       uint16_t id, bool indirect)
{
	ring->free_head = ring->next[id];
	if (indirect) {
		struct ring_buffer table = { driver_table_address(ring, id),
					     (uint32_t)(count * sizeof(struct pvirtq_desc)) };

		write_slot(ring, &table, id, VIRTQ_DESC_F_INDIRECT);
		return;
	}
	for (size_t i = 0; i < count; i++)
		write_slot(ring, &buffers[i], id,
			   (i + 1 < count ? VIRTQ_DESC_F_NEXT : 0) | (i < readable ? 0 : VIRTQ_DESC_F_WRITE));
}

bool packed_driver_publish(struct ring_driver *ring)
{
	const struct pvirtq_event_suppress *device = ring->config.device;
	uint16_t flags, off_wrap, event;

	ring_store16_release(&slots_of(ring)[ring->batch_slot].flags, ring->batch_flags);
	ring_fence();
	flags = ring_load16_acquire(&device->flags) & 3;
	if (!ring->config.event_idx || flags != PVIRTQ_EVENT_F_DESC)
		return flags != PVIRTQ_EVENT_F_DISABLE;
	off_wrap = ring_load16(&device->off_wrap);
	event = off_wrap & (PVIRTQ_EVENT_WRAP - 1);
	if (!!(off_wrap & PVIRTQ_EVENT_WRAP) != ring->avail_wrap)
		event = (uint16_t)(event - ring->config.size);
	return (uint16_t)(ring->next_avail - event - 1) < ring->added;
}

static bool is_used(uint16_t flags, bool wrap)
{
	return !!(flags & VIRTQ_DESC_F_AVAIL) == wrap && !!(flags & VIRTQ_DESC_F_USED) == wrap;
}

int packed_driver_peek(const struct ring_driver *ring, uint32_t *ret_id, uint32_t *ret_written)
{
	const struct pvirtq_desc *slot = &slots_of(ring)[ring->next_used];

	if (!is_used(ring_load16_acquire(&slot->flags), ring->used_wrap))
		return 0;
	*ret_id = ring_load16(&slot->id);
	*ret_written = ring_load32(&slot->len);
	return 1;
}

void packed_driver_release(struct ring_driver *ring, uint16_t id)
{
	advance(ring->config.size, &ring->next_used, &ring->used_wrap, ring->chains[id].slots);
	ring->next[id] = ring->free_head;
	ring->free_head = id;
}

bool packed_driver_enable_signal(struct ring_driver *ring)
{
	struct pvirtq_event_suppress *driver = ring->config.driver;

	if (ring->config.event_idx) {
		ring_store16(&driver->off_wrap, ring->next_used | (ring->used_wrap ? PVIRTQ_EVENT_WRAP : 0));
		ring_store16_release(&driver->flags, PVIRTQ_EVENT_F_DESC);
	} else {
		ring_store16(&driver->flags, PVIRTQ_EVENT_F_ENABLE);
	}
	ring_fence();
	return is_used(ring_load16(&slots_of(ring)[ring->next_used].flags), ring->used_wrap);
}

void packed_driver_disable_signal(struct ring_driver *ring)
{
	struct pvirtq_event_suppress *driver = ring->config.driver;

	ring_store16(&driver->flags, PVIRTQ_EVENT_F_DISABLE);
}
