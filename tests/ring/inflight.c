/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Recovery from the in-flight region. The main test runs a device in a child, instruction by instruction; whenever
 * shared memory has changed it supposes that the child died just there, recovers on a copy of the memory, serves to the
 * end and demands that the driver gets each chain back once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guest_memory.h"
#include "ring/driver.h"
#include "ring/driver_formats.h"
#include "ring/inflight.h"
#include "wire/vhost_inflight.h"
#include "wire/virtio_ring.h"

#define SIZE 8u
#define DRIVER 0x400u
#define DEVICE 0x800u
#define REGION 0xc00u
#define TABLES 0x1000u
#define CHANGING 0x1000u /* what is compared to see a change: all before the tables */
#define DATA 0x2000u
#define BYTES 0x4000u

/* All that outlives a device, and the driver. */
struct scene {
	struct guest_memory guest;
	struct ring_driver *driver;
	bool packed;
};

static int tokens[64];
static unsigned int offered; /* token number of the next chain */

static void *at(const struct scene *scene, size_t offset)
{
	return guest_memory_at(&scene->guest, offset);
}

static struct ring_config device_config(const struct scene *scene)
{
	return (struct ring_config){ .size = SIZE,
				     .packed = scene->packed,
				     .indirect = true,
				     .event_idx = true,
				     .desc = at(scene, 0),
				     .driver = at(scene, DRIVER),
				     .device = at(scene, DEVICE),
				     .inflight = at(scene, REGION) };
}

