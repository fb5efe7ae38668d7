/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the front-end says of rings, and when that makes one run.
 *
 * A ring is wanted from its kick message on, and until GET_VRING_BASE. It runs as soon as it is wanted and its size,
 * addresses and memory are known: QEMU sends the kick last, User-Mode Linux sends it behind the addresses and others in
 * between, so each message that could be the missing one tries.
 */
/* #syscalls: close */
#include "vhost/private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "wire/virtio_ring.h"

void vhost_rings_init(struct vhost_backend *backend)
{
	backend->ring_count = MIN(backend->config.max_queues, VHOST_RINGS_MAX);
	for (unsigned int i = 0; i < backend->ring_count; i++)
		backend->rings[i] = (struct vhost_ring){ .kick_fd = -1, .call_fd = -1, .err_fd = -1 };
}

static void replace_fd(int *fd, int other)
{
	if (*fd >= 0)
		close(*fd);
	*fd = other;
}

/* ---- start and stop ------------------------------------------------------------------------------------------ */

static void stop(struct vhost_backend *backend, unsigned int index)
{
	struct vhost_ring *ring = &backend->rings[index];

	if (!ring->started)
		return;
	ring->base = backend->config.ops->ring_stop(backend->config.device, index);
	ring->started = false;
	ring->tracked_base = ring->base;
}

/* Resolves one area of a ring; NULL when it is not inside guest memory or not aligned. */
static void *area(const struct vhost_backend *backend, uint64_t address, size_t bytes, uintptr_t alignment)
{
	char *host = vhost_memory_at_user(backend->memory, address, bytes);

	return (uintptr_t)host % alignment == 0 ? host : NULL;
}

static int resolve(struct vhost_backend *backend, unsigned int index, struct ring_config *ret_config)
{
	const struct vhost_ring *ring = &backend->rings[index];
	bool packed = vhost_backend_has_feature(backend, VIRTIO_F_RING_PACKED);
	struct ring_config config = {
		.size = ring->size,
		.packed = packed,
		.event_idx = vhost_backend_has_feature(backend, VIRTIO_F_EVENT_IDX),
		.indirect = vhost_backend_has_feature(backend, VIRTIO_F_INDIRECT_DESC),
		.base = ring->base,
		.inflight = vhost_inflight_part(&backend->inflight, index, ring->size, packed),
	};

	if (!packed && (ring->size & (ring->size - 1)) != 0)
		return vhost_backend_fail(backend, -EINVAL,
					  "ring %u: %u descriptors, but a split ring has a power of two", index,
					  ring->size);
	config.desc = area(backend, ring->addresses.desc, ring_desc_bytes(ring->size, packed), 16);
	config.driver = area(backend, ring->addresses.avail, ring_driver_bytes(ring->size, packed), packed ? 4 : 2);
	config.device = area(backend, ring->addresses.used, ring_device_bytes(ring->size, packed), 4);
	if (!config.desc || !config.driver || !config.device)
		return vhost_backend_fail(
		    backend, -EFAULT,
		    "ring %u: its descriptors or used ring lie outside the shared guest memory or are not aligned; "
		    "all of the guest's memory must be shared (memory-backend-memfd,share=on)",
		    index);
	*ret_config = config;
	return 0;
}

/*
 * A ring that ran on this connection and goes on anywhere but where it stopped is another one: its driver was restarted
 * without a word to us. What the region has of the old ring must not come out of the new one. What it has when a
 * connection begins is to be recovered, wherever that ring begins.
 */
static void forget_old_requests(struct vhost_backend *backend, unsigned int index)
{
	struct vhost_ring *ring = &backend->rings[index];

	if (ring->tracked_size > 0 && (ring->base != ring->tracked_base || ring->size != ring->tracked_size))
		vhost_inflight_clear_part(&backend->inflight, index);
	ring->tracked_size = 0;
}

