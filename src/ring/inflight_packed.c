/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packed region keeps copies of descriptors, because used descriptors overwrite those of the ring. A chain's
 * entries are taken from the head of a free list and go back to it.
 *
 * Chains that are pushed wait in a list of their own until they are published, so that the protocol's steps for a batch
 * (free the entries, move the used index, publish, make both final) are not interleaved with chains taken meanwhile.
 */
#include <errno.h>

#include "ring/access.h"
#include "ring/inflight_formats.h"
#include "wire/virtio_ring.h"

static struct vhost_inflight_packed *region_of(const struct ring_device *ring)
{
	return ring->config.inflight;
}

static void set_up(struct ring_device *ring)
{
	struct vhost_inflight_packed *region = region_of(ring);
	uint16_t size = (uint16_t)ring->config.size;

	region->desc_num = size;
	for (uint32_t i = 0; i < size; i++) {
		region->desc[i].inflight = 0;
		region->desc[i].next = (uint16_t)(i + 1);
	}
	region->free_head = region->old_free_head = 0;
	region->used_idx = region->old_used_idx = ring->next_used;
	region->used_wrap_counter = region->old_used_wrap_counter = ring->used_wrap;
	inflight_order();
	region->version = VHOST_INFLIGHT_VERSION;
}

/* Makes the state that may be ahead of the ring the final one, or goes back to the last that was final. */
static int settle(struct ring_device *ring)
{
	struct vhost_inflight_packed *region = region_of(ring);
	const struct pvirtq_desc *slots = ring->config.desc;
	uint32_t size = ring->config.size;
	bool wrap = region->old_used_wrap_counter != 0;
	uint16_t free_head;

	if (region->used_idx >= size || region->old_used_idx >= size)
		return -EINVAL;
	if (region->used_idx != region->old_used_idx || (region->used_wrap_counter != 0) != wrap) {
		uint16_t flags = ring_load16_acquire(&slots[region->old_used_idx].flags);

		/* Whether the slot is still as the driver made it available, that is, the batch was not published. */
		if (!!(flags & VIRTQ_DESC_F_AVAIL) != wrap || !!(flags & VIRTQ_DESC_F_USED) == wrap) {
			region->old_free_head = region->free_head;
			region->old_used_idx = region->used_idx;
			region->old_used_wrap_counter = region->used_wrap_counter;
		}
	}
	region->free_head = region->old_free_head;
	region->used_idx = region->old_used_idx;
	region->used_wrap_counter = region->old_used_wrap_counter;
	free_head = region->free_head;
	for (uint32_t i = 0; i < size && free_head < size; i++) {
		region->desc[free_head].inflight = 0;
		free_head = region->desc[free_head].next;
	}
	return 0;
}

int inflight_packed_start(struct ring_device *ring)
{
	struct vhost_inflight_packed *region = region_of(ring);
	uint32_t size = ring->config.size;
	uint32_t chains = 0, slots = 0, next;
	int result;

	ring->given_first = INFLIGHT_NONE;
	if (region->version == 0) {
		set_up(ring);
		return 0;
	}
	if (region->version != VHOST_INFLIGHT_VERSION || region->desc_num != size)
		return -EINVAL;
	result = settle(ring);
	if (result < 0)
		return result;
	for (uint32_t i = 0; i < size; i++)
		chains += region->desc[i].inflight == 1;
	result = inflight_resubmit_reserve(ring, chains);
	if (result < 0)
		return result;
	for (uint32_t i = 0; i < size && ring->resubmit_count < chains; i++) {
		if (region->desc[i].inflight != 1)
			continue;
		inflight_resubmit_add(ring, region->desc[i].counter, (uint16_t)i);
		slots += region->desc[i].num;
	}
	if (slots > size) {
		ring_device_fini(ring);
		return -EINVAL;
	}
	inflight_resubmit_sort(ring);
	ring->next_used = region->used_idx;
	ring->used_wrap = region->used_wrap_counter != 0;
	next = ring->next_used + slots;
	ring->avail_wrap = ring->used_wrap != (next >= size);
	ring->next_avail = (uint16_t)(next >= size ? next - size : next);
	ring->recovered = true;
	return 0;
}

