/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages that bring memory: the guest's, a migration's log, requests in flight. */
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring/inflight.h"
#include "wire/virtio_ring.h"

#define BIT(n) (UINT64_C(1) << (n))

struct table {
	struct vhost_user_memory header;
	struct vhost_user_region regions[2];
};

static struct vhost_user_region region_of(const struct vhost_shared_memory *memory)
{
	return (struct vhost_user_region){
		.guest_address = memory->guest_address,
		.size = memory->size,
		.user_address = (uintptr_t)memory->host,
	};
}

static void say_region(struct peer *peer, uint32_t request, struct vhost_user_region region, int fd)
{
	struct vhost_user_single_region single = { .region = region };

	peer_say(peer, request, &single, sizeof(single), fd);
}

/* ---- guest memory -------------------------------------------------------------------------------------------- */

static void memory_not_shared(void **state)
{
	struct peer *peer = *state;
	struct table table = { .header.count = 1, .regions = { region_of(&peer->memory) } };

	peer_refused(peer, "guest memory is not shared: add <memoryBacking>", VHOST_USER_SET_MEM_TABLE, &table, 40, -1);
	assert_non_null(strstr(vhost_backend_error(peer->backend), "<access mode='shared'/>"));
	assert_non_null(strstr(vhost_backend_error(peer->backend), "memory-backend-memfd"));
	assert_non_null(strstr(vhost_backend_error(peer->backend), "share=on"));
}

static void slot_not_shared(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_single_region single = { .region = region_of(&peer->memory) };

	peer_refused(peer, "guest memory is not shared", VHOST_USER_ADD_MEM_REG, &single, sizeof(single), -1);
}

static void table_that_lies(void **state)
{
	struct peer *peer = *state;
	struct table table = { .header.count = 2, .regions = { region_of(&peer->memory) } };

	peer_refused(peer, "a memory table of 2 regions came in 40 bytes", VHOST_USER_SET_MEM_TABLE, &table, 40,
		     peer->memory.fd);
	table.header.count = UINT32_MAX;
	peer_refused(peer, "a memory table of 4294967295 regions", VHOST_USER_SET_MEM_TABLE, &table, 40,
		     peer->memory.fd);
	table.header.count = 0;
	peer_refused(peer, "0 regions came with 1 descriptors", VHOST_USER_SET_MEM_TABLE, &table, 40, peer->memory.fd);
}

/* User-Mode Linux sends room for two regions and fills one. */
static void roomy_table(void **state)
{
	struct peer *peer = *state;
	struct table table = { .header.count = 1, .regions = { region_of(&peer->memory) } };

	peer_negotiate(peer, 0, true);
	peer_say(peer, VHOST_USER_SET_MEM_TABLE, &table, sizeof(table), peer->memory.fd);
	peer_start_ring(peer, 0, 0);
	assert_int_equal(peer->fake.setup.memory->count, 1);
}

static void impossible_regions(void **state)
{
	struct peer *peer = *state;
	const struct vhost_user_region good = region_of(&peer->memory);
	struct {
		const char *why;
		struct vhost_user_region region;
	} cases[] = {
		{ "empty or impossible", good }, { "empty or impossible", good },    { "empty or impossible", good },
		{ "empty or impossible", good }, { "ends before its region", good }, { "ends before its region", good },
	};

	cases[0].region.size = 0;
	cases[1].region.guest_address = UINT64_MAX - 4095;
	cases[2].region.user_address = UINT64_MAX - 4095;
	cases[3].region.mmap_offset = UINT64_MAX - 4095;
	cases[4].region.mmap_offset = 4096;
	cases[5].region.size += 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct table table = { .header.count = 1, .regions = { cases[i].region } };

		peer_refused(peer, cases[i].why, VHOST_USER_SET_MEM_TABLE, &table, 40, peer->memory.fd);
	}
}

