/* SPDX-License-Identifier: BSD-3-Clause */
/* The packed ring's device side against a driver that writes the ring by hand, well and badly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "guest_memory.h"
#include "ring/inflight.h"
#include "wire/virtio_ring.h"

#define SIZE 5u /* need not be a power of two */
#define DESC 0x0u
#define DRIVER 0x1000u
#define DEVICE 0x2000u
#define TABLE 0x3000u
#define DATA 0x4000u
#define REGION 0x8000u /* the second region begins here */

#define AVAIL VIRTQ_DESC_F_AVAIL
#define USED VIRTQ_DESC_F_USED
#define NEXT VIRTQ_DESC_F_NEXT
#define WRITE VIRTQ_DESC_F_WRITE
#define INDIRECT VIRTQ_DESC_F_INDIRECT

static struct guest_memory guest;
static struct ring_device ring;
static struct ring_chain chain;
static struct pvirtq_desc *desc;
static struct pvirtq_event_suppress *driver;
static struct pvirtq_event_suppress *device;
static uint64_t region[64];

static int try_start(bool event_idx, bool indirect, uint32_t base, bool tracked)
{
	struct ring_config config = { .size = SIZE,
				      .packed = true,
				      .event_idx = event_idx,
				      .indirect = indirect,
				      .desc = desc,
				      .driver = driver,
				      .device = device,
				      .base = base,
				      .inflight = tracked ? region : NULL };

	assert_true(ring_inflight_bytes(SIZE, true) <= sizeof(region));
	memset(region, 0, sizeof(region));
	return ring_device_init(&ring, &config);
}

static void start(bool event_idx, bool indirect, uint32_t base)
{
	assert_int_equal(try_start(event_idx, indirect, base, false), 0);
}

static int set_up(void **state UNUSED)
{
	guest_memory_init(&guest, REGION);
	desc = guest_memory_at(&guest, DESC);
	driver = guest_memory_at(&guest, DRIVER);
	device = guest_memory_at(&guest, DEVICE);
	ring_chain_init(&chain);
	start(false, true, 0);
	return 0;
}

static int tear_down(void **state UNUSED)
{
	ring_chain_fini(&chain);
	guest_memory_fini(&guest);
	return 0;
}

static void describe(struct pvirtq_desc *at, uint64_t offset, uint32_t len, uint16_t id, uint32_t flags)
{
	*at = (struct pvirtq_desc){ GUEST_BASE + offset, len, id, (uint16_t)flags };
}

static int pop(void)
{
	return ring_device_pop(&ring, &guest.ring, &chain);
}

static void takes_a_chain_and_gives_it_back(void **state UNUSED)
{
	assert_int_equal(pop(), 0);
	describe(&desc[0], DATA, 40, 9, NEXT | AVAIL);
	describe(&desc[1], DATA + 0x100, 16, 9, NEXT | AVAIL);
	describe(&desc[2], DATA + 0x200, 4096, 3, WRITE | AVAIL);
	assert_int_equal(pop(), 1);
	assert_int_equal(chain.id, 3);
	assert_int_equal(chain.descriptors, 3);
	assert_int_equal(chain.readable_bytes, 56);
	assert_int_equal(chain.readable_count, 2);
	assert_int_equal(chain.writable_bytes, 4096);
	assert_ptr_equal(chain.iov[2].iov_base, guest_memory_at(&guest, DATA + 0x200));
	assert_int_equal(pop(), 0);
	assert_int_equal(ring_device_base(&ring), 0x80008003);

	ring_device_push(&ring, &chain, 100);
	assert_int_equal(desc[0].flags, NEXT | AVAIL);
	ring_device_publish(&ring);
	assert_int_equal(desc[0].flags, AVAIL | USED | WRITE);
	assert_int_equal(desc[0].id, 3);
	assert_int_equal(desc[0].len, 100);
	assert_int_equal(ring_device_base(&ring), 0x80038003);
	assert_int_equal(ring.dirty_start, 0);
	assert_int_equal(ring.dirty_end, 16);
}

