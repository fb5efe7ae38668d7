/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries of the node table and their index by identity. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/passthrough/mount.h"
#include "fs/passthrough/nodetable.h"
#include "fs/passthrough/pin.h"

/* #syscalls: close mmap munmap mremap brk futex sched_yield */

#define FIRST_BUCKETS 16u

_Static_assert(offsetof(struct node, word) == offsetof(struct slot_head, word), "slot head");
_Static_assert(offsetof(struct node, link) == offsetof(struct slot_head, link), "slot head");

/* An entry of long_handles. */
struct long_handle {
	_Atomic uint64_t word;
	uint32_t link;
	unsigned char bytes[MAX_HANDLE_SZ];
};

static uint64_t hash_identity(uint32_t dev, uint16_t mount, uint64_t ino)
{
	uint64_t hash = (ino ^ (uint64_t)mount << 48 ^ (uint64_t)dev << 20) * UINT64_C(0x9e3779b97f4a7c15);

	return hash ^ hash >> 29;
}

static struct node_shard *shard_of(struct node_table *table, uint64_t hash)
{
	return &table->shards[hash >> 58];
}

static struct node *node_at(const struct node_table *table, uint32_t slot)
{
	struct node *node = slots_at(&table->slots, slot);

	assert(node); /* links and taken slots name slots that exist; a guest's ids are looked up elsewhere */
	return node;
}

int node_table_new(size_t fd_cache, struct node_table **ret_table)
{
	struct node_table *table = aligned_alloc(64, ALIGN_UP(sizeof(*table), 64));
	int result;

	if (!table)
		return -ENOMEM;
	memset(table, 0, sizeof(*table));
	for (size_t i = 0; i < NODE_SHARDS; i++)
		pthread_mutex_init(&table->shards[i].lock, NULL);
	result = slots_init(&table->slots, sizeof(struct node));
	if (result == 0)
		result = slots_init(&table->long_handles, sizeof(struct long_handle));
	if (result == 0)
		result = fd_cache_init(&table->cache, fd_cache);
	if (result < 0) {
		node_table_free(table);
		return result;
	}
	*ret_table = table;
	return 0;
}

void node_table_free(struct node_table *table)
{
	if (!table)
		return;
	for (uint32_t slot = 1; slot < table->slots.end; slot++) {
		struct node *node = node_at(table, slot);

		if (!(node->word & PIN_FREE) && node->fd >= 0)
			close(node->fd);
	}
	for (size_t i = 0; i < NODE_SHARDS; i++) {
		free(table->shards[i].buckets);
		pthread_mutex_destroy(&table->shards[i].lock);
	}
	slots_fini(&table->slots);
	slots_fini(&table->long_handles);
	fd_cache_fini(&table->cache);
	free(table);
}

static const unsigned char *handle_bytes(const struct node_table *table, const struct node *node)
{
	const struct long_handle *place;
	uint32_t slot;

	if (!(node->flags & NODE_LONG_HANDLE))
		return node->handle;
	memcpy(&slot, node->handle, sizeof(slot));
	place = slots_at(&table->long_handles, slot);
	return place->bytes;
}

void node_copy_handle(const struct passthrough *pt, const struct node *node, struct file_handle_buffer *ret_handle)
{
	ret_handle->size = node->handle_size;
	ret_handle->type = node->handle_type;
	memcpy(ret_handle->bytes, handle_bytes(pt->nodes, node), node->handle_size);
}

bool node_handle_equals(const struct passthrough *pt, const struct node *node, const struct file_handle_buffer *handle)
{
	return node->handle_size == handle->size && node->handle_type == handle->type &&
	       memcmp(handle_bytes(pt->nodes, node), handle->bytes, handle->size) == 0;
}