/* Starts a ring if everything it needs is known. */
static int try_start(struct vhost_backend *backend, unsigned int index)
{
	struct vhost_ring *ring = &backend->rings[index];
	struct vhost_ring_setup setup = {
		.memory = backend->memory,
		.log = vhost_backend_active_log(backend),
		.used_log_address = ring->addresses.log,
		.log_used = ring->addresses.flags & VHOST_USER_VRING_F_LOG,
		.kick_fd = ring->kick_fd,
		.call_fd = ring->call_fd,
		.enabled = ring->enabled,
	};

	if (ring->started || !ring->has_kick || !ring->has_addresses || ring->size == 0 || backend->memory->count == 0)
		return 0;
	int error = resolve(backend, index, &setup.ring);
	if (error)
		return error;
	forget_old_requests(backend, index);
	error = backend->config.ops->ring_start(backend->config.device, index, &setup);
	if (error)
		return vhost_backend_fail(backend, error, "ring %u: can't be started: %s", index, strerror(-error));
	ring->started = true;
	ring->tracked_size = setup.ring.inflight ? ring->size : 0;
	ring->areas[0] = setup.ring.desc;
	ring->areas[1] = setup.ring.driver;
	ring->areas[2] = setup.ring.device;
	return 0;
}

bool vhost_rings_is_any_started(const struct vhost_backend *backend)
{
	for (unsigned int i = 0; i < backend->ring_count; i++)
		if (backend->rings[i].started)
			return true;
	return false;
}

void vhost_rings_untrack(struct vhost_backend *backend)
{
	for (unsigned int i = 0; i < backend->ring_count; i++)
		backend->rings[i].tracked_size = 0;
}

int vhost_rings_start_wanted(struct vhost_backend *backend)
{
	int error = 0;

	for (unsigned int i = 0; !error && i < backend->ring_count; i++)
		error = try_start(backend, i);
	return error;
}

int vhost_rings_restart(struct vhost_backend *backend, int (*change)(struct vhost_backend *backend, void *argument),
			void *argument)
{
	for (unsigned int i = 0; i < backend->ring_count; i++)
		stop(backend, i);
	int error = change(backend, argument);
	/* A ring that can't start again stays wanted, and the error ends the connection. */
	return error ? error : vhost_rings_start_wanted(backend);
}

void vhost_rings_reset(struct vhost_backend *backend)
{
	for (unsigned int i = 0; i < backend->ring_count; i++) {
		struct vhost_ring *ring = &backend->rings[i];

		stop(backend, i);
		replace_fd(&ring->kick_fd, -1);
		ring->has_kick = false;
		ring->has_addresses = false;
		ring->size = 0;
		ring->base = 0;
		ring->tracked_size = 0;
		ring->enabled = !vhost_backend_has_feature(backend, VHOST_USER_F_PROTOCOL_FEATURES);
	}
}

void vhost_rings_fini(struct vhost_backend *backend)
{
	vhost_rings_reset(backend);
	for (unsigned int i = 0; i < backend->ring_count; i++) {
		replace_fd(&backend->rings[i].call_fd, -1);
		replace_fd(&backend->rings[i].err_fd, -1);
	}
}

static void enable(struct vhost_backend *backend, unsigned int index, bool enabled)
{
	backend->rings[index].enabled = enabled;
	backend->config.ops->ring_enable(backend->config.device, index, enabled);
}

void vhost_rings_enable_all(struct vhost_backend *backend)
{
	for (unsigned int i = 0; i < backend->ring_count; i++)
		enable(backend, i, true);
}

/* ---- messages ------------------------------------------------------------------------------------------------ */

/* The ring a message names. */
static int find(struct vhost_backend *backend, uint64_t index, struct vhost_ring **ret_ring)
{
	if (index >= backend->ring_count)
		return vhost_backend_fail(
		    backend, -EINVAL,
		    "the front-end set up ring %llu but the device has %u (one hiprio and %u request queues): "
		    "give viofsd --num-request-queues %llu or lower num-request-queues of the front-end",
		    (unsigned long long)index, backend->ring_count, backend->ring_count - 1, (unsigned long long)index);
	*ret_ring = &backend->rings[index];
	return 0;
}

