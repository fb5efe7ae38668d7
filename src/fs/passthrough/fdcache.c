/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cached descriptors of nodes that could be opened again by handle.
 *
 * A ring of node ids and a clock hand. A place is reused when its node has gone (the id is stale), or when nobody has used the
 * descriptor since the hand last came by and nobody is using it now. The lock is held for a few
 * instructions only: victims are closed after it was released.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/passthrough/nodetable.h"
#include "fs/passthrough/pin.h"

/* #syscalls: close futex brk mmap munmap sched_yield */

/* How far the hand goes for one insertion: beyond that the descriptor serves one operation only. */
#define CLOCK_STEPS 256u
/* How many are closed when descriptors have run out. */
#define SHRINK_COUNT 32u

int fd_cache_init(struct fd_cache *cache, size_t size)
{
	cache->ring = calloc(size, sizeof(cache->ring[0]));
	if (!cache->ring)
		return -ENOMEM;
	pthread_mutex_init(&cache->lock, NULL);
	cache->size = size;
	return 0;
}

void fd_cache_fini(struct fd_cache *cache)
{
	if (!cache->ring)
		return;
	free(cache->ring);
	cache->ring = NULL;
	pthread_mutex_destroy(&cache->lock);
}

/* Whether a place of the ring can be had; its descriptor then comes back for closing, -1 if it has none. */
static bool evict(struct node_table *table, uint64_t id, bool even_referenced, int *ret_fd)
{
	struct node *node;

	*ret_fd = -1;
	if (!id)
		return true;
	node = slots_at(&table->slots, node_id_slot(id));
	if (pin_generation(atomic_load(&node->word)) != pin_generation(id) || (node->flags & NODE_KEPT))
		return true;
	if ((node->flags & NODE_REFERENCED) && !even_referenced) {
		atomic_fetch_and(&node->flags, (uint16_t)~NODE_REFERENCED);
		return false;
	}
	if (!pin_replace_idle(&node->word, pin_generation(id), pin_word(pin_generation(id), PIN_BUSY)))
		return false;
	*ret_fd = atomic_exchange(&node->fd, -1);
	atomic_store(&node->word, pin_word(pin_generation(id), 0));
	return true;
}

/* Gives a node's descriptor a place, under the lock; false when the hand finds none. The victim's is to be closed. */
static bool enter(struct node_table *table, uint64_t id, int *ret_victim)
{
	struct fd_cache *cache = &table->cache;

	for (unsigned int step = 0; step < CLOCK_STEPS; step++) {
		uint64_t *place = &cache->ring[cache->hand];

		cache->hand = (cache->hand + 1) % cache->size;
		if (evict(table, *place, false, ret_victim)) {
			*place = id;
			return true;
		}
	}
	return false;
}

int fd_cache_insert(struct passthrough *pt, struct node_use *use, int fd)
{
	struct fd_cache *cache = &pt->nodes->cache;
	int victim = -1, result;

	pthread_mutex_lock(&cache->lock);
	result = atomic_load(&use->node->fd);
	if (result >= 0) {
		victim = fd;
	} else if (enter(pt->nodes, use->id, &victim)) {
		atomic_store(&use->node->fd, fd);
		result = fd;
	}
	pthread_mutex_unlock(&cache->lock);
	if (victim >= 0)
		close(victim);
	return result;
}

bool fd_cache_shrink(struct passthrough *pt)
{
	struct fd_cache *cache = &pt->nodes->cache;
	int victims[SHRINK_COUNT];
	unsigned int count = 0;

	pthread_mutex_lock(&cache->lock);
	for (size_t step = 0; step < cache->size && count < SHRINK_COUNT; step++) {
		uint64_t *place = &cache->ring[cache->hand];

		cache->hand = (cache->hand + 1) % cache->size;
		if (!evict(pt->nodes, *place, true, &victims[count]))
			continue;
		*place = 0;
		if (victims[count] >= 0)
			count++;
	}
	pthread_mutex_unlock(&cache->lock);
	for (unsigned int i = 0; i < count; i++)
		close(victims[i]);
	return count > 0;
}

bool node_keep(struct node_use *use)
{
	struct fd_cache *cache = &use->pt->nodes->cache;
	struct node *node = use->node;
	bool kept = false;
	int fd = -1;

	/* Many removed files that the guest still holds: then the rest has to live without. */
	if (!node_has_handle(node) || (node->flags & NODE_KEPT) || atomic_load(&cache->kept) >= cache->size / 2)
		return false;
	if (atomic_load(&node->fd) < 0) {
		fd = node_open_path(use);
		if (fd < 0)
			return false;
	}
	pthread_mutex_lock(&cache->lock);
	if (!(node->flags & NODE_KEPT)) {
		/* Outside the ring there is always room. What it had stays, as the node is pinned. */
		if (atomic_load(&node->fd) < 0)
			atomic_store(&node->fd, take_fd(&fd));
		atomic_fetch_or(&node->flags, NODE_KEPT);
		atomic_fetch_add(&cache->kept, 1);
		kept = true;
	}
	pthread_mutex_unlock(&cache->lock);
	if (fd >= 0)
		close(fd);
	return kept;
}

void node_unkeep(struct node_use *use)
{
	struct fd_cache *cache = &use->pt->nodes->cache;
	int victim = -1;

	/* Back among those that can be evicted; without a place there it stays as it is until it is forgotten. */
	pthread_mutex_lock(&cache->lock);
	if ((use->node->flags & NODE_KEPT) && enter(use->pt->nodes, use->id, &victim)) {
		atomic_fetch_and(&use->node->flags, (uint16_t)~NODE_KEPT);
		atomic_fetch_sub(&cache->kept, 1);
	}
	pthread_mutex_unlock(&cache->lock);
	if (victim >= 0)
		close(victim);
}
