/* SPDX-License-Identifier: BSD-3-Clause */
/* When rings start, stop and go on; each front-end has its own order of messages. */
#include "peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/virtio_ring.h"

#define BIT(n) (UINT64_C(1) << (n))

static uint32_t get_base(struct peer *peer, uint32_t index)
{
	struct vhost_message reply;

	peer_say_state(peer, VHOST_USER_GET_VRING_BASE, index, 0);
	peer_reply(peer, VHOST_USER_GET_VRING_BASE, 8, &reply);
	assert_int_equal(reply.payload.state.index, index);
	return reply.payload.state.num;
}

static void qemu_order(void **state)
{
	struct peer *peer = *state;

	peer_negotiate(peer, BIT(VIRTIO_F_EVENT_IDX), true);
	peer_give_memory(peer);
	peer_start_ring(peer, 1, 5);
	assert_string_equal(fake_told(&peer->fake), "start1@5 call1");
	const struct vhost_ring_setup *setup = &peer->fake.setup;
	assert_false(setup->enabled);
	assert_true(setup->kick_fd >= 0);
	assert_false(setup->log_used);
	assert_null(setup->log);
	assert_int_equal(setup->ring.size, 16);
	assert_true(setup->ring.event_idx);
	assert_false(setup->ring.indirect);
	assert_false(setup->ring.packed);
	/* The areas are the same memory, seen through another mapping. */
	strcpy(peer->memory.host + 0x10000, "desc");
	strcpy(peer->memory.host + 0x14000, "driver");
	strcpy(peer->memory.host + 0x18000, "device");
	assert_ptr_not_equal(setup->ring.desc, peer->memory.host + 0x10000);
	assert_string_equal(setup->ring.desc, "desc");
	assert_string_equal(setup->ring.driver, "driver");
	assert_string_equal(setup->ring.device, "device");
	peer_say_state(peer, VHOST_USER_SET_VRING_ENABLE, 1, 1);
	assert_string_equal(fake_told(&peer->fake), "enable1");

	/* Stop, and go on where it stood. */
	peer->fake.base = 77;
	peer_say_state(peer, VHOST_USER_SET_VRING_ENABLE, 1, 0);
	assert_int_equal(get_base(peer, 1), 77);
	assert_string_equal(fake_told(&peer->fake), "disable1 stop1");
	peer_start_ring(peer, 1, 77);
	assert_string_equal(fake_told(&peer->fake), "start1@4d call1");
}

/* The call descriptor first, and a stream socket; the kick last; packed with base 0; every message wants an answer. */
static void uml_order(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_vring_addr addresses = peer_addresses(peer, 0);
	struct vhost_user_vring_state num = { 0, 128 };
	struct vhost_user_vring_state base = { 0, 0 };
	uint64_t index = 0;
	struct vhost_message reply;
	int call[2];
	int kick = peer_eventfd();

	peer_negotiate(peer, BIT(VIRTIO_F_RING_PACKED), true);
	peer_give_memory(peer);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, call), 0);
	const struct {
		uint32_t request;
		const void *payload;
		uint32_t size;
		int fd;
	} messages[] = {
		{ VHOST_USER_SET_VRING_CALL, &index, 8, call[1] },
		{ VHOST_USER_SET_VRING_NUM, &num, 8, -1 },
		{ VHOST_USER_SET_VRING_BASE, &base, 8, -1 },
		{ VHOST_USER_SET_VRING_ADDR, &addresses, 40, -1 },
		{ VHOST_USER_SET_VRING_KICK, &index, 8, kick },
		{ VHOST_USER_SET_VRING_ENABLE, &(uint64_t){ 1ull << 32 }, 8, -1 },
	};
	for (size_t i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
		peer_message(peer, messages[i].request, VHOST_USER_NEED_REPLY, messages[i].payload, messages[i].size,
			     &messages[i].fd, messages[i].fd >= 0);
		assert_int_equal(vhost_backend_serve(peer->backend), 0);
		peer_reply(peer, messages[i].request, 8, &reply);
		assert_int_equal(reply.payload.u64, 0);
	}
	assert_string_equal(fake_told(&peer->fake), "start0@0 enable0");
	assert_true(peer->fake.setup.ring.packed);
	/* What the device writes arrives. */
	assert_int_equal(write(peer->fake.setup.call_fd, "12345678", 8), 8);
	char bytes[8];
	assert_int_equal(read(call[0], bytes, 8), 8);
	close(kick);
	close(call[0]);
	close(call[1]);
}

