/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vhost-user protocol, front-end side: what drives a device that another process implements.
 *
 * Calls are synchronous: they return when the back-end has acted on them, if it can acknowledge (REPLY_ACK), or when
 * the message was sent. They wait for as long as the back-end takes to begin its answer. One thread at a time. After an
 * error the connection is of no use any more: -ECONNRESET when the back-end closed it (its log says why), -EPROTO when
 * its answer made no sense, -EREMOTEIO when it refused, other errnos of the socket.
 *
 * Spec: vhost-user protocol (QEMU docs/interop/vhost-user.rst).
 */
#ifndef VIOFS_VHOST_FRONTEND_H
#define VIOFS_VHOST_FRONTEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhost/shared_memory.h"

struct vhost_frontend;

/* A ring to be run by the device. The areas lie in memory the back-end was given. */
struct vhost_frontend_ring {
	uint32_t size; /* descriptors */
	uint32_t base; /* 0 for a fresh ring, or what vhost_frontend_stop_ring() returned */
	const void *desc;
	const void *driver;
	const void *device;
	int kick_fd; /* eventfd, stays the caller's; -1: the ring is polled by the device */
	int call_fd; /* the same for interrupts; -1: none */
	bool log_used; /* mark writes of the used ring in the migration log ... */
	uint64_t log_address; /* ... as this guest-physical address */
};

/* Takes over the connected socket fd, also on failure. -ENOMEM. */
int vhost_frontend_new(int fd, struct vhost_frontend **ret_frontend);
/* Connects to a back-end that listens at path. -ENAMETOOLONG, errnos of socket and connect. */
int vhost_frontend_connect(const char *path, struct vhost_frontend **ret_frontend);
/* NULL is fine. The back-end stops all rings when it sees the end of the connection. */
void vhost_frontend_free(struct vhost_frontend *frontend);

/* The socket; to see the other side's end, or to send messages this interface has no call for. */
int vhost_frontend_fd(const struct vhost_frontend *frontend);

/*
 * First of all: agrees on features, those of wanted and wanted_protocol (bits of the protocol) that the back-end
 * offers. What was agreed on is in vhost_frontend_features() and vhost_frontend_protocol_features().
 */
int vhost_frontend_negotiate(struct vhost_frontend *frontend, uint64_t wanted, uint64_t wanted_protocol);
uint64_t vhost_frontend_features(const struct vhost_frontend *frontend);
uint64_t vhost_frontend_protocol_features(const struct vhost_frontend *frontend);

/* Changes the accepted virtio features later, as a front-end does to switch logging. */
int vhost_frontend_set_features(struct vhost_frontend *frontend, uint64_t features);

/* How many queues the device has; needs MQ (-EOPNOTSUPP). */
int vhost_frontend_get_queue_count(struct vhost_frontend *frontend, uint64_t *ret_count);

/* Reads size bytes of the config space; needs CONFIG (-EOPNOTSUPP). -ERANGE when the device has not so many there. */
int vhost_frontend_get_config(struct vhost_frontend *frontend, uint32_t offset, void *to, uint32_t size);

/* Gives the device this memory and no other. -E2BIG. */
int vhost_frontend_set_memory(struct vhost_frontend *frontend, const struct vhost_shared_memory *memory, size_t count);
/* One region more, or less; needs CONFIGURE_MEM_SLOTS (-EOPNOTSUPP). */
int vhost_frontend_add_memory(struct vhost_frontend *frontend, const struct vhost_shared_memory *memory);
int vhost_frontend_remove_memory(struct vhost_frontend *frontend, const struct vhost_shared_memory *memory);

/* Starts a ring, and lets the device process it. */
int vhost_frontend_start_ring(struct vhost_frontend *frontend, unsigned int index,
			      const struct vhost_frontend_ring *ring);
/* Allows or forbids processing without a stop. */
int vhost_frontend_enable_ring(struct vhost_frontend *frontend, unsigned int index, bool enabled);
/*
 * Stops a ring; the device has completed what it took, and touches the ring's memory no more. ret_base says where it
 * stands, for a later start.
 */
int vhost_frontend_stop_ring(struct vhost_frontend *frontend, unsigned int index, uint32_t *ret_base);

/* Resets the device: all rings stop, sessions are forgotten. Needs RESET_DEVICE (-EOPNOTSUPP). */
int vhost_frontend_reset(struct vhost_frontend *frontend);

#endif