uint16_t inflight_packed_begin(struct ring_device *ring)
{
	struct vhost_inflight_packed *region = region_of(ring);
	uint16_t first = region->free_head;

	if (first >= ring->config.size)
		return first;
	region->desc[first].num = 0;
	region->desc[first].counter = ++ring->inflight_counter;
	inflight_order();
	region->desc[first].inflight = 1;
	return first;
}

int inflight_packed_add(struct ring_device *ring, uint16_t first, uint64_t address, uint64_t word)
{
	struct vhost_inflight_packed *region = region_of(ring);
	uint16_t entry = region->free_head;
	struct vhost_inflight_packed_desc *desc;

	if (entry >= ring->config.size || first >= ring->config.size)
		return -EBADMSG;
	desc = &region->desc[entry];
	desc->addr = address;
	desc->len = (uint32_t)word;
	desc->id = (uint16_t)(word >> 32);
	desc->flags = (uint16_t)(word >> 48);
	region->desc[first].last = entry;
	region->desc[first].num++;
	region->free_head = desc->next;
	return 0;
}

void inflight_packed_end(struct ring_device *ring)
{
	struct vhost_inflight_packed *region = region_of(ring);

	inflight_order();
	region->old_free_head = region->free_head;
}

void inflight_packed_abort(struct ring_device *ring, uint16_t first)
{
	struct vhost_inflight_packed *region = region_of(ring);

	region->free_head = first;
	inflight_order();
	if (first < ring->config.size)
		region->desc[first].inflight = 0;
}

int inflight_packed_read(const struct ring_device *ring, uint16_t *index, uint64_t *ret_address, uint64_t *ret_word)
{
	const struct vhost_inflight_packed_desc *desc;

	if (*index >= ring->config.size)
		return -EBADMSG;
	desc = &region_of(ring)->desc[*index];
	*ret_address = desc->addr;
	*ret_word = (uint64_t)desc->flags << 48 | (uint64_t)desc->id << 32 | desc->len;
	*index = desc->next;
	return 0;
}

uint16_t inflight_packed_count(const struct ring_device *ring, uint16_t first)
{
	return region_of(ring)->desc[first].num;
}

void inflight_packed_give(struct ring_device *ring, uint16_t first)
{
	struct vhost_inflight_packed *region = region_of(ring);
	uint16_t last = first < ring->config.size ? region->desc[first].last : first;

	if (last >= ring->config.size)
		return; /* the front-end wrote into the region; the entries are lost */
	if (ring->given_first == INFLIGHT_NONE)
		ring->given_last = last;
	else
		region->desc[last].next = ring->given_first;
	ring->given_first = first;
}

void inflight_packed_prepare(struct ring_device *ring)
{
	struct vhost_inflight_packed *region = region_of(ring);

	if (ring->given_first != INFLIGHT_NONE) {
		region->desc[ring->given_last].next = region->free_head;
		inflight_order();
		region->free_head = ring->given_first;
	}
	region->used_idx = ring->next_used;
	region->used_wrap_counter = ring->used_wrap;
	inflight_order();
}

void inflight_packed_commit(struct ring_device *ring)
{
	struct vhost_inflight_packed *region = region_of(ring);
	uint16_t entry = ring->given_first;

	ring->given_first = INFLIGHT_NONE;
	inflight_order();
	region->old_free_head = region->free_head;
	region->old_used_idx = region->used_idx;
	region->old_used_wrap_counter = region->used_wrap_counter;
	inflight_order();
	for (uint32_t count = ring->pending; count > 0 && entry < ring->config.size; count--) {
		region->desc[entry].inflight = 0;
		entry = region->desc[entry].next;
	}
}