/* The message that completes a ring may be any of four. */
static void any_order(void **state)
{
	struct peer *peer = *state;

	peer_negotiate(peer, 0, true);
	for (unsigned int last = 0; last < 4; last++) {
		struct vhost_user_vring_addr addresses = peer_addresses(peer, last);

		/* Memory completes the first ring, and is there for the others. */
		for (unsigned int i = 1; i <= 4; i++) {
			assert_string_equal(fake_told(&peer->fake), "");
			switch ((last + i) % 4) {
			case 0:
				if (last == 0)
					peer_give_memory(peer);
				break;
			case 1:
				peer_say_state(peer, VHOST_USER_SET_VRING_NUM, last, 16);
				break;
			case 2:
				peer_say(peer, VHOST_USER_SET_VRING_ADDR, &addresses, sizeof(addresses), -1);
				break;
			case 3:
				peer_say_u64(peer, VHOST_USER_SET_VRING_KICK, last | VHOST_USER_VRING_NO_FD, -1);
				break;
			}
		}
		assert_non_null(strstr(fake_told(&peer->fake), "start"));
		/* Started without a kick descriptor: the ring is polled. */
		assert_int_equal(peer->fake.setup.kick_fd, -1);
	}
}

static void enabled_at_once_without_protocol_features(void **state)
{
	struct peer *peer = *state;

	peer_say_u64(peer, VHOST_USER_SET_FEATURES, BIT(VIRTIO_F_VERSION_1), -1);
	assert_string_equal(fake_told(&peer->fake), "enable0 enable1 enable2 enable3");
	peer_give_memory(peer);
	peer_start_ring(peer, 0, 0);
	assert_true(peer->fake.setup.enabled);
}

/* Enabled is independent of started, and remembered while stopped. */
static void enabled_while_stopped(void **state)
{
	struct peer *peer = *state;

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_say_state(peer, VHOST_USER_SET_VRING_ENABLE, 2, 1);
	peer_start_ring(peer, 2, 0);
	assert_true(peer->fake.setup.enabled);
	get_base(peer, 2);
	peer_start_ring(peer, 2, 0);
	assert_true(peer->fake.setup.enabled);
}

static void new_table_restarts(void **state)
{
	struct peer *peer = *state;

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_start_ring(peer, 0, 3);
	peer_start_ring(peer, 1, 4);
	fake_told(&peer->fake);
	peer->fake.base = 9;
	struct vhost_memory *before = peer->fake.setup.memory;
	peer_give_memory(peer);
	assert_string_equal(fake_told(&peer->fake), "stop0 stop1 start0@9 start1@9");
	assert_ptr_not_equal(peer->fake.setup.memory, before);
}

static void new_descriptors_for_a_running_ring(void **state)
{
	struct peer *peer = *state;
	int fd = peer_eventfd();

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_start_ring(peer, 0, 0);
	fake_told(&peer->fake);
	peer->fake.base = 6;
	peer_say_u64(peer, VHOST_USER_SET_VRING_CALL, 0, fd);
	assert_true(peer->fake.call_fd >= 0);
	peer_say_u64(peer, VHOST_USER_SET_VRING_CALL, VHOST_USER_VRING_NO_FD, -1);
	assert_int_equal(peer->fake.call_fd, -1);
	peer_say_u64(peer, VHOST_USER_SET_VRING_ERR, 0, fd);
	assert_string_equal(fake_told(&peer->fake), "call0 call0");
	peer_say_u64(peer, VHOST_USER_SET_VRING_KICK, 0, fd);
	assert_string_equal(fake_told(&peer->fake), "stop0 start0@6");
	close(fd);
}

/* The log flag is switched on a running ring, which goes on where it is. */
static void log_flag_while_running(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_vring_addr addresses = peer_addresses(peer, 0);

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_start_ring(peer, 0, 0);
	peer_start_ring(peer, 1, 0);
	fake_told(&peer->fake);
	peer->fake.base = 21;
	addresses.flags = VHOST_USER_VRING_F_LOG;
	peer_say(peer, VHOST_USER_SET_VRING_ADDR, &addresses, sizeof(addresses), -1);
	assert_string_equal(fake_told(&peer->fake), "stop0 start0@15");
	assert_true(peer->fake.setup.log_used);
	assert_int_equal(peer->fake.setup.used_log_address, 0x1234);
}

