/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtqueues: byte layouts and numbers of split and packed rings, and the feature bits that shape them.
 *
 * Layouts only, freestanding, no functions. All fields are little-endian (VIRTIO_F_VERSION_1).
 * Spec: virtio 1.3, 2.7 (split), 2.8 (packed), 6 (reserved feature bits).
 */
#ifndef VIOFS_WIRE_VIRTIO_RING_H
#define VIOFS_WIRE_VIRTIO_RING_H

#include <stdint.h>

/* Feature bits, by number. */
#define VIRTIO_F_NOTIFY_ON_EMPTY 24
#define VIRTIO_F_INDIRECT_DESC 28
#define VIRTIO_F_EVENT_IDX 29
#define VIRTIO_F_VERSION_1 32
#define VIRTIO_F_ACCESS_PLATFORM 33
#define VIRTIO_F_RING_PACKED 34
#define VIRTIO_F_IN_ORDER 35
#define VIRTIO_F_ORDER_PLATFORM 36
#define VIRTIO_F_SR_IOV 37
#define VIRTIO_F_NOTIFICATION_DATA 38
#define VIRTIO_F_NOTIF_CONFIG_DATA 39
#define VIRTIO_F_RING_RESET 40

/* Descriptor flags; the last two exist in packed rings only. */
#define VIRTQ_DESC_F_NEXT (1u << 0)
#define VIRTQ_DESC_F_WRITE (1u << 1)
#define VIRTQ_DESC_F_INDIRECT (1u << 2)
#define VIRTQ_DESC_F_AVAIL (1u << 7)
#define VIRTQ_DESC_F_USED (1u << 15)

/* Split ring. */
#define VIRTQ_AVAIL_F_NO_INTERRUPT 1u
#define VIRTQ_USED_F_NO_NOTIFY 1u

struct virtq_desc {
	uint64_t addr; /* guest-physical */
	uint32_t len; /* bytes */
	uint16_t flags;
	uint16_t next; /* index, when VIRTQ_DESC_F_NEXT */
};

/* Behind ring[size] follows uint16_t used_event. */
struct virtq_avail {
	uint16_t flags;
	uint16_t idx; /* free-running */
	uint16_t ring[];
};

struct virtq_used_elem {
	uint32_t id; /* head of the chain */
	uint32_t len; /* bytes written */
};

/* Behind ring[size] follows uint16_t avail_event. */
struct virtq_used {
	uint16_t flags;
	uint16_t idx; /* free-running */
	struct virtq_used_elem ring[];
};

/* Packed ring. */
#define PVIRTQ_EVENT_F_ENABLE 0u
#define PVIRTQ_EVENT_F_DISABLE 1u
#define PVIRTQ_EVENT_F_DESC 2u
#define PVIRTQ_EVENT_WRAP (1u << 15)

struct pvirtq_desc {
	uint64_t addr; /* guest-physical */
	uint32_t len; /* bytes; in a used descriptor bytes written */
	uint16_t id;
	uint16_t flags;
};

struct pvirtq_event_suppress {
	uint16_t off_wrap; /* slot, and a wrap counter in bit 15 */
	uint16_t flags; /* PVIRTQ_EVENT_F_ in bits 0-1 */
};

/* How SET_VRING_BASE and GET_VRING_BASE encode where a packed ring stands. */
#define PVIRTQ_BASE_AVAIL_WRAP (1u << 15)
#define PVIRTQ_BASE_USED_SHIFT 16
#define PVIRTQ_BASE_USED_WRAP (1u << 31)
#define PVIRTQ_BASE_INITIAL (PVIRTQ_BASE_AVAIL_WRAP | PVIRTQ_BASE_USED_WRAP)

_Static_assert(sizeof(struct virtq_desc) == 16, "split descriptor");
_Static_assert(sizeof(struct virtq_avail) == 4, "available ring header");
_Static_assert(sizeof(struct virtq_used_elem) == 8, "used element");
_Static_assert(sizeof(struct virtq_used) == 4, "used ring header");
_Static_assert(sizeof(struct pvirtq_desc) == 16, "packed descriptor");
_Static_assert(sizeof(struct pvirtq_event_suppress) == 4, "event suppression");

#endif
