/* SPDX-License-Identifier: BSD-3-Clause */
#include "ring/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

int chain_add(struct chain_builder *builder, uint64_t address, uint32_t length, bool writable)
{
	struct ring_chain *chain = builder->chain;
	struct iovec *fresh;
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
	/* Merge only what is adjacent for the guest too, so that a merged buffer is one range of guest memory (dirty
	 * logging counts on it). */
	fresh = chain->iov + builder->count;
	if (address == builder->next_address && builder->count > builder->first &&
	    (char *)fresh[-1].iov_base + fresh[-1].iov_len == fresh[0].iov_base) {
		fresh[-1].iov_len += fresh[0].iov_len;
		mapped--;
		if (mapped > 0)
			memmove(fresh, fresh + 1, (size_t)mapped * sizeof(*fresh));
	}
	builder->count += (size_t)mapped;
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