static void goes_round(void **state UNUSED)
{
	static const struct {
		uint16_t slot;
		uint16_t avail, used;
	} laps[] = {
		{ 0, AVAIL, AVAIL | USED }, { 3, AVAIL, AVAIL | USED }, { 1, USED, 0 }, { 4, USED, 0 },
		{ 2, AVAIL, AVAIL | USED },
	};

	/* Chains of three in a ring of five. */
	for (size_t i = 0; i < ARRAY_SIZE(laps); i++) {
		for (uint16_t j = 0; j < 3; j++) {
			uint16_t slot = (uint16_t)(laps[i].slot + j);
			uint16_t avail = laps[i].avail;

			if (slot >= SIZE) {
				slot = (uint16_t)(slot - SIZE);
				avail = avail == AVAIL ? USED : AVAIL;
			}
			describe(&desc[slot], DATA + j * 64u, 1, (uint16_t)i, (j < 2 ? NEXT : 0) | avail);
		}
		assert_int_equal(pop(), 1);
		assert_int_equal(chain.id, i);
		ring_device_push(&ring, &chain, 0);
		ring_device_publish(&ring);
		assert_int_equal(desc[laps[i].slot].flags, laps[i].used);
		assert_int_equal(pop(), 0);
	}
}

static void shows_a_batch_through_its_first(void **state UNUSED)
{
	struct ring_chain second;

	describe(&desc[0], DATA, 1, 0, AVAIL);
	describe(&desc[1], DATA, 1, 1, AVAIL);
	ring_chain_init(&second);
	assert_int_equal(pop(), 1);
	assert_int_equal(ring_device_pop(&ring, &guest.ring, &second), 1);
	ring_device_push(&ring, &second, 0);
	ring_device_push(&ring, &chain, 0);
	assert_int_equal(desc[0].flags, AVAIL);
	ring_device_publish(&ring);
	assert_int_equal(desc[0].flags, AVAIL | USED);
	assert_int_equal(desc[0].id, 1);
	assert_int_equal(desc[1].flags, AVAIL | USED);
	assert_int_equal(desc[1].id, 0);
	ring_chain_fini(&second);
}

static void goes_on_from_its_base(void **state UNUSED)
{
	/* Second lap for the driver at slot 1, first for the device at slot 4: two slots are with the caller. */
	start(false, true, 1u | 4u << 16 | PVIRTQ_BASE_USED_WRAP);
	describe(&desc[1], DATA, 1, 7, USED);
	assert_int_equal(pop(), 1);
	assert_int_equal(chain.id, 7);
	chain.descriptors = 2; /* the one from before */
	ring_device_push(&ring, &chain, 0);
	ring_device_publish(&ring);
	assert_int_equal(desc[4].flags, AVAIL | USED);
	assert_int_equal(ring_device_base(&ring), 2u | 1u << 16);
}

static void refuses_bases(void **state UNUSED)
{
	assert_int_equal(try_start(false, false, SIZE | PVIRTQ_BASE_INITIAL, false), -EINVAL);
	assert_int_equal(try_start(false, false, SIZE << 16 | PVIRTQ_BASE_INITIAL, false), -EINVAL);
	/* The device ahead of the driver; more than a lap between them. */
	assert_int_equal(try_start(false, false, 1u << 16 | PVIRTQ_BASE_INITIAL, false), -EINVAL);
	assert_int_equal(try_start(false, false, 2u | 1u << 16 | PVIRTQ_BASE_USED_WRAP, false), -EINVAL);
}

/* What starts at slot 0 breaks the queue, for good, tracked or not. */
static void assert_breaks(bool indirect)
{
	for (int tracked = 0; tracked < 2; tracked++) {
		assert_int_equal(try_start(false, indirect, 0, tracked), 0);
		assert_int_equal(pop(), -EBADMSG);
		assert_true(ring.broken);
		assert_int_equal(pop(), -EBADMSG);
		assert_false(ring_device_enable_kick(&ring));
	}
}

