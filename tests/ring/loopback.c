/* SPDX-License-Identifier: BSD-3-Clause */
/* Driver and device on every kind of ring, with random work, and nobody may sleep through what concerns him. */
#include "world.h"

static void run(const struct world_kind *kind, uint64_t chains)
{
	bool device_asleep = false, driver_asleep = false, signalled = false;
	struct world world;

	world_init(&world, kind, kind->size + chains);
	while (world.got < chains) {
		/* Driver: woken by a signal, collects, offers, sleeps or not. */
		if (!driver_asleep || signalled) {
			driver_asleep = signalled = false;
			if (world_random(&world, 2))
				ring_driver_disable_signal(world.driver);
			while (world_get(&world))
				;
			for (uint32_t i = world_random(&world, WORLD_OFFERS); i > 0 && world_offer(&world); i--)
				if (world_random(&world, 8) == 0 && ring_driver_publish(world.driver))
					device_asleep = false;
			if (ring_driver_publish(world.driver))
				device_asleep = false;
			if (world_random(&world, 2) && world.offered > world.got)
				driver_asleep = !ring_driver_enable_signal(world.driver);
		}
		/* Device: woken by a kick, takes, gives back some, sleeps or not. */
		if (!device_asleep) {
			if (world_random(&world, 2))
				ring_device_disable_kick(&world.device);
			while (world_random(&world, 16) && world_take(&world))
				;
			if (world_random(&world, 4) == 0) {
				while (world_take(&world))
					;
				device_asleep =
				    world.taken_count < WORLD_OFFERS && !ring_device_enable_kick(&world.device);
			}
		} else {
			/* Asleep: all that was published before it slept is taken. */
			assert_int_equal(
			    ring_device_pop(&world.device, &world.guest.ring, &world.taken[world.taken_count].chain),
			    0);
		}
		/* Completions come whether asleep or not. */
		for (uint32_t i = world_random(&world, WORLD_OFFERS); i > 0 && world.taken_count > 0; i--) {
			world_give(&world);
			if (world_random(&world, 4) == 0)
				ring_device_publish(&world.device);
		}
		if (world_random(&world, 2)) {
			ring_device_publish(&world.device);
			if (ring_device_needs_signal(&world.device))
				signalled = true;
		}
		/* All is answered and both sleep: there must be a signal on its way. */
		if (device_asleep && driver_asleep && !signalled && world.taken_count == 0) {
			signalled = ring_device_needs_signal(&world.device);
			assert_true(signalled);
		}
	}
	world_fini(&world);
}

static void each_kind(uint32_t size, bool split, uint64_t chains)
{
	for (unsigned int bits = 0; bits < 16; bits++) {
		struct world_kind kind = { size, bits & 1, bits & 2, bits & 4, bits & 8 };

		if (kind.packed || split)
			run(&kind, chains);
	}
}

static void works_with_two_descriptors(void **state UNUSED)
{
	each_kind(2, true, 2000);
}

static void works_past_the_index_wrap(void **state UNUSED)
{
	each_kind(8, true, 70000);
}

static void works_with_odd_sizes(void **state UNUSED)
{
	each_kind(3, false, 2000);
	each_kind(7, false, 2000);
	each_kind(100, false, 5000);
}

static void works_with_usual_sizes(void **state UNUSED)
{
	each_kind(64, true, 5000);
	each_kind(128, true, 5000);
	each_kind(1024, true, 5000);
}

static void works_with_the_largest_size(void **state UNUSED)
{
	static const struct world_kind kinds[] = {
		{ RING_SIZE_MAX, false, true, true, false },  { RING_SIZE_MAX, false, true, false, true },
		{ RING_SIZE_MAX, true, true, true, true },    { RING_SIZE_MAX, true, true, false, true },
		{ RING_SIZE_MAX, true, false, false, false },
	};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		run(&kinds[i], 70000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(works_with_two_descriptors),  cmocka_unit_test(works_past_the_index_wrap),
		cmocka_unit_test(works_with_odd_sizes),        cmocka_unit_test(works_with_usual_sizes),
		cmocka_unit_test(works_with_the_largest_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