int vhost_rings_set_num(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_user_vring_state state = message->payload.state;
	struct vhost_ring *ring;
	int error = find(backend, state.index, &ring);

	if (error)
		return error;
	if (state.num < 2 || state.num > RING_SIZE_MAX)
		return vhost_backend_fail(backend, -EINVAL, "ring %u: %u descriptors, allowed are 2 to %u", state.index,
					  state.num, RING_SIZE_MAX);
	if (ring->started && state.num != ring->size)
		return vhost_backend_fail(backend, -EBUSY, "ring %u: its size was changed while it runs", state.index);
	ring->size = state.num;
	return try_start(backend, state.index);
}

int vhost_rings_set_addr(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_user_vring_addr addresses = message->payload.addr;
	struct vhost_ring *ring;
	int error = find(backend, addresses.index, &ring);

	if (error)
		return error;
	ring->addresses = addresses;
	ring->has_addresses = true;
	/* On a running ring this switches logging of the used ring: take it up where the ring stands. */
	stop(backend, addresses.index);
	return try_start(backend, addresses.index);
}

int vhost_rings_set_base(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_user_vring_state state = message->payload.state;
	struct vhost_ring *ring;
	int error = find(backend, state.index, &ring);

	if (error)
		return error;
	if (ring->started && state.num != ring->base)
		return vhost_backend_fail(backend, -EBUSY, "ring %u: its base was changed while it runs", state.index);
	ring->base = state.num;
	return 0;
}

int vhost_rings_get_base(struct vhost_backend *backend, struct vhost_message *message)
{
	uint32_t index = message->payload.state.index;
	struct vhost_ring *ring;
	int error = find(backend, index, &ring);

	if (error)
		return error;
	stop(backend, index);
	ring->has_kick = false;
	replace_fd(&ring->kick_fd, -1);
	message->payload.state = (struct vhost_user_vring_state){ .index = index, .num = ring->base };
	return 0;
}

/* The ring and the descriptor (-1 for none) of a message that brings one. */
static int take_ring_fd(struct vhost_backend *backend, struct vhost_message *message, struct vhost_ring **ret_ring,
			unsigned int *ret_index, int *ret_fd)
{
	uint64_t value = message->payload.u64;
	unsigned int index = value & VHOST_USER_VRING_INDEX_MASK;
	int error = find(backend, index, ret_ring);

	if (error)
		return error;
	if (!(value & VHOST_USER_VRING_NO_FD) && message->fd_count != 1)
		return vhost_backend_fail(backend, -EBADF,
					  "ring %u: message %u came with %zu descriptors instead of one", index,
					  message->header.request, message->fd_count);
	*ret_index = index;
	*ret_fd = value & VHOST_USER_VRING_NO_FD ? -1 : vhost_message_take_fd(message, 0);
	return 0;
}

int vhost_rings_set_kick(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_ring *ring;
	unsigned int index;
	int fd;
	int error = take_ring_fd(backend, message, &ring, &index, &fd);

	if (error)
		return error;
	/* A new kick for a running ring: the thread must watch the new descriptor. */
	stop(backend, index);
	replace_fd(&ring->kick_fd, fd);
	ring->has_kick = true;
	return try_start(backend, index);
}

int vhost_rings_set_call(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_ring *ring;
	unsigned int index;
	int fd;
	int error = take_ring_fd(backend, message, &ring, &index, &fd);

	if (error)
		return error;
	if (ring->started)
		backend->config.ops->ring_set_call(backend->config.device, index, fd);
	replace_fd(&ring->call_fd, fd);
	return 0;
}

int vhost_rings_set_err(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_ring *ring;
	unsigned int index;
	int fd;
	int error = take_ring_fd(backend, message, &ring, &index, &fd);

	if (!error)
		replace_fd(&ring->err_fd, fd);
	return error;
}

int vhost_rings_set_enable(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_user_vring_state state = message->payload.state;
	struct vhost_ring *ring;
	int error = find(backend, state.index, &ring);

	if (!error)
		enable(backend, state.index, state.num != 0);
	return error;
}
