/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table behind node.h: entries, their index by identity, and their cached descriptors.
 *
 * What may be read when: the identity fields are written before an entry is published and never change while it is pinned
 * or in the index; fd, lookups and flags are atomic. An entry is in the index from node_add() until it is freed.
 * Lookup counts rise only under the lock of the entry's shard, so freeing, which holds it too, cannot miss one.
 */
#ifndef VIOFS_FS_PASSTHROUGH_NODETABLE_H
#define VIOFS_FS_PASSTHROUGH_NODETABLE_H

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/passthrough/node.h"
#include "fs/passthrough/slots.h"

/* Longer handles live in a table of their own. */
#define NODE_INLINE_HANDLE 36u

enum node_flags {
	NODE_VERIFIED = 1 << 0, /* the handle is known to be the file's that was looked up */
	NODE_SETTLED = 1 << 1, /* no file born later can share inode number and birth time with it */
	NODE_REFERENCED = 1 << 2, /* its descriptor was used since the clock hand passed */
	NODE_KEPT = 1 << 3, /* its name was removed: the descriptor alone may keep it alive, so it stays open */
	NODE_SUBMOUNT = 1 << 4, /* announced as a mount point */
	NODE_LONG_HANDLE = 1 << 5, /* handle holds a slot of long_handles */
};

struct node {
	_Atomic uint64_t word; /* see pin.h */
	uint32_t link; /* next of the hash chain; free list */
	_Atomic int fd; /* O_PATH, -1 for none; of an unverified handle only with NODE_KEPT */
	_Atomic uint64_t lookups;
	uint64_t ino;
	int64_t btime; /* nanoseconds, NODE_NO_BTIME where the file system has none */
	uint32_t dev; /* major << 20 | minor */
	uint16_t mount; /* index in the mount table */
	uint16_t fold; /* makes ino unique across devices, see identity.c */
	_Atomic uint16_t flags;
	uint16_t type; /* S_IFMT of mode */
	int handle_type;
	uint8_t handle_size; /* 0: no handle, the descriptor is all there is */
	uint8_t handle[NODE_INLINE_HANDLE];
};
#define NODE_NO_BTIME INT64_MIN

/* 5 million of them, with 4 to 8 bytes of index each, within 160 bytes. */
_Static_assert(sizeof(struct node) <= 104, "struct node has grown");

/* A file handle of the kernel with room for the largest. */
struct file_handle_buffer {
	unsigned int size;
	int type;
	unsigned char bytes[MAX_HANDLE_SZ];
};

/* What a look-up found out about a file. */
struct node_identity {
	uint64_t ino;
	int64_t btime;
	uint32_t dev;
	uint16_t mount;
	uint16_t fold;
	uint16_t type;
	uint16_t flags; /* VERIFIED, SETTLED, SUBMOUNT for a new entry */
};

#define NODE_SHARDS 64u

struct node_shard {
	_Alignas(64) pthread_mutex_t lock;
	uint32_t *buckets; /* slots, 0 for empty; a power of two of them */
	uint32_t mask;
	uint32_t count;
};

/* Which nodes hold a cached descriptor: a clock over node ids, some of them stale. */
struct fd_cache {
	pthread_mutex_t lock;
	uint64_t *ring;
	size_t size;
	size_t hand;
	_Atomic size_t kept; /* nodes with NODE_KEPT: their descriptors are outside the ring */
};

struct node_table {
	struct slots slots;
	struct slots long_handles;
	struct fd_cache cache;
	struct node_shard shards[NODE_SHARDS];
};

int node_table_new(size_t fd_cache, struct node_table **ret_table);
void node_table_free(struct node_table *table);

/* Drops all nodes but the root, whatever their lookup counts; nothing may be pinned. */
void node_table_reset(struct passthrough *pt);

static inline uint32_t node_id_slot(uint64_t id)
{
	return (uint32_t)id;
}

static inline bool node_has_handle(const struct node *node)
{
	return node->handle_size != 0;
}

void node_copy_handle(const struct passthrough *pt, const struct node *node, struct file_handle_buffer *ret_handle);
bool node_handle_equals(const struct passthrough *pt, const struct node *node, const struct file_handle_buffer *handle);

enum node_match {
	NODE_UNKNOWN,
	NODE_KNOWN, /* surely the same file: its lookup count was raised */
	NODE_MAYBE, /* same numbers, but the file may have been replaced: compare handles, then node_raise() */
};

/*
 * Looks for an entry of this identity and pins it, unless the answer is NODE_UNKNOWN. raise false leaves the lookup count
 * alone. skip is how many NODE_MAYBE answers for this identity have already turned out wrong.
 */
enum node_match node_find(struct passthrough *pt, const struct node_identity *identity, unsigned int skip, bool raise,
			  struct node_use *ret_use);

/* Raises the lookup count of a pinned node, and lowers it; one that was forgotten more often than looked up is at 0. */
void node_raise(struct node_use *use);
void node_forget(struct node_use *use, uint64_t count);

/*
 * Enters a node with lookup count 1 and pins it, or finds that another thread has just done so, which is the same to the
 * caller. handle may be NULL; fd (-1 for none) becomes the table's also when this fails. The caller's reference
 * on the mount goes over to the node. -ENOMEM.
 */
int node_add(struct passthrough *pt, const struct node_identity *identity, const struct file_handle_buffer *handle, int fd,
	     struct node_use *ret_use);

/* The root, slot 1; before any other. */
int node_add_root(struct passthrough *pt, const struct node_identity *identity, const struct file_handle_buffer *handle,
		  int fd);

/* A new O_PATH descriptor by the node's handle, not verified (see node.c); the caller's. */
int node_open_path(struct node_use *use);

/* fdcache.c */

int fd_cache_init(struct fd_cache *cache, size_t size);
void fd_cache_fini(struct fd_cache *cache);

/*
 * Makes fd the descriptor of a pinned node, in place of another node's if the cache is full. Returns the node's descriptor (another
 * thread may have been faster; fd is closed then), or -1 when every place is in use: fd is still the caller's.
 */
int fd_cache_insert(struct passthrough *pt, struct node_use *use, int fd);

/* Closes some cached descriptors that nobody uses; false when there was none. For when descriptors have run out. */
bool fd_cache_shrink(struct passthrough *pt);

/*
 * Makes a node keep its descriptor until it is forgotten: the last name of its file is about to go. Best effort; returns whether it
 * is this call's doing, which node_unkeep() takes back when the name has stayed.
 */
bool node_keep(struct node_use *use);
void node_unkeep(struct node_use *use);

#endif
