/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The blocks of a sparse file: a radix tree of 64-way nodes that is only as high as the highest block needs, so that a
 * small file costs little and one byte at 8 TiB costs a handful of nodes.
 */
#ifndef VIOFS_FS_MEMORY_BLOCKS_H
#define VIOFS_FS_MEMORY_BLOCKS_H

#include <stdint.h>

#define BLOCK_SIZE 4096u
/* No such block. */
#define BLOCK_NONE UINT64_MAX

/* Zero is an empty file. */
struct blocks {
	void *root; /* the block of index 0 when height is 0, else a node */
	unsigned int height;
	uint64_t count; /* blocks present */
};

/* The block, or NULL for a hole. */
void *blocks_get(const struct blocks *blocks, uint64_t index);

/* The block, made and zeroed where there was a hole; -ENOMEM. */
int blocks_add(struct blocks *blocks, uint64_t index, void **ret_block);

/* Frees the blocks first to last (inclusive). */
void blocks_remove(struct blocks *blocks, uint64_t first, uint64_t last);

/* The first block present at or behind index, or BLOCK_NONE. */
uint64_t blocks_next_data(const struct blocks *blocks, uint64_t index);

/* The first index at or behind this one that has no block. */
uint64_t blocks_next_hole(const struct blocks *blocks, uint64_t index);

#endif
