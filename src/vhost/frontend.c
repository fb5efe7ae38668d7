/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ring and region addresses on the socket are our own pointers, as the protocol wants it of a front-end.
 */
/* #syscalls: socket connect close */
#include "vhost/frontend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "vhost/channel.h"

#define BIT(n) (UINT64_C(1) << (n))

struct vhost_frontend {
	int fd;
	uint64_t features; /* accepted */
	uint64_t protocol_features;
};

/* ---- messages ------------------------------------------------------------------------------------------------ */

static int send_message(struct vhost_frontend *frontend, struct vhost_message *message, uint32_t request, uint32_t size,
			uint32_t flags)
{
	message->header = (struct vhost_user_header){
		.request = request,
		.flags = VHOST_USER_VERSION | flags,
		.size = size,
	};
	return vhost_message_send(frontend->fd, message);
}

/* Receives the answer to request into message; it brings no descriptors. */
static int receive_reply(struct vhost_frontend *frontend, struct vhost_message *message, uint32_t request,
			 uint32_t size)
{
	int error = vhost_message_receive(frontend->fd, message);

	if (error)
		return error;
	vhost_message_close(message);
	if (message->header.request != request || message->header.flags != (VHOST_USER_VERSION | VHOST_USER_REPLY) ||
	    message->header.size != size)
		return -EPROTO;
	return 0;
}

/* Sends a message that has a reply of its own, which replaces it. */
static int ask(struct vhost_frontend *frontend, struct vhost_message *message, uint32_t request, uint32_t size,
	       uint32_t reply_size)
{
	int error = send_message(frontend, message, request, size, 0);

	return error ? error : receive_reply(frontend, message, request, reply_size);
}

static int ask_u64(struct vhost_frontend *frontend, uint32_t request, uint64_t *ret_value)
{
	struct vhost_message message = { 0 };
	int error = ask(frontend, &message, request, 0, sizeof(uint64_t));

	if (!error)
		*ret_value = message.payload.u64;
	return error;
}

/* Sends a message that has none, and waits for the acknowledgement if the back-end gives one. */
static int tell(struct vhost_frontend *frontend, struct vhost_message *message, uint32_t request, uint32_t size)
{
	bool acknowledged = frontend->protocol_features & BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK);
	int error = send_message(frontend, message, request, size, acknowledged ? VHOST_USER_NEED_REPLY : 0);

	if (error || !acknowledged)
		return error;
	error = receive_reply(frontend, message, request, sizeof(uint64_t));
	if (error)
		return error;
	return message->payload.u64 == 0 ? 0 : -EREMOTEIO;
}

static int tell_u64(struct vhost_frontend *frontend, uint32_t request, uint64_t value)
{
	struct vhost_message message = { .payload.u64 = value };

	return tell(frontend, &message, request, sizeof(value));
}

static int tell_state(struct vhost_frontend *frontend, uint32_t request, unsigned int index, uint32_t value)
{
	struct vhost_message message = { .payload.state = { .index = index, .num = value } };

	return tell(frontend, &message, request, sizeof(message.payload.state));
}

/* A message that brings a ring's descriptor, or says that there is none. */
static int tell_ring_fd(struct vhost_frontend *frontend, uint32_t request, unsigned int index, int fd)
{
	struct vhost_message message = { .payload.u64 = index | (fd < 0 ? VHOST_USER_VRING_NO_FD : 0) };

	if (fd >= 0)
		message.fds[message.fd_count++] = fd;
	return tell(frontend, &message, request, sizeof(message.payload.u64));
}

static bool has_protocol_feature(const struct vhost_frontend *frontend, unsigned int bit)
{
	return frontend->protocol_features & BIT(bit);
}

/* ---- life ---------------------------------------------------------------------------------------------------- */

int vhost_frontend_new(int fd, struct vhost_frontend **ret_frontend)
{
	struct vhost_frontend *frontend = calloc(1, sizeof(*frontend));

	if (!frontend) {
		close(fd);
		return -ENOMEM;
	}
	frontend->fd = fd;
	*ret_frontend = frontend;
	return 0;
}