static void memory_that_cannot_be_mapped(void **state)
{
	struct peer *peer = *state;
	struct table table = { .header.count = 1, .regions = { region_of(&peer->memory) } };
	int fd = peer_eventfd();

	peer_refused(peer, "guest memory can't be mapped: ", VHOST_USER_SET_MEM_TABLE, &table, 40, fd);
	close(fd);
}

static void overlapping_slots(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_single_region single = { .region = region_of(&peer->memory) };

	say_region(peer, VHOST_USER_ADD_MEM_REG, single.region, peer->memory.fd);
	single.region.guest_address += PEER_MEMORY_SIZE - 1;
	peer_refused(peer, "regions that overlap", VHOST_USER_ADD_MEM_REG, &single, sizeof(single), peer->memory.fd);
}

/* Slots come and go while a ring runs on one of them. */
static void slots(void **state)
{
	struct peer *peer = *state;
	struct vhost_shared_memory other;
	struct iovec iov[4];

	peer_negotiate(peer, 0, true);
	say_region(peer, VHOST_USER_ADD_MEM_REG, region_of(&peer->memory), peer->memory.fd);
	peer_start_ring(peer, 0, 0);
	assert_string_equal(fake_told(&peer->fake), "memory=1 start0@0 call0");
	assert_int_equal(vhost_shared_memory_init(&other, PEER_GUEST_BASE + PEER_MEMORY_SIZE, 8192), 0);
	struct vhost_user_region region = region_of(&other);
	say_region(peer, VHOST_USER_ADD_MEM_REG, region, other.fd);
	assert_string_equal(fake_told(&peer->fake), "memory=2");
	/* A buffer over both. */
	const struct ring_memory *ring = &peer->fake.memory->ring;
	assert_int_equal(ring->map(ring, PEER_GUEST_BASE + PEER_MEMORY_SIZE - 10, 30, iov, 4), 2);
	assert_int_equal(iov[0].iov_len, 10);
	assert_int_equal(iov[1].iov_len, 20);
	strcpy(other.host, "other");
	assert_string_equal(iov[1].iov_base, "other");
	assert_int_equal(ring->map(ring, PEER_GUEST_BASE + PEER_MEMORY_SIZE - 10, 30, iov, 1), -E2BIG);
	assert_int_equal(ring->map(ring, PEER_GUEST_BASE - 1, 30, iov, 4), -EFAULT);
	assert_int_equal(ring->map(ring, PEER_GUEST_BASE + PEER_MEMORY_SIZE, 8193, iov, 4), -EFAULT);

	/* A snapshot that someone holds keeps its mappings. */
	struct vhost_memory *held = vhost_memory_ref(peer->fake.memory);
	/* QEMU sends no offset, others a descriptor too many. */
	region.mmap_offset = 12345;
	say_region(peer, VHOST_USER_REM_MEM_REG, region, other.fd);
	assert_string_equal(fake_told(&peer->fake), "memory=1");
	ring = &peer->fake.memory->ring;
	assert_int_equal(ring->map(ring, other.guest_address, 1, iov, 4), -EFAULT);
	assert_int_equal(held->ring.map(&held->ring, other.guest_address, 6, iov, 4), 1);
	assert_string_equal(iov[0].iov_base, "other");
	vhost_memory_unref(held);

	struct vhost_user_single_region single = { .region = region };
	peer_refused(peer, "removed a memory region it had not added", VHOST_USER_REM_MEM_REG, &single, sizeof(single),
		     -1);
	vhost_shared_memory_fini(&other);
}

static void removed_under_a_ring(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_single_region single = { .region = region_of(&peer->memory) };

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_start_ring(peer, 0, 0);
	/* The same user addresses again, in front: they must not hide that the ring's own region goes. */
	single.region.guest_address = 0;
	peer_say(peer, VHOST_USER_ADD_MEM_REG, &single, sizeof(single), peer->memory.fd);
	single.region.guest_address = PEER_GUEST_BASE;
	peer_refused(peer, "memory that a running ring lies in", VHOST_USER_REM_MEM_REG, &single, sizeof(single), -1);
}

