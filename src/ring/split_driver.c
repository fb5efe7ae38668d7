/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver side of a split ring. The order of accesses mirrors split_device.c. */
#include <errno.h>

#include "ring/access.h"
#include "ring/driver_formats.h"
#include "wire/virtio_ring.h"

static struct virtq_avail *avail_of(const struct ring_driver *ring)
{
	return ring->config.driver;
}

static struct virtq_used *used_of(const struct ring_driver *ring)
{
	return ring->config.device;
}

static void write_descriptor(struct virtq_desc *desc, uint64_t address, uint32_t length, uint32_t flags, uint16_t next)
{
	ring_store64(&desc->addr, address);
	ring_store32(&desc->len, length);
	ring_store16(&desc->flags, (uint16_t)flags);
	ring_store16(&desc->next, next);
}

void split_driver_add(struct ring_driver *ring, const struct ring_buffer *buffers, size_t count, size_t readable,
		      uint16_t id, bool indirect)
{
	struct virtq_desc *table = ring->config.desc;
	uint16_t index = id;

	if (indirect) {
		write_descriptor(&table[id], driver_table_address(ring, id), (uint32_t)(count * sizeof(*table)),
				 VIRTQ_DESC_F_INDIRECT, 0);
		index = ring->next[id];
	} else {
		for (size_t i = 0; i < count; i++) {
			bool more = i + 1 < count;
			uint32_t flags = (more ? VIRTQ_DESC_F_NEXT : 0) | (i < readable ? 0 : VIRTQ_DESC_F_WRITE);

			write_descriptor(&table[index], buffers[i].address, buffers[i].length, flags,
					 more ? ring->next[index] : 0);
			index = ring->next[index];
		}
	}
	ring->free_head = index;
	ring_store16(&avail_of(ring)->ring[ring->next_avail & (ring->config.size - 1)], id);
	ring->next_avail++;
	ring->added++;
}

bool split_driver_publish(struct ring_driver *ring)
{
	const struct virtq_used *used = used_of(ring);
	uint16_t avail_event;

	ring_store16_release(&avail_of(ring)->idx, ring->next_avail);
	ring_fence();
	if (!ring->config.event_idx)
		return !(ring_load16(&used->flags) & VIRTQ_USED_F_NO_NOTIFY);
	avail_event = ring_load16((const uint16_t *)(const void *)&used->ring[ring->config.size]);
	return (uint16_t)(ring->next_avail - avail_event - 1) < ring->added;
}

int split_driver_peek(const struct ring_driver *ring, uint32_t *ret_id, uint32_t *ret_written)
{
	const struct virtq_used *used = used_of(ring);
	uint16_t index = ring_load16_acquire(&used->idx);
	const struct virtq_used_elem *elem = &used->ring[ring->next_used & (ring->config.size - 1)];

	if (index == ring->next_used)
		return 0;
	if ((uint16_t)(index - ring->next_used) > ring->out - ring->added)
		return -EBADMSG;
	*ret_id = ring_load32(&elem->id);
	*ret_written = ring_load32(&elem->len);
	return 1;
}

void split_driver_release(struct ring_driver *ring, uint16_t id)
{
	uint16_t last = id;

	for (uint32_t i = 1; i < ring->chains[id].slots; i++)
		last = ring->next[last];
	ring->next[last] = ring->free_head;
	ring->free_head = id;
	ring->next_used++;
}

bool split_driver_enable_signal(struct ring_driver *ring)
{
	struct virtq_avail *avail = avail_of(ring);

	if (ring->config.event_idx)
		ring_store16(&avail->ring[ring->config.size], ring->next_used);
	else
		ring_store16(&avail->flags, 0);
	ring_fence();
	return ring_load16(&used_of(ring)->idx) != ring->next_used;
}

void split_driver_disable_signal(struct ring_driver *ring)
{
	if (!ring->config.event_idx)
		ring_store16(&avail_of(ring)->flags, VIRTQ_AVAIL_F_NO_INTERRUPT);
}
