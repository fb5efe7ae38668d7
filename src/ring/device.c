/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/device.h"

#include <errno.h>

#include "base/util.h"
#include "ring/device_formats.h"
#include "ring/inflight_formats.h"
#include "wire/virtio_ring.h"

size_t ring_desc_bytes(uint32_t size, bool packed)
{
	return (size_t)size * (packed ? sizeof(struct pvirtq_desc) : sizeof(struct virtq_desc));
}

size_t ring_driver_bytes(uint32_t size, bool packed)
{
	if (packed)
		return sizeof(struct pvirtq_event_suppress);
	return sizeof(struct virtq_avail) + (size_t)size * sizeof(uint16_t) + sizeof(uint16_t);
}

size_t ring_device_bytes(uint32_t size, bool packed)
{
	if (packed)
		return sizeof(struct pvirtq_event_suppress);
	return sizeof(struct virtq_used) + (size_t)size * sizeof(struct virtq_used_elem) + sizeof(uint16_t);
}

int ring_device_init(struct ring_device *ring, const struct ring_config *config)
{
	uint32_t size = config->size;
	int result;

	if (size < 2 || size > RING_SIZE_MAX || (!config->packed && (size & (size - 1)) != 0))
		return -EINVAL;
	*ring = (struct ring_device){ .config = *config };
	result = config->packed ? packed_device_init(ring) : split_device_init(ring);
	if (result < 0)
		return result;
	/* The process before us may have died between publishing and signalling. */
	if (ring->recovered)
		ring->unsignalled = 1;
	return 0;
}

int ring_device_pop(struct ring_device *ring, const struct ring_memory *memory, struct ring_chain *chain)
{
	int result;

	if (ring->broken)
		return -EBADMSG;
	result = ring->config.packed ? packed_device_pop(ring, memory, chain) : split_device_pop(ring, memory, chain);
	if (result > 0)
		chain->sequence = ++ring->sequence;
	else if (result == -EBADMSG)
		ring->broken = true;
	return result;
}

void ring_device_push(struct ring_device *ring, const struct ring_chain *chain, uint32_t written)
{
	if (written > chain->writable_bytes)
		written = (uint32_t)chain->writable_bytes;
	if (ring->config.packed)
		packed_device_push(ring, chain, written);
	else
		split_device_push(ring, chain, written);
}

void ring_device_publish(struct ring_device *ring)
{
	if (ring->pending == 0)
		return;
	if (ring->config.packed)
		packed_device_publish(ring);
	else
		split_device_publish(ring);
	ring->unsignalled += ring->pending;
	ring->pending = 0;
}

bool ring_device_needs_signal(struct ring_device *ring)
{
	uint32_t count;
	bool valid = ring->signalled_valid;

	ring_device_publish(ring);
	count = ring->unsignalled;
	if (count == 0)
		return false;
	ring->unsignalled = 0;
	ring->signalled_valid = true;
	/* What the driver asked for before we started, or more than a lap ago, can't be compared with. */
	if (ring->config.event_idx && (!valid || count >= ring->config.size))
		return true;
	return ring->config.packed ? packed_device_wants_signal(ring, count) : split_device_wants_signal(ring, count);
}

bool ring_device_enable_kick(struct ring_device *ring)
{
	if (ring->broken)
		return false;
	if (inflight_resubmit_any(ring))
		return true;
	return ring->config.packed ? packed_device_enable_kick(ring) : split_device_enable_kick(ring);
}

void ring_device_disable_kick(struct ring_device *ring)
{
	if (ring->broken)
		return;
	if (ring->config.packed)
		packed_device_disable_kick(ring);
	else
		split_device_disable_kick(ring);
}

uint32_t ring_device_base(const struct ring_device *ring)
{
	uint32_t base = ring->next_avail;

	if (ring->config.packed)
		base |= (ring->avail_wrap ? PVIRTQ_BASE_AVAIL_WRAP : 0) |
			(uint32_t)ring->next_used << PVIRTQ_BASE_USED_SHIFT |
			(ring->used_wrap ? PVIRTQ_BASE_USED_WRAP : 0);
	return base;
}