/* ---- log ----------------------------------------------------------------------------------------------------- */

static int memory_file(off_t size)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	return fd;
}

static void migration_log(void **state)
{
	struct peer *peer = *state;
	int fd = memory_file(8192);
	struct vhost_user_log log = { .size = 4096, .offset = 100 };
	struct vhost_message reply;
	uint64_t features = BIT(VHOST_USER_F_PROTOCOL_FEATURES) | BIT(VIRTIO_F_VERSION_1);
	uint8_t *bits = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(bits, MAP_FAILED);
	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_start_ring(peer, 0, 0);
	fake_told(&peer->fake);
	/* Always answered; in force only with LOG_ALL. */
	peer_say(peer, VHOST_USER_SET_LOG_BASE, &log, sizeof(log), fd);
	peer_reply(peer, VHOST_USER_SET_LOG_BASE, 8, &reply);
	assert_int_equal(reply.fd_count, 0);
	assert_string_equal(fake_told(&peer->fake), "");
	peer_say_u64(peer, VHOST_USER_SET_FEATURES, features | BIT(VHOST_F_LOG_ALL), -1);
	assert_string_equal(fake_told(&peer->fake), "log=on");
	vhost_log_mark(peer->fake.log, 9 * 4096 + 4095, 2);
	assert_int_equal(bits[100 + 1], 6);
	/* The log's last bit, and what is behind it. */
	vhost_log_mark(peer->fake.log, (uint64_t)4096 * 8 * 4096 - 1, 4096);
	assert_int_equal(bits[100 + 4095], 0x80);
	assert_int_equal(bits[100 + 4096], 0);
	vhost_log_mark(peer->fake.log, UINT64_MAX, UINT64_MAX);
	vhost_log_mark(peer->fake.log, 0, 0);
	assert_int_equal(bits[100], 0);
	/* Buffers by their host addresses. */
	const struct vhost_memory *memory = peer->fake.setup.memory;
	struct iovec iov[2] = {
		{ vhost_memory_at_guest(memory, PEER_GUEST_BASE + 100, 100), 100 },
		{ vhost_memory_at_guest(memory, PEER_GUEST_BASE + 8192, 8192), 8192 },
	};
	uint64_t first = PEER_GUEST_BASE / 4096 / 8; /* far behind the end of this log */
	vhost_log_mark_iov(peer->fake.log, memory, iov, 2, 200);
	assert_true(first > 4096);
	int large = memory_file((off_t)first + 4096);
	log = (struct vhost_user_log){ .size = first + 4096 };
	peer_say(peer, VHOST_USER_SET_LOG_BASE, &log, sizeof(log), large);
	peer_reply(peer, VHOST_USER_SET_LOG_BASE, 8, &reply);
	assert_string_equal(fake_told(&peer->fake), "log=on");
	vhost_log_mark_iov(peer->fake.log, memory, iov, 2, 200);
	uint8_t byte;
	assert_int_equal(pread(large, &byte, 1, (off_t)first), 1);
	assert_int_equal(byte, 1 | 4);
	peer_say_u64(peer, VHOST_USER_SET_FEATURES, features, -1);
	assert_string_equal(fake_told(&peer->fake), "log=off");
	assert_null(peer->fake.log);
	munmap(bits, 8192);
	close(fd);
	close(large);
}

static void bad_logs(void **state)
{
	struct peer *peer = *state;
	int fd = memory_file(4096);
	struct vhost_user_log log = { .size = 4097 };

	peer_refused(peer, "the migration log came with 0 descriptors", VHOST_USER_SET_LOG_BASE, &log, sizeof(log), -1);
	peer_refused(peer, "the migration log can't be mapped: File too large", VHOST_USER_SET_LOG_BASE, &log,
		     sizeof(log), fd);
	log = (struct vhost_user_log){ .size = 0 };
	peer_refused(peer, "the migration log can't be mapped", VHOST_USER_SET_LOG_BASE, &log, sizeof(log), fd);
	log = (struct vhost_user_log){ .size = 1, .offset = UINT64_MAX };
	peer_refused(peer, "the migration log can't be mapped", VHOST_USER_SET_LOG_BASE, &log, sizeof(log), fd);
	close(fd);
}

