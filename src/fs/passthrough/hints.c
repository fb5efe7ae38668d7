/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/mman.h>

#include "fs/passthrough/hints.h"

/* #syscalls: mmap munmap */

/* 16 bytes each, paid for as they are used: half a megabyte at most. */
#define HINTS 32768u

/* tag is the name's hash xor node, so that a pair torn by two writers is no hint. */
struct hint {
	_Atomic uint64_t tag;
	_Atomic uint64_t node;
};

struct name_hints {
	struct hint hints[HINTS];
};

int hints_new(struct name_hints **ret_hints)
{
	void *memory = mmap(NULL, sizeof(struct name_hints), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return -ENOMEM;
	*ret_hints = memory;
	return 0;
}

void hints_free(struct name_hints *hints)
{
	if (hints)
		munmap(hints, sizeof(*hints));
}

static uint64_t hash_name(uint64_t parent, const char *name)
{
	uint64_t hash = (parent + 1) * UINT64_C(0x9e3779b97f4a7c15);

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * UINT64_C(0x100000001b3);
	return hash ^ hash >> 32;
}

void hint_set(struct name_hints *hints, uint64_t parent, const char *name, uint64_t node)
{
	uint64_t hash = hash_name(parent, name);
	struct hint *hint = &hints->hints[hash % HINTS];

	atomic_store_explicit(&hint->tag, hash ^ node, memory_order_relaxed);
	atomic_store_explicit(&hint->node, node, memory_order_relaxed);
}

uint64_t hint_get(struct name_hints *hints, uint64_t parent, const char *name)
{
	uint64_t hash = hash_name(parent, name);
	struct hint *hint = &hints->hints[hash % HINTS];
	uint64_t node = atomic_load_explicit(&hint->node, memory_order_relaxed);

	return atomic_load_explicit(&hint->tag, memory_order_relaxed) == (hash ^ node) ? node : 0;
}