static int set_handle(struct node_table *table, struct node *node, const struct file_handle_buffer *handle)
{
	struct long_handle *place;
	uint32_t slot;
	int result;

	node->handle_type = handle->type;
	if (handle->size <= sizeof(node->handle)) {
		memcpy(node->handle, handle->bytes, handle->size);
		node->handle_size = (uint8_t)handle->size;
		return 0;
	}
	result = slots_take(&table->long_handles, &slot);
	if (result < 0)
		return result;
	place = slots_at(&table->long_handles, slot);
	memcpy(place->bytes, handle->bytes, handle->size);
	memcpy(node->handle, &slot, sizeof(slot));
	node->handle_size = (uint8_t)handle->size;
	node->flags |= NODE_LONG_HANDLE;
	return 0;
}

static void drop_handle(struct node_table *table, struct node *node)
{
	uint32_t slot;

	if (node->flags & NODE_LONG_HANDLE) {
		memcpy(&slot, node->handle, sizeof(slot));
		slots_give(&table->long_handles, slot);
	}
	node->handle_size = 0;
}

/* Doubles a shard's buckets; when there is no memory for it chains just get longer. */
static void grow_shard(struct node_table *table, struct node_shard *shard)
{
	uint32_t size = shard->buckets ? (shard->mask + 1) * 2 : FIRST_BUCKETS;
	uint32_t *buckets = calloc(size, sizeof(*buckets));

	if (!buckets)
		return;
	for (uint32_t i = 0; shard->buckets && i <= shard->mask; i++) {
		for (uint32_t slot = shard->buckets[i], next; slot; slot = next) {
			struct node *node = node_at(table, slot);
			uint32_t *bucket =
				&buckets[hash_identity(node->dev, node->mount, node->ino) & (size - 1)];

			next = node->link;
			node->link = *bucket;
			*bucket = slot;
		}
	}
	free(shard->buckets);
	shard->buckets = buckets;
	shard->mask = size - 1;
}

static void unlink_node(struct node_table *table, struct node_shard *shard, uint64_t hash, uint32_t slot)
{
	uint32_t *place = &shard->buckets[hash & shard->mask];

	while (*place != slot)
		place = &node_at(table, *place)->link;
	*place = node_at(table, slot)->link;
	shard->count--;
}

static bool same_numbers(const struct node *node, const struct node_identity *identity)
{
	return node->ino == identity->ino && node->dev == identity->dev && node->mount == identity->mount;
}

/* Pins an entry found in the index, whose shard is locked: it cannot be free. */
static void pin_found(struct passthrough *pt, struct node *node, uint32_t slot, struct node_use *ret_use)
{
	uint32_t generation = pin_generation(atomic_load(&node->word));

	/* Fails only beyond 2^29 pins, more than there are threads. */
	while (!pin_get(&node->word, generation))
		sched_yield();
	*ret_use = (struct node_use){ .pt = pt,
				      .node = node,
				      .id = pin_word(generation, slot),
				      .private_fd = -1 };
}

static bool node_holds_file(const struct node *node)
{
	return atomic_load(&node->fd) >= 0 && (!node_has_handle(node) || (node->flags & NODE_VERIFIED));
}

static enum node_match match(const struct node *node, const struct node_identity *identity)
{
	if (!same_numbers(node, identity))
		return NODE_UNKNOWN;
	/* As long as we hold it open its number belongs to nobody else. */
	if (node_holds_file(node))
		return NODE_KNOWN;
	if (node->type != identity->type || node->btime != identity->btime)
		return NODE_UNKNOWN;
	return node->flags & NODE_SETTLED ? NODE_KNOWN : NODE_MAYBE;
}

enum node_match node_find(struct passthrough *pt, const struct node_identity *identity, unsigned int skip, bool raise,
			  struct node_use *ret_use)
{
	uint64_t hash = hash_identity(identity->dev, identity->mount, identity->ino);
	struct node_shard *shard = shard_of(pt->nodes, hash);
	enum node_match found = NODE_UNKNOWN;

