/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Features, config space and dispatch. One table says for each message how large its payload must be, whether it may
 * bring descriptors, and whether it has a reply of its own; handlers then need check only values.
 *
 * Protocol features are offered only for what is implemented: some front-ends acknowledge anything.
 */
#include "vhost/backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "vhost/private.h"
#include "vhost/table.h"
#include "wire/virtio_ring.h"

#define BIT(n) (1ull << (n))

int vhost_backend_fail(struct vhost_backend *backend, int error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(backend->error, sizeof(backend->error), format, arguments);
	va_end(arguments);
	return error;
}

bool vhost_backend_has_feature(const struct vhost_backend *backend, unsigned int bit)
{
	return backend->features & BIT(bit);
}

struct vhost_log *vhost_backend_active_log(const struct vhost_backend *backend)
{
	return vhost_backend_has_feature(backend, VHOST_F_LOG_ALL) ? backend->log : NULL;
}

static bool has_protocol_feature(const struct vhost_backend *backend, unsigned int bit)
{
	return backend->protocol_features & BIT(bit);
}

/* ---- features ------------------------------------------------------------------------------------------------ */

static uint64_t offered_features(const struct vhost_backend *backend)
{
	return backend->config.virtio_features | BIT(VHOST_USER_F_PROTOCOL_FEATURES) | BIT(VHOST_F_LOG_ALL);
}

static uint64_t offered_protocol_features(const struct vhost_backend *backend)
{
	uint64_t features = BIT(VHOST_USER_PROTOCOL_F_MQ) | BIT(VHOST_USER_PROTOCOL_F_LOG_SHMFD) |
			    BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK) | BIT(VHOST_USER_PROTOCOL_F_BACKEND_REQ) |
			    BIT(VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD) | BIT(VHOST_USER_PROTOCOL_F_RESET_DEVICE) |
			    BIT(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS) | BIT(VHOST_USER_PROTOCOL_F_STATUS);

	if (backend->config.config_size > 0)
		features |= BIT(VHOST_USER_PROTOCOL_F_CONFIG);
	return features;
}

static int get_features(struct vhost_backend *backend, struct vhost_message *message)
{
	message->payload.u64 = offered_features(backend);
	return 0;
}

static int set_features(struct vhost_backend *backend, struct vhost_message *message)
{
	uint64_t features = message->payload.u64;
	struct vhost_log *logged = vhost_backend_active_log(backend);

	if (features & ~offered_features(backend))
		return vhost_backend_fail(backend, -EINVAL,
					  "the front-end accepted features that were not offered: %#llx",
					  (unsigned long long)(features & ~offered_features(backend)));
	backend->features = features;
	if (!(features & BIT(VHOST_USER_F_PROTOCOL_FEATURES)))
		vhost_rings_enable_all(backend);
	/* Sent again while rings run to switch logging; nothing else changes then. */
	if (vhost_backend_active_log(backend) != logged)
		backend->config.ops->log_changed(backend->config.device, vhost_backend_active_log(backend));
	backend->config.ops->features_set(backend->config.device, features);
	return 0;
}

static int get_protocol_features(struct vhost_backend *backend, struct vhost_message *message)
{
	message->payload.u64 = offered_protocol_features(backend);
	return 0;
}

static int set_protocol_features(struct vhost_backend *backend, struct vhost_message *message)
{
	uint64_t features = message->payload.u64;

	if (features & ~offered_protocol_features(backend))
		return vhost_backend_fail(backend, -EINVAL,
					  "the front-end accepted protocol features that were not offered: %#llx",
					  (unsigned long long)(features & ~offered_protocol_features(backend)));
	backend->protocol_features = features;
	return 0;
}

static int get_queue_num(struct vhost_backend *backend, struct vhost_message *message)
{
	message->payload.u64 = backend->ring_count;
	return 0;
}

static int get_max_mem_slots(struct vhost_backend *backend UNUSED, struct vhost_message *message)
{
	message->payload.u64 = VHOST_MEMORY_REGIONS_MAX;
	return 0;
}

/* ---- device -------------------------------------------------------------------------------------------------- */

static int accept_silently(struct vhost_backend *backend UNUSED, struct vhost_message *message UNUSED)
{
	return 0;
}

static int set_backend_fd(struct vhost_backend *backend, struct vhost_message *message)
{
	if (message->fd_count != 1)
		return vhost_backend_fail(backend, -EBADMSG,
					  "the back-end channel came with %zu descriptors instead of one",
					  message->fd_count);
	if (backend->backend_fd >= 0)
		close(backend->backend_fd);
	backend->backend_fd = vhost_message_take_fd(message, 0);
	return 0;
}

