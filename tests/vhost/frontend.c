/* SPDX-License-Identifier: BSD-3-Clause */
/* Our front-end against our back-end, which runs in a thread of its own. */
#include "peer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "ring/driver.h"
#include "vhost/frontend.h"
#include "wire/virtio_ring.h"

#define BIT(n) (UINT64_C(1) << (n))
#define ALL_PROTOCOL_FEATURES UINT64_MAX

struct pair {
	struct peer *peer; /* its socket is the front-end's */
	struct vhost_frontend *frontend;
	pthread_t thread;
	int end; /* of the back-end's service */
};

static void *serve(void *argument)
{
	struct pair *pair = argument;

	do
		pair->end = vhost_backend_serve(pair->peer->backend);
	while (pair->end == 0);
	vhost_backend_free(pair->peer->backend);
	pair->peer->backend = NULL;
	return NULL;
}

static int setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_non_null(pair);
	peer_setup(state);
	pair->peer = *state;
	assert_int_equal(vhost_frontend_new(dup(pair->peer->socket), &pair->frontend), 0);
	/* The back-end sees the end only when no copy is left. */
	close(pair->peer->socket);
	pair->peer->socket = -1;
	assert_int_equal(pthread_create(&pair->thread, NULL, serve, pair), 0);
	*state = pair;
	return 0;
}

/* Ends the connection and waits for the back-end. */
static void end(struct pair *pair)
{
	vhost_frontend_free(pair->frontend);
	pair->frontend = NULL;
	if (pair->thread)
		pthread_join(pair->thread, NULL);
	pair->thread = 0;
}

static int teardown(void **state)
{
	struct pair *pair = *state;
	void *peer = pair->peer;

	end(pair);
	peer_teardown(&peer);
	free(pair);
	return 0;
}

static void negotiate(struct pair *pair, uint64_t features)
{
	assert_int_equal(
	    vhost_frontend_negotiate(pair->frontend, features | BIT(VIRTIO_F_VERSION_1), ALL_PROTOCOL_FEATURES), 0);
}

static void features(void **state)
{
	struct pair *pair = *state;
	uint64_t expected = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_EVENT_IDX) | BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	uint64_t queues;

	/* IN_ORDER is not offered. */
	negotiate(pair, BIT(VIRTIO_F_EVENT_IDX) | BIT(VIRTIO_F_IN_ORDER));
	assert_int_equal(vhost_frontend_features(pair->frontend), expected);
	assert_int_equal(pair->peer->fake.features, expected);
	assert_int_equal(vhost_frontend_protocol_features(pair->frontend), 0x1b22b);
	assert_int_equal(vhost_frontend_get_queue_count(pair->frontend, &queues), 0);
	assert_int_equal(queues, FAKE_QUEUES);
}

static void config(void **state)
{
	struct pair *pair = *state;
	uint8_t bytes[FAKE_CONFIG_SIZE + 1];

	assert_int_equal(vhost_frontend_get_config(pair->frontend, 0, bytes, 1), -EOPNOTSUPP);
	negotiate(pair, 0);
	assert_int_equal(vhost_frontend_get_config(pair->frontend, 0, bytes, FAKE_CONFIG_SIZE), 0);
	assert_int_equal(bytes[FAKE_CONFIG_SIZE - 1], FAKE_CONFIG_SIZE);
	assert_int_equal(vhost_frontend_get_config(pair->frontend, 0, bytes, FAKE_CONFIG_SIZE + 1), -ERANGE);
	assert_int_equal(vhost_frontend_get_config(pair->frontend, 0, bytes, 1000), -ERANGE);
	/* That was no reason to part. */
	assert_int_equal(vhost_frontend_get_config(pair->frontend, 7, bytes, 1), 0);
	assert_int_equal(bytes[0], 8);
}

