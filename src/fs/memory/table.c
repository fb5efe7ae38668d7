/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/memory/table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/util.h"

static int grow(struct table *table)
{
	uint32_t size = MAX(table->size, 32u) * 2;
	struct table_slot *slots;

	if (size <= table->size)
		return -ENOMEM;
	slots = realloc(table->slots, size * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	table->slots = slots;
	table->size = size;
	return 0;
}

int table_add(struct table *table, void *object, uint64_t *ret_id)
{
	uint32_t slot = table->free;

	if (slot) {
		table->free = table->slots[slot].next_free;
	} else {
		int r = table->used + 1 >= table->size ? grow(table) : 0;

		if (r < 0)
			return r;
		if (!table->used) /* slot 0 stays unused: 0 is no id */
			table->slots[table->used++] = (struct table_slot){ 0 };
		slot = table->used++;
		table->slots[slot] = (struct table_slot){ 0 };
	}
	table->slots[slot].object = object;
	*ret_id = (uint64_t)table->slots[slot].generation << 32 | slot;
	return 0;
}

void *table_get(const struct table *table, uint64_t id)
{
	uint32_t slot = (uint32_t)id;

	if (slot >= table->used || table->slots[slot].generation != id >> 32)
		return NULL;
	return table->slots[slot].object;
}

void table_remove(struct table *table, uint64_t id)
{
	uint32_t slot = (uint32_t)id;

	table->slots[slot].object = NULL;
	table->slots[slot].generation++;
	table->slots[slot].next_free = table->free;
	table->free = slot;
}

void *table_next(const struct table *table, uint32_t *slot)
{
	while (*slot < table->used) {
		void *object = table->slots[(*slot)++].object;

		if (object)
			return object;
	}
	return NULL;
}

void table_fini(struct table *table)
{
	free(table->slots);
	*table = (struct table){ 0 };
}
