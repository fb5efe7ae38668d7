/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A front-end that sends anything, against a device that touches all memory it is told to use.
 *
 * Input: records of a control byte (bits 0-1: how many descriptors, bits 2-3: which one first, bit 7: no header, the
 * payload is sent as it is), a byte of request, a byte of flags, two bytes of payload length (little-endian), payload.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"
#include "ring/inflight.h"
#include "vhost/backend.h"
#include "wire/vhost_user.h"
#include "wire/virtio_ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define QUEUES 4u
#define FDS 4u
#define RECORDS_MAX 64u
#define RECORD_HEADER 5u
#define BIT(n) (UINT64_C(1) << (n))

static int fds[FDS]; /* made once: guest memory, a short file, an eventfd, memory that can't be written */

struct fuzz {
	struct vhost_ring_setup rings[QUEUES];
	bool started[QUEUES];
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

/* ---- device -------------------------------------------------------------------------------------------------- */

static void touch(void *bytes, size_t length)
{
	volatile char *at = bytes;

	at[0] = at[length - 1];
	at[length - 1] = at[0];
}

static void use(const struct vhost_ring_setup *setup)
{
	const struct ring_config *ring = &setup->ring;
	uint64_t guest = vhost_memory_guest_address(setup->memory, ring->device);

	touch(ring->desc, ring_desc_bytes(ring->size, ring->packed));
	touch(ring->driver, ring_driver_bytes(ring->size, ring->packed));
	touch(ring->device, ring_device_bytes(ring->size, ring->packed));
	if (ring->inflight)
		touch(ring->inflight, ring_inflight_bytes(ring->size, ring->packed));
	if (setup->log) {
		vhost_log_mark(setup->log, setup->used_log_address, 100);
		vhost_log_mark(setup->log, guest, ring->size);
	}
}

static int ring_start(void *device, unsigned int index, const struct vhost_ring_setup *setup)
{
	struct fuzz *fuzz = device;

	require(index < QUEUES && !fuzz->started[index]);
	fuzz->started[index] = true;
	fuzz->rings[index] = *setup;
	use(setup);
	return 0;
}

static uint32_t ring_stop(void *device, unsigned int index)
{
	struct fuzz *fuzz = device;

	require(index < QUEUES && fuzz->started[index]);
	use(&fuzz->rings[index]);
	fuzz->started[index] = false;
	return fuzz->rings[index].ring.base + 1;
}

static void ring_enable(void *device UNUSED, unsigned int index, bool enabled UNUSED)
{
	require(index < QUEUES);
}

static void ring_set_call(void *device, unsigned int index, int call_fd)
{
	struct fuzz *fuzz = device;

	require(index < QUEUES && fuzz->started[index]);
	fuzz->rings[index].call_fd = call_fd;
}

static void ring_kick(void *device UNUSED, unsigned int index)
{
	require(index < QUEUES);
}

static void memory_changed(void *device, struct vhost_memory *memory)
{
	struct fuzz *fuzz = device;

	for (unsigned int i = 0; i < QUEUES; i++) {
		fuzz->rings[i].memory = memory;
		if (fuzz->started[i])
			use(&fuzz->rings[i]);
	}
}

static void log_changed(void *device, struct vhost_log *log)
{
	struct fuzz *fuzz = device;

	for (unsigned int i = 0; i < QUEUES; i++) {
		fuzz->rings[i].log = log;
		if (fuzz->started[i])
			use(&fuzz->rings[i]);
	}
}

static int get_config(void *device UNUSED, uint32_t offset, void *to, uint32_t size)
{
	if (offset > 40 || size > 40 - offset)
		return -EINVAL;
	memset(to, 1, size);
	return 0;
}

static void features_set(void *device UNUSED, uint64_t features UNUSED)
{
}

static void reset(void *device)
{
	struct fuzz *fuzz = device;

	for (unsigned int i = 0; i < QUEUES; i++)
		require(!fuzz->started[i]);
}

static const struct vhost_backend_ops ops = {
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

/* ---- front-end ----------------------------------------------------------------------------------------------- */

static void make_fds(void)
{
	if (fds[0] > 0)
		return;
	fds[0] = memfd_create("memory", 0);
	fds[1] = memfd_create("short", 0);
	fds[2] = eventfd(0, 0);
	fds[3] = open("/dev/null", O_RDONLY);
	for (size_t i = 0; i < FDS; i++)
		require(fds[i] > 0);
	require(ftruncate(fds[0], 1 << 20) == 0 && ftruncate(fds[1], 4096) == 0);
}

/* Sends one record; returns how many bytes of the input it was. */
static size_t send_record(int socket, const uint8_t *data, size_t size)
{
	size_t length = MIN((size_t)(data[3] | data[4] << 8), size - RECORD_HEADER);
	struct vhost_user_header header = { data[1], data[2], (uint32_t)length };
	struct iovec iov[2] = {
		{ &header, data[0] & 0x80 ? 0 : sizeof(header) },
		{ (void *)(uintptr_t)(data + RECORD_HEADER), length },
	};
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * 3)];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	unsigned int count = data[0] & 3;

	if (count > 0 && iov[0].iov_len + length > 0) {
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
		for (unsigned int i = 0; i < count; i++)
			memcpy(CMSG_DATA(cmsg) + i * sizeof(int), &fds[(i + (data[0] >> 2 & 3)) % FDS], sizeof(int));
	}
	require(sendmsg(socket, &msg, MSG_NOSIGNAL) >= 0);
	return RECORD_HEADER + length;
}

/* The lowest descriptor that is free: the same before and after, or one was leaked. */
static int lowest_free(void)
{
	int fd = dup(fds[0]);

	close(fd);
	return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { 0 };
	const struct vhost_backend_config config = {
		.virtio_features = BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_EVENT_IDX),
		.max_queues = QUEUES,
		.config_size = 40,
		.ops = &ops,
		.device = &fuzz,
	};
	struct vhost_backend *backend;
	char answers[4096];
	int sockets[2];

	make_fds();
	int before = lowest_free();
	require(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets) == 0);
	require(vhost_backend_new(sockets[1], &config, &backend) == 0);
	size = MIN(size, (size_t)32768);
	for (unsigned int i = 0; i < RECORDS_MAX && size >= RECORD_HEADER; i++) {
		size_t used = send_record(sockets[0], data, size);

		data += used;
		size -= used;
	}
	shutdown(sockets[0], SHUT_WR);
	int error;
	do {
		error = vhost_backend_serve(backend);
		/* Answers must not pile up, or the back-end waits for us. */
		while (recv(sockets[0], answers, sizeof(answers), MSG_DONTWAIT) > 0)
			;
	} while (error == 0);
	/* Each end has its reason. */
	require(error == -ECONNRESET || vhost_backend_error(backend)[0] != '\0');
	vhost_backend_free(backend);
	close(sockets[0]);
	require(lowest_free() == before);
	return 0;
}