/* A chain travels through rings that both sides know only from each other's messages. */
static void round_trip(struct pair *pair, uint64_t ring_feature)
{
	struct vhost_shared_memory *memory = &pair->peer->memory;
	bool packed = ring_feature != 0;
	struct ring_driver *driver;
	struct ring_device device = { 0 };
	struct ring_chain chain;
	int token;
	void *back;
	uint32_t written;
	uint32_t base;
	const struct ring_driver_config config = {
		.size = 8,
		.packed = packed,
		.desc = memory->host,
		.driver = memory->host + 0x1000,
		.device = memory->host + 0x2000,
	};
	const struct vhost_frontend_ring ring = {
		.size = 8,
		.base = 0,
		.desc = config.desc,
		.driver = config.driver,
		.device = config.device,
		.kick_fd = peer_eventfd(),
		.call_fd = peer_eventfd(),
	};
	const struct ring_buffer buffers[2] = {
		{ vhost_shared_memory_address(memory, memory->host + 0x5000), 6 },
		{ vhost_shared_memory_address(memory, memory->host + 0x6000), 100 },
	};

	negotiate(pair, ring_feature);
	assert_int_equal(vhost_frontend_set_memory(pair->frontend, memory, 1), 0);
	assert_int_equal(ring_driver_new(&config, &driver), 0);
	assert_int_equal(vhost_frontend_start_ring(pair->frontend, 1, &ring), 0);
	assert_string_equal(fake_told(&pair->peer->fake), "start1@0 enable1");
	strcpy(memory->host + 0x5000, "hello");
	assert_int_equal(ring_driver_add(driver, buffers, 1, 1, &token), 0);
	assert_true(ring_driver_publish(driver));
	assert_int_equal(write(ring.kick_fd, &(uint64_t){ 1 }, 8), 8);

	/* What the device would do. */
	const struct vhost_ring_setup *started = &pair->peer->fake.setup;
	uint64_t kicks;
	assert_int_equal(read(started->kick_fd, &kicks, 8), 8);
	assert_int_equal(ring_device_init(&device, &started->ring), 0);
	ring_chain_init(&chain);
	assert_int_equal(ring_device_pop(&device, &started->memory->ring, &chain), 1);
	assert_string_equal(chain.iov[0].iov_base, "hello");
	strcpy(chain.iov[1].iov_base, "world");
	ring_device_push(&device, &chain, 6);
	ring_device_publish(&device);
	assert_int_equal(write(started->call_fd, &(uint64_t){ 1 }, 8), 8);
	pair->peer->fake.base = ring_device_base(&device);
	ring_chain_fini(&chain);
	ring_device_fini(&device);

	assert_int_equal(read(ring.call_fd, &kicks, 8), 8);
	assert_int_equal(ring_driver_get(driver, &back, &written), 1);
	assert_ptr_equal(back, &token);
	assert_int_equal(written, 6);
	assert_string_equal(memory->host + 0x6000, "world");
	assert_int_equal(vhost_frontend_enable_ring(pair->frontend, 1, false), 0);
	assert_int_equal(vhost_frontend_stop_ring(pair->frontend, 1, &base), 0);
	assert_int_equal(base, pair->peer->fake.base);
	assert_int_not_equal(base, 0);
	assert_string_equal(fake_told(&pair->peer->fake), "disable1 stop1");
	ring_driver_free(driver);
	close(ring.kick_fd);
	close(ring.call_fd);
}

static void round_trip_split(void **state)
{
	round_trip(*state, 0);
}

static void round_trip_packed(void **state)
{
	round_trip(*state, BIT(VIRTIO_F_RING_PACKED));
}

static void slots_and_reset(void **state)
{
	struct pair *pair = *state;
	struct vhost_shared_memory other;

	assert_int_equal(vhost_shared_memory_init(&other, 0, 4096), 0);
	assert_int_equal(vhost_frontend_add_memory(pair->frontend, &other), -EOPNOTSUPP);
	assert_int_equal(vhost_frontend_reset(pair->frontend), -EOPNOTSUPP);
	negotiate(pair, 0);
	assert_int_equal(vhost_frontend_add_memory(pair->frontend, &other), 0);
	assert_int_equal(vhost_frontend_add_memory(pair->frontend, &pair->peer->memory), 0);
	assert_int_equal(vhost_frontend_remove_memory(pair->frontend, &other), 0);
	assert_int_equal(vhost_frontend_reset(pair->frontend), 0);
	assert_string_equal(fake_told(&pair->peer->fake), "memory=1 memory=2 memory=1 reset");
	/* What the back-end refuses ends the connection. */
	assert_int_equal(vhost_frontend_remove_memory(pair->frontend, &other), -ECONNRESET);
	vhost_shared_memory_fini(&other);
}

