/* SPDX-License-Identifier: BSD-3-Clause */
/* Ids for objects: slot in the low 32 bits, generation in the high, so that an old id finds nothing. */
#ifndef VIOFS_FS_MEMORY_TABLE_H
#define VIOFS_FS_MEMORY_TABLE_H

#include <stdint.h>

struct table_slot {
	void *object; /* NULL: free */
	uint32_t generation;
	uint32_t next_free;
};

/* Zero is an empty table. The first object gets id 1, no object gets 0. */
struct table {
	struct table_slot *slots;
	uint32_t used; /* slots ever given out, slot 0 included */
	uint32_t size;
	uint32_t free; /* head of the list of free slots, 0 for none */
};

/* -ENOMEM. */
int table_add(struct table *table, void *object, uint64_t *ret_id);

/* NULL for an id that names nothing. */
void *table_get(const struct table *table, uint64_t id);

void table_remove(struct table *table, uint64_t id);

/* The object with the lowest slot from *slot on, and *slot moved behind it; NULL at the end. Start with 0. */
void *table_next(const struct table *table, uint32_t *slot);

void table_fini(struct table *table);

#endif