static void reset_device(void **state)
{
	struct peer *peer = *state;

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_start_ring(peer, 0, 0);
	peer_say_state(peer, VHOST_USER_SET_VRING_ENABLE, 0, 1);
	peer_say_u64(peer, VHOST_USER_SET_STATUS, 15, -1);
	assert_int_equal(peer_ask_u64(peer, VHOST_USER_GET_STATUS), 15);
	fake_told(&peer->fake);
	peer_say(peer, VHOST_USER_RESET_DEVICE, NULL, 0, -1);
	assert_string_equal(fake_told(&peer->fake), "stop0 reset");
	assert_int_equal(peer_ask_u64(peer, VHOST_USER_GET_STATUS), 0);
	/* QEMU sends the call descriptor only once, before; and memory is kept. */
	struct vhost_user_vring_addr addresses = peer_addresses(peer, 0);
	peer_say_state(peer, VHOST_USER_SET_VRING_NUM, 0, 16);
	peer_say(peer, VHOST_USER_SET_VRING_ADDR, &addresses, sizeof(addresses), -1);
	peer_say_u64(peer, VHOST_USER_SET_VRING_KICK, VHOST_USER_VRING_NO_FD, -1);
	assert_string_equal(fake_told(&peer->fake), "start0@0");
	assert_true(peer->fake.setup.call_fd >= 0);
	assert_false(peer->fake.setup.enabled);
}

/* Setting what a running ring has already is harmless; anything else is not. */
static void same_again_while_running(void **state)
{
	struct peer *peer = *state;

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_start_ring(peer, 0, 0);
	peer_say_state(peer, VHOST_USER_SET_VRING_NUM, 0, 16);
	peer_say_state(peer, VHOST_USER_SET_VRING_BASE, 0, 0);
	peer_refused_state(peer, "its size was changed while it runs", VHOST_USER_SET_VRING_NUM, 0, 32);
}

static void freed_while_running(void **state)
{
	struct peer *peer = *state;

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_start_ring(peer, 0, 0);
	peer_start_ring(peer, 3, 0);
	fake_told(&peer->fake);
	vhost_backend_free(peer->backend);
	peer->backend = NULL;
	assert_string_equal(fake_told(&peer->fake), "stop0 stop3");
}

static void bad_base(void **state)
{
	struct peer *peer = *state;

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_start_ring(peer, 0, 0);
	peer_refused_state(peer, "its base was changed while it runs", VHOST_USER_SET_VRING_BASE, 0, 1);
}

static void bad_index(void **state)
{
	peer_refused_state(*state, "--num-request-queues 4", VHOST_USER_SET_VRING_NUM, 4, 16);
}

static void bad_index_of_base(void **state)
{
	peer_refused_state(*state, "set up ring 4294967295", VHOST_USER_GET_VRING_BASE, UINT32_MAX, 0);
}

static void bad_index_of_enable(void **state)
{
	peer_refused_state(*state, "set up ring 256", VHOST_USER_SET_VRING_ENABLE, 256, 1);
}

static void bad_index_of_kick(void **state)
{
	int fd = peer_eventfd();
	uint64_t value = 200;

	peer_refused(*state, "set up ring 200", VHOST_USER_SET_VRING_KICK, &value, 8, fd);
	close(fd);
}

static void bad_size(void **state)
{
	peer_refused_state(*state, "allowed are 2 to 32768", VHOST_USER_SET_VRING_NUM, 0, 32769);
}

static void bad_size_one(void **state)
{
	peer_refused_state(*state, "allowed are 2 to 32768", VHOST_USER_SET_VRING_NUM, 0, 1);
}

static void split_size_not_a_power_of_two(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_vring_addr addresses = peer_addresses(peer, 0);

	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_say_state(peer, VHOST_USER_SET_VRING_NUM, 0, 24);
	peer_say_u64(peer, VHOST_USER_SET_VRING_KICK, VHOST_USER_VRING_NO_FD, -1);
	peer_refused(peer, "a split ring has a power of two", VHOST_USER_SET_VRING_ADDR, &addresses, sizeof(addresses),
		     -1);
}