	pthread_mutex_lock(&shard->lock);
	for (uint32_t slot = shard->buckets ? shard->buckets[hash & shard->mask] : 0; slot;) {
		struct node *node = node_at(pt->nodes, slot);
		enum node_match this = match(node, identity);

		if (this == NODE_KNOWN) {
			pin_found(pt, node, slot, ret_use);
			if (raise)
				atomic_fetch_add(&node->lookups, 1);
			found = NODE_KNOWN;
			break;
		}
		if (this == NODE_MAYBE && skip-- == 0) {
			pin_found(pt, node, slot, ret_use);
			found = NODE_MAYBE;
			break;
		}
		slot = node->link;
	}
	pthread_mutex_unlock(&shard->lock);
	return found;
}

void node_raise(struct node_use *use)
{
	struct node *node = use->node;
	struct node_shard *shard = shard_of(use->pt->nodes, hash_identity(node->dev, node->mount, node->ino));

	pthread_mutex_lock(&shard->lock);
	atomic_fetch_add(&node->lookups, 1);
	pthread_mutex_unlock(&shard->lock);
}

void node_forget(struct node_use *use, uint64_t count)
{
	uint64_t lookups = atomic_load(&use->node->lookups);

	if (use->id == FS_ROOT)
		return;
	while (!atomic_compare_exchange_weak(&use->node->lookups, &lookups, lookups - MIN(lookups, count)))
		;
}

/* The entry that another thread has made of the same file since node_find(); the shard is locked. */
static struct node *find_twin(struct passthrough *pt, struct node_shard *shard, uint64_t hash,
			      const struct node_identity *identity, const struct file_handle_buffer *handle, int fd,
			      uint32_t *ret_slot)
{
	for (uint32_t slot = shard->buckets ? shard->buckets[hash & shard->mask] : 0; slot;) {
		struct node *node = node_at(pt->nodes, slot);

		*ret_slot = slot;
		/* Two descriptors of the same numbers, held open both, are of one file. */
		if (same_numbers(node, identity) && ((handle && node_handle_equals(pt, node, handle)) ||
						     (fd >= 0 && node_holds_file(node))))
			return node;
		slot = node->link;
	}
	return NULL;
}

static int fill(struct passthrough *pt, const struct node_identity *identity, const struct file_handle_buffer *handle,
		struct node *node)
{
	atomic_store(&node->fd, -1);
	atomic_store(&node->lookups, 1);
	node->ino = identity->ino;
	node->btime = identity->btime;
	node->dev = identity->dev;
	node->mount = identity->mount;
	node->fold = identity->fold;
	node->type = identity->type;
	node->flags = identity->flags;
	node->handle_size = 0;
	return handle ? set_handle(pt->nodes, node, handle) : 0;
}

int node_add(struct passthrough *pt, const struct node_identity *identity, const struct file_handle_buffer *handle, int fd,
	     struct node_use *ret_use)
{
	uint64_t hash = hash_identity(identity->dev, identity->mount, identity->ino);
	struct node_shard *shard = shard_of(pt->nodes, hash);
	struct node *node, *twin;
	uint32_t generation, slot, twin_slot;
	int result = slots_take(&pt->nodes->slots, &slot);

	if (result < 0)
		goto out_mount;
	node = node_at(pt->nodes, slot);
	generation = pin_generation(node->word);
	result = fill(pt, identity, handle, node);
	if (result < 0)
		goto out_slot;

	pthread_mutex_lock(&shard->lock);
	twin = find_twin(pt, shard, hash, identity, handle, fd, &twin_slot);
	if (twin) {
		pin_found(pt, twin, twin_slot, ret_use);
		atomic_fetch_add(&twin->lookups, 1);
		pthread_mutex_unlock(&shard->lock);
		drop_handle(pt->nodes, node);
		goto out_slot;
	}
	if (!shard->buckets || shard->count > shard->mask)
		grow_shard(pt->nodes, shard);
	if (!shard->buckets) {
		pthread_mutex_unlock(&shard->lock);
		drop_handle(pt->nodes, node);
		result = -ENOMEM;
		goto out_slot;
	}
	if (!handle) {
		atomic_store(&node->fd, fd);
		fd = -1;
	}
	node->link = shard->buckets[hash & shard->mask];
	shard->buckets[hash & shard->mask] = slot;
	shard->count++;
	atomic_store(&node->word, pin_word(generation, 1));
	pthread_mutex_unlock(&shard->lock);

