/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: poll ppoll */
#include "device/device.h"

#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "device/queue.h"
#include "vhost/backend.h"
#include "wire/virtio_fs.h"
#include "wire/virtio_ring.h"

struct device {
	struct session *session;
	bool has_config;
	unsigned int queue_count; /* hiprio included */
	struct virtio_fs_config config; /* little-endian, as the guest reads it */
	struct queue *queues[DEVICE_QUEUES_MAX]; /* made when first started */
};

/* What the device can do; the back-end adds its own transport bits. */
#define DEVICE_FEATURES                                                                                             \
	(1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_INDIRECT_DESC | 1ull << VIRTIO_F_EVENT_IDX |                  \
	 1ull << VIRTIO_F_RING_PACKED)

int device_new(const struct device_config *config, struct device **ret_device)
{
	size_t tag_length = config->tag ? strlen(config->tag) : 0;

	if (config->request_queues < 1 || config->request_queues > DEVICE_QUEUES_MAX - 1)
		return -EINVAL;
	if (config->tag && (tag_length == 0 || tag_length > DEVICE_TAG_MAX || strchr(config->tag, '\n')))
		return -EINVAL;

	struct device *device = calloc(1, sizeof(*device));
	if (!device)
		return -ENOMEM;
	device->session = config->session;
	device->queue_count = 1 + MAX(config->request_queues, DEVICE_QUEUES_OFFERED);
	device->has_config = config->tag != NULL;
	if (config->tag)
		memcpy(device->config.tag, config->tag, tag_length);
	device->config.num_request_queues = htole32(config->request_queues);
	*ret_device = device;
	return 0;
}

void device_free(struct device *device)
{
	if (!device)
		return;
	for (unsigned int i = 0; i < DEVICE_QUEUES_MAX; i++)
		queue_free(device->queues[i]);
	free(device);
}

/* ---- what the back-end calls --------------------------------------------------------------------------------- */

static int ring_start(void *data, unsigned int index, const struct vhost_ring_setup *setup)
{
	struct device *device = data;
	int error = 0;

	if (index >= device->queue_count)
		return -EINVAL;
	if (!device->queues[index])
		error = queue_new(index, device->session, &device->queues[index]);
	if (!error)
		error = queue_start(device->queues[index], setup);
	if (!error)
		log_debug("queue %u: started with %u descriptors%s at base %#x", index, setup->ring.size,
			  setup->ring.packed ? " (packed)" : "", setup->ring.base);
	return error;
}

static uint32_t ring_stop(void *data, unsigned int index)
{
	struct device *device = data;

	uint32_t base = queue_stop(device->queues[index]);
	log_debug("queue %u: stopped at base %#x", index, base);
	return base;
}

static void ring_enable(void *data, unsigned int index, bool enabled)
{
	struct device *device = data;

	/* A ring that was never started learns it from its setup. */
	if (device->queues[index] && queue_is_running(device->queues[index]))
		queue_enable(device->queues[index], enabled);
}

static void ring_set_call(void *data, unsigned int index, int call_fd)
{
	struct device *device = data;

	if (device->queues[index])
		queue_set_call(device->queues[index], call_fd);
}

static void ring_kick(void *data, unsigned int index)
{
	struct device *device = data;

	if (device->queues[index])
		queue_kick(device->queues[index]);
}

static void memory_changed(void *data, struct vhost_memory *memory)
{
	struct device *device = data;

	for (unsigned int i = 0; i < device->queue_count; i++)
		if (device->queues[i])
			queue_set_memory(device->queues[i], memory);
}

static void log_changed(void *data, struct vhost_log *log)
{
	struct device *device = data;

	for (unsigned int i = 0; i < device->queue_count; i++)
		if (device->queues[i])
			queue_set_log(device->queues[i], log);
}

static int get_config(void *data, uint32_t offset, void *to, uint32_t size)
{
	struct device *device = data;

	if (offset > sizeof(device->config) || size > sizeof(device->config) - offset)
		return -EINVAL;
	memcpy(to, (const char *)&device->config + offset, size);
	return 0;
}

static void features_set(void *data UNUSED, uint64_t features)
{
	log_debug("driver features %#llx", (unsigned long long)features);
}

static void reset(void *data)
{
	struct device *device = data;

	session_reset(device->session);
	for (unsigned int i = 0; i < device->queue_count; i++)
		if (device->queues[i])
			queue_abandon(device->queues[i]);
	log_debug("device reset");
}

static const struct vhost_backend_ops backend_ops = {
	.ring_start = ring_start,
	.ring_stop = ring_stop,
	.ring_enable = ring_enable,
	.ring_set_call = ring_set_call,
	.ring_kick = ring_kick,
	.memory_changed = memory_changed,
	.log_changed = log_changed,
	.get_config = get_config,
	.features_set = features_set,
	.reset = reset,
};

/* ---- one front-end ------------------------------------------------------------------------------------------- */

static enum device_end serve_until_end(struct vhost_backend *backend, int stop_fd)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = vhost_backend_fd(backend), .events = POLLIN },
			{ .fd = stop_fd, .events = POLLIN },
		};

		if (poll(fds, ARRAY_SIZE(fds), -1) < 0) {
			if (errno == EINTR)
				continue;
			log_error("waiting for the front-end: %s", strerror(errno));
			return DEVICE_END_ERROR;
		}
		if (fds[1].revents)
			return DEVICE_END_STOP;
		int error = vhost_backend_serve(backend);
		if (error == -ECONNRESET)
			return DEVICE_END_DISCONNECT;
		if (error) {
			const char *reason = vhost_backend_error(backend);

			log_error("front-end connection closed: %s", reason[0] ? reason : strerror(-error));
			return DEVICE_END_ERROR;
		}
	}
}

enum device_end device_serve(struct device *device, int fd, int stop_fd)
{
	struct vhost_backend_config config = {
		.virtio_features = DEVICE_FEATURES,
		.max_queues = device->queue_count,
		.config_size = device->has_config ? (uint32_t)sizeof(device->config) : 0,
		.ops = &backend_ops,
		.device = device,
	};
	struct vhost_backend *backend;
	int error = vhost_backend_new(fd, &config, &backend);

	if (error) {
		log_error("serving a front-end: %s", strerror(-error));
		return DEVICE_END_ERROR;
	}
	log_info("front-end connected");
	enum device_end end = serve_until_end(backend, stop_fd);
	vhost_backend_free(backend);
	reset(device);
	log_info("front-end gone");
	return end;
}