int vhost_frontend_connect(const char *path, struct vhost_frontend **ret_frontend)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	memcpy(address.sun_path, path, strlen(path));
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	return vhost_frontend_new(take_fd(&fd), ret_frontend);
}

void vhost_frontend_free(struct vhost_frontend *frontend)
{
	if (!frontend)
		return;
	close(frontend->fd);
	free(frontend);
}

int vhost_frontend_fd(const struct vhost_frontend *frontend)
{
	return frontend->fd;
}

/* ---- features and config space ------------------------------------------------------------------------------- */

static int negotiate_protocol(struct vhost_frontend *frontend, uint64_t wanted)
{
	uint64_t offered;
	int error = ask_u64(frontend, VHOST_USER_GET_PROTOCOL_FEATURES, &offered);

	if (!error)
		error = tell_u64(frontend, VHOST_USER_SET_PROTOCOL_FEATURES, offered & wanted);
	if (!error)
		frontend->protocol_features = offered & wanted;
	return error;
}

int vhost_frontend_negotiate(struct vhost_frontend *frontend, uint64_t wanted, uint64_t wanted_protocol)
{
	uint64_t offered;
	int error = ask_u64(frontend, VHOST_USER_GET_FEATURES, &offered);

	if (!error && (offered & BIT(VHOST_USER_F_PROTOCOL_FEATURES))) {
		wanted |= BIT(VHOST_USER_F_PROTOCOL_FEATURES);
		error = negotiate_protocol(frontend, wanted_protocol);
	}
	if (!error) {
		struct vhost_message owner = { 0 };

		error = tell(frontend, &owner, VHOST_USER_SET_OWNER, 0);
	}
	return error ? error : vhost_frontend_set_features(frontend, offered & wanted);
}

int vhost_frontend_set_features(struct vhost_frontend *frontend, uint64_t features)
{
	int error = tell_u64(frontend, VHOST_USER_SET_FEATURES, features);

	if (!error)
		frontend->features = features;
	return error;
}

uint64_t vhost_frontend_features(const struct vhost_frontend *frontend)
{
	return frontend->features;
}

uint64_t vhost_frontend_protocol_features(const struct vhost_frontend *frontend)
{
	return frontend->protocol_features;
}

int vhost_frontend_get_queue_count(struct vhost_frontend *frontend, uint64_t *ret_count)
{
	if (!has_protocol_feature(frontend, VHOST_USER_PROTOCOL_F_MQ))
		return -EOPNOTSUPP;
	return ask_u64(frontend, VHOST_USER_GET_QUEUE_NUM, ret_count);
}

int vhost_frontend_get_config(struct vhost_frontend *frontend, uint32_t offset, void *to, uint32_t size)
{
	struct vhost_message message = { .payload.config = { .offset = offset, .size = size } };
	uint32_t bytes = sizeof(message.payload.config) + size;

	if (!has_protocol_feature(frontend, VHOST_USER_PROTOCOL_F_CONFIG))
		return -EOPNOTSUPP;
	if (size > VHOST_USER_CONFIG_MAX)
		return -ERANGE;
	int error = send_message(frontend, &message, VHOST_USER_GET_CONFIG, bytes, 0);
	if (!error)
		error = vhost_message_receive(frontend->fd, &message);
	if (error)
		return error;
	vhost_message_close(&message);
	if (message.header.request != VHOST_USER_GET_CONFIG || message.header.size < sizeof(message.payload.config))
		return -EPROTO;
	if (message.payload.config.size == 0 && size > 0)
		return -ERANGE; /* how the protocol says no */
	if (message.header.size != bytes || message.payload.config.size != size)
		return -EPROTO;
	memcpy(to, message.payload.bytes + sizeof(message.payload.config), size);
	return 0;
}

/* ---- memory -------------------------------------------------------------------------------------------------- */

static struct vhost_user_region region_of(const struct vhost_shared_memory *memory)
{
	return (struct vhost_user_region){
		.guest_address = memory->guest_address,
		.size = memory->size,
		.user_address = (uintptr_t)memory->host,
	};
}

