/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/memory/blocks.h"

#include <errno.h>
#include <stdlib.h>

#define FANOUT_BITS 6u
#define FANOUT (1u << FANOUT_BITS)

struct node {
	void *below[FANOUT]; /* nodes, or blocks in nodes of height 1 */
	unsigned int used;
};

/* How many blocks a subtree of this height spans; 9 levels hold every index below INT64_MAX / BLOCK_SIZE. */
static uint64_t span(unsigned int height)
{
	return 1ull << (FANOUT_BITS * height);
}

/* Which child of a node of this height (1 or more) leads to index. */
static unsigned int child(uint64_t index, unsigned int height)
{
	return (unsigned int)(index >> (FANOUT_BITS * (height - 1))) % FANOUT;
}

void *blocks_get(const struct blocks *blocks, uint64_t index)
{
	void *at = blocks->root;

	if (index >= span(blocks->height))
		return NULL;
	for (unsigned int height = blocks->height; at && height; height--)
		at = ((struct node *)at)->below[child(index, height)];
	return at;
}

/* Adds levels above the root until the tree spans index. */
static int raise_root(struct blocks *blocks, uint64_t index)
{
	while (index >= span(blocks->height)) {
		if (blocks->root) {
			struct node *node = calloc(1, sizeof(*node));

			if (!node)
				return -ENOMEM;
			node->below[0] = blocks->root;
			node->used = 1;
			blocks->root = node;
		}
		blocks->height++;
	}
	return 0;
}

/* Frees a subtree's blocks in first..last and the nodes that become empty; returns what is left of the subtree. */
static void *prune(struct blocks *blocks, void *at, unsigned int height, uint64_t base, uint64_t first, uint64_t last)
{
	struct node *node = at;

	if (!at || base > last || base + (span(height) - 1) < first)
		return at;
	if (!height) {
		blocks->count--;
		free(at);
		return NULL;
	}
	for (unsigned int i = 0; i < FANOUT; i++) {
		void *below = node->below[i];

		if (!below)
			continue;
		node->below[i] = prune(blocks, below, height - 1, base + i * span(height - 1), first, last);
		if (!node->below[i])
			node->used--;
	}
	if (node->used)
		return node;
	free(node);
	return NULL;
}

void blocks_remove(struct blocks *blocks, uint64_t first, uint64_t last)
{
	blocks->root = prune(blocks, blocks->root, blocks->height, 0, first, last);
	if (!blocks->root)
		blocks->height = 0;
}

int blocks_add(struct blocks *blocks, uint64_t index, void **ret_block)
{
	int r = raise_root(blocks, index);
	void **at = &blocks->root;
	struct node *above = NULL;

	if (r < 0)
		return r;
	for (unsigned int height = blocks->height;; height--) {
		if (!*at) {
			*at = calloc(1, height ? sizeof(struct node) : BLOCK_SIZE);
			if (!*at) {
				/* An index range without blocks: only frees nodes that were left empty on the way. */
				prune(blocks, blocks->root, blocks->height, 0, index, index);
				return -ENOMEM;
			}
			if (above)
				above->used++;
			if (!height)
				blocks->count++;
		}
		if (!height)
			break;
		above = *at;
		at = &above->below[child(index, height)];
	}
	*ret_block = *at;
	return 0;
}

static uint64_t next_below(void *at, unsigned int height, uint64_t base, uint64_t index)
{
	struct node *node = at;

	if (!at || base + (span(height) - 1) < index)
		return BLOCK_NONE;
	if (!height)
		return base;
	for (unsigned int i = 0; i < FANOUT; i++) {
		uint64_t found = next_below(node->below[i], height - 1, base + i * span(height - 1), index);

		if (found != BLOCK_NONE)
			return found;
	}
	return BLOCK_NONE;
}

uint64_t blocks_next_data(const struct blocks *blocks, uint64_t index)
{
	return next_below(blocks->root, blocks->height, 0, index);
}

uint64_t blocks_next_hole(const struct blocks *blocks, uint64_t index)
{
	while (blocks_get(blocks, index))
		index++;
	return index;
}