static void scene_init(struct scene *scene, bool packed)
{
	struct ring_driver_config config = { .size = SIZE, .packed = packed, .event_idx = true, .table_entries = 2 };
	char *memory = mmap(NULL, 2 * BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(memory, MAP_FAILED);
	*scene = (struct scene){
		.guest = { .ring.map = guest_memory_map, .length = BYTES, .regions = { memory, memory + BYTES } },
		.packed = packed
	};
	config.desc = at(scene, 0);
	config.driver = at(scene, DRIVER);
	config.device = at(scene, DEVICE);
	config.tables = at(scene, TABLES);
	config.tables_address = GUEST_BASE + TABLES;
	assert_int_equal(ring_driver_new(&config, &scene->driver), 0);
	offered = 0;
}

static void scene_fini(struct scene *scene)
{
	ring_driver_free(scene->driver);
	munmap(scene->guest.regions[0], 2 * BYTES);
}

/* The same scene in memory of its own, as it stands now. */
static void scene_clone(struct scene *clone, const struct scene *from, char memory[static BYTES])
{
	size_t bytes = sizeof(*from->driver) + SIZE * sizeof(from->driver->chains[0]);

	*clone = *from;
	memcpy(memory, from->guest.regions[0], BYTES);
	clone->guest.regions[0] = memory;
	clone->driver = malloc(bytes);
	assert_non_null(clone->driver);
	memcpy(clone->driver, from->driver, bytes);
	clone->driver->next = malloc(SIZE * sizeof(uint16_t));
	assert_non_null(clone->driver->next);
	memcpy(clone->driver->next, from->driver->next, SIZE * sizeof(uint16_t));
	clone->driver->config.desc = at(clone, 0);
	clone->driver->config.driver = at(clone, DRIVER);
	clone->driver->config.device = at(clone, DEVICE);
	clone->driver->config.tables = at(clone, TABLES);
}

/* Offers a chain of one to three descriptors, or one with a table; its address tells its number. */
static void offer(struct scene *scene, unsigned int count)
{
	struct ring_buffer buffers[3];
	unsigned int number = offered++;

	for (unsigned int i = 0; i < count; i++)
		buffers[i] = (struct ring_buffer){ GUEST_BASE + DATA + number * 64 + i * 16, 8 };
	assert_int_equal(ring_driver_add(scene->driver, buffers, count, 0, &tokens[number]), 0);
	ring_driver_publish(scene->driver);
}

static unsigned int number_of(const struct scene *scene, const struct ring_chain *chain)
{
	return (unsigned int)((char *)chain->iov[0].iov_base - scene->guest.regions[0] - DATA) / 64;
}

static int pop(struct ring_device *ring, const struct scene *scene, struct ring_chain *chain)
{
	return ring_device_pop(ring, &scene->guest.ring, chain);
}

/* Recovers in a copy of the scene and serves all: each chain that was not answered, in order, once. Returns how many
 * were in flight or waiting. */
static unsigned int recover(const struct scene *from, unsigned int first)
{
	static char memory[BYTES] __attribute__((aligned(4096)));
	struct scene scene;
	struct ring_chain chains[SIZE];
	struct ring_device ring;
	struct ring_config config;
	unsigned int count = 0, last = 0, back = 0;
	bool seen[ARRAY_SIZE(tokens)] = { false };
	uint32_t written;
	void *token;
	int result;

	scene_clone(&scene, from, memory);
	config = device_config(&scene);
	/* Die again after having taken one. */
	ring_chain_init(&chains[0]);
	assert_int_equal(ring_device_init(&ring, &config), 0);
	assert_true(pop(&ring, &scene, &chains[0]) >= 0);
	ring_chain_fini(&chains[0]);
	ring_device_fini(&ring);

	assert_int_equal(ring_device_init(&ring, &config), 0);
	for (count = 0; count < SIZE; count++) {
		unsigned int number;

		ring_chain_init(&chains[count]);
		result = pop(&ring, &scene, &chains[count]);
		if (result == 0)
			break;
		assert_int_equal(result, 1);
		number = number_of(&scene, &chains[count]);
		assert_true(count == 0 || number > last);
		last = number;
	}
	for (unsigned int i = count; i > 0; i--)
		ring_device_push(&ring, &chains[i - 1], 0);
	ring_device_publish(&ring);
	for (unsigned int i = 0; i < MIN(count + 1, SIZE); i++)
		ring_chain_fini(&chains[i]);
	ring_device_fini(&ring);

	while ((result = ring_driver_get(scene.driver, &token, &written)) == 1) {
		size_t number = (size_t)((int *)token - tokens);

		assert_false(seen[number]);
		seen[number] = true;
		back++;
	}
	assert_int_equal(result, 0);
	assert_int_equal(back, offered - first);
	ring_driver_free(scene.driver);
	return count;
}

/* What the child does: batches of one to three, with chains taken in the middle of a batch. */
static void serve(struct ring_device *ring, const struct scene *scene, struct ring_chain chains[static SIZE])
{
	unsigned int taken = 0;

	taken += (unsigned int)pop(ring, scene, &chains[taken]);
	taken += (unsigned int)pop(ring, scene, &chains[taken]);
	taken += (unsigned int)pop(ring, scene, &chains[taken]);
	ring_device_push(ring, &chains[1], 0);
	ring_device_publish(ring);
	ring_device_push(ring, &chains[2], 0);
	taken += (unsigned int)pop(ring, scene, &chains[taken]);
	ring_device_push(ring, &chains[0], 0);
	ring_device_publish(ring);
	taken += (unsigned int)pop(ring, scene, &chains[taken]);
	ring_device_push(ring, &chains[4], 0);
	ring_device_push(ring, &chains[3], 0);
	ring_device_publish(ring);
	ring_device_enable_kick(ring);
}

static void die_anywhere(bool packed, unsigned int warm_up)
{
	static char before[CHANGING];
	struct ring_chain chains[SIZE];
	struct ring_device ring;
	struct ring_config config;
	struct scene scene;
	unsigned int first, deaths = 0, most = 0, steps = 0;
	uint32_t written;
	void *token;
	bool done = false;
	pid_t child;
	int status;

	scene_init(&scene, packed);
	config = device_config(&scene);
	assert_int_equal(ring_device_init(&ring, &config), 0);
	for (unsigned int i = 0; i < SIZE; i++)
		ring_chain_init(&chains[i]);
	/* Move on in the ring, and give the chains their arrays. */
	for (unsigned int i = 0; i < warm_up; i++) {
		for (unsigned int j = 0; j < 5; j++) {
			offer(&scene, 1);
			assert_int_equal(pop(&ring, &scene, &chains[j]), 1);
		}
		for (unsigned int j = 0; j < 5; j++)
			ring_device_push(&ring, &chains[j], 0);
		ring_device_publish(&ring);
		while (ring_driver_get(scene.driver, &token, &written) == 1)
			;
	}
	first = offered;
	for (unsigned int i = 0; i < 4; i++)
		offer(&scene, 1 + i % 2);
	offer(&scene, 3);
	recover(&scene, first);

	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(77);
		raise(SIGSTOP);
		serve(&ring, &scene, chains);
		raise(SIGSTOP);
		_exit(1);
	}
	memset(before, 0, sizeof(before));
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		steps++;
		if (memcmp(before, scene.guest.regions[0], sizeof(before)) != 0) {
			unsigned int left = recover(&scene, first);

			memcpy(before, scene.guest.regions[0], sizeof(before));
			deaths++;
			most = MAX(most, left);
		}
		done = WSTOPSIG(status) == SIGSTOP && steps > 1;
		if (done)
			kill(child, SIGKILL);
		else if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) < 0)
			break;
	}
	for (unsigned int i = 0; i < SIZE; i++)
		ring_chain_fini(&chains[i]);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		scene_fini(&scene);
		skip();
	}
	assert_true(done);
	assert_true(deaths > 30); /* each store is one */
	assert_int_equal(most, 5);
	assert_int_equal(recover(&scene, first), 0);
	scene_fini(&scene);
}

