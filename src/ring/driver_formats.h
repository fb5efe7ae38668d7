/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver's private state, and what split and packed rings each implement behind ring/driver.h. Nothing here
 * lies in memory that the device can reach. Private to src/ring.
 */
#ifndef VIOFS_RING_DRIVER_FORMATS_H
#define VIOFS_RING_DRIVER_FORMATS_H

#include "ring/driver.h"

/* A chain with the device, by its id: the head descriptor (split) or a free number (packed). */
struct driver_chain {
	void *token; /* NULL: the id is free */
	uint64_t writable; /* bytes */
	uint32_t batch; /* the publish that shows it */
	uint32_t slots; /* descriptors of the ring */
};

struct ring_driver {
	struct ring_driver_config config;
	bool broken;
	uint16_t next_avail; /* split: free-running; packed: slot */
	uint16_t next_used;
	bool avail_wrap;
	bool used_wrap;
	uint16_t batch_slot; /* packed: head of what is not published, and the flags that will publish it */
	uint16_t batch_flags;
	uint32_t batch; /* counts publishes */
	uint32_t added; /* not published: chains (split), slots (packed) */
	uint32_t free_slots;
	uint32_t out; /* chains added and not back */
	uint16_t free_head; /* list of free descriptors (split) or ids (packed), through next */
	uint16_t *next; /* split: also the links of chains that are out */
	struct driver_chain chains[];
};

/* A chain that was checked and fits. Table: the one at id, filled already. */
void split_driver_add(struct ring_driver *ring, const struct ring_buffer *buffers, size_t count, size_t readable,
		      uint16_t id, bool indirect);
void packed_driver_add(struct ring_driver *ring, const struct ring_buffer *buffers, size_t count, size_t readable,
		       uint16_t id, bool indirect);

/* As in ring/driver.h, when something was added. */
bool split_driver_publish(struct ring_driver *ring);
bool packed_driver_publish(struct ring_driver *ring);

/* What the device says came back next: 1, 0 when nothing, -EBADMSG. */
int split_driver_peek(const struct ring_driver *ring, uint32_t *ret_id, uint32_t *ret_written);
int packed_driver_peek(const struct ring_driver *ring, uint32_t *ret_id, uint32_t *ret_written);

/* Moves on behind it and frees its descriptors. */
void split_driver_release(struct ring_driver *ring, uint16_t id);
void packed_driver_release(struct ring_driver *ring, uint16_t id);

bool split_driver_enable_signal(struct ring_driver *ring);
bool packed_driver_enable_signal(struct ring_driver *ring);
void split_driver_disable_signal(struct ring_driver *ring);
void packed_driver_disable_signal(struct ring_driver *ring);

/* Where the table of a chain lies for the device. */
static inline uint64_t driver_table_address(const struct ring_driver *ring, uint16_t id)
{
	return ring->config.tables_address + (uint64_t)id * ring->config.table_entries * 16;
}

#endif
