/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtqueue as the device sees it, split or packed: take descriptor chains, give them back.
 * Pure memory: no descriptors of the host, no system calls, no locks.
 *
 * The ring's contents are hostile. Every field is read once. A chain is copied, bounded by the
 * queue size (indirect tables too), validated and mapped before the caller sees it; what is malformed
 * yields -EBADMSG and breaks the queue for good (pop returns -EBADMSG ever after), nothing else.
 *
 * One thread at a time may use a ring. Spec: virtio 1.3, 2.7 (split) and 2.8 (packed).
 */
#ifndef VIOFS_RING_DEVICE_H
#define VIOFS_RING_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define RING_SIZE_MAX 32768u

/*
 * How guest memory is reached. map splits [address, address + length) (guest-physical bytes) into at
 * most max host buffers; returns how many (at least 1 when length > 0), or -EFAULT when any part
 * lies outside guest memory, or -E2BIG when max is too small.
 */
struct ring_memory {
	int (*map)(const struct ring_memory *memory, uint64_t address, uint64_t length, struct iovec *iov, size_t max);
};

/* What a ring is made of. Pointers are host addresses of areas fully inside guest memory. */
struct ring_config {
	uint32_t size; /* descriptors, 2 to RING_SIZE_MAX; a power of two when split */
	bool packed; /* VIRTIO_F_RING_PACKED */
	bool event_idx; /* VIRTIO_F_EVENT_IDX */
	bool indirect; /* VIRTIO_F_INDIRECT_DESC */
	void *desc; /* descriptor table, or packed descriptor ring; 16-byte aligned */
	void *driver; /* available ring, or packed driver event area */
	void *device; /* used ring, or packed device event area */
	uint32_t base; /* where to go on, as SET_VRING_BASE encodes it */
	void *inflight; /* this queue's region to track requests in, or NULL (ring/inflight.h) */
};

/* Bytes of the three areas for a queue of size descriptors. */
size_t ring_desc_bytes(uint32_t size, bool packed);
size_t ring_driver_bytes(uint32_t size, bool packed);
size_t ring_device_bytes(uint32_t size, bool packed);

/*
 * A chain taken from the ring; the caller owns it until it is pushed. iov holds readable_count buffers the
 * device reads and, behind them, writable_count buffers it writes. Neighbours are merged where they are
 * adjacent in guest and in host memory, so each buffer is one range of both; empty buffers are left out.
 */
struct ring_chain {
	uint16_t id; /* head index (split), buffer id (packed) */
	uint16_t descriptors; /* ring slots the chain takes; packed needs it at push */
	uint64_t sequence; /* order of taking within this ring, from 1 */
	uint16_t inflight_entry; /* packed: where it stands in the in-flight region */
	size_t readable_count;
	size_t writable_count;
	size_t readable_bytes;
	size_t writable_bytes;
	struct iovec *iov; /* grows on demand, kept for reuse */
	size_t iov_capacity;
};

void ring_chain_init(struct ring_chain *chain);
void ring_chain_fini(struct ring_chain *chain);

struct ring_resubmission; /* private */

struct ring_device {
	struct ring_config config;
	bool broken;
	uint16_t next_avail; /* split: free-running; packed: slot index */
	uint16_t next_used; /* where the next push goes */
	bool avail_wrap; /* packed wrap counters, belonging to next_avail and next_used */
	bool used_wrap;
	uint16_t avail_seen; /* split: the available index when last read */
	uint16_t batch_slot; /* packed: head of the unpublished batch, and the flags that will publish it */
	uint16_t batch_flags;
	uint32_t pending; /* pushed, not published; entries (split) or slots (packed) */
	uint32_t unsignalled; /* published since the last signal decision, in the same unit */
	bool signalled_valid; /* there was a signal decision since the start */
	uint64_t sequence; /* chains taken */
	uint64_t inflight_counter; /* the last given out in the in-flight region */
	bool recovered; /* started from an in-flight region that was in use */
	uint16_t given_first; /* packed: the pending batch as a list in the region */
	uint16_t given_last;
	struct ring_resubmission *resubmit; /* chains found in flight, oldest first */
	uint32_t resubmit_count;
	uint32_t resubmit_next;
	/* What dirty logging must cover after a push: byte range of the device-written ring area, relative to
	 * config.device (split) or config.desc (packed); empty when both are equal. The caller reads and clears it. */
	size_t dirty_start;
	size_t dirty_end;
};

/*
 * Starts a ring. Split: next_used is read from the used ring, never taken from base. Packed: a base of 0
 * means the initial state 0x80008000 (User-Mode Linux sends 0). With an in-flight region in use the place to go on
 * from comes from there, what it has in flight is popped again first, and the first ring_device_needs_signal()
 * errs on the side of yes, even if nothing was pushed. -EINVAL when size, base or region do not fit, -ENOMEM.
 */
int ring_device_init(struct ring_device *ring, const struct ring_config *config);

/* Frees what the ring holds; chains are not affected. A zeroed ring is fine. */
void ring_device_fini(struct ring_device *ring);

/*
 * After init and before the first pop: the caller still has this chain from before the ring was stopped and will push
 * it, so the in-flight region's word for it does not make it come out of pop again.
 */
void ring_device_hold(struct ring_device *ring, const struct ring_chain *chain);

/*
 * Takes the next available chain. Returns 1 with a chain, 0 when there is none, -EBADMSG when the ring is
 * malformed (sets broken), -ENOMEM when the chain's buffer array could not grow (nothing is taken).
 */
int ring_device_pop(struct ring_device *ring, const struct ring_memory *memory, struct ring_chain *chain);

/*
 * Puts a chain back into the ring with written bytes of reply (cut to what the chain holds), without publishing it to
 * the driver. Chains may be put back in any order, each once; chain keeps its buffers for reuse.
 */
void ring_device_push(struct ring_device *ring, const struct ring_chain *chain, uint32_t written);

/* Publishes all pushes since the last call. */
void ring_device_publish(struct ring_device *ring);

/*
 * Publishes what is pending, then: whether the driver wants an interrupt for what was published since last asked.
 * The first answer after a start errs on the side of yes.
 */
bool ring_device_needs_signal(struct ring_device *ring);

/*
 * Asks the driver for a kick on the next available chain, and returns true when there is one already (the
 * caller must pop again instead of sleeping).
 */
bool ring_device_enable_kick(struct ring_device *ring);

/* Tells the driver that kicks are not needed for now. */
void ring_device_disable_kick(struct ring_device *ring);

/* Where the ring stands, as GET_VRING_BASE encodes it. */
uint32_t ring_device_base(const struct ring_device *ring);

#endif
