/* SPDX-License-Identifier: BSD-3-Clause */
/* The split ring's device side against a driver that writes the ring by hand, well and badly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "guest_memory.h"
#include "wire/virtio_ring.h"

#define SIZE 8u
#define DESC 0x0u
#define AVAIL 0x1000u
#define USED 0x2000u
#define TABLE 0x3000u
#define DATA 0x4000u
#define REGION 0x8000u /* the second region begins here */

static struct guest_memory guest;
static struct ring_device ring;
static struct ring_chain chain;
static struct virtq_desc *desc;
static struct virtq_avail *avail;
static struct virtq_used *used;

static void start(bool event_idx, bool indirect, uint16_t base)
{
	struct ring_config config = { .size = SIZE,
				      .event_idx = event_idx,
				      .indirect = indirect,
				      .desc = desc,
				      .driver = avail,
				      .device = used,
				      .base = base };

	avail->idx = base;
	used->idx = base;
	assert_int_equal(ring_device_init(&ring, &config), 0);
}

static int set_up(void **state UNUSED)
{
	guest_memory_init(&guest, REGION);
	desc = guest_memory_at(&guest, DESC);
	avail = guest_memory_at(&guest, AVAIL);
	used = guest_memory_at(&guest, USED);
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

static void describe(struct virtq_desc *at, uint64_t offset, uint32_t len, uint16_t flags, uint16_t next)
{
	*at = (struct virtq_desc){ GUEST_BASE + offset, len, flags, next };
}

static void offer(uint16_t head)
{
	avail->ring[avail->idx % SIZE] = head;
	avail->idx++;
}

static int pop(void)
{
	return ring_device_pop(&ring, &guest.ring, &chain);
}

static void takes_a_chain_and_gives_it_back(void **state UNUSED)
{
	describe(&desc[2], DATA, 40, VIRTQ_DESC_F_NEXT, 5);
	describe(&desc[5], DATA + 0x100, 16, VIRTQ_DESC_F_NEXT, 0);
	describe(&desc[0], DATA + 0x200, 16, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE, 1);
	describe(&desc[1], DATA + 0x300, 0x1000, VIRTQ_DESC_F_WRITE, 0);
	assert_int_equal(pop(), 0);
	offer(2);
	assert_int_equal(pop(), 1);
	assert_int_equal(chain.id, 2);
	assert_int_equal(chain.sequence, 1);
	assert_int_equal(chain.readable_count, 2);
	assert_int_equal(chain.readable_bytes, 56);
	assert_int_equal(chain.writable_count, 2);
	assert_int_equal(chain.writable_bytes, 0x1010);
	assert_ptr_equal(chain.iov[0].iov_base, guest_memory_at(&guest, DATA));
	assert_ptr_equal(chain.iov[3].iov_base, guest_memory_at(&guest, DATA + 0x300));
	assert_int_equal(pop(), 0);

	ring_device_push(&ring, &chain, 32);
	assert_int_equal(used->idx, 0);
	ring_device_publish(&ring);
	assert_int_equal(used->idx, 1);
	assert_int_equal(used->ring[0].id, 2);
	assert_int_equal(used->ring[0].len, 32);
	assert_int_equal(ring_device_base(&ring), 1);
}

static void never_claims_more_than_fits(void **state UNUSED)
{
	describe(&desc[0], DATA, 40, VIRTQ_DESC_F_WRITE, 0);
	offer(0);
	assert_int_equal(pop(), 1);
	ring_device_push(&ring, &chain, 41);
	ring_device_publish(&ring);
	assert_int_equal(used->ring[0].len, 40);
}

static void merges_neighbours(void **state UNUSED)
{
	/* Readable neighbours, one empty between them; writable right behind, which must stay apart; a gap. */
	describe(&desc[0], DATA, 16, VIRTQ_DESC_F_NEXT, 1);
	describe(&desc[1], DATA + 0x900, 0, VIRTQ_DESC_F_NEXT, 2);
	describe(&desc[2], DATA + 16, 16, VIRTQ_DESC_F_NEXT, 3);
	describe(&desc[3], DATA + 32, 16, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE, 4);
	describe(&desc[4], DATA + 48, 16, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE, 5);
	describe(&desc[5], DATA + 80, 16, VIRTQ_DESC_F_WRITE, 0);
	offer(0);
	assert_int_equal(pop(), 1);
	assert_int_equal(chain.readable_count, 1);
	assert_int_equal(chain.readable_bytes, 32);
	assert_int_equal(chain.iov[0].iov_len, 32);
	assert_int_equal(chain.writable_count, 2);
	assert_int_equal(chain.iov[1].iov_len, 32);
	assert_int_equal(chain.iov[2].iov_len, 16);
}

/* Buffers that meet in host memory by chance are not one range of guest memory. */
static void does_not_merge_what_is_apart_for_the_guest(void **state UNUSED)
{
	char *memory = calloc(2, REGION);
	struct guest_memory swapped = { .ring.map = guest_memory_map,
					.length = REGION,
					.regions = { memory + REGION, memory } };

	describe(&desc[0], 2 * REGION - 8, 8, VIRTQ_DESC_F_NEXT, 1);
	describe(&desc[1], 0, 8, 0, 0);
	offer(0);
	assert_int_equal(ring_device_pop(&ring, &swapped.ring, &chain), 1);
	assert_int_equal(chain.readable_count, 2);
	assert_ptr_equal((char *)chain.iov[0].iov_base + 8, chain.iov[1].iov_base);
	free(memory);
}

static void splits_at_regions(void **state UNUSED)
{
	describe(&desc[0], REGION - 8, 24, 0, 0);
	offer(0);
	assert_int_equal(pop(), 1);
	assert_int_equal(chain.readable_count, 2);
	assert_int_equal(chain.iov[0].iov_len, 8);
	assert_ptr_equal(chain.iov[1].iov_base, guest.regions[1]);
	assert_int_equal(chain.iov[1].iov_len, 16);
}

static void reads_an_indirect_table_in_its_own_order(void **state UNUSED)
{
	/* Unaligned, across the border of two regions, behind a direct buffer. */
	size_t at = REGION - 21;
	struct virtq_desc table[3];

	describe(&table[0], DATA + 0x100, 1, VIRTQ_DESC_F_NEXT, 2);
	describe(&table[2], DATA + 0x200, 2, VIRTQ_DESC_F_NEXT, 1);
	describe(&table[1], DATA + 0x300, 3, VIRTQ_DESC_F_WRITE, 77);
	memcpy(guest_memory_at(&guest, at), table, 21);
	memcpy(guest.regions[1], (char *)table + 21, sizeof(table) - 21);
	describe(&desc[1], DATA, 40, VIRTQ_DESC_F_NEXT, 6);
	describe(&desc[6], at, sizeof(table), VIRTQ_DESC_F_INDIRECT | VIRTQ_DESC_F_WRITE, 0);
	offer(1);
	assert_int_equal(pop(), 1);
	assert_int_equal(chain.readable_count, 3);
	assert_int_equal(chain.readable_bytes, 43);
	assert_int_equal(chain.writable_bytes, 3);
	assert_int_equal(chain.iov[2].iov_len, 2);
	assert_ptr_equal(chain.iov[3].iov_base, guest_memory_at(&guest, DATA + 0x300));
}

/* The chain at head 0 breaks the queue, for good. */
static void assert_breaks(void)
{
	offer(0);
	assert_int_equal(pop(), -EBADMSG);
	assert_true(ring.broken);
	describe(&desc[0], DATA, 16, 0, 0);
	assert_int_equal(pop(), -EBADMSG);
	assert_false(ring_device_enable_kick(&ring));
}

static void refuses_a_loop(void **state UNUSED)
{
	describe(&desc[0], DATA, 1, VIRTQ_DESC_F_NEXT, 1);
	describe(&desc[1], DATA, 1, VIRTQ_DESC_F_NEXT, 0);
	assert_breaks();
}

static void refuses_a_link_out_of_the_table(void **state UNUSED)
{
	describe(&desc[0], DATA, 1, VIRTQ_DESC_F_NEXT, SIZE);
	assert_breaks();
}

static void refuses_a_head_out_of_the_table(void **state UNUSED)
{
	offer(SIZE);
	assert_int_equal(pop(), -EBADMSG);
}

static void refuses_readable_behind_writable(void **state UNUSED)
{
	describe(&desc[0], DATA, 1, VIRTQ_DESC_F_NEXT | VIRTQ_DESC_F_WRITE, 1);
	describe(&desc[1], DATA, 1, 0, 0);
	assert_breaks();
}

static void refuses_addresses_outside_memory(void **state UNUSED)
{
	static const struct virtq_desc bad[] = {
		{ 0, 1, 0, 0 },
		{ GUEST_BASE - 1, 2, 0, 0 },
		{ GUEST_BASE + 2 * REGION - 1, 2, 0, 0 },
		{ GUEST_BASE, UINT32_MAX, 0, 0 },
		{ UINT64_MAX, 1, 0, 0 },
		{ UINT64_MAX - 15, 32, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		start(false, true, 0);
		desc[0] = bad[i];
		assert_breaks();
	}
}

static void refuses_bad_indirect_tables(void **state UNUSED)
{
	struct virtq_desc *table = guest_memory_at(&guest, TABLE);
	static const struct {
		uint64_t offset;
		uint32_t len;
		uint16_t flags;
	} bad[] = {
		{ TABLE, 0, VIRTQ_DESC_F_INDIRECT },
		{ TABLE, 24, VIRTQ_DESC_F_INDIRECT },
		{ TABLE, (SIZE + 1) * 16, VIRTQ_DESC_F_INDIRECT },
		{ TABLE, UINT32_MAX & ~15u, VIRTQ_DESC_F_INDIRECT },
		{ TABLE, 16, VIRTQ_DESC_F_INDIRECT | VIRTQ_DESC_F_NEXT },
		{ 2 * REGION - 16, 32, VIRTQ_DESC_F_INDIRECT },
		{ UINT64_MAX - 7, 16, VIRTQ_DESC_F_INDIRECT },
	};

	describe(&table[0], DATA, 1, 0, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		start(false, true, 0);
		describe(&desc[0], bad[i].offset, bad[i].len, bad[i].flags, 1);
		describe(&desc[1], DATA, 1, 0, 0);
		assert_breaks();
	}

	/* Nested; a link out of the table; a loop; not negotiated. */
	start(false, true, 0);
	describe(&desc[0], TABLE, 32, VIRTQ_DESC_F_INDIRECT, 0);
	describe(&table[0], TABLE + 16, 16, VIRTQ_DESC_F_INDIRECT, 0);
	describe(&table[1], DATA, 1, 0, 0);
	assert_breaks();
	start(false, true, 0);
	describe(&desc[0], TABLE, 32, VIRTQ_DESC_F_INDIRECT, 0);
	describe(&table[0], DATA, 1, VIRTQ_DESC_F_NEXT, 2);
	assert_breaks();
	start(false, true, 0);
	describe(&desc[0], TABLE, 32, VIRTQ_DESC_F_INDIRECT, 0);
	describe(&table[0], DATA, 1, VIRTQ_DESC_F_NEXT, 0);
	assert_breaks();
	start(false, false, 0);
	describe(&desc[0], TABLE, 16, VIRTQ_DESC_F_INDIRECT, 0);
	describe(&table[0], DATA, 1, 0, 0);
	assert_breaks();
}

/* Direct and indirect buffers count together. */
static void bounds_a_chain_by_the_queue_size(void **state UNUSED)
{
	struct virtq_desc *table = guest_memory_at(&guest, TABLE);

	for (uint16_t i = 0; i < SIZE; i++)
		describe(&table[i], DATA + i * 32u, 16, i + 1u < SIZE ? VIRTQ_DESC_F_NEXT : 0, (uint16_t)(i + 1));
	describe(&desc[0], TABLE, SIZE * 16, VIRTQ_DESC_F_INDIRECT, 0);
	offer(0);
	assert_int_equal(pop(), 1);
	assert_int_equal(chain.readable_count, SIZE);
	describe(&desc[0], DATA + 0x800, 16, VIRTQ_DESC_F_NEXT, 1);
	describe(&desc[1], TABLE, SIZE * 16, VIRTQ_DESC_F_INDIRECT, 0);
	assert_breaks();
}

static void refuses_an_index_that_jumps(void **state UNUSED)
{
	describe(&desc[0], DATA, 1, 0, 0);
	avail->idx = SIZE + 1;
	assert_int_equal(pop(), -EBADMSG);
	start(false, true, 5);
	avail->idx = 4;
	assert_int_equal(pop(), -EBADMSG);
}

/* The same head again and again, never waiting for an answer, must not grow the number in flight without end. */
static void bounds_what_is_in_flight(void **state UNUSED)
{
	describe(&desc[0], DATA, 1, 0, 0);
	for (unsigned int i = 0; i < SIZE; i++) {
		offer(0);
		assert_int_equal(pop(), 1);
	}
	ring_device_push(&ring, &chain, 0);
	offer(0);
	assert_int_equal(pop(), -EBADMSG);
}

static void reads_each_descriptor_through_one_mapping(void **state UNUSED)
{
	describe(&desc[0], DATA, 1, VIRTQ_DESC_F_NEXT, 1);
	describe(&desc[1], DATA + 64, 1, 0, 0);
	offer(0);
	assert_int_equal(pop(), 1); /* grows the array */
	ring_device_push(&ring, &chain, 0);
	ring_device_publish(&ring);
	guest.maps = 0;
	offer(0);
	assert_int_equal(pop(), 1);
	assert_int_equal(guest.maps, 2);
}

static void suppresses_kicks_by_flag(void **state UNUSED)
{
	ring_device_disable_kick(&ring);
	assert_int_equal(used->flags, VIRTQ_USED_F_NO_NOTIFY);
	assert_false(ring_device_enable_kick(&ring));
	assert_int_equal(used->flags, 0);
	offer(0);
	assert_true(ring_device_enable_kick(&ring));
}

static void suppresses_kicks_by_event(void **state UNUSED)
{
	uint16_t *avail_event = (uint16_t *)(void *)&used->ring[SIZE];

	start(true, true, 0xfffe);
	assert_false(ring_device_enable_kick(&ring));
	assert_int_equal(*avail_event, 0xfffe);
	describe(&desc[0], DATA, 1, 0, 0);
	for (unsigned int i = 0; i < 3; i++) {
		offer(0);
		assert_true(ring_device_enable_kick(&ring));
		assert_int_equal(pop(), 1);
	}
	assert_false(ring_device_enable_kick(&ring));
	assert_int_equal(*avail_event, 1);
}

/* Gives back count chains in one batch; whether a signal is wanted then. */
static bool answer(unsigned int count)
{
	describe(&desc[0], DATA, 1, 0, 0);
	for (unsigned int i = 0; i < count; i++) {
		offer(0);
		assert_int_equal(pop(), 1);
		ring_device_push(&ring, &chain, 0);
	}
	ring_device_publish(&ring);
	return ring_device_needs_signal(&ring);
}

static void signals_as_the_flag_says(void **state UNUSED)
{
	assert_false(ring_device_needs_signal(&ring));
	assert_true(answer(1));
	assert_false(ring_device_needs_signal(&ring));
	avail->flags = VIRTQ_AVAIL_F_NO_INTERRUPT;
	assert_false(answer(1));
}

static void signals_as_the_event_says(void **state UNUSED)
{
	uint16_t *used_event = &avail->ring[SIZE];

	start(true, true, 0xfffc);
	*used_event = 0xfffd;
	assert_true(answer(1)); /* the first after a start, in doubt */
	assert_true(answer(1)); /* passes 0xfffd */
	assert_false(answer(1));
	*used_event = 1;
	assert_false(answer(2)); /* now at 1 */
	assert_true(answer(3)); /* in the middle of a batch */
	assert_false(answer(1));
}

static void reports_what_it_wrote(void **state UNUSED)
{
	describe(&desc[0], DATA, 1, 0, 0);
	assert_int_equal(ring.dirty_end, 0);
	offer(0);
	pop();
	ring_device_push(&ring, &chain, 0);
	assert_int_equal(ring.dirty_start, 4);
	assert_int_equal(ring.dirty_end, 12);
	ring_device_publish(&ring);
	assert_int_equal(ring.dirty_start, 2);
	assert_int_equal(ring.dirty_end, 12);
	ring.dirty_start = ring.dirty_end = 0;
	offer(0);
	pop();
	ring_device_push(&ring, &chain, 0);
	assert_int_equal(ring.dirty_start, 12);
	assert_int_equal(ring.dirty_end, 20);
}

static void goes_on_from_its_base(void **state UNUSED)
{
	start(false, true, 100);
	used->idx = 98; /* two requests still wait elsewhere */
	avail->idx = 100;
	struct ring_config config = ring.config;
	assert_int_equal(ring_device_init(&ring, &config), 0);
	describe(&desc[3], DATA, 1, 0, 0);
	offer(3);
	assert_int_equal(pop(), 1);
	assert_int_equal(chain.id, 3);
	ring_device_push(&ring, &chain, 0);
	ring_device_publish(&ring);
	assert_int_equal(used->idx, 99);
	assert_int_equal(ring_device_base(&ring), 101);
}

static void refuses_sizes(void **state UNUSED)
{
	static const uint32_t sizes[] = { 0, 1, 3, 12, 32769, 65536 };
	struct ring_config config = ring.config;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		config.size = sizes[i];
		assert_int_equal(ring_device_init(&ring, &config), -EINVAL);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(takes_a_chain_and_gives_it_back),
		TEST(never_claims_more_than_fits),
		TEST(merges_neighbours),
		TEST(does_not_merge_what_is_apart_for_the_guest),
		TEST(splits_at_regions),
		TEST(reads_an_indirect_table_in_its_own_order),
		TEST(refuses_a_loop),
		TEST(refuses_a_link_out_of_the_table),
		TEST(refuses_a_head_out_of_the_table),
		TEST(refuses_readable_behind_writable),
		TEST(refuses_addresses_outside_memory),
		TEST(refuses_bad_indirect_tables),
		TEST(bounds_a_chain_by_the_queue_size),
		TEST(refuses_an_index_that_jumps),
		TEST(bounds_what_is_in_flight),
		TEST(reads_each_descriptor_through_one_mapping),
		TEST(suppresses_kicks_by_flag),
		TEST(suppresses_kicks_by_event),
		TEST(signals_as_the_flag_says),
		TEST(signals_as_the_event_says),
		TEST(reports_what_it_wrote),
		TEST(goes_on_from_its_base),
		TEST(refuses_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
