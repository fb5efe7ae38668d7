/* SPDX-License-Identifier: BSD-3-Clause */
/* Features, config space, and what is no message of ours. */
#include "peer.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/virtio_ring.h"

#define BIT(n) (UINT64_C(1) << (n))

static void features(void **state)
{
	struct peer *peer = *state;
	uint64_t offered = peer_ask_u64(peer, VHOST_USER_GET_FEATURES);

	assert_true(offered & BIT(VHOST_USER_F_PROTOCOL_FEATURES));
	assert_true(offered & BIT(VHOST_F_LOG_ALL));
	assert_true(offered & BIT(VIRTIO_F_RING_PACKED));
	/* MQ, LOG_SHMFD, REPLY_ACK, BACKEND_REQ, CONFIG, INFLIGHT_SHMFD, RESET_DEVICE, CONFIGURE_MEM_SLOTS, STATUS. */
	assert_int_equal(peer_ask_u64(peer, VHOST_USER_GET_PROTOCOL_FEATURES), 0x1b22b);
	peer_say_u64(peer, VHOST_USER_SET_FEATURES, offered, -1);
	assert_int_equal(peer->fake.features, offered);
	assert_int_equal(vhost_backend_features(peer->backend), offered);
	assert_int_equal(peer_ask_u64(peer, VHOST_USER_GET_QUEUE_NUM), FAKE_QUEUES);
	assert_int_equal(peer_ask_u64(peer, VHOST_USER_GET_MAX_MEM_SLOTS), 509);
	peer_say(peer, VHOST_USER_SET_OWNER, NULL, 0, -1);
	peer_say(peer, VHOST_USER_RESET_OWNER, NULL, 0, -1);
	peer_expect_silence(peer);
}

static void features_not_offered(void **state)
{
	uint64_t value = BIT(VIRTIO_F_IN_ORDER);

	peer_refused(*state, "features that were not offered: 0x800000000", VHOST_USER_SET_FEATURES, &value, 8, -1);
}

static void protocol_features_not_offered(void **state)
{
	uint64_t value = BIT(17);

	peer_refused(*state, "protocol features that were not offered: 0x20000", VHOST_USER_SET_PROTOCOL_FEATURES,
		     &value, 8, -1);
}

/* The very message that agrees on acknowledgements is acknowledged; before, nothing is. */
static void acknowledgements(void **state)
{
	struct peer *peer = *state;
	uint64_t value = BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK);
	struct vhost_message reply;

	peer_message(peer, VHOST_USER_SET_OWNER, VHOST_USER_NEED_REPLY, NULL, 0, NULL, 0);
	assert_int_equal(vhost_backend_serve(peer->backend), 0);
	peer_expect_silence(peer);
	peer_message(peer, VHOST_USER_SET_PROTOCOL_FEATURES, VHOST_USER_NEED_REPLY, &value, 8, NULL, 0);
	assert_int_equal(vhost_backend_serve(peer->backend), 0);
	peer_reply(peer, VHOST_USER_SET_PROTOCOL_FEATURES, 8, &reply);
	assert_int_equal(reply.payload.u64, 0);
	/* A message with an answer of its own has only that. */
	peer_message(peer, VHOST_USER_GET_FEATURES, VHOST_USER_NEED_REPLY, NULL, 0, NULL, 0);
	assert_int_equal(vhost_backend_serve(peer->backend), 0);
	peer_reply(peer, VHOST_USER_GET_FEATURES, 8, &reply);
	peer_expect_silence(peer);
}

/* Asks for config space; returns the size the answer states, bytes in ret. */
static uint32_t ask_config(struct peer *peer, uint32_t offset, uint32_t size, uint8_t *ret)
{
	struct {
		struct vhost_user_config config;
		uint8_t bytes[VHOST_USER_CONFIG_MAX];
	} payload = { .config = { .offset = offset, .size = size } };
	struct vhost_message reply;

	peer_say(peer, VHOST_USER_GET_CONFIG, &payload, sizeof(payload.config) + size, -1);
	assert_int_equal(vhost_message_receive(peer->socket, &reply), 0);
	assert_int_equal(reply.header.flags, 5);
	assert_int_equal(reply.header.request, VHOST_USER_GET_CONFIG);
	assert_int_equal(reply.header.size, sizeof(payload.config) + reply.payload.config.size);
	memcpy(ret, reply.payload.bytes + sizeof(payload.config), reply.payload.config.size);
	return reply.payload.config.size;
}

