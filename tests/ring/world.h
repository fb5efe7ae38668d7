/* SPDX-License-Identifier: BSD-3-Clause */
/* A driver and a device on one ring in one memory, and random work between them. */
#ifndef VIOFS_TESTS_RING_WORLD_H
#define VIOFS_TESTS_RING_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "guest_memory.h"
#include "ring/driver.h"
#include "ring/inflight.h"

#define WORLD_CHAIN_MAX 8u /* buffers */
#define WORLD_OFFERS 48u /* chains out at a time */
#define WORLD_TABLE 6u /* entries of an indirect table: some chains do not fit */

struct world_kind {
	uint32_t size;
	bool packed, event_idx, indirect, inflight;
};

/* What the driver offered; its address is the token. */
struct offer {
	struct ring_buffer buffers[WORLD_CHAIN_MAX];
	size_t readable, writable;
	uint32_t written; /* what the device said */
	uint64_t number; /* order of offering, from 1 */
	bool out;
	bool popped, pushed; /* by the device; pushed and not published is as good as nothing */
};

/* What the device took. */
struct taken {
	struct ring_chain chain;
	struct offer *offer;
};

struct world {
	struct world_kind kind;
	struct guest_memory guest;
	struct ring_driver *driver;
	struct ring_device device;
	void *region; /* in-flight region or NULL */
	uint64_t random;
	uint64_t offered, got;
	struct offer offers[WORLD_OFFERS];
	struct offer *queue[WORLD_OFFERS]; /* offered and not taken, oldest first */
	size_t queued;
	struct taken taken[WORLD_OFFERS];
	size_t taken_count;
	size_t data; /* offset of the space for buffers */
	struct ring_config config;
};

static inline uint32_t world_random(struct world *world, uint32_t below)
{
	world->random = world->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(world->random >> 33) % below;
}

static inline void world_init(struct world *world, const struct world_kind *kind, uint64_t seed)
{
	size_t desc = ALIGN_UP(ring_desc_bytes(kind->size, kind->packed), 64);
	size_t driver = ALIGN_UP(ring_driver_bytes(kind->size, kind->packed), 64);
	size_t device = ALIGN_UP(ring_device_bytes(kind->size, kind->packed), 64);
	size_t tables = kind->indirect ? ring_driver_tables_bytes(kind->size, WORLD_TABLE) : 0;
	size_t rings = desc + driver + device + tables;
	struct ring_driver_config config = { .size = kind->size, .packed = kind->packed, .event_idx = kind->event_idx };

	*world = (struct world){ .kind = *kind, .random = seed };
	world->data = rings;
	guest_memory_init(&world->guest, ALIGN_UP(rings + 65536, 4096));
	config.desc = guest_memory_at(&world->guest, 0);
	config.driver = guest_memory_at(&world->guest, desc);
	config.device = guest_memory_at(&world->guest, desc + driver);
	if (kind->indirect) {
		config.tables = guest_memory_at(&world->guest, desc + driver + device);
		config.tables_address = GUEST_BASE + desc + driver + device;
		config.table_entries = WORLD_TABLE;
	}
	assert_int_equal(ring_driver_new(&config, &world->driver), 0);
	if (kind->inflight) {
		world->region = aligned_alloc(64, ring_inflight_bytes(kind->size, kind->packed));
		assert_non_null(world->region);
		ring_inflight_clear(world->region, kind->size, kind->packed);
	}
	world->config = (struct ring_config){ .size = kind->size,
					      .packed = kind->packed,
					      .event_idx = kind->event_idx,
					      .indirect = kind->indirect,
					      .desc = config.desc,
					      .driver = config.driver,
					      .device = config.device,
					      .inflight = world->region };
	assert_int_equal(ring_device_init(&world->device, &world->config), 0);
}

static inline void world_fini(struct world *world)
{
	for (size_t i = 0; i < WORLD_OFFERS; i++)
		ring_chain_fini(&world->taken[i].chain);
	ring_device_fini(&world->device);
	ring_driver_free(world->driver);
	free(world->region);
	guest_memory_fini(&world->guest);
}