static void refuses_a_chain_without_end(void **state UNUSED)
{
	for (uint16_t i = 0; i < SIZE; i++)
		describe(&desc[i], DATA, 1, 0, NEXT | AVAIL);
	assert_breaks(true);
}

static void refuses_readable_behind_writable(void **state UNUSED)
{
	describe(&desc[0], DATA, 1, 0, NEXT | WRITE | AVAIL);
	describe(&desc[1], DATA, 1, 0, AVAIL);
	assert_breaks(true);
}

static void refuses_addresses_outside_memory(void **state UNUSED)
{
	describe(&desc[0], 2 * REGION - 1, 2, 0, AVAIL);
	assert_breaks(true);
	describe(&desc[0], (uint64_t)-1, 1, 0, AVAIL);
	assert_breaks(true);
	describe(&desc[0], UINT64_MAX - GUEST_BASE, 16, 0, AVAIL);
	assert_breaks(true);
}

static void reads_an_indirect_table(void **state UNUSED)
{
	struct pvirtq_desc *table = guest_memory_at(&guest, TABLE);

	/* Links and ids inside the table mean nothing. */
	describe(&table[0], DATA, 1, 3, 0);
	describe(&table[1], DATA + 64, 2, 0, NEXT | WRITE);
	describe(&table[2], DATA + 128, 3, 0, WRITE);
	describe(&desc[0], TABLE, sizeof(table[0]) * 3, 8, INDIRECT | AVAIL);
	assert_int_equal(pop(), 1);
	assert_int_equal(chain.id, 8);
	assert_int_equal(chain.descriptors, 1);
	assert_int_equal(chain.readable_bytes, 1);
	assert_int_equal(chain.writable_bytes, 5);
}

static void refuses_bad_indirect_tables(void **state UNUSED)
{
	struct pvirtq_desc *table = guest_memory_at(&guest, TABLE);

	for (uint32_t i = 0; i <= SIZE; i++)
		describe(&table[i], DATA + i * 64, 1, 0, 0);
	describe(&desc[0], TABLE, 0, 0, INDIRECT | AVAIL);
	assert_breaks(true);
	describe(&desc[0], TABLE, 17, 0, INDIRECT | AVAIL);
	assert_breaks(true);
	describe(&desc[0], TABLE, (SIZE + 1) * 16, 0, INDIRECT | AVAIL);
	assert_breaks(true);
	describe(&desc[0], TABLE, 16, 0, INDIRECT | NEXT | AVAIL);
	describe(&desc[1], DATA, 1, 0, AVAIL);
	assert_breaks(true);
	describe(&desc[0], TABLE, 16, 0, INDIRECT | AVAIL);
	assert_breaks(false);
	describe(&table[0], TABLE, 16, 0, INDIRECT);
	assert_breaks(true);
}

/* Slots that were taken and not given back can't be offered again. */
static void bounds_what_is_in_flight(void **state UNUSED)
{
	for (int tracked = 0; tracked < 2; tracked++) {
		assert_int_equal(try_start(false, true, 0, tracked), 0);
		for (uint16_t i = 0; i < SIZE; i++)
			describe(&desc[i], DATA, 1, i, AVAIL);
		for (uint16_t i = 0; i < SIZE; i++)
			assert_int_equal(pop(), 1);
		assert_int_equal(pop(), 0);
		/* Not even those the driver has not been shown yet. */
		ring_device_push(&ring, &chain, 0);
		describe(&desc[0], DATA, 1, 0, USED);
		assert_int_equal(pop(), -EBADMSG);
	}
}