static void config(void **state)
{
	uint8_t bytes[VHOST_USER_CONFIG_MAX];

	assert_int_equal(ask_config(*state, 0, FAKE_CONFIG_SIZE, bytes), FAKE_CONFIG_SIZE);
	assert_int_equal(bytes[0], 1);
	assert_int_equal(bytes[FAKE_CONFIG_SIZE - 1], FAKE_CONFIG_SIZE);
	/* User-Mode Linux reads byte by byte. */
	for (uint32_t i = 0; i < FAKE_CONFIG_SIZE; i++) {
		assert_int_equal(ask_config(*state, i, 1, bytes), 1);
		assert_int_equal(bytes[0], i + 1);
	}
	/* What is not there is answered with size 0. */
	assert_int_equal(ask_config(*state, FAKE_CONFIG_SIZE, 1, bytes), 0);
	assert_int_equal(ask_config(*state, 0, VHOST_USER_CONFIG_MAX, bytes), 0);
	assert_int_equal(ask_config(*state, UINT32_MAX, 8, bytes), 0);
	/* Writing changes nothing. */
	struct {
		struct vhost_user_config config;
		uint8_t byte;
	} write = { .config = { .offset = 0, .size = 1 }, .byte = 99 };
	peer_say(*state, VHOST_USER_SET_CONFIG, &write, sizeof(write.config) + 1, -1);
	ask_config(*state, 0, 1, bytes);
	assert_int_equal(bytes[0], 1);
}

static void config_that_lies(void **state)
{
	struct vhost_user_config payload = { .offset = 0, .size = 8 };

	peer_refused(*state, "8 bytes of config space came in 12 bytes", VHOST_USER_GET_CONFIG, &payload,
		     sizeof(payload), -1);
}

static void config_too_large(void **state)
{
	uint8_t payload[12 + 257] = { 0 };
	struct vhost_user_config config = { .offset = 0, .size = 257 };

	memcpy(payload, &config, sizeof(config));
	peer_refused(*state, "257 bytes of config space", VHOST_USER_GET_CONFIG, payload, sizeof(payload), -1);
}

static void backend_channel(void **state)
{
	struct peer *peer = *state;
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	peer_say(peer, VHOST_USER_SET_BACKEND_REQ_FD, NULL, 0, sockets[0]);
	peer_say(peer, VHOST_USER_SET_BACKEND_REQ_FD, NULL, 0, sockets[0]);
	close(sockets[0]);
	close(sockets[1]);
	peer_refused(peer, "the back-end channel came with 0 descriptors", VHOST_USER_SET_BACKEND_REQ_FD, NULL, 0, -1);
}

/* Descriptors that no one asked for are closed (the teardown counts), on good messages and on bad ones. */
static void stray_descriptors(void **state)
{
	struct peer *peer = *state;
	int fds[VHOST_MESSAGE_FDS_MAX];
	int kick = peer_eventfd();
	uint64_t value = 0;
	struct vhost_message reply;

	for (size_t i = 0; i < VHOST_MESSAGE_FDS_MAX; i++)
		fds[i] = kick;
	peer_message(peer, VHOST_USER_GET_FEATURES, 0, NULL, 0, fds, 64);
	assert_int_equal(vhost_backend_serve(peer->backend), 0);
	peer_reply(peer, VHOST_USER_GET_FEATURES, 8, &reply);
	assert_int_equal(reply.fd_count, 0);
	peer_message(peer, VHOST_USER_SET_VRING_CALL, 0, &(uint64_t){ VHOST_USER_VRING_NO_FD }, 8, fds, 3);
	assert_int_equal(vhost_backend_serve(peer->backend), 0);
	peer_message(peer, VHOST_USER_SET_LOG_FD, 0, NULL, 0, fds, 1);
	assert_int_equal(vhost_backend_serve(peer->backend), 0);
	peer_message(peer, VHOST_USER_SET_VRING_KICK, 0, &value, 8, fds, 2);
	assert_int_equal(vhost_backend_serve(peer->backend), -EBADF);
	peer_message(peer, 1000, 0, NULL, 0, fds, 2);
	assert_int_equal(vhost_backend_serve(peer->backend), -EOPNOTSUPP);
	close(kick);
}

static void too_many_descriptors(void **state)
{
	struct peer *peer = *state;
	int kick = peer_eventfd();
	int fds[VHOST_MESSAGE_FDS_MAX + 8];

	for (size_t i = 0; i < VHOST_MESSAGE_FDS_MAX + 8; i++)
		fds[i] = kick;
	peer_message(peer, VHOST_USER_GET_FEATURES, 0, NULL, 0, fds, VHOST_MESSAGE_FDS_MAX + 8);
	assert_int_equal(vhost_backend_serve(peer->backend), -ETOOMANYREFS);
	close(kick);
}

