/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Driver and device in two threads that sleep whenever the ring says they may. Looking once more after asking to be
 * woken is what this is about: without it somebody sleeps that nobody wakes. (A missing barrier would show too, but not
 * in this number of chains.)
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "guest_memory.h"
#include "ring/driver.h"

#define SIZE 16u
#define TABLE_ENTRIES 4u
#define CHAINS 60000u
#define DRIVER 0x400u
#define DEVICE 0x800u
#define TABLES 0x1000u
#define DATA 0x2000u
#define BYTES 0x4000u

struct pair {
	struct guest_memory guest;
	struct ring_driver *driver;
	struct ring_device device;
	int kick, call;
	unsigned int lost; /* sleeps nobody ended, seen by the device */
	unsigned int wrong; /* chains that arrived otherwise than offered */
};

/* Sleeps until somebody writes to fd; false after far too long. */
static bool sleep_on(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };
	uint64_t value;

	return poll(&pollfd, 1, 10000) == 1 && read(fd, &value, sizeof(value)) == sizeof(value);
}

static void wake(int fd)
{
	uint64_t one = 1;

	(void)!write(fd, &one, sizeof(one));
}

/* Answers all chains, in batches as they come; chain n has n % 4 + 1 buffers. */
static void *serve(void *data)
{
	struct pair *pair = data;
	struct ring_chain chain;
	unsigned int served = 0;

	ring_chain_init(&chain);
	while (served < CHAINS) {
		unsigned int batch = 0;

		ring_device_disable_kick(&pair->device);
		while (ring_device_pop(&pair->device, &pair->guest.ring, &chain) == 1) {
			if (chain.writable_bytes != (served % 4 + 1) * 16)
				pair->wrong++;
			ring_device_push(&pair->device, &chain, served % 16);
			served++;
			batch++;
		}
		if (batch > 0 && ring_device_needs_signal(&pair->device))
			wake(pair->call);
		if (pair->device.broken)
			break;
		if (served < CHAINS && !ring_device_enable_kick(&pair->device) && !sleep_on(pair->kick)) {
			pair->lost++;
			break;
		}
	}
	ring_chain_fini(&chain);
	return NULL;
}

static void run(bool packed, bool event_idx, bool indirect)
{
	struct pair pair = { .kick = eventfd(0, EFD_CLOEXEC), .call = eventfd(0, EFD_CLOEXEC) };
	struct ring_driver_config config = { .size = SIZE,
					     .packed = packed,
					     .event_idx = event_idx,
					     .tables_address = GUEST_BASE + TABLES,
					     .table_entries = TABLE_ENTRIES };
	struct ring_config device = { .size = SIZE, .packed = packed, .event_idx = event_idx, .indirect = indirect };
	struct ring_buffer buffers[4];
	unsigned int offered = 0, got = 0;
	pthread_t thread;
	bool lost = false;

	guest_memory_init(&pair.guest, BYTES);
	config.desc = device.desc = guest_memory_at(&pair.guest, 0);
	config.driver = device.driver = guest_memory_at(&pair.guest, DRIVER);
	config.device = device.device = guest_memory_at(&pair.guest, DEVICE);
	config.tables = indirect ? guest_memory_at(&pair.guest, TABLES) : NULL;
	assert_int_equal(ring_driver_new(&config, &pair.driver), 0);
	assert_int_equal(ring_device_init(&pair.device, &device), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(buffers); i++)
		buffers[i] = (struct ring_buffer){ GUEST_BASE + DATA + i * 64, 16 };
	assert_int_equal(pthread_create(&thread, NULL, serve, &pair), 0);
	while (got < CHAINS && !lost) {
		uint32_t written;
		void *token;

		ring_driver_disable_signal(pair.driver);
		while (ring_driver_get(pair.driver, &token, &written) == 1) {
			assert_int_equal((uintptr_t)token, got + 1);
			assert_int_equal(written, got % 16);
			got++;
		}
		while (offered < CHAINS &&
		       ring_driver_add(pair.driver, buffers, 0, offered % 4 + 1, (void *)(uintptr_t)(offered + 1)) == 0)
			offered++;
		if (ring_driver_publish(pair.driver))
			wake(pair.kick);
		if (got < CHAINS && !ring_driver_enable_signal(pair.driver))
			lost = !sleep_on(pair.call);
	}
	pthread_join(thread, NULL);
	assert_false(lost);
	assert_int_equal(pair.lost, 0);
	assert_int_equal(pair.wrong, 0);
	assert_false(pair.device.broken);
	ring_device_fini(&pair.device);
	ring_driver_free(pair.driver);
	guest_memory_fini(&pair.guest);
	close(pair.kick);
	close(pair.call);
}

static void nobody_sleeps_for_ever_split(void **state UNUSED)
{
	run(false, false, false);
	run(false, true, false);
	run(false, true, true);
}

static void nobody_sleeps_for_ever_packed(void **state UNUSED)
{
	run(true, false, false);
	run(true, true, false);
	run(true, true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_sleeps_for_ever_split),
		cmocka_unit_test(nobody_sleeps_for_ever_packed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
