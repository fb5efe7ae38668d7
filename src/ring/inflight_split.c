/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>

#include "ring/inflight_formats.h"

static struct vhost_inflight_split *region_of(const struct ring_device *ring)
{
	return ring->config.inflight;
}

/* Clears the heads of the last batch of count answers. */
static void clear_batch(struct ring_device *ring, uint32_t count)
{
	struct vhost_inflight_split *region = region_of(ring);
	uint16_t head = region->last_batch_head;

	for (; count > 0 && head < ring->config.size; count--) {
		region->desc[head].inflight = 0;
		head = region->desc[head].next;
	}
}

int inflight_split_start(struct ring_device *ring)
{
	struct vhost_inflight_split *region = region_of(ring);
	uint32_t size = ring->config.size;
	uint32_t count = 0;
	uint16_t batch;
	int result;

	if (region->version == 0) {
		region->desc_num = (uint16_t)size;
		region->used_idx = ring->next_used;
		inflight_order();
		region->version = VHOST_INFLIGHT_VERSION;
		return 0;
	}
	batch = (uint16_t)(ring->next_used - region->used_idx);
	if (region->version != VHOST_INFLIGHT_VERSION || region->desc_num < size || batch > size)
		return -EINVAL;
	/* The last batch was published, but not cleared, or not all of it. */
	clear_batch(ring, batch);
	inflight_order();
	region->used_idx = ring->next_used;

	for (uint32_t i = 0; i < size; i++)
		count += region->desc[i].inflight == 1;
	result = inflight_resubmit_reserve(ring, count);
	if (result < 0)
		return result;
	for (uint32_t i = 0; i < size && ring->resubmit_count < count; i++)
		if (region->desc[i].inflight == 1)
			inflight_resubmit_add(ring, region->desc[i].counter, (uint16_t)i);
	inflight_resubmit_sort(ring);
	ring->next_avail = (uint16_t)(ring->next_used + ring->resubmit_count);
	ring->recovered = true;
	return 0;
}

void inflight_split_take(struct ring_device *ring, uint16_t head)
{
	struct vhost_inflight_split_desc *desc = &region_of(ring)->desc[head];

	desc->counter = ++ring->inflight_counter;
	inflight_order();
	desc->inflight = 1;
}

void inflight_split_give(struct ring_device *ring, uint16_t head)
{
	struct vhost_inflight_split *region = region_of(ring);

	region->desc[head].next = region->last_batch_head;
	inflight_order();
	region->last_batch_head = head;
	inflight_order();
}

void inflight_split_commit(struct ring_device *ring)
{
	inflight_order();
	clear_batch(ring, ring->pending);
	inflight_order();
	region_of(ring)->used_idx = ring->next_used;
}
