/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Building a chain from descriptors that were read: bounds, order, mapping, merging. Also indirect
 * tables, which both ring formats share. Private to src/ring.
 */
#ifndef VIOFS_RING_CHAIN_H
#define VIOFS_RING_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "ring/device.h"

/* Host buffers one chain may need. A descriptor takes more than one only where it crosses memory regions; a chain
 * with more crossings than this is malformed, so that a guest can't make us allocate without bound. */
#define CHAIN_IOV_MAX (2u * RING_SIZE_MAX)

/* Bytes one chain may hold. Spec: virtio 1.3, 2.7.5.1. */
#define CHAIN_BYTES_MAX (UINT64_C(1) << 32)

struct chain_builder {
	struct ring_chain *chain;
	const struct ring_memory *memory;
	uint64_t next_address; /* guest address right behind the last buffer */
	uint64_t bytes; /* in all */
	size_t count; /* host buffers so far */
	size_t first; /* first host buffer of the current direction */
	uint32_t descriptors_left; /* how many more buffers the chain may have */
	bool writable; /* the current direction */
};

/* Starts over in chain; at most limit buffers (the queue size) may be added. */
void chain_begin(struct chain_builder *builder, struct ring_chain *chain, const struct ring_memory *memory,
		 uint32_t limit);

/*
 * Adds one buffer. -EBADMSG: too many buffers or bytes, not in guest memory, or readable behind writable; -ENOMEM.
 */
int chain_add(struct chain_builder *builder, uint64_t address, uint32_t length, bool writable);

/* Fills in the chain's counts. */
void chain_finish(struct chain_builder *builder);

/* Adds the buffers of an indirect table; packed tables have no links between entries. Errors as chain_add(). */
int chain_add_indirect(struct chain_builder *builder, uint64_t address, uint32_t length, bool packed);

#endif
