/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vhost-user messages: numbers and byte layouts. Everything on the socket is in the host's byte order.
 *
 * Layouts only, freestanding. Spec: vhost-user protocol (QEMU docs/interop/vhost-user.rst).
 */
#ifndef VIOFS_WIRE_VHOST_USER_H
#define VIOFS_WIRE_VHOST_USER_H

#include <stdint.h>

/* Header flags. */
#define VHOST_USER_VERSION 1u
#define VHOST_USER_VERSION_MASK 3u
#define VHOST_USER_REPLY (1u << 2)
#define VHOST_USER_NEED_REPLY (1u << 3)

struct vhost_user_header {
	uint32_t request;
	uint32_t flags;
	uint32_t size; /* bytes of payload */
};

/* Messages of the front-end. */
enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_RESET_OWNER = 4,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_LOG_BASE = 6,
	VHOST_USER_SET_LOG_FD = 7,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_SET_VRING_ERR = 14,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_SET_BACKEND_REQ_FD = 21,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_SET_CONFIG = 25,
	VHOST_USER_GET_INFLIGHT_FD = 31,
	VHOST_USER_SET_INFLIGHT_FD = 32,
	VHOST_USER_RESET_DEVICE = 34,
	VHOST_USER_GET_MAX_MEM_SLOTS = 36,
	VHOST_USER_ADD_MEM_REG = 37,
	VHOST_USER_REM_MEM_REG = 38,
	VHOST_USER_SET_STATUS = 39,
	VHOST_USER_GET_STATUS = 40,
};

/* Protocol feature bits. */
#define VHOST_USER_PROTOCOL_F_MQ 0
#define VHOST_USER_PROTOCOL_F_LOG_SHMFD 1
#define VHOST_USER_PROTOCOL_F_REPLY_ACK 3
#define VHOST_USER_PROTOCOL_F_BACKEND_REQ 5
#define VHOST_USER_PROTOCOL_F_CONFIG 9
#define VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD 12
#define VHOST_USER_PROTOCOL_F_RESET_DEVICE 13
#define VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS 15
#define VHOST_USER_PROTOCOL_F_STATUS 16

/* Feature bits of the transport, among the virtio features. */
#define VHOST_F_LOG_ALL 26
#define VHOST_USER_F_PROTOCOL_FEATURES 30

struct vhost_user_vring_state {
	uint32_t index;
	uint32_t num;
};

struct vhost_user_vring_addr {
	uint32_t index;
	uint32_t flags; /* VHOST_USER_VRING_F_LOG */
	uint64_t desc; /* in the front-end's address space, like the next two */
	uint64_t used;
	uint64_t avail;
	uint64_t log; /* guest-physical address of the used ring */
};
#define VHOST_USER_VRING_F_LOG (1u << 0)

/* The u64 of SET_VRING_KICK, _CALL and _ERR. */
#define VHOST_USER_VRING_INDEX_MASK 0xffu
#define VHOST_USER_VRING_NO_FD (1u << 8)

struct vhost_user_region {
	uint64_t guest_address;
	uint64_t size;
	uint64_t user_address;
	uint64_t mmap_offset;
};

struct vhost_user_memory {
	uint32_t count;
	uint32_t padding;
	/* struct vhost_user_region regions[count] */
};

struct vhost_user_single_region {
	uint64_t padding;
	struct vhost_user_region region;
};

struct vhost_user_log {
	uint64_t size;
	uint64_t offset;
};

struct vhost_user_config {
	uint32_t offset;
	uint32_t size;
	uint32_t flags;
	/* uint8_t bytes[size] */
};
#define VHOST_USER_CONFIG_MAX 256u

struct vhost_user_inflight {
	uint64_t mmap_size;
	uint64_t mmap_offset;
	uint16_t num_queues;
	uint16_t queue_size;
	uint32_t padding; /* some front-ends leave it out */
};
#define VHOST_USER_INFLIGHT_MIN 20u

/* No message of the protocol has a larger payload (SHMEM_CONFIG is 2056). */
#define VHOST_USER_PAYLOAD_MAX 4096u

#define VHOST_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
VHOST_ASSERT_SIZE(struct vhost_user_header, 12);
VHOST_ASSERT_SIZE(struct vhost_user_vring_state, 8);
VHOST_ASSERT_SIZE(struct vhost_user_vring_addr, 40);
VHOST_ASSERT_SIZE(struct vhost_user_region, 32);
VHOST_ASSERT_SIZE(struct vhost_user_memory, 8);
VHOST_ASSERT_SIZE(struct vhost_user_single_region, 40);
VHOST_ASSERT_SIZE(struct vhost_user_log, 16);
VHOST_ASSERT_SIZE(struct vhost_user_config, 12);
VHOST_ASSERT_SIZE(struct vhost_user_inflight, 24);
#undef VHOST_ASSERT_SIZE

#endif
