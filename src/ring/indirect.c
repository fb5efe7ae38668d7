/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Indirect descriptor tables. A table may lie anywhere in guest memory, unaligned and across regions;
 * each entry is read once. Spec: virtio 1.3, 2.7.5.3 and 2.8.8.
 */
#include "ring/chain.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "ring/access.h"
#include "wire/virtio_ring.h"

/* Regions one table may cross. A table is at most 512 KiB. */
#define TABLE_PIECES 8

struct table {
	struct iovec pieces[TABLE_PIECES];
	size_t count;
	uint32_t entries;
};

/* Copies entry index into two words. */
static void table_read(const struct table *table, uint32_t index, uint64_t words[2])
{
	size_t offset = (size_t)index * sizeof(struct virtq_desc);
	size_t done = 0;

	if (table->count == 1) {
		const char *at = (const char *)table->pieces[0].iov_base + offset;

		words[0] = ring_load64_unaligned(at);
		words[1] = ring_load64_unaligned(at + 8);
		return;
	}
	for (size_t i = 0; i < table->count && done < sizeof(struct virtq_desc); i++) {
		const struct iovec *piece = &table->pieces[i];

		if (offset < piece->iov_len) {
			size_t step = MIN(sizeof(struct virtq_desc) - done, piece->iov_len - offset);

			memcpy((char *)words + done, (const char *)piece->iov_base + offset, step);
			done += step;
			offset = 0;
		} else {
			offset -= piece->iov_len;
		}
	}
	words[0] = ring_le64(words[0]);
	words[1] = ring_le64(words[1]);
}

int chain_add_indirect(struct chain_builder *builder, uint64_t address, uint32_t length, bool packed)
{
	struct table table = { .entries = length / sizeof(struct virtq_desc) };
	uint32_t index = 0;
	int mapped;

	/* Longer tables than the chain may have buffers could be half unused when split, but no driver makes such. */
	if (length == 0 || length % sizeof(struct virtq_desc) != 0 || table.entries > builder->descriptors_left)
		return -EBADMSG;
	mapped = builder->memory->map(builder->memory, address, length, table.pieces, TABLE_PIECES);
	if (mapped <= 0)
		return -EBADMSG;
	table.count = (size_t)mapped;
	for (;;) {
		uint64_t words[2] = { 0, 0 };
		uint16_t flags, next;
		int result;

		table_read(&table, index, words);
		flags = (uint16_t)(words[1] >> (packed ? 48 : 32));
		next = (uint16_t)(words[1] >> 48);
		if (flags & VIRTQ_DESC_F_INDIRECT)
			return -EBADMSG;
		/* Loops end here too: every turn uses up one of the buffers a chain may have. */
		result = chain_add(builder, words[0], (uint32_t)words[1], flags & VIRTQ_DESC_F_WRITE);
		if (result < 0)
			return result;
		if (packed ? index + 1 == table.entries : !(flags & VIRTQ_DESC_F_NEXT))
			return 0;
		index = packed ? index + 1 : next;
		if (index >= table.entries)
			return -EBADMSG;
	}
}