static int get_config(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_user_config *config = &message->payload.config;
	uint8_t *bytes = message->payload.bytes + sizeof(*config);

	if (config->size > VHOST_USER_CONFIG_MAX || message->header.size != sizeof(*config) + config->size)
		return vhost_backend_fail(backend, -EBADMSG, "a request for %u bytes of config space came in %u bytes",
					  config->size, message->header.size);
	memset(bytes, 0, config->size);
	if (backend->config.config_size == 0 ||
	    backend->config.ops->get_config(backend->config.device, config->offset, bytes, config->size) < 0) {
		config->size = 0; /* how the protocol says no */
		message->header.size = sizeof(*config);
	}
	return 0;
}

static int reset_device(struct vhost_backend *backend, struct vhost_message *message UNUSED)
{
	vhost_rings_reset(backend);
	vhost_inflight_clear(&backend->inflight);
	backend->status = 0;
	backend->config.ops->reset(backend->config.device);
	return 0;
}

/*
 * Only remembered: QEMU sets 0 also when a machine is paused, with the guest's session alive; what is a reset comes as
 * RESET_DEVICE, or as a new FUSE_INIT.
 */
static int set_status(struct vhost_backend *backend, struct vhost_message *message)
{
	backend->status = message->payload.u64;
	return 0;
}

static int get_status(struct vhost_backend *backend, struct vhost_message *message)
{
	message->payload.u64 = backend->status;
	return 0;
}

/* ---- requests in flight -------------------------------------------------------------------------------------- */

/* A region can't be exchanged under the rings that use it. */
static int fail_if_running(struct vhost_backend *backend)
{
	if (!vhost_rings_is_any_started(backend))
		return 0;
	return vhost_backend_fail(backend, -EBUSY, "the front-end changed the in-flight region while rings run");
}

static int get_inflight_fd(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_user_inflight *inflight = &message->payload.inflight;
	bool packed = vhost_backend_has_feature(backend, VIRTIO_F_RING_PACKED);
	int fd;

	if (fail_if_running(backend) < 0)
		return -EBUSY;
	int error = vhost_inflight_create(&backend->inflight, inflight->num_queues, inflight->queue_size, packed, &fd);

	if (error)
		return vhost_backend_fail(backend, error, "an in-flight region for %u queues of %u descriptors: %s",
					  inflight->num_queues, inflight->queue_size, strerror(-error));
	vhost_rings_untrack(backend);
	inflight->mmap_size = vhost_inflight_bytes(&backend->inflight);
	inflight->mmap_offset = 0;
	message->fds[0] = fd;
	message->fd_count = 1;
	return 0;
}

static int set_inflight_fd(struct vhost_backend *backend, struct vhost_message *message)
{
	const struct vhost_user_inflight *inflight = &message->payload.inflight;
	bool packed = vhost_backend_has_feature(backend, VIRTIO_F_RING_PACKED);

	if (message->fd_count != 1)
		return vhost_backend_fail(backend, -EBADMSG,
					  "the in-flight region came with %zu descriptors instead of one",
					  message->fd_count);
	if (fail_if_running(backend) < 0)
		return -EBUSY;
	struct vhost_inflight before = backend->inflight; /* unmapped by then: for comparison only */
	int error = vhost_inflight_map(&backend->inflight, message->fds[0], inflight->mmap_size, inflight->mmap_offset,
				       inflight->num_queues, inflight->queue_size, packed);
	if (error)
		return vhost_backend_fail(backend, error, "the in-flight region given back is not one of ours: %s",
					  strerror(-error));
	/* Some front-ends give the same one at each start. */
	if (!vhost_inflight_is_same(&before, &backend->inflight))
		vhost_rings_untrack(backend);
	return 0;
}

/* ---- dispatch ------------------------------------------------------------------------------------------------ */

struct handler {
	const char *name;
	int (*handle)(struct vhost_backend *backend, struct vhost_message *message);
	uint32_t size; /* bytes of payload, exactly; or at least, when is_minimum */
	bool is_minimum;
	bool takes_fds;
	bool replies; /* message, changed by handle, is the reply */
};