static void survives_death_anywhere_split(void **state UNUSED)
{
	die_anywhere(false, 1);
}

static void survives_death_anywhere_packed(void **state UNUSED)
{
	die_anywhere(true, 1); /* goes over the end of the ring */
	die_anywhere(true, 3);
}

/* Chains the caller still has do not come again; others do. */
static void hold(bool packed)
{
	struct ring_device ring;
	struct ring_chain kept, other;
	struct ring_config config;
	struct scene scene;

	scene_init(&scene, packed);
	config = device_config(&scene);
	ring_chain_init(&kept);
	ring_chain_init(&other);
	assert_int_equal(ring_device_init(&ring, &config), 0);
	for (unsigned int i = 0; i < 3; i++)
		offer(&scene, 2);
	pop(&ring, &scene, &other);
	pop(&ring, &scene, &kept);
	config.base = ring_device_base(&ring);
	assert_int_equal(ring_device_init(&ring, &config), 0);
	ring_device_hold(&ring, &kept);
	assert_int_equal(ring_device_base(&ring), config.base);
	assert_true(ring_device_enable_kick(&ring));
	assert_int_equal(pop(&ring, &scene, &other), 1);
	assert_int_equal(number_of(&scene, &other), 0);
	assert_int_equal(pop(&ring, &scene, &other), 1);
	assert_int_equal(number_of(&scene, &other), 2);
	assert_int_equal(pop(&ring, &scene, &other), 0);
	assert_false(ring_device_enable_kick(&ring));
	ring_device_push(&ring, &kept, 0);
	assert_true(ring_device_needs_signal(&ring));
	ring_device_fini(&ring);
	ring_chain_fini(&kept);
	ring_chain_fini(&other);
	scene_fini(&scene);
}

static void leaves_out_what_is_held(void **state UNUSED)
{
	hold(false);
	hold(true);
}

static void signals_after_recovery(void **state UNUSED)
{
	for (int packed = 0; packed < 2; packed++) {
		struct ring_device ring;
		struct ring_config config;
		struct scene scene;

		scene_init(&scene, packed);
		config = device_config(&scene);
		assert_int_equal(ring_device_init(&ring, &config), 0);
		assert_false(ring_device_needs_signal(&ring));
		assert_int_equal(ring_device_init(&ring, &config), 0);
		assert_true(ring_device_needs_signal(&ring));
		assert_false(ring_device_needs_signal(&ring));
		scene_fini(&scene);
	}
}

static void refuses_a_foreign_region(void **state UNUSED)
{
	for (int packed = 0; packed < 2; packed++) {
		struct vhost_inflight_split *split;
		struct vhost_inflight_packed *region;
		struct ring_device ring;
		struct ring_config config;
		struct scene scene;

		scene_init(&scene, packed);
		config = device_config(&scene);
		split = config.inflight;
		region = config.inflight;
		assert_int_equal(ring_device_init(&ring, &config), 0);
		split->version = 2;
		assert_int_equal(ring_device_init(&ring, &config), -EINVAL);
		split->version = 1;
		split->desc_num = SIZE / 2;
		assert_int_equal(ring_device_init(&ring, &config), -EINVAL);
		split->desc_num = SIZE;
		assert_int_equal(ring_device_init(&ring, &config), 0);
		if (packed)
			region->old_used_idx = SIZE;
		else
			split->used_idx = 1000;
		assert_int_equal(ring_device_init(&ring, &config), -EINVAL);
		ring_inflight_clear(region, SIZE, packed);
		assert_int_equal(ring_device_init(&ring, &config), 0);
		scene_fini(&scene);
	}
}

static void tells_how_long_a_region_is(void **state UNUSED)
{
	assert_int_equal(ring_inflight_bytes(128, false), ALIGN_UP(16 + 128 * 16, 64));
	assert_int_equal(ring_inflight_bytes(128, true), ALIGN_UP(32 + 128 * 32, 64));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(survives_death_anywhere_split), cmocka_unit_test(survives_death_anywhere_packed),
		cmocka_unit_test(leaves_out_what_is_held),       cmocka_unit_test(signals_after_recovery),
		cmocka_unit_test(refuses_a_foreign_region),      cmocka_unit_test(tells_how_long_a_region_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