/* Each area in turn is wrong by one step at either end, or not aligned. */
static void areas_outside_memory(void **state)
{
	static const struct {
		uint64_t offset[3]; /* of descriptors, available ring, used ring */
		bool good;
	} cases[] = {
		/* 16 descriptors: 256, 38 and 134 bytes. */
		{ { PEER_MEMORY_SIZE - 256, 0, 0x1000 }, true },
		{ { PEER_MEMORY_SIZE - 240, 0, 0x1000 }, false },
		{ { 0, PEER_MEMORY_SIZE - 38, 0x1000 }, true },
		{ { 0, PEER_MEMORY_SIZE - 36, 0x1000 }, false },
		{ { 0, 0x1000, PEER_MEMORY_SIZE - 136 }, true },
		{ { 0, 0x1000, PEER_MEMORY_SIZE - 132 }, false },
		{ { UINT64_C(0) - 16, 0x1000, 0x2000 }, false },
		{ { 0, UINT64_C(0) - 2, 0x2000 }, false },
		{ { 0, 0x1000, UINT64_C(0) - 4 }, false },
		{ { 8, 0x1000, 0x2000 }, false },
		{ { 0, 0x1001, 0x2000 }, false },
		{ { 0, 0x1000, 0x2002 }, false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer *peer = *state;
		struct vhost_user_vring_addr addresses = {
			.desc = (uintptr_t)peer->memory.host + cases[i].offset[0],
			.avail = (uintptr_t)peer->memory.host + cases[i].offset[1],
			.used = (uintptr_t)peer->memory.host + cases[i].offset[2],
		};

		peer_negotiate(peer, 0, true);
		peer_give_memory(peer);
		peer_say_state(peer, VHOST_USER_SET_VRING_NUM, 0, 16);
		peer_say_u64(peer, VHOST_USER_SET_VRING_KICK, VHOST_USER_VRING_NO_FD, -1);
		if (cases[i].good)
			peer_say(peer, VHOST_USER_SET_VRING_ADDR, &addresses, sizeof(addresses), -1);
		else
			peer_refused(peer,
				     "outside the shared guest memory or are not aligned; all of the guest's memory "
				     "must be shared",
				     VHOST_USER_SET_VRING_ADDR, &addresses, sizeof(addresses), -1);
		assert_string_equal(fake_told(&peer->fake), cases[i].good ? "start0@0" : "");
		/* A fresh back-end for the next. */
		peer_teardown(state);
		peer_setup(state);
	}
}

static void kick_without_descriptor(void **state)
{
	uint64_t value = 0;

	peer_refused(*state, "came with 0 descriptors instead of one", VHOST_USER_SET_VRING_KICK, &value, 8, -1);
}

static void device_refuses(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_vring_addr addresses = peer_addresses(peer, 0);

	peer->fake.start_error = -ENOMEM;
	peer_negotiate(peer, 0, true);
	peer_give_memory(peer);
	peer_say_state(peer, VHOST_USER_SET_VRING_NUM, 0, 16);
	peer_say_u64(peer, VHOST_USER_SET_VRING_KICK, VHOST_USER_VRING_NO_FD, -1);
	peer_refused(peer, "ring 0: can't be started: Cannot allocate memory", VHOST_USER_SET_VRING_ADDR, &addresses,
		     sizeof(addresses), -1);
	vhost_backend_free(peer->backend);
	peer->backend = NULL;
	/* What never ran is not stopped. */
	assert_string_equal(fake_told(&peer->fake), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(qemu_order),
		TEST(uml_order),
		TEST(any_order),
		TEST(enabled_at_once_without_protocol_features),
		TEST(enabled_while_stopped),
		TEST(new_table_restarts),
		TEST(new_descriptors_for_a_running_ring),
		TEST(log_flag_while_running),
		TEST(reset_device),
		TEST(same_again_while_running),
		TEST(freed_while_running),
		TEST(bad_base),
		TEST(bad_index),
		TEST(bad_index_of_base),
		TEST(bad_index_of_enable),
		TEST(bad_index_of_kick),
		TEST(bad_size),
		TEST(bad_size_one),
		TEST(split_size_not_a_power_of_two),
		TEST(areas_outside_memory),
		TEST(kick_without_descriptor),
		TEST(device_refuses),
	};

	return cmocka_run_group_tests_name("vhost/rings", tests, NULL, NULL);
}
