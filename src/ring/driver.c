/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ring/access.h"
#include "ring/chain.h"
#include "ring/device.h"
#include "ring/driver_formats.h"
#include "wire/virtio_ring.h"

size_t ring_driver_tables_bytes(uint32_t size, uint32_t table_entries)
{
	return (size_t)size * table_entries * sizeof(struct virtq_desc);
}

int ring_driver_new(const struct ring_driver_config *config, struct ring_driver **ret_ring)
{
	uint32_t size = config->size;
	struct ring_driver *ring;

	if (size < 2 || size > RING_SIZE_MAX || (!config->packed && (size & (size - 1)) != 0) ||
	    ((uintptr_t)config->desc & 15) != 0 || ((uintptr_t)config->driver & (config->packed ? 3 : 1)) != 0 ||
	    ((uintptr_t)config->device & 3) != 0)
		return -EINVAL;
	ring = calloc(1, sizeof(*ring) + size * sizeof(ring->chains[0]));
	if (!ring)
		return -ENOMEM;
	ring->next = calloc(size, sizeof(ring->next[0]));
	if (!ring->next) {
		free(ring);
		return -ENOMEM;
	}
	memset(config->desc, 0, ring_desc_bytes(size, config->packed));
	memset(config->driver, 0, ring_driver_bytes(size, config->packed));
	memset(config->device, 0, ring_device_bytes(size, config->packed));
	ring->config = *config;
	ring->avail_wrap = ring->used_wrap = true;
	ring->free_slots = size;
	for (uint32_t i = 0; i < size; i++)
		ring->next[i] = (uint16_t)(i + 1);
	*ret_ring = ring;
	return 0;
}

void ring_driver_free(struct ring_driver *ring)
{
	if (!ring)
		return;
	free(ring->next);
	free(ring);
}

/* Writes the indirect table of chain id. */
static void fill_table(struct ring_driver *ring, const struct ring_buffer *buffers, size_t count, size_t readable,
		       uint16_t id)
{
	char *table = (char *)ring->config.tables + ring_driver_tables_bytes(id, ring->config.table_entries);

	for (size_t i = 0; i < count; i++) {
		uint16_t flags = i < readable ? 0 : VIRTQ_DESC_F_WRITE;

		if (ring->config.packed) {
			struct pvirtq_desc entry = { ring_le64(buffers[i].address), ring_le32(buffers[i].length), 0,
						     ring_le16(flags) };

			memcpy(table + i * sizeof(entry), &entry, sizeof(entry));
		} else {
			bool more = i + 1 < count;
			struct virtq_desc entry = { ring_le64(buffers[i].address), ring_le32(buffers[i].length),
						    ring_le16((uint16_t)(flags | (more ? VIRTQ_DESC_F_NEXT : 0))),
						    ring_le16((uint16_t)(more ? i + 1 : 0)) };

			memcpy(table + i * sizeof(entry), &entry, sizeof(entry));
		}
	}
}

int ring_driver_add(struct ring_driver *ring, const struct ring_buffer *buffers, size_t readable, size_t writable,
		    void *token)
{
	size_t count = readable + writable;
	uint64_t bytes = 0, writable_bytes = 0;
	bool indirect = ring->config.tables && count > 1 && count <= ring->config.table_entries;
	uint32_t slots = indirect ? 1 : (uint32_t)count;
	uint16_t id = ring->free_head;

	if (ring->broken)
		return -EBADMSG;
	if (count == 0 || !token)
		return -EINVAL;
	if (count > ring->config.size)
		return -E2BIG;
	for (size_t i = 0; i < count; i++) {
		bytes += buffers[i].length;
		if (i >= readable)
			writable_bytes += buffers[i].length;
	}
	if (bytes > CHAIN_BYTES_MAX)
		return -EINVAL;
	if (slots > ring->free_slots)
		return -ENOSPC;
	if (indirect)
		fill_table(ring, buffers, count, readable, id);
	ring->chains[id] = (struct driver_chain){ token, writable_bytes, ring->batch, slots };
	if (ring->config.packed)
		packed_driver_add(ring, buffers, count, readable, id, indirect);
	else
		split_driver_add(ring, buffers, count, readable, id, indirect);
	ring->free_slots -= slots;
	ring->out++;
	return 0;
}

bool ring_driver_publish(struct ring_driver *ring)
{
	bool kick;

	if (ring->added == 0 || ring->broken)
		return false;
	kick = ring->config.packed ? packed_driver_publish(ring) : split_driver_publish(ring);
	ring->added = 0;
	ring->batch++;
	return kick;
}

/* Whether the device may have what it says it gives back. */
static bool is_with_device(const struct ring_driver *ring, uint32_t id, uint32_t written)
{
	const struct driver_chain *chain;

	if (id >= ring->config.size)
		return false;
	chain = &ring->chains[id];
	return chain->token && chain->batch != ring->batch && written <= chain->writable;
}

static void *release(struct ring_driver *ring, uint16_t id)
{
	void *token = ring->chains[id].token;

	ring->chains[id].token = NULL;
	ring->free_slots += ring->chains[id].slots;
	ring->out--;
	if (ring->config.packed)
		packed_driver_release(ring, id);
	else
		split_driver_release(ring, id);
	return token;
}

int ring_driver_get(struct ring_driver *ring, void **ret_token, uint32_t *ret_written)
{
	uint32_t id, written;
	int result;

	if (ring->broken)
		return -EBADMSG;
	result = ring->config.packed ? packed_driver_peek(ring, &id, &written) : split_driver_peek(ring, &id, &written);
	if (result > 0 && !is_with_device(ring, id, written))
		result = -EBADMSG;
	if (result < 0)
		ring->broken = true;
	if (result <= 0)
		return result;
	*ret_token = release(ring, (uint16_t)id);
	*ret_written = written;
	return 1;
}

bool ring_driver_enable_signal(struct ring_driver *ring)
{
	if (ring->broken)
		return false;
	return ring->config.packed ? packed_driver_enable_signal(ring) : split_driver_enable_signal(ring);
}

void ring_driver_disable_signal(struct ring_driver *ring)
{
	if (ring->config.packed)
		packed_driver_disable_signal(ring);
	else
		split_driver_disable_signal(ring);
}

void *ring_driver_detach(struct ring_driver *ring)
{
	ring->broken = true;
	for (uint32_t id = 0; ring->out > 0 && id < ring->config.size; id++)
		if (ring->chains[id].token)
			return release(ring, (uint16_t)id);
	return NULL;
}

uint32_t ring_driver_room(const struct ring_driver *ring)
{
	return ring->free_slots;
}
