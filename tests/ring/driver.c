/* SPDX-License-Identifier: BSD-3-Clause */
/* The driver side against a device that lies. That it works with one that does not is shown in loopback.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "ring/driver.h"
#include "wire/virtio_ring.h"

#define SIZE 4u

static uint64_t desc[SIZE * 2] __attribute__((aligned(16)));
static uint64_t driver_area[4], device_area[8];
static struct virtq_used *const used = (void *)device_area;
static struct pvirtq_desc *const slots = (void *)desc;
static struct ring_driver *ring;
static int tokens[SIZE + 1];

static const struct ring_buffer request[] = { { 0x1000, 40 }, { 0x2000, 16 }, { 0x3000, 100 } };

static void start(bool packed)
{
	struct ring_driver_config config = {
		.size = SIZE, .packed = packed, .desc = desc, .driver = driver_area, .device = device_area
	};

	ring_driver_free(ring);
	assert_int_equal(ring_driver_new(&config, &ring), 0);
}

/* Offers request with 40 readable and 16 writable bytes. */
static void offer(void *token)
{
	assert_int_equal(ring_driver_add(ring, request, 1, 1, token), 0);
}

static void use_split(uint32_t id, uint32_t written)
{
	used->ring[used->idx % SIZE] = (struct virtq_used_elem){ id, written };
	used->idx++;
}

static void use_packed(uint16_t slot, uint16_t id, uint32_t written)
{
	slots[slot].id = id;
	slots[slot].len = written;
	slots[slot].flags = VIRTQ_DESC_F_AVAIL | VIRTQ_DESC_F_USED;
}

static int get(void **ret_token, uint32_t *ret_written)
{
	return ring_driver_get(ring, ret_token, ret_written);
}

static int tear_down(void **state UNUSED)
{
	ring_driver_free(ring);
	ring = NULL;
	return 0;
}

static void gets_what_was_offered(void **state UNUSED)
{
	uint32_t written = 0;
	void *token = NULL;

	start(false);
	offer(&tokens[0]);
	offer(&tokens[1]);
	assert_true(ring_driver_publish(ring));
	use_split(2, 16);
	assert_int_equal(get(&token, &written), 1);
	assert_ptr_equal(token, &tokens[1]);
	assert_int_equal(written, 16);
	use_split(0, 0);
	assert_int_equal(get(&token, &written), 1);
	assert_ptr_equal(token, &tokens[0]);
	assert_int_equal(get(&token, &written), 0);
}

static void assert_broken(void)
{
	uint32_t written;
	void *token;

	assert_int_equal(get(&token, &written), -EBADMSG);
	assert_int_equal(get(&token, &written), -EBADMSG);
	assert_int_equal(ring_driver_add(ring, request, 1, 0, &tokens[0]), -EBADMSG);
	assert_false(ring_driver_publish(ring));
	assert_false(ring_driver_enable_signal(ring));
}

static void refuses_lies_of_a_split_device(void **state UNUSED)
{
	uint32_t written;
	void *token;

	/* Never offered; no head; out of range; a longer reply than fits; an index that jumps; too early. */
	static const struct virtq_used_elem lies[] = { { 2, 0 }, { 1, 0 }, { SIZE, 0 }, { 0x10000, 0 }, { 0, 17 } };

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		start(false);
		offer(&tokens[0]);
		ring_driver_publish(ring);
		use_split(lies[i].id, lies[i].len);
		assert_broken();
	}
	start(false);
	offer(&tokens[0]);
	ring_driver_publish(ring);
	used->idx = 2;
	assert_broken();
	start(false);
	offer(&tokens[0]);
	use_split(0, 0);
	assert_broken();
	/* Twice. */
	start(false);
	offer(&tokens[0]);
	offer(&tokens[1]);
	ring_driver_publish(ring);
	use_split(0, 0);
	use_split(0, 0);
	assert_int_equal(get(&token, &written), 1);
	assert_broken();
}

static void refuses_lies_of_a_packed_device(void **state UNUSED)
{
	static const struct {
		uint16_t id;
		uint32_t written;
	} lies[] = { { 1, 0 }, { SIZE, 0 }, { 0xffff, 0 }, { 0, 17 } };
	uint32_t written;
	void *token;

	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		start(true);
		offer(&tokens[0]);
		ring_driver_publish(ring);
		use_packed(0, lies[i].id, lies[i].written);
		assert_broken();
	}
	/* Not shown yet; nothing out; twice. */
	start(true);
	offer(&tokens[0]);
	use_packed(0, 0, 0);
	assert_broken();
	start(true);
	use_packed(0, 0, 0);
	assert_broken();
	start(true);
	offer(&tokens[0]);
	offer(&tokens[1]);
	ring_driver_publish(ring);
	use_packed(0, 0, 0);
	use_packed(2, 0, 0);
	assert_int_equal(get(&token, &written), 1);
	assert_broken();
}

static void says_when_it_does_not_fit(void **state UNUSED)
{
	static const struct ring_buffer large[] = { { 0, UINT32_MAX }, { 0, 2 } };
	struct ring_buffer many[SIZE + 1] = { { 0x1000, 1 } };

	for (int packed = 0; packed < 2; packed++) {
		start(packed);
		assert_int_equal(ring_driver_add(ring, request, 0, 0, &tokens[0]), -EINVAL);
		assert_int_equal(ring_driver_add(ring, request, 1, 0, NULL), -EINVAL);
		assert_int_equal(ring_driver_add(ring, large, 2, 0, &tokens[0]), -EINVAL);
		assert_int_equal(ring_driver_add(ring, many, SIZE, 1, &tokens[0]), -E2BIG);
		assert_int_equal(ring_driver_add(ring, request, 2, 1, &tokens[0]), 0);
		assert_int_equal(ring_driver_room(ring), 1);
		assert_int_equal(ring_driver_add(ring, request, 1, 1, &tokens[1]), -ENOSPC);
		assert_int_equal(ring_driver_add(ring, request, 1, 0, &tokens[1]), 0);
		assert_int_equal(ring_driver_add(ring, request, 1, 0, &tokens[2]), -ENOSPC);
	}
}

static void gives_up_what_is_out(void **state UNUSED)
{
	for (int packed = 0; packed < 2; packed++) {
		start(packed);
		offer(&tokens[0]);
		ring_driver_publish(ring);
		offer(&tokens[1]);
		assert_ptr_equal(ring_driver_detach(ring), &tokens[0]);
		assert_ptr_equal(ring_driver_detach(ring), &tokens[1]);
		assert_null(ring_driver_detach(ring));
	}
}

static void refuses_bad_settings(void **state UNUSED)
{
	struct ring_driver_config config = { .size = 3, .desc = desc, .driver = driver_area, .device = device_area };
	struct ring_driver *none = NULL;

	assert_int_equal(ring_driver_new(&config, &none), -EINVAL);
	config.size = 65536;
	assert_int_equal(ring_driver_new(&config, &none), -EINVAL);
	config.size = SIZE;
	config.desc = (char *)desc + 8;
	assert_int_equal(ring_driver_new(&config, &none), -EINVAL);
	assert_null(none);
}

#define TEST(function) cmocka_unit_test_teardown(function, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gets_what_was_offered),
		TEST(refuses_lies_of_a_split_device),
		TEST(refuses_lies_of_a_packed_device),
		TEST(says_when_it_does_not_fit),
		TEST(gives_up_what_is_out),
		TEST(refuses_bad_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