static void suppresses_kicks(void **state UNUSED)
{
	ring_device_disable_kick(&ring);
	assert_int_equal(device->flags, PVIRTQ_EVENT_F_DISABLE);
	assert_false(ring_device_enable_kick(&ring));
	assert_int_equal(device->flags, PVIRTQ_EVENT_F_ENABLE);
	describe(&desc[0], DATA, 1, 0, AVAIL);
	assert_true(ring_device_enable_kick(&ring));

	start(true, true, 4u << 16 | 4u | PVIRTQ_BASE_INITIAL);
	assert_false(ring_device_enable_kick(&ring));
	assert_int_equal(device->flags, PVIRTQ_EVENT_F_DESC);
	assert_int_equal(device->off_wrap, 4 | PVIRTQ_EVENT_WRAP);
	describe(&desc[4], DATA, 1, 0, AVAIL);
	assert_int_equal(pop(), 1);
	describe(&desc[0], DATA, 1, 0, USED);
	assert_true(ring_device_enable_kick(&ring));
	assert_int_equal(device->off_wrap, 0);
}

/* Takes and gives back count chains of one slot in one batch; whether a signal is wanted then. */
static bool answer(unsigned int count)
{
	for (unsigned int i = 0; i < count; i++) {
		describe(&desc[ring.next_avail], DATA, 1, 0, ring.avail_wrap ? AVAIL : USED);
		assert_int_equal(pop(), 1);
		ring_device_push(&ring, &chain, 0);
	}
	return ring_device_needs_signal(&ring);
}

static void signals_as_the_driver_says(void **state UNUSED)
{
	assert_true(answer(1));
	driver->flags = PVIRTQ_EVENT_F_DISABLE;
	assert_false(answer(1));

	start(true, true, 0);
	driver->flags = PVIRTQ_EVENT_F_ENABLE;
	assert_true(answer(1)); /* slot 0 */
	assert_true(answer(1)); /* 1 */
	driver->flags = PVIRTQ_EVENT_F_DESC;
	driver->off_wrap = 3 | PVIRTQ_EVENT_WRAP;
	assert_false(answer(1)); /* 2 */
	assert_true(answer(1)); /* 3 */
	assert_false(answer(1)); /* 4; now in the second lap */
	driver->off_wrap = 4 | PVIRTQ_EVENT_WRAP; /* behind */
	assert_false(answer(1)); /* 0 */
	driver->off_wrap = 3;
	assert_false(answer(2)); /* 1, 2 */
	assert_true(answer(3)); /* 3, 4, and 0 of the third lap */
	driver->off_wrap = 0;
	assert_false(answer(1)); /* 1 */
	driver->off_wrap = 2; /* of the lap before, behind */
	assert_false(answer(1)); /* 2 */
}

/* An event that was passed two laps ago looks as if it were ahead. */
static void signals_after_laps_unasked(void **state UNUSED)
{
	start(true, true, 0);
	assert_true(answer(1));
	driver->flags = PVIRTQ_EVENT_F_DESC;
	driver->off_wrap = 2 | PVIRTQ_EVENT_WRAP;
	for (unsigned int i = 0; i < 10; i++) {
		describe(&desc[ring.next_avail], DATA, 1, 0, ring.avail_wrap ? AVAIL : USED);
		assert_int_equal(pop(), 1);
		ring_device_push(&ring, &chain, 0);
		ring_device_publish(&ring);
	}
	assert_true(ring_device_needs_signal(&ring));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_a_chain_and_gives_it_back),
		TEST(goes_round),
		TEST(shows_a_batch_through_its_first),
		TEST(goes_on_from_its_base),
		TEST(refuses_bases),
		TEST(refuses_a_chain_without_end),
		TEST(refuses_readable_behind_writable),
		TEST(refuses_addresses_outside_memory),
		TEST(reads_an_indirect_table),
		TEST(refuses_bad_indirect_tables),
		TEST(bounds_what_is_in_flight),
		TEST(suppresses_kicks),
		TEST(signals_as_the_driver_says),
		TEST(signals_after_laps_unasked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