static const struct handler handlers[] = {
	[VHOST_USER_GET_FEATURES] = { "GET_FEATURES", get_features, 0, .replies = true },
	[VHOST_USER_SET_FEATURES] = { "SET_FEATURES", set_features, 8 },
	[VHOST_USER_SET_OWNER] = { "SET_OWNER", accept_silently, 0 },
	/* Deprecated, and front-ends disagree on what it means: what must be stopped is stopped by other messages. */
	[VHOST_USER_RESET_OWNER] = { "RESET_OWNER", accept_silently, 0 },
	[VHOST_USER_SET_MEM_TABLE] = { "SET_MEM_TABLE", vhost_tables_set, sizeof(struct vhost_user_memory),
				       .is_minimum = true, .takes_fds = true },
	[VHOST_USER_SET_LOG_BASE] = { "SET_LOG_BASE", vhost_tables_set_log, sizeof(struct vhost_user_log),
				      .takes_fds = true, .replies = true },
	[VHOST_USER_SET_LOG_FD] = { "SET_LOG_FD", accept_silently, 0, .is_minimum = true, .takes_fds = true },
	[VHOST_USER_SET_VRING_NUM] = { "SET_VRING_NUM", vhost_rings_set_num, sizeof(struct vhost_user_vring_state) },
	[VHOST_USER_SET_VRING_ADDR] = { "SET_VRING_ADDR", vhost_rings_set_addr, sizeof(struct vhost_user_vring_addr) },
	[VHOST_USER_SET_VRING_BASE] = { "SET_VRING_BASE", vhost_rings_set_base, sizeof(struct vhost_user_vring_state) },
	[VHOST_USER_GET_VRING_BASE] = { "GET_VRING_BASE", vhost_rings_get_base, sizeof(struct vhost_user_vring_state),
					.replies = true },
	[VHOST_USER_SET_VRING_KICK] = { "SET_VRING_KICK", vhost_rings_set_kick, 8, .takes_fds = true },
	[VHOST_USER_SET_VRING_CALL] = { "SET_VRING_CALL", vhost_rings_set_call, 8, .takes_fds = true },
	[VHOST_USER_SET_VRING_ERR] = { "SET_VRING_ERR", vhost_rings_set_err, 8, .takes_fds = true },
	[VHOST_USER_GET_PROTOCOL_FEATURES] = { "GET_PROTOCOL_FEATURES", get_protocol_features, 0, .replies = true },
	[VHOST_USER_SET_PROTOCOL_FEATURES] = { "SET_PROTOCOL_FEATURES", set_protocol_features, 8 },
	[VHOST_USER_GET_QUEUE_NUM] = { "GET_QUEUE_NUM", get_queue_num, 0, .replies = true },
	[VHOST_USER_SET_VRING_ENABLE] = { "SET_VRING_ENABLE", vhost_rings_set_enable,
					  sizeof(struct vhost_user_vring_state) },
	[VHOST_USER_SET_BACKEND_REQ_FD] = { "SET_BACKEND_REQ_FD", set_backend_fd, 0, .takes_fds = true },
	[VHOST_USER_GET_CONFIG] = { "GET_CONFIG", get_config, sizeof(struct vhost_user_config), .is_minimum = true,
				    .replies = true },
	/* The driver has nothing to write. */
	[VHOST_USER_SET_CONFIG] = { "SET_CONFIG", accept_silently, sizeof(struct vhost_user_config),
				    .is_minimum = true },
	[VHOST_USER_GET_INFLIGHT_FD] = { "GET_INFLIGHT_FD", get_inflight_fd, VHOST_USER_INFLIGHT_MIN,
					 .is_minimum = true, .replies = true },
	[VHOST_USER_SET_INFLIGHT_FD] = { "SET_INFLIGHT_FD", set_inflight_fd, VHOST_USER_INFLIGHT_MIN,
					 .is_minimum = true, .takes_fds = true },
	[VHOST_USER_RESET_DEVICE] = { "RESET_DEVICE", reset_device, 0 },
	[VHOST_USER_GET_MAX_MEM_SLOTS] = { "GET_MAX_MEM_SLOTS", get_max_mem_slots, 0, .replies = true },
	[VHOST_USER_ADD_MEM_REG] = { "ADD_MEM_REG", vhost_tables_add, sizeof(struct vhost_user_single_region),
				     .takes_fds = true },
	/* A stray descriptor with it is closed. */
	[VHOST_USER_REM_MEM_REG] = { "REM_MEM_REG", vhost_tables_remove, sizeof(struct vhost_user_single_region),
				     .takes_fds = true },
	[VHOST_USER_SET_STATUS] = { "SET_STATUS", set_status, 8 },
	[VHOST_USER_GET_STATUS] = { "GET_STATUS", get_status, 0, .replies = true },
};

/* Bytes of a reply's payload. */
static uint32_t reply_size(const struct vhost_message *message)
{
	switch (message->header.request) {
	case VHOST_USER_GET_VRING_BASE:
		return sizeof(struct vhost_user_vring_state);
	case VHOST_USER_GET_CONFIG:
	case VHOST_USER_GET_INFLIGHT_FD:
		return message->header.size; /* as long as it came */
	default:
		return sizeof(uint64_t);
	}
}

