/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages in pieces, and peers that stop. channel.c is compiled in with a short patience. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"
#include "vhost/channel.h"

_Static_assert(VHOST_CHANNEL_TIMEOUT_MS < 1000, "the build sets it for this test");

static int sockets[2];

static int setup(void **state UNUSED)
{
	return socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
}

static int teardown(void **state UNUSED)
{
	close(sockets[0]);
	close(sockets[1]);
	return 0;
}

static const struct vhost_message example = {
	.header = { .request = VHOST_USER_SET_VRING_NUM, .flags = VHOST_USER_VERSION, .size = 8 },
	.payload.state = { .index = 3, .num = 128 },
};

static void there_and_back(void **state UNUSED)
{
	struct vhost_message message = example;
	struct vhost_message got;

	message.fds[0] = sockets[0];
	message.fds[1] = sockets[1];
	message.fd_count = 2;
	assert_int_equal(vhost_message_send(sockets[0], &message), 0);
	assert_int_equal(vhost_message_receive(sockets[1], &got), 0);
	assert_memory_equal(&got.header, &message.header, sizeof(got.header));
	assert_memory_equal(&got.payload.state, &message.payload.state, 8);
	assert_int_equal(got.fd_count, 2);
	int fd = vhost_message_take_fd(&got, 1);
	assert_true(fd >= 0);
	assert_int_equal(vhost_message_take_fd(&got, 1), -1);
	assert_int_equal(vhost_message_take_fd(&got, 2), -1);
	int other = got.fds[0];
	vhost_message_close(&got);
	assert_int_equal(close(other), -1);
	assert_int_equal(close(fd), 0);
}

/* Sends the example byte by byte, pausing some microseconds, as far as asked for. */
struct dribble {
	size_t bytes;
	long pause;
};

static void *dribble(void *argument)
{
	const struct dribble *plan = argument;
	char bytes[sizeof(example.header) + 8];

	memcpy(bytes, &example.header, sizeof(example.header));
	memcpy(bytes + sizeof(example.header), &example.payload, 8);
	for (size_t i = 0; i < plan->bytes; i++) {
		if (send(sockets[0], &bytes[i], 1, MSG_NOSIGNAL) != 1)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = plan->pause * 1000 }, NULL);
	}
	return NULL;
}

static int receive_dribble(size_t bytes, long pause, struct vhost_message *ret_message)
{
	struct dribble plan = { bytes, pause };
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, dribble, &plan), 0);
	int error = vhost_message_receive(sockets[1], ret_message);
	shutdown(sockets[1], SHUT_RDWR);
	pthread_join(thread, NULL);
	return error;
}

static void byte_by_byte(void **state UNUSED)
{
	struct vhost_message got;

	assert_int_equal(receive_dribble(20, 500, &got), 0);
	assert_int_equal(got.payload.state.num, 128);
}

static void stalls_in_header(void **state UNUSED)
{
	struct vhost_message got;

	assert_int_equal(receive_dribble(5, 0, &got), -ETIMEDOUT);
}

static void stalls_in_payload(void **state UNUSED)
{
	struct vhost_message got;

	assert_int_equal(receive_dribble(19, 0, &got), -ETIMEDOUT);
}

/* Each byte comes in time, the message does not. */
static void too_slow(void **state UNUSED)
{
	struct vhost_message got;

	assert_int_equal(receive_dribble(20, VHOST_CHANNEL_TIMEOUT_MS * 1000 / 4, &got), -ETIMEDOUT);
}

/* A peer that takes nothing is not waited for without end. */
static void does_not_read(void **state UNUSED)
{
	struct vhost_message message = example;
	int error = 0;

	message.header.size = VHOST_USER_PAYLOAD_MAX;
	memset(&message.payload, 0, sizeof(message.payload));
	for (int i = 0; !error && i < 10000; i++)
		error = vhost_message_send(sockets[0], &message);
	assert_int_equal(error, -ETIMEDOUT);
}

static void gone(void **state UNUSED)
{
	shutdown(sockets[1], SHUT_RDWR);
	assert_int_equal(vhost_message_send(sockets[0], &example), -EPIPE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(there_and_back),
		TEST(byte_by_byte),
		TEST(stalls_in_header),
		TEST(stalls_in_payload),
		TEST(too_slow),
		TEST(does_not_read),
		TEST(gone),
	};

	return cmocka_run_group_tests_name("vhost/channel", tests, NULL, NULL);
}
