/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Framing on the vhost-user socket: one message with its descriptors, either direction, either end.
 *
 * Descriptors of a message belong to whoever holds the message; vhost_message_close() closes what was not taken.
 */
#ifndef VIOFS_VHOST_CHANNEL_H
#define VIOFS_VHOST_CHANNEL_H

#include <stddef.h>
#include <stdint.h>

#include "wire/vhost_user.h"

/* crosvm sends up to 32 regions in one table. */
#define VHOST_MESSAGE_FDS_MAX 64u
/* How long a peer may stay in the middle of a message or of taking a reply. */
#ifndef VHOST_CHANNEL_TIMEOUT_MS
#define VHOST_CHANNEL_TIMEOUT_MS 10000
#endif

struct vhost_message {
	struct vhost_user_header header;
	size_t fd_count;
	int fds[VHOST_MESSAGE_FDS_MAX];
	union {
		uint64_t u64;
		struct vhost_user_vring_state state;
		struct vhost_user_vring_addr addr;
		struct vhost_user_memory memory;
		struct vhost_user_single_region region;
		struct vhost_user_log log;
		struct vhost_user_config config;
		struct vhost_user_inflight inflight;
		uint8_t bytes[VHOST_USER_PAYLOAD_MAX];
	} payload;
};

/*
 * Receives one message. -ECONNRESET when the peer closed before its first byte; -EPIPE when it closed in the middle;
 * -ETIMEDOUT when it stalled in the middle; -EMSGSIZE for a payload beyond VHOST_USER_PAYLOAD_MAX; -EPROTO for another
 * version; -ETOOMANYREFS when it sent more descriptors than fit. On failure no descriptor is left open.
 */
int vhost_message_receive(int socket, struct vhost_message *message);

/* Sends a message; its descriptors stay open. -EPIPE, -ETIMEDOUT. */
int vhost_message_send(int socket, const struct vhost_message *message);

/* Takes the descriptor at index out of the message; -1 when there is none. */
int vhost_message_take_fd(struct vhost_message *message, size_t index);

/* Closes the descriptors still in the message. */
void vhost_message_close(struct vhost_message *message);

#endif
