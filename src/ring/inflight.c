/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/inflight.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ring/inflight_formats.h"

size_t ring_inflight_bytes(uint32_t size, bool packed)
{
	size_t bytes = packed ? sizeof(struct vhost_inflight_packed) + size * sizeof(struct vhost_inflight_packed_desc)
			      : sizeof(struct vhost_inflight_split) + size * sizeof(struct vhost_inflight_split_desc);

	return ALIGN_UP(bytes, RING_INFLIGHT_ALIGN);
}

void ring_inflight_clear(void *region, uint32_t size, bool packed)
{
	memset(region, 0, ring_inflight_bytes(size, packed));
}

int inflight_resubmit_reserve(struct ring_device *ring, uint32_t count)
{
	if (count == 0)
		return 0;
	ring->resubmit = calloc(count, sizeof(*ring->resubmit));
	return ring->resubmit ? 0 : -ENOMEM;
}

void inflight_resubmit_add(struct ring_device *ring, uint64_t counter, uint16_t slot)
{
	ring->resubmit[ring->resubmit_count++] = (struct ring_resubmission){ counter, slot };
	if (ring->inflight_counter < counter)
		ring->inflight_counter = counter;
}

static int compare(const void *left, const void *right)
{
	const struct ring_resubmission *a = left, *b = right;

	return (a->counter > b->counter) - (a->counter < b->counter);
}

void inflight_resubmit_sort(struct ring_device *ring)
{
	if (ring->resubmit_count > 1)
		qsort(ring->resubmit, ring->resubmit_count, sizeof(*ring->resubmit), compare);
}

void inflight_resubmit_done(struct ring_device *ring)
{
	ring->resubmit_next++;
	if (!inflight_resubmit_any(ring))
		ring_device_fini(ring);
}

void ring_device_hold(struct ring_device *ring, const struct ring_chain *chain)
{
	uint16_t slot = ring->config.packed ? chain->inflight_entry : chain->id;

	for (uint32_t i = ring->resubmit_next; i < ring->resubmit_count; i++) {
		if (ring->resubmit[i].slot != slot)
			continue;
		memmove(&ring->resubmit[i], &ring->resubmit[i + 1],
			(ring->resubmit_count - i - 1) * sizeof(*ring->resubmit));
		ring->resubmit_count--;
		return;
	}
}

void ring_device_fini(struct ring_device *ring)
{
	free(ring->resubmit);
	ring->resubmit = NULL;
	ring->resubmit_count = 0;
	ring->resubmit_next = 0;
}