/* Adds a random chain; false when there is no room. */
static inline bool world_offer(struct world *world)
{
	size_t space = 2 * world->guest.length - world->data;
	size_t limit = MIN(WORLD_CHAIN_MAX, world->kind.size);
	struct offer *offer = NULL;
	size_t count;
	int result;

	for (size_t i = 0; i < WORLD_OFFERS && !offer; i++)
		if (!world->offers[i].out)
			offer = &world->offers[i];
	if (!offer)
		return false;
	count = 1 + world_random(world, (uint32_t)limit);
	offer->readable = world_random(world, (uint32_t)count + 1);
	offer->writable = count - offer->readable;
	for (size_t i = 0; i < count; i++) {
		/* Half of the buffers continue the one before, some are empty. */
		uint32_t length = world_random(world, 8) == 0 ? 0 : world_random(world, 300);
		uint64_t address = GUEST_BASE + world->data + world_random(world, (uint32_t)(space - 65536));

		if (i > 0 && world_random(world, 2))
			address = offer->buffers[i - 1].address + offer->buffers[i - 1].length;
		offer->buffers[i] = (struct ring_buffer){ address, length };
	}
	result = ring_driver_add(world->driver, offer->buffers, offer->readable, offer->writable, offer);
	if (result == -ENOSPC)
		return false;
	assert_int_equal(result, 0);
	offer->out = true;
	offer->popped = offer->pushed = false;
	offer->number = ++world->offered;
	world->queue[world->queued++] = offer;
	return true;
}

/* Compares what the device got with what was offered. */
static inline void world_check_chain(struct world *world, const struct ring_chain *chain, const struct offer *offer)
{
	const struct iovec *iov = chain->iov;
	size_t used = 0, readable = 0, total = 0;

	for (size_t i = 0; i < offer->readable + offer->writable; i++) {
		struct iovec pieces[2];
		int count = offer->buffers[i].length == 0
				? 0
				: guest_memory_map(&world->guest.ring, offer->buffers[i].address,
						   offer->buffers[i].length, pieces, 2);

		for (int j = 0; j < count; j++) {
			if (used == iov->iov_len) {
				used = 0;
				iov++;
			}
			assert_ptr_equal((char *)iov->iov_base + used, pieces[j].iov_base);
			used += pieces[j].iov_len;
			total += pieces[j].iov_len;
			assert_true(used <= iov->iov_len);
		}
		if (i + 1 == offer->readable)
			readable = total;
	}
	assert_int_equal(chain->readable_bytes, readable);
	assert_int_equal(chain->writable_bytes, total - readable);
	assert_int_equal(chain->readable_count + chain->writable_count,
			 total == 0 ? 0 : (size_t)(iov - chain->iov) + 1);
}

/* Takes one chain; false when there is none. */
static inline bool world_take(struct world *world)
{
	struct taken *taken = &world->taken[world->taken_count];
	int result;

	if (world->taken_count == WORLD_OFFERS)
		return false; /* all there can be */
	result = ring_device_pop(&world->device, &world->guest.ring, &taken->chain);
	if (result == 0)
		return false;
	assert_int_equal(result, 1);
	assert_true(world->queued > 0);
	taken->offer = world->queue[0];
	taken->offer->popped = true;
	memmove(world->queue, world->queue + 1, --world->queued * sizeof(world->queue[0]));
	world_check_chain(world, &taken->chain, taken->offer);
	world->taken_count++;
	return true;
}

/* Pushes a random chain of those taken. */
static inline void world_give(struct world *world)
{
	size_t index = world_random(world, (uint32_t)world->taken_count);
	struct taken *taken = &world->taken[index];
	struct taken last = world->taken[world->taken_count - 1];

	taken->offer->written = world_random(world, (uint32_t)taken->chain.writable_bytes + 1);
	taken->offer->pushed = true;
	ring_device_push(&world->device, &taken->chain, taken->offer->written);
	world->taken[--world->taken_count] = *taken;
	world->taken[index] = last;
	if (index == world->taken_count)
		world->taken[index] = last;
}

/* Gets one chain back; false when there is none. */
static inline bool world_get(struct world *world)
{
	struct offer *offer;
	uint32_t written;
	void *token;
	int result = ring_driver_get(world->driver, &token, &written);

	if (result == 0)
		return false;
	assert_int_equal(result, 1);
	offer = token;
	assert_true(offer->out);
	assert_true(offer->pushed);
	assert_int_equal(written, offer->written);
	offer->out = false;
	world->got++;
	return true;
}

#endif
