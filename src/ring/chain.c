/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/chain.h"

#include <errno.h>
#include <stdlib.h>

#include "base/checked.h"

#define CHAIN_IOV_FIRST 16u

void ring_chain_init(struct ring_chain *chain)
{
	*chain = (struct ring_chain){ 0 };
}

void ring_chain_fini(struct ring_chain *chain)
{
	free(chain->iov);
	*chain = (struct ring_chain){ 0 };
}

void chain_begin(struct chain_builder *builder, struct ring_chain *chain, const struct ring_memory *memory,
		 uint32_t limit)
{
	*builder = (struct chain_builder){ .chain = chain, .memory = memory, .descriptors_left = limit };
	chain->readable_count = 0;
	chain->readable_bytes = 0;
}

static int grow(struct ring_chain *chain)
{
	size_t capacity = chain->iov_capacity > 0 ? chain->iov_capacity * 2 : CHAIN_IOV_FIRST;
	struct iovec *iov;

	if (capacity > CHAIN_IOV_MAX)
		return -EBADMSG;
	iov = reallocarray(chain->iov, capacity, sizeof(*iov));
	if (!iov)
		return -ENOMEM;
	chain->iov = iov;
	chain->iov_capacity = capacity;
	return 0;
}

/* Appends fresh host buffers that lie behind the counted ones, melting each into its neighbour where possible. */
static void append(struct chain_builder *builder, size_t fresh, bool adjacent)
{
	struct iovec *iov = builder->chain->iov;
	size_t from = builder->count;

	for (size_t i = 0; i < fresh; i++, adjacent = true) {
		struct iovec next = iov[from + i];
		struct iovec *last = &iov[builder->count - (builder->count > 0)];

		if (adjacent && builder->count > builder->first &&
		    (char *)last->iov_base + last->iov_len == next.iov_base)
			last->iov_len += next.iov_len;
		else
			iov[builder->count++] = next;
	}
}

int chain_add(struct chain_builder *builder, uint64_t address, uint32_t length, bool writable)
{
	struct ring_chain *chain = builder->chain;
	uint64_t end;
	int mapped;

	if (builder->descriptors_left == 0)
		return -EBADMSG;
	builder->descriptors_left--;
	if (writable != builder->writable) {
		if (!writable)
			return -EBADMSG;
		builder->writable = true;
		builder->first = builder->count;
		chain->readable_count = builder->count;
		chain->readable_bytes = builder->bytes;
	}
	if (length == 0)
		return 0;
	builder->bytes += length;
	if (builder->bytes > CHAIN_BYTES_MAX || !checked_add_u64(address, length, &end))
		return -EBADMSG;
	for (;;) {
		size_t room = chain->iov_capacity - builder->count;
		int result;

		mapped = room > 0
			     ? builder->memory->map(builder->memory, address, length, chain->iov + builder->count, room)
			     : -E2BIG;
		if (mapped > 0)
			break;
		if (mapped != -E2BIG)
			return -EBADMSG;
		result = grow(chain);
		if (result < 0)
			return result;
	}
	/* Only buffers that are neighbours for the guest too, so that a merged buffer is one range of guest memory
	 * (dirty logging counts on it). */
	append(builder, (size_t)mapped, address == builder->next_address);
	builder->next_address = end;
	return 0;
}

void chain_finish(struct chain_builder *builder)
{
	struct ring_chain *chain = builder->chain;

	if (!builder->writable) {
		chain->readable_count = builder->count;
		chain->readable_bytes = builder->bytes;
	}
	chain->writable_count = builder->count - chain->readable_count;
	chain->writable_bytes = builder->bytes - chain->readable_bytes;
}