/* A back-end stops what ran when its front-end is gone. */
static void gone(void **state)
{
	struct pair *pair = *state;
	struct vhost_shared_memory *memory = &pair->peer->memory;
	const struct vhost_frontend_ring ring = {
		.size = 8,
		.desc = memory->host,
		.driver = memory->host + 0x1000,
		.device = memory->host + 0x2000,
		.kick_fd = -1,
		.call_fd = -1,
	};

	negotiate(pair, 0);
	assert_int_equal(vhost_frontend_set_memory(pair->frontend, memory, 1), 0);
	assert_int_equal(vhost_frontend_start_ring(pair->frontend, 0, &ring), 0);
	assert_int_equal(pair->peer->fake.setup.kick_fd, -1);
	assert_int_equal(pair->peer->fake.setup.call_fd, -1);
	end(pair);
	assert_int_equal(pair->end, -ECONNRESET);
	assert_string_equal(fake_told(&pair->peer->fake), "start0@0 enable0 stop0");
}

/* ---- answers that make no sense ------------------------------------------------------------------------------ */

/* Asks a back-end that answers with these bytes. */
static int ask(const void *answer, size_t length)
{
	struct vhost_frontend *frontend;
	uint64_t features = BIT(VIRTIO_F_VERSION_1);
	int sockets[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	assert_int_equal(send(sockets[1], answer, length, 0), length);
	shutdown(sockets[1], SHUT_WR);
	assert_int_equal(vhost_frontend_new(sockets[0], &frontend), 0);
	int error = vhost_frontend_negotiate(frontend, features, 0);
	vhost_frontend_free(frontend);
	close(sockets[1]);
	return error;
}

static void bad_answers(void **state)
{
	struct {
		struct vhost_user_header header;
		uint64_t value;
	} __attribute__((packed)) answer = { .header = { VHOST_USER_GET_FEATURES, 5, 8 } };

	(void)state;
	/* Accepted: an old back-end without protocol features. */
	assert_int_equal(ask(&answer, sizeof(answer)), 0);
	assert_int_equal(ask(&answer, sizeof(answer) - 1), -EPIPE);
	assert_int_equal(ask(&answer, 0), -ECONNRESET);
	answer.header.flags = 1;
	assert_int_equal(ask(&answer, sizeof(answer)), -EPROTO);
	answer.header = (struct vhost_user_header){ VHOST_USER_SET_FEATURES, 5, 8 };
	assert_int_equal(ask(&answer, sizeof(answer)), -EPROTO);
	answer.header = (struct vhost_user_header){ VHOST_USER_GET_FEATURES, 5, 4 };
	assert_int_equal(ask(&answer, sizeof(answer)), -EPROTO);
	answer.header.size = UINT32_MAX;
	assert_int_equal(ask(&answer, sizeof(answer)), -EMSGSIZE);
}

static void connects(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char directory[] = "/tmp/viofs-frontend-XXXXXX";
	struct vhost_frontend *frontend;
	char path[200] = { 0 };

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	assert_int_equal(vhost_frontend_connect(path, &frontend), -ENAMETOOLONG);
	assert_non_null(mkdtemp(directory));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", directory);
	assert_int_equal(vhost_frontend_connect(address.sun_path, &frontend), -ENOENT);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(vhost_frontend_connect(address.sun_path, &frontend), 0);
	assert_true(vhost_frontend_fd(frontend) >= 0);
	vhost_frontend_free(frontend);
	close(fd);
	unlink(address.sun_path);
	rmdir(directory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(features),        TEST(config), TEST(round_trip_split),        TEST(round_trip_packed),
		TEST(slots_and_reset), TEST(gone),   cmocka_unit_test(bad_answers), cmocka_unit_test(connects),
	};

	return cmocka_run_group_tests_name("vhost/frontend", tests, NULL, NULL);
}
