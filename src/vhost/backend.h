/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vhost-user protocol, back-end side: one object per connected front-end.
 *
 * The object keeps what the front-end said of features, memory and rings, and tells the device when a ring
 * starts, stops or changes. It knows nothing of virtio-fs. One thread (the control thread) calls
 * vhost_backend_serve(); all operations of vhost_backend_ops are called from it.
 *
 * A bad message ends the connection with a sentence for the operator, never the process.
 * Spec: vhost-user protocol (QEMU docs/interop/vhost-user.rst); virtio 1.3, 5.11.
 */
#ifndef VIOFS_VHOST_BACKEND_H
#define VIOFS_VHOST_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost/log.h"
#include "vhost/memory.h"

/* Everything a device needs to run one ring. Pointers are borrowed: valid until ring_stop returns. */
struct vhost_ring_setup {
	struct ring_config ring; /* host addresses, base, inflight region */
	struct vhost_memory *memory; /* take a reference to keep it */
	struct vhost_log *log; /* NULL when nothing is logged */
	uint64_t used_log_address; /* for used-ring writes, when log_used */
	bool log_used; /* VHOST_VRING_F_LOG */
	int kick_fd; /* eventfd to wait on, or -1 (then the front-end kicks in-band or the ring is polled) */
	int call_fd; /* where to write 8 bytes as an interrupt (eventfd or stream socket), or -1 */
	bool enabled;
};

/*
 * What the device does. Each call returns when it has taken effect; a ring that was stopped makes no further
 * access to guest memory, sends no interrupt, and has completed all requests it took, save those that wait without
 * bound (blocking locks), which complete after the ring has been started again with the base it stopped at, or never.
 */
struct vhost_backend_ops {
	/* A ring is ready: kick known, addresses set and mapped. 0, or -errno when the device can't run it. */
	int (*ring_start)(void *device, unsigned int index, const struct vhost_ring_setup *setup);
	/* Stops a started ring; returns where it stands, as GET_VRING_BASE encodes it. */
	uint32_t (*ring_stop)(void *device, unsigned int index);
	/* Processing allowed or not; also before start. */
	void (*ring_enable)(void *device, unsigned int index, bool enabled);
	/* A new interrupt descriptor for a started ring (-1: none); borrowed until replaced or stopped. */
	void (*ring_set_call)(void *device, unsigned int index, int call_fd);
	/* A kick that came as a message. */
	void (*ring_kick)(void *device, unsigned int index);
	/* The memory table grew or shrank while rings run; ring addresses are still valid. Returns when no ring uses
	 * the previous snapshot, save for requests that wait without bound. */
	void (*memory_changed)(void *device, struct vhost_memory *memory);
	/* Logging was switched or the log replaced while rings run; NULL turns it off. Returns when no ring uses the
	 * old log. */
	void (*log_changed)(void *device, struct vhost_log *log);
	/* Config space: size bytes at offset; -EINVAL when out of range. */
	int (*get_config)(void *device, uint32_t offset, void *to, uint32_t size);
	/* Virtio features were accepted. */
	void (*features_set)(void *device, uint64_t features);
	/* The driver or the machine was reset: forget the session, all rings are stopped. */
	void (*reset)(void *device);
	/* Migration state, where offered (NULL: DEVICE_STATE is not offered). Save writes to fd until done; load reads
	 * to end of file. Run in a thread of the back-end's; check is called after. 0 or -errno. */
	int (*state_save)(void *device, int fd);
	int (*state_load)(void *device, int fd);
};

struct vhost_backend_config {
	uint64_t virtio_features; /* offered, F_PROTOCOL_FEATURES and F_LOG_ALL are added by the back-end itself */
	unsigned int max_queues; /* what GET_QUEUE_NUM answers: hiprio included */
	uint32_t config_size; /* bytes of config space; 0: VHOST_USER_PROTOCOL_F_CONFIG is not offered */
	const struct vhost_backend_ops *ops;
	void *device;
};

struct vhost_backend;

/* Takes over the connected socket fd, also on failure. -ENOMEM. */
int vhost_backend_new(int fd, const struct vhost_backend_config *config, struct vhost_backend **ret_backend);

/* Stops every ring (ring_stop), drops memory, closes. NULL is fine. */
void vhost_backend_free(struct vhost_backend *backend);

/* The socket, to wait on for reading. */
int vhost_backend_fd(const struct vhost_backend *backend);

/*
 * Reads and serves one message; blocks only as long as the front-end is in the middle of one. 0; -ECONNRESET when the
 * front-end closed in good order; another -errno after which the connection must be freed, with the reason
 * (cause and remedy, one sentence) in vhost_backend_error().
 */
int vhost_backend_serve(struct vhost_backend *backend);

/* The sentence for the operator after a failed serve; empty when there is none. */
const char *vhost_backend_error(const struct vhost_backend *backend);

/* Virtio features the driver accepted. */
uint64_t vhost_backend_features(const struct vhost_backend *backend);

#endif