static int send_reply(struct vhost_backend *backend, struct vhost_message *message)
{
	message->header.size = reply_size(message);
	message->header.flags = VHOST_USER_VERSION | VHOST_USER_REPLY;
	int error = vhost_message_send(backend->fd, message);
	if (error)
		return vhost_backend_fail(backend, error, "answering the front-end: %s", strerror(-error));
	return 0;
}

static int handle(struct vhost_backend *backend, struct vhost_message *message)
{
	uint32_t request = message->header.request;
	bool need_reply = message->header.flags & VHOST_USER_NEED_REPLY;
	const struct handler *handler = request < ARRAY_SIZE(handlers) ? &handlers[request] : NULL;

	if (!handler || !handler->handle)
		return vhost_backend_fail(backend, -EOPNOTSUPP, "the front-end sent message %u, which was not offered",
					  request);
	if (handler->is_minimum ? message->header.size < handler->size : message->header.size != handler->size)
		return vhost_backend_fail(backend, -EBADMSG, "the front-end's %s has %u bytes instead of %u",
					  handler->name, message->header.size, handler->size);
	if (!handler->takes_fds)
		vhost_message_close(message);
	int error = handler->handle(backend, message);
	if (error)
		return error;
	if (handler->replies) {
		/* What is left of the request's descriptors must not travel back. */
		if (request != VHOST_USER_GET_INFLIGHT_FD)
			vhost_message_close(message);
		return send_reply(backend, message);
	}
	/* User-Mode Linux wants a reply to the very message that negotiates replies: look behind it. */
	if (!need_reply || !has_protocol_feature(backend, VHOST_USER_PROTOCOL_F_REPLY_ACK))
		return 0;
	vhost_message_close(message);
	message->payload.u64 = 0;
	return send_reply(backend, message);
}

static int fail_receive(struct vhost_backend *backend, int error)
{
	switch (error) {
	case -ECONNRESET:
		return error;
	case -EPIPE:
		return vhost_backend_fail(backend, error,
					  "the front-end closed the connection in the middle of a message");
	case -ETIMEDOUT:
		return vhost_backend_fail(backend, error, "the front-end stopped in the middle of a message");
	case -EMSGSIZE:
		return vhost_backend_fail(
		    backend, error, "the front-end sent a message of more than %u bytes; is it a vhost-user front-end?",
		    VHOST_USER_PAYLOAD_MAX);
	case -EPROTO:
		return vhost_backend_fail(backend, error,
					  "the front-end speaks another protocol than vhost-user version 1");
	case -ETOOMANYREFS:
		return vhost_backend_fail(backend, error, "descriptors of a message were lost: raise --rlimit-nofile");
	default:
		return vhost_backend_fail(backend, error, "reading from the front-end: %s", strerror(-error));
	}
}

int vhost_backend_serve(struct vhost_backend *backend)
{
	struct vhost_message message;
	int error = vhost_message_receive(backend->fd, &message);

	if (error)
		return fail_receive(backend, error);
	/* Handlers may read a whole payload of their type. */
	if (message.header.size < sizeof(message.payload))
		memset(message.payload.bytes + message.header.size, 0,
		       MIN(sizeof(message.payload) - message.header.size, sizeof(struct vhost_user_inflight)));
	error = handle(backend, &message);
	vhost_message_close(&message);
	return error;
}

/* ---- life ---------------------------------------------------------------------------------------------------- */

int vhost_backend_new(int fd, const struct vhost_backend_config *config, struct vhost_backend **ret_backend)
{
	_cleanup_fd_ int owned = fd;
	_cleanup_free_ struct vhost_backend *backend = calloc(1, sizeof(*backend));

	if (!backend)
		return -ENOMEM;
	backend->config = *config;
	backend->backend_fd = -1;
	int error = vhost_table_new(&backend->memory);
	if (error)
		return error;
	vhost_rings_init(backend);
	backend->fd = take_fd(&owned);
	*ret_backend = take_pointer(backend);
	return 0;
}

void vhost_backend_free(struct vhost_backend *backend)
{
	if (!backend)
		return;
	vhost_rings_fini(backend);
	vhost_inflight_unmap(&backend->inflight);
	vhost_log_unref(backend->log);
	vhost_memory_unref(backend->memory);
	if (backend->backend_fd >= 0)
		close(backend->backend_fd);
	close(backend->fd);
	free(backend);
}

int vhost_backend_fd(const struct vhost_backend *backend)
{
	return backend->fd;
}

const char *vhost_backend_error(const struct vhost_backend *backend)
{
	return backend->error;
}

uint64_t vhost_backend_features(const struct vhost_backend *backend)
{
	return backend->features;
}