static void unknown_messages(void **state)
{
	/* Of other devices, of features not offered, and of nobody. */
	static const uint32_t requests[] = { 0, 19, 20, 22, 26, 28, 33, 35, 41, 45, 46, 1u << 31, UINT32_MAX };

	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++)
		peer_refused(*state, "which was not offered", requests[i], NULL, 0, -1);
}

/* Each message is sent one byte too short, and one too long, unless it may be. */
static void wrong_sizes(void **state)
{
	static const struct {
		uint32_t request;
		uint32_t size;
		bool may_be_longer;
	} cases[] = {
		{ VHOST_USER_GET_FEATURES, 0, false },
		{ VHOST_USER_SET_FEATURES, 8, false },
		{ VHOST_USER_SET_OWNER, 0, false },
		{ VHOST_USER_SET_MEM_TABLE, 8, true },
		{ VHOST_USER_SET_LOG_BASE, 16, false },
		{ VHOST_USER_SET_VRING_NUM, 8, false },
		{ VHOST_USER_SET_VRING_ADDR, 40, false },
		{ VHOST_USER_SET_VRING_BASE, 8, false },
		{ VHOST_USER_GET_VRING_BASE, 8, false },
		{ VHOST_USER_SET_VRING_KICK, 8, false },
		{ VHOST_USER_SET_VRING_CALL, 8, false },
		{ VHOST_USER_SET_VRING_ERR, 8, false },
		{ VHOST_USER_SET_PROTOCOL_FEATURES, 8, false },
		{ VHOST_USER_SET_VRING_ENABLE, 8, false },
		{ VHOST_USER_GET_CONFIG, 12, true },
		{ VHOST_USER_GET_INFLIGHT_FD, 20, true },
		{ VHOST_USER_SET_INFLIGHT_FD, 20, true },
		{ VHOST_USER_ADD_MEM_REG, 40, false },
		{ VHOST_USER_REM_MEM_REG, 40, false },
		{ VHOST_USER_SET_STATUS, 8, false },
	};
	uint8_t payload[64] = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (cases[i].size > 0)
			peer_refused(*state, " bytes instead of ", cases[i].request, payload, cases[i].size - 1, -1);
		if (!cases[i].may_be_longer)
			peer_refused(*state, " bytes instead of ", cases[i].request, payload, cases[i].size + 1, -1);
	}
}

static void wrong_version(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_header header = { .request = VHOST_USER_GET_FEATURES, .flags = 2 };

	peer_send(peer, &header, sizeof(header), NULL, 0);
	assert_int_equal(vhost_backend_serve(peer->backend), -EPROTO);
	assert_non_null(strstr(vhost_backend_error(peer->backend), "another protocol"));
}

static void enormous_payload(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_header header = { .request = VHOST_USER_SET_MEM_TABLE, .flags = 1, .size = UINT32_MAX };

	peer_send(peer, &header, sizeof(header), NULL, 0);
	assert_int_equal(vhost_backend_serve(peer->backend), -EMSGSIZE);
	assert_non_null(strstr(vhost_backend_error(peer->backend), "is it a vhost-user front-end?"));
}

static void closed_in_good_order(void **state)
{
	struct peer *peer = *state;

	shutdown(peer->socket, SHUT_WR);
	assert_int_equal(vhost_backend_serve(peer->backend), -ECONNRESET);
	assert_string_equal(vhost_backend_error(peer->backend), "");
}

static void closed_in_the_middle(void **state)
{
	struct peer *peer = *state;
	struct vhost_user_header header = { .request = VHOST_USER_SET_FEATURES, .flags = 1, .size = 8 };
	int kick = peer_eventfd();

	peer_send(peer, &header, sizeof(header), &kick, 1);
	shutdown(peer->socket, SHUT_WR);
	assert_int_equal(vhost_backend_serve(peer->backend), -EPIPE);
	assert_non_null(strstr(vhost_backend_error(peer->backend), "in the middle of a message"));
	close(kick);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(features),
		TEST(features_not_offered),
		TEST(protocol_features_not_offered),
		TEST(acknowledgements),
		TEST(config),
		TEST(config_that_lies),
		TEST(config_too_large),
		TEST(backend_channel),
		TEST(stray_descriptors),
		TEST(too_many_descriptors),
		TEST(unknown_messages),
		TEST(wrong_sizes),
		TEST(wrong_version),
		TEST(enormous_payload),
		TEST(closed_in_good_order),
		TEST(closed_in_the_middle),
	};

	return cmocka_run_group_tests_name("vhost/backend", tests, NULL, NULL);
}
