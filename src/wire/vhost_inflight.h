/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The in-flight region of one virtqueue: memory that outlives the back-end and says which requests it had
 * taken and not answered.
 *
 * Layouts only, freestanding. Fields are in the host's byte order. Spec: vhost-user protocol, "Inflight I/O tracking".
 */
#ifndef VIOFS_WIRE_VHOST_INFLIGHT_H
#define VIOFS_WIRE_VHOST_INFLIGHT_H

#include <stdint.h>

#define VHOST_INFLIGHT_VERSION 1 /* 0 is memory nobody used yet */

/* Per descriptor of a split ring; valid at heads of chains. */
struct vhost_inflight_split_desc {
	uint8_t inflight;
	uint8_t padding[5];
	uint16_t next; /* the head answered before this one, within the last batch */
	uint64_t counter; /* order of taking */
};

struct vhost_inflight_split {
	uint64_t features; /* 0 */
	uint16_t version;
	uint16_t desc_num;
	uint16_t last_batch_head; /* the head answered last */
	uint16_t used_idx; /* the ring's used index behind the last batch that was cleared */
	struct vhost_inflight_split_desc desc[];
};

/*
 * Per slot of a packed ring, a copy of a descriptor. The entries of a chain are linked through next; what belongs to a
 * chain as a whole is valid in its first entry. All others are linked into a free list.
 */
struct vhost_inflight_packed_desc {
	uint8_t inflight; /* first entry */
	uint8_t padding;
	uint16_t next;
	uint16_t last; /* first entry: index of the chain's last entry */
	uint16_t num; /* first entry: entries of the chain */
	uint64_t counter; /* first entry: order of taking */
	uint16_t id;
	uint16_t flags;
	uint32_t len;
	uint64_t addr;
};

/* The "old" fields are the last state known to be in step with the ring; the others may be ahead of it. */
struct vhost_inflight_packed {
	uint64_t features; /* 0 */
	uint16_t version;
	uint16_t desc_num;
	uint16_t free_head; /* desc_num when the list is empty */
	uint16_t old_free_head;
	uint16_t used_idx;
	uint16_t old_used_idx;
	uint8_t used_wrap_counter;
	uint8_t old_used_wrap_counter;
	uint8_t padding[7];
	struct vhost_inflight_packed_desc desc[];
};

_Static_assert(sizeof(struct vhost_inflight_split_desc) == 16, "split entry");
_Static_assert(sizeof(struct vhost_inflight_split) == 16, "split region header");
_Static_assert(sizeof(struct vhost_inflight_packed_desc) == 32, "packed entry");
_Static_assert(sizeof(struct vhost_inflight_packed) == 32, "packed region header");

#endif