	*ret_use = (struct node_use){ .pt = pt, .node = node, .id = pin_word(generation, slot), .private_fd = -1 };
	if (fd >= 0 && fd_cache_insert(pt, ret_use, fd) < 0)
		close(fd);
	return 0;

out_slot:
	slots_give(&pt->nodes->slots, slot);
out_mount:
	mount_unref(pt, identity->mount);
	if (fd >= 0)
		close(fd);
	return result;
}

int node_add_root(struct passthrough *pt, const struct node_identity *identity, const struct file_handle_buffer *handle,
		  int fd)
{
	struct node_use use;
	int result = node_add(pt, identity, handle, -1, &use);

	if (result < 0)
		return result;
	/* Not in the cache: always there. One lookup that no FORGET takes away. */
	atomic_store(&use.node->fd, fd);
	pin_put(&use.node->word);
	return 0;
}

/* Frees an entry that has neither pins nor lookups; hash is of its identity, read while it was pinned. */
static void free_unused(struct passthrough *pt, struct node *node, uint64_t id, uint64_t hash)
{
	struct node_table *table = pt->nodes;
	struct node_shard *shard = shard_of(table, hash);
	uint32_t generation = pin_generation(id);
	uint16_t mount;
	int fd;

	pthread_mutex_lock(&shard->lock);
	if (atomic_load(&node->lookups) != 0 ||
	    !pin_replace_idle(&node->word, generation, pin_word(generation + 1, PIN_FREE))) {
		pthread_mutex_unlock(&shard->lock);
		return;
	}
	unlink_node(table, shard, hash, node_id_slot(id));
	pthread_mutex_unlock(&shard->lock);

	/* Out of everybody's reach: the slot is still ours. */
	fd = atomic_exchange(&node->fd, -1);
	mount = node->mount;
	if (node->flags & NODE_KEPT)
		atomic_fetch_sub(&table->cache.kept, 1);
	drop_handle(table, node);
	slots_give(&table->slots, node_id_slot(id));
	if (fd >= 0)
		close(fd);
	mount_unref(pt, mount);
}

int node_get(struct passthrough *pt, uint64_t id, struct node_use *ret_use)
{
	struct node *node = slots_at(&pt->nodes->slots, node_id_slot(id));

	if (!node || !pin_get(&node->word, pin_generation(id)))
		return -ESTALE;
	*ret_use = (struct node_use){ .pt = pt, .node = node, .id = id, .private_fd = -1 };
	return 0;
}

void node_put(struct node_use *use)
{
	struct node *node = use->node;
	uint64_t hash;

	if (use->private_fd >= 0)
		close(use->private_fd);
	if (!node)
		return;
	/* Once unpinned the entry may be anybody's. */
	hash = hash_identity(node->dev, node->mount, node->ino);
	if ((pin_put(&node->word) & PIN_COUNT) == 0 && atomic_load(&node->lookups) == 0)
		free_unused(use->pt, node, use->id, hash);
	*use = NODE_USE_NONE;
}

void node_table_reset(struct passthrough *pt)
{
	for (uint32_t slot = 2; slot < atomic_load(&pt->nodes->slots.end); slot++) {
		struct node *node = node_at(pt->nodes, slot);
		uint64_t word = atomic_load(&node->word);
		struct node_use use;

		if ((word & PIN_FREE) || node_get(pt, pin_word(pin_generation(word), slot), &use) < 0)
			continue;
		atomic_store(&use.node->lookups, 0);
		node_put(&use);
	}
}