/* ---- requests in flight -------------------------------------------------------------------------------------- */

/* Asks for a region; size bytes of payload. */
static int get_inflight(struct peer *peer, uint16_t queues, uint16_t size, uint32_t bytes,
			struct vhost_user_inflight *ret)
{
	struct vhost_user_inflight inflight = { .num_queues = queues, .queue_size = size };
	struct vhost_message reply;

	peer_say(peer, VHOST_USER_GET_INFLIGHT_FD, &inflight, bytes, -1);
	peer_reply(peer, VHOST_USER_GET_INFLIGHT_FD, bytes, &reply);
	assert_int_equal(reply.fd_count, 1);
	*ret = reply.payload.inflight;
	return reply.fds[0];
}

static void inflight_region(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_inflight inflight;

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	int fd = get_inflight(peer, 2, 16, VHOST_USER_INFLIGHT_MIN, &inflight);
	close(fd);
	fd = get_inflight(peer, 2, 16, sizeof(inflight), &inflight);
	size_t part = ring_inflight_bytes(16, false);
	assert_int_equal(inflight.mmap_size, 2 * part);
	assert_int_equal(inflight.mmap_offset, 0);
	/* No one can make it shorter. */
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(fcntl(fd, F_GET_SEALS) & F_SEAL_SHRINK, F_SEAL_SHRINK);
	char *bytes = mmap(NULL, 2 * part, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(bytes, MAP_FAILED);
	peer_say(peer, VHOST_USER_SET_INFLIGHT_FD, &inflight, sizeof(inflight), fd);
	peer_start_ring(peer, 1, 0);
	assert_non_null(peer->fake.setup.ring.inflight);
	((char *)peer->fake.setup.ring.inflight)[8] = 1;
	assert_int_equal(bytes[part + 8], 1);
	/* A queue it has no part for runs without. */
	peer_start_ring(peer, 2, 0);
	assert_null(peer->fake.setup.ring.inflight);
	/* After a reset nothing is in flight. */
	peer_say(peer, VHOST_USER_RESET_DEVICE, NULL, 0, -1);
	assert_int_equal(bytes[part + 8], 0);
	munmap(bytes, 2 * part);
	close(fd);
}

static void stop_ring(struct peer *peer, uint32_t index)
{
	struct vhost_message reply;

	peer_say_state(peer, VHOST_USER_GET_VRING_BASE, index, 0);
	peer_reply(peer, VHOST_USER_GET_VRING_BASE, 8, &reply);
}

/* Requests of a driver that was restarted are forgotten, those of one that goes on, or of a process before us, are not. */
static void inflight_of_which_driver(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_inflight inflight;
	size_t part = ring_inflight_bytes(16, false);

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	int fd = get_inflight(peer, 2, 16, sizeof(inflight), &inflight);
	char *bytes = mmap(NULL, 2 * part, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(bytes, MAP_FAILED);
	peer->fake.base = 7;
	/* The first start recovers, wherever it is. */
	bytes[8] = bytes[part + 8] = 1;
	peer_start_ring(peer, 1, 3);
	assert_int_equal(bytes[part + 8], 1);
	/* A pause, also one in which the region is given again. */
	stop_ring(peer, 1);
	peer_start_ring(peer, 1, 7);
	assert_int_equal(bytes[part + 8], 1);
	stop_ring(peer, 1);
	peer_say(peer, VHOST_USER_SET_INFLIGHT_FD, &inflight, sizeof(inflight), fd);
	peer_start_ring(peer, 1, 7);
	assert_int_equal(bytes[part + 8], 1);
	/* A new table of memory is no reason either. */
	peer_give_memory(peer);
	assert_int_equal(bytes[part + 8], 1);
	/* Another driver. */
	stop_ring(peer, 1);
	peer_start_ring(peer, 1, 0);
	assert_int_equal(bytes[part + 8], 0);
	bytes[part + 8] = 1;
	stop_ring(peer, 1);
	peer_say(peer, VHOST_USER_SET_INFLIGHT_FD, &inflight, sizeof(inflight), fd);
	peer_start_ring(peer, 1, 0);
	assert_int_equal(bytes[part + 8], 0);
	/* One with a smaller ring that happens to begin there. */
	bytes[part + 8] = 1;
	stop_ring(peer, 1);
	peer_say_state(peer, VHOST_USER_SET_VRING_NUM, 1, 8);
	peer_say_u64(peer, VHOST_USER_SET_VRING_KICK, 1 | VHOST_USER_VRING_NO_FD, -1);
	assert_int_equal(bytes[part + 8], 0);
	/* The other ring's part was never touched. */
	assert_int_equal(bytes[8], 1);
	munmap(bytes, 2 * part);
	close(fd);

	/* Another region: what another process left. */
	fd = memfd_create("inflight", MFD_CLOEXEC);
	assert_int_equal(pwrite(fd, "\1", 1, (off_t)part + 8), 1);
	assert_int_equal(ftruncate(fd, (off_t)(2 * part)), 0);
	stop_ring(peer, 1);
	peer_say(peer, VHOST_USER_SET_INFLIGHT_FD, &inflight, sizeof(inflight), fd);
	peer_start_ring(peer, 1, 0);
	assert_int_equal(((char *)peer->fake.setup.ring.inflight)[8], 1);
	close(fd);
}

/* Unmapping it under the ring's thread would be the end of the process. */
static void inflight_while_running(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_inflight inflight;

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	int fd = get_inflight(peer, 2, 16, sizeof(inflight), &inflight);
	peer_start_ring(peer, 0, 0);
	peer_refused(peer, "while rings run", VHOST_USER_SET_INFLIGHT_FD, &inflight, sizeof(inflight), fd);
	peer_refused(peer, "while rings run", VHOST_USER_GET_INFLIGHT_FD, &inflight, sizeof(inflight), -1);
	close(fd);
}

static void bad_inflight(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_inflight good;
	int fd = get_inflight(peer, 2, 16, sizeof(good), &good);
	struct vhost_user_inflight cases[] = { good, good, good, good, good, good };

	cases[0].mmap_size -= 1;
	cases[1].mmap_offset = 1u << 20;
	cases[2].mmap_offset = UINT64_MAX - 4095;
	cases[3].num_queues = 3;
	cases[4].queue_size = 32;
	cases[5].num_queues = 0;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		peer_refused(peer, "is not one of ours", VHOST_USER_SET_INFLIGHT_FD, &cases[i], sizeof(good), fd);
	peer_refused(peer, "came with 0 descriptors", VHOST_USER_SET_INFLIGHT_FD, &good, sizeof(good), -1);
	good = (struct vhost_user_inflight){ .num_queues = 65535, .queue_size = 32768 };
	peer_refused(peer, "an in-flight region for 65535 queues", VHOST_USER_GET_INFLIGHT_FD, &good, sizeof(good), -1);
	good = (struct vhost_user_inflight){ .num_queues = 1, .queue_size = 24 };
	peer_refused(peer, "of 24 descriptors", VHOST_USER_GET_INFLIGHT_FD, &good, sizeof(good), -1);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(memory_not_shared),
		TEST(slot_not_shared),
		TEST(table_that_lies),
		TEST(roomy_table),
		TEST(impossible_regions),
		TEST(memory_that_cannot_be_mapped),
		TEST(overlapping_slots),
		TEST(slots),
		TEST(removed_under_a_ring),
		TEST(migration_log),
		TEST(bad_logs),
		TEST(inflight_region),
		TEST(inflight_of_which_driver),
		TEST(inflight_while_running),
		TEST(bad_inflight),
	};

	return cmocka_run_group_tests_name("vhost/tables", tests, NULL, NULL);
}
