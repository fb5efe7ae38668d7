/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The entries of a directory: a hash by name, and an array in the order of cookies. Every entry gets a cookie higher
 * than all before it and keeps it for life, so a listing goes on behind any cookie, whether or not its entry still
 * exists.
 */
#ifndef VIOFS_FS_MEMORY_DIR_H
#define VIOFS_FS_MEMORY_DIR_H

#include <stddef.h>
#include <stdint.h>

struct inode;

struct dir_entry {
	struct dir_entry *next; /* in its bucket */
	struct inode *inode;
	uint64_t cookie;
	size_t length;
	char name[];
};

struct order {
	uint64_t cookie;
	struct dir_entry *entry; /* NULL: removed */
};

struct dir {
	struct inode *parent; /* of the root: itself; NULL once the directory is removed */
	struct dir_entry **buckets;
	size_t bucket_count; /* a power of two, or 0 */
	size_t count;
	struct order *order;
	size_t order_used; /* removed ones included */
	size_t order_size;
	uint64_t last_cookie;
};

/* Cookies 1 and 2 are "." and "..". */
#define DIR_COOKIE_SELF 1u
#define DIR_COOKIE_PARENT 2u

void dir_init(struct dir *dir, struct inode *parent);
void dir_fini(struct dir *dir);

struct dir_entry *dir_find(const struct dir *dir, const char *name);

/* Adds a name that is not there yet; counts no link. -ENOMEM. */
int dir_add(struct dir *dir, const char *name, struct inode *inode);

void dir_remove(struct dir *dir, struct dir_entry *entry);

/* The entry with the lowest cookie above this one, or NULL. */
struct dir_entry *dir_next(const struct dir *dir, uint64_t cookie);

#endif
