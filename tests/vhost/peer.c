/* SPDX-License-Identifier: BSD-3-Clause */
#include "peer.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/virtio_ring.h"

#define BIT(n) (UINT64_C(1) << (n))

unsigned int peer_count_fds(void)
{
	DIR *directory = opendir("/proc/self/fd");
	unsigned int count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

int peer_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_true(fd >= 0);
	return fd;
}

int peer_setup(void **state)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	int sockets[2];

	assert_non_null(peer);
	peer->fds_before = peer_count_fds();
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
	peer->socket = sockets[0];
	struct vhost_backend_config config = {
		.virtio_features = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_EVENT_IDX) | BIT(VIRTIO_F_INDIRECT_DESC) |
				   BIT(VIRTIO_F_RING_PACKED),
		.max_queues = FAKE_QUEUES,
		.config_size = FAKE_CONFIG_SIZE,
		.ops = &fake_ops,
		.device = &peer->fake,
	};
	assert_int_equal(vhost_backend_new(sockets[1], &config, &peer->backend), 0);
	assert_int_equal(vhost_shared_memory_init(&peer->memory, PEER_GUEST_BASE, PEER_MEMORY_SIZE), 0);
	*state = peer;
	return 0;
}

int peer_teardown(void **state)
{
	struct peer *peer = *state;

	vhost_backend_free(peer->backend);
	vhost_shared_memory_fini(&peer->memory);
	if (peer->socket >= 0)
		close(peer->socket);
	assert_int_equal(peer_count_fds(), peer->fds_before);
	free(peer);
	return 0;
}

void peer_send(struct peer *peer, const void *bytes, size_t length, const int *fds, size_t fd_count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 128)];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)bytes, length };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd_count > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
	}
	assert_int_equal(sendmsg(peer->socket, &msg, MSG_NOSIGNAL), length);
}

void peer_message(struct peer *peer, uint32_t request, uint32_t flags, const void *payload, uint32_t size,
		  const int *fds, size_t fd_count)
{
	struct {
		struct vhost_user_header header;
		uint8_t payload[VHOST_USER_PAYLOAD_MAX];
	} message = { .header = { .request = request, .flags = VHOST_USER_VERSION | flags, .size = size } };

	if (size > 0)
		memcpy(message.payload, payload, size);
	peer_send(peer, &message, sizeof(message.header) + size, fds, fd_count);
}

void peer_say(struct peer *peer, uint32_t request, const void *payload, uint32_t size, int fd)
{
	peer_message(peer, request, 0, payload, size, &fd, fd >= 0);
	int error = vhost_backend_serve(peer->backend);
	if (error)
		fail_msg("message %u: %s (%s)", request, vhost_backend_error(peer->backend), strerror(-error));
}

void peer_say_u64(struct peer *peer, uint32_t request, uint64_t value, int fd)
{
	peer_say(peer, request, &value, sizeof(value), fd);
}

void peer_say_state(struct peer *peer, uint32_t request, uint32_t index, uint32_t num)
{
	struct vhost_user_vring_state vring = { .index = index, .num = num };

	peer_say(peer, request, &vring, sizeof(vring), -1);
}

void peer_refused(struct peer *peer, const char *why, uint32_t request, const void *payload, uint32_t size, int fd)
{
	peer_message(peer, request, 0, payload, size, &fd, fd >= 0);
	assert_true(vhost_backend_serve(peer->backend) < 0);
	if (!strstr(vhost_backend_error(peer->backend), why))
		fail_msg("message %u: '%s' lacks '%s'", request, vhost_backend_error(peer->backend), why);
}

void peer_refused_state(struct peer *peer, const char *why, uint32_t request, uint32_t index, uint32_t num)
{
	struct vhost_user_vring_state vring = { .index = index, .num = num };

	peer_refused(peer, why, request, &vring, sizeof(vring), -1);
}

void peer_reply(struct peer *peer, uint32_t request, uint32_t size, struct vhost_message *ret_message)
{
	assert_int_equal(vhost_message_receive(peer->socket, ret_message), 0);
	assert_int_equal(ret_message->header.request, request);
	assert_int_equal(ret_message->header.flags, 5);
	assert_int_equal(ret_message->header.size, size);
}

uint64_t peer_ask_u64(struct peer *peer, uint32_t request)
{
	struct vhost_message reply;

	peer_say(peer, request, NULL, 0, -1);
	peer_reply(peer, request, 8, &reply);
	assert_int_equal(reply.fd_count, 0);
	return reply.payload.u64;
}

void peer_expect_silence(struct peer *peer)
{
	char byte;

	assert_int_equal(recv(peer->socket, &byte, 1, MSG_DONTWAIT), -1);
	assert_int_equal(errno, EAGAIN);
}

void peer_negotiate(struct peer *peer, uint64_t virtio_features, bool protocol)
{
	if (protocol) {
		uint64_t offered = peer_ask_u64(peer, VHOST_USER_GET_PROTOCOL_FEATURES);

		peer_say_u64(peer, VHOST_USER_SET_PROTOCOL_FEATURES, offered, -1);
		virtio_features |= BIT(VHOST_USER_F_PROTOCOL_FEATURES);
	}
	peer_say_u64(peer, VHOST_USER_SET_FEATURES, virtio_features | BIT(VIRTIO_F_VERSION_1), -1);
	fake_told(&peer->fake);
}

void peer_give_memory(struct peer *peer)
{
	struct {
		struct vhost_user_memory header;
		struct vhost_user_region region;
	} table = {
		.header.count = 1,
		.region = {
			.guest_address = PEER_GUEST_BASE,
			.size = PEER_MEMORY_SIZE,
			.user_address = (uintptr_t)peer->memory.host,
		},
	};

	peer_say(peer, VHOST_USER_SET_MEM_TABLE, &table, sizeof(table), peer->memory.fd);
}

struct vhost_user_vring_addr peer_addresses(struct peer *peer, uint32_t index)
{
	uintptr_t base = (uintptr_t)peer->memory.host + index * 0x10000;

	return (struct vhost_user_vring_addr){
		.index = index,
		.desc = base,
		.avail = base + 0x4000,
		.used = base + 0x8000,
		.log = 0x1234,
	};
}

void peer_start_ring(struct peer *peer, uint32_t index, uint32_t base)
{
	struct vhost_user_vring_addr addresses = peer_addresses(peer, index);
	int kick = peer_eventfd();
	int call = peer_eventfd();

	peer_say_state(peer, VHOST_USER_SET_VRING_NUM, index, 16);
	peer_say_state(peer, VHOST_USER_SET_VRING_BASE, index, base);
	peer_say(peer, VHOST_USER_SET_VRING_ADDR, &addresses, sizeof(addresses), -1);
	peer_say_u64(peer, VHOST_USER_SET_VRING_KICK, index, kick);
	peer_say_u64(peer, VHOST_USER_SET_VRING_CALL, index, call);
	close(kick);
	close(call);
}
