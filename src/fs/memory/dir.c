/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/memory/dir.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"

/* FNV-1a. */
static uint64_t hash(const char *name)
{
	uint64_t value = 0xcbf29ce484222325u;

	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * 0x100000001b3u;
	return value ^ value >> 32;
}

static struct dir_entry **bucket(const struct dir *dir, const char *name)
{
	return &dir->buckets[hash(name) & (dir->bucket_count - 1)];
}

void dir_init(struct dir *dir, struct inode *parent)
{
	*dir = (struct dir){ .parent = parent, .last_cookie = DIR_COOKIE_PARENT };
}

void dir_fini(struct dir *dir)
{
	for (size_t i = 0; i < dir->order_used; i++)
		free(dir->order[i].entry);
	free(dir->order);
	free(dir->buckets);
	dir_init(dir, NULL);
}

struct dir_entry *dir_find(const struct dir *dir, const char *name)
{
	struct dir_entry *entry = dir->bucket_count ? *bucket(dir, name) : NULL;

	while (entry && strcmp(entry->name, name) != 0)
		entry = entry->next;
	return entry;
}

/* Keeps about one entry a bucket. */
static int reserve_buckets(struct dir *dir)
{
	size_t count = MAX(dir->bucket_count * 2, 8u);
	struct dir_entry **buckets;

	if (dir->count < dir->bucket_count)
		return 0;
	buckets = calloc(count, sizeof(*buckets));
	if (!buckets)
		return -ENOMEM;
	free(dir->buckets);
	dir->buckets = buckets;
	dir->bucket_count = count;
	for (size_t i = 0; i < dir->order_used; i++) {
		struct dir_entry *entry = dir->order[i].entry;

		if (!entry)
			continue;
		entry->next = *bucket(dir, entry->name);
		*bucket(dir, entry->name) = entry;
	}
	return 0;
}

/* Drops the removed ones once they are the majority; the cookies of the others stay. */
static void compact(struct dir *dir)
{
	size_t kept = 0;

	if (dir->order_used < 16 || dir->count * 2 > dir->order_used)
		return;
	for (size_t i = 0; i < dir->order_used; i++)
		if (dir->order[i].entry)
			dir->order[kept++] = dir->order[i];
	dir->order_used = kept;
}

static int reserve_order(struct dir *dir)
{
	size_t size = MAX(dir->order_size * 2, 8u);
	struct order *order;

	if (dir->order_used < dir->order_size)
		return 0;
	order = realloc(dir->order, size * sizeof(*order));
	if (!order)
		return -ENOMEM;
	dir->order = order;
	dir->order_size = size;
	return 0;
}

int dir_add(struct dir *dir, const char *name, struct inode *inode)
{
	size_t length = strlen(name);
	struct dir_entry *entry;

	if (reserve_buckets(dir) < 0 || reserve_order(dir) < 0)
		return -ENOMEM;
	entry = malloc(sizeof(*entry) + length + 1);
	if (!entry)
		return -ENOMEM;
	entry->inode = inode;
	entry->cookie = ++dir->last_cookie;
	entry->length = length;
	memcpy(entry->name, name, length + 1);
	entry->next = *bucket(dir, name);
	*bucket(dir, name) = entry;
	dir->order[dir->order_used++] = (struct order){ entry->cookie, entry };
	dir->count++;
	return 0;
}

/* The place of the first cookie at or above this one. */
static size_t find_cookie(const struct dir *dir, uint64_t cookie)
{
	size_t low = 0, high = dir->order_used;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (dir->order[middle].cookie < cookie)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

void dir_remove(struct dir *dir, struct dir_entry *entry)
{
	struct dir_entry **link = bucket(dir, entry->name);

	while (*link != entry)
		link = &(*link)->next;
	*link = entry->next;
	dir->order[find_cookie(dir, entry->cookie)].entry = NULL;
	dir->count--;
	free(entry);
	compact(dir);
}

struct dir_entry *dir_next(const struct dir *dir, uint64_t cookie)
{
	if (cookie == UINT64_MAX)
		return NULL;
	for (size_t i = find_cookie(dir, cookie + 1); i < dir->order_used; i++)
		if (dir->order[i].entry)
			return dir->order[i].entry;
	return NULL;
}
