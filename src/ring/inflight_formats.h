/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tracking in the in-flight region, for the two ring formats.
 *
 * The process may die between any two stores. What it stored before stays in memory, in program order as far as anyone
 * who looks afterwards can tell, so only the compiler has to be kept from reordering: inflight_order().
 *
 * The front-end can write the region too: indices found in it are checked. Private to src/ring.
 */
#ifndef VIOFS_RING_INFLIGHT_FORMATS_H
#define VIOFS_RING_INFLIGHT_FORMATS_H

#include "ring/device.h"
#include "wire/vhost_inflight.h"

#define inflight_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/* An entry that is none. */
#define INFLIGHT_NONE UINT16_MAX

/* A chain to be popped again. */
struct ring_resubmission {
	uint64_t counter;
	uint16_t slot; /* head (split), first entry in the region (packed) */
};

/* Makes room for the chains in flight; -ENOMEM. */
int inflight_resubmit_reserve(struct ring_device *ring, uint32_t count);
/* Adds one; there was room reserved. */
void inflight_resubmit_add(struct ring_device *ring, uint64_t counter, uint16_t slot);
/* Puts them in order. */
void inflight_resubmit_sort(struct ring_device *ring);
/* The first one was popped. */
void inflight_resubmit_done(struct ring_device *ring);

static inline bool inflight_resubmit_any(const struct ring_device *ring)
{
	return ring->resubmit_next < ring->resubmit_count;
}

/*
 * Sets up fresh memory, or recovers: corrects next_avail, lists what to resubmit. next_used is the ring's
 * used index. -EINVAL when the region is not of this ring, -ENOMEM.
 */
int inflight_split_start(struct ring_device *ring);
/* A chain was taken. */
void inflight_split_take(struct ring_device *ring, uint16_t head);
/* A chain was pushed. */
void inflight_split_give(struct ring_device *ring, uint16_t head);
/* The pending batch was published. */
void inflight_split_commit(struct ring_device *ring);

/* As for split; corrects all of next_avail and next_used. */
int inflight_packed_start(struct ring_device *ring);
/* Begins to take a chain: returns its first entry. */
uint16_t inflight_packed_begin(struct ring_device *ring);
/* Adds a descriptor of the chain; -EBADMSG when the region is not sane. */
int inflight_packed_add(struct ring_device *ring, uint16_t first, uint64_t address, uint64_t word);
/* The chain is taken, or not. */
void inflight_packed_end(struct ring_device *ring);
void inflight_packed_abort(struct ring_device *ring, uint16_t first);
/* Reads entry index of a chain back and moves index on to the next one; -EBADMSG when the region is not sane. */
int inflight_packed_read(const struct ring_device *ring, uint16_t *index, uint64_t *ret_address, uint64_t *ret_word);
/* Entries of the chain that begins at first. */
uint16_t inflight_packed_count(const struct ring_device *ring, uint16_t first);
/* A chain was pushed. */
void inflight_packed_give(struct ring_device *ring, uint16_t first);
/* The pending batch is about to be published, was published. */
void inflight_packed_prepare(struct ring_device *ring);
void inflight_packed_commit(struct ring_device *ring);

#endif
