/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What split and packed rings each implement behind ring/device.h, which documents the behaviour; the caller
 * (device.c) has dealt with broken rings. Private to src/ring.
 */
#ifndef VIOFS_RING_DEVICE_FORMATS_H
#define VIOFS_RING_DEVICE_FORMATS_H

#include "ring/device.h"

int split_device_init(struct ring_device *ring);
int split_device_pop(struct ring_device *ring, const struct ring_memory *memory, struct ring_chain *chain);
void split_device_push(struct ring_device *ring, const struct ring_chain *chain, uint32_t written);
void split_device_publish(struct ring_device *ring);
/* After publishing count more entries since the last decision. */
bool split_device_wants_signal(const struct ring_device *ring, uint32_t count);
bool split_device_enable_kick(struct ring_device *ring);
void split_device_disable_kick(struct ring_device *ring);

int packed_device_init(struct ring_device *ring);
int packed_device_pop(struct ring_device *ring, const struct ring_memory *memory, struct ring_chain *chain);
void packed_device_push(struct ring_device *ring, const struct ring_chain *chain, uint32_t written);
void packed_device_publish(struct ring_device *ring);
bool packed_device_wants_signal(const struct ring_device *ring, uint32_t count);
bool packed_device_enable_kick(struct ring_device *ring);
void packed_device_disable_kick(struct ring_device *ring);

/* Widens the range that dirty logging must cover by [start, end). */
static inline void device_mark_dirty(struct ring_device *ring, size_t start, size_t end)
{
	if (ring->dirty_start == ring->dirty_end) {
		ring->dirty_start = start;
		ring->dirty_end = end;
		return;
	}
	if (start < ring->dirty_start)
		ring->dirty_start = start;
	if (end > ring->dirty_end)
		ring->dirty_end = end;
}

#endif