int vhost_frontend_set_memory(struct vhost_frontend *frontend, const struct vhost_shared_memory *memory, size_t count)
{
	struct vhost_message message = { 0 };
	size_t bytes = sizeof(message.payload.memory);

	if (count > VHOST_MESSAGE_FDS_MAX)
		return -E2BIG;
	message.payload.memory.count = (uint32_t)count;
	for (size_t i = 0; i < count; i++) {
		struct vhost_user_region region = region_of(&memory[i]);

		memcpy(message.payload.bytes + bytes, &region, sizeof(region));
		bytes += sizeof(region);
		message.fds[message.fd_count++] = memory[i].fd;
	}
	return tell(frontend, &message, VHOST_USER_SET_MEM_TABLE, (uint32_t)bytes);
}

static int tell_region(struct vhost_frontend *frontend, uint32_t request, const struct vhost_shared_memory *memory,
		       bool with_fd)
{
	struct vhost_message message = { .payload.region.region = region_of(memory) };

	if (!has_protocol_feature(frontend, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS))
		return -EOPNOTSUPP;
	if (with_fd)
		message.fds[message.fd_count++] = memory->fd;
	return tell(frontend, &message, request, sizeof(message.payload.region));
}

int vhost_frontend_add_memory(struct vhost_frontend *frontend, const struct vhost_shared_memory *memory)
{
	return tell_region(frontend, VHOST_USER_ADD_MEM_REG, memory, true);
}

int vhost_frontend_remove_memory(struct vhost_frontend *frontend, const struct vhost_shared_memory *memory)
{
	return tell_region(frontend, VHOST_USER_REM_MEM_REG, memory, false);
}

/* ---- rings --------------------------------------------------------------------------------------------------- */

static int tell_addresses(struct vhost_frontend *frontend, unsigned int index, const struct vhost_frontend_ring *ring)
{
	struct vhost_message message = {
		.payload.addr = {
			.index = index,
			.flags = ring->log_used ? VHOST_USER_VRING_F_LOG : 0,
			.desc = (uintptr_t)ring->desc,
			.used = (uintptr_t)ring->device,
			.avail = (uintptr_t)ring->driver,
			.log = ring->log_address,
		},
	};

	return tell(frontend, &message, VHOST_USER_SET_VRING_ADDR, sizeof(message.payload.addr));
}

int vhost_frontend_start_ring(struct vhost_frontend *frontend, unsigned int index,
			      const struct vhost_frontend_ring *ring)
{
	int error = tell_state(frontend, VHOST_USER_SET_VRING_NUM, index, ring->size);

	if (!error)
		error = tell_state(frontend, VHOST_USER_SET_VRING_BASE, index, ring->base);
	if (!error)
		error = tell_addresses(frontend, index, ring);
	if (!error)
		error = tell_ring_fd(frontend, VHOST_USER_SET_VRING_CALL, index, ring->call_fd);
	if (!error)
		error = tell_ring_fd(frontend, VHOST_USER_SET_VRING_KICK, index, ring->kick_fd);
	/* Without protocol features rings are enabled from the start, and the message is unknown. */
	if (!error && (frontend->features & BIT(VHOST_USER_F_PROTOCOL_FEATURES)))
		error = vhost_frontend_enable_ring(frontend, index, true);
	return error;
}

int vhost_frontend_enable_ring(struct vhost_frontend *frontend, unsigned int index, bool enabled)
{
	return tell_state(frontend, VHOST_USER_SET_VRING_ENABLE, index, enabled);
}

int vhost_frontend_stop_ring(struct vhost_frontend *frontend, unsigned int index, uint32_t *ret_base)
{
	struct vhost_message message = { .payload.state.index = index };
	uint32_t size = sizeof(message.payload.state);
	int error = ask(frontend, &message, VHOST_USER_GET_VRING_BASE, size, size);

	if (error)
		return error;
	if (message.payload.state.index != index)
		return -EPROTO;
	*ret_base = message.payload.state.num;
	return 0;
}

int vhost_frontend_reset(struct vhost_frontend *frontend)
{
	struct vhost_message message = { 0 };

	if (!has_protocol_feature(frontend, VHOST_USER_PROTOCOL_F_RESET_DEVICE))
		return -EOPNOTSUPP;
	return tell(frontend, &message, VHOST_USER_RESET_DEVICE, 0);
}
