/* SPDX-License-Identifier: BSD-3-Clause */
/* Who holds POSIX locks: the table of owners. */
/* #syscalls: close fcntl rt_sigaction rt_sigreturn futex */
#include "fs/passthrough/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/passthrough/node.h"

static void nothing(int number)
{
}

int lock_table_new(struct lock_table **ret_table)
{
	const struct sigaction action = { .sa_handler = nothing }; /* not SA_RESTART: a wait is to end */
	struct lock_table *table = calloc(1, sizeof(*table));
	pthread_condattr_t attributes;

	if (!table)
		return -ENOMEM;
	pthread_mutex_init(&table->mutex, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&table->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	list_init(&table->wait_list);
	sigaction(LOCK_SIGNAL, &action, NULL);
	*ret_table = table;
	return 0;
}

static struct lock_owner **bucket_of(struct lock_table *table, uint64_t node)
{
	/* All owners of a node are in one bucket, see lock_owner_others(). Ids have their slot in the low bits. */
	return &table->buckets[(uint32_t)(node * 0x9e3779b97f4a7c15u >> 32) % LOCK_BUCKETS];
}

/* With the mutex held. */
static struct lock_owner **find(struct lock_table *table, uint64_t node, uint64_t owner)
{
	struct lock_owner **place = bucket_of(table, node);

	while (*place && !((*place)->node == node && (*place)->owner == owner))
		place = &(*place)->next;
	return place;
}

/* With the mutex held: takes the entry at place off the table. The caller puts the table's use of it. */
static struct lock_owner *unlist(struct lock_table *table, struct lock_owner **place)
{
	struct lock_owner *entry = *place;

	*place = entry->next;
	atomic_fetch_sub(&table->owners, 1);
	return entry;
}

struct lock_owner *lock_owner_find(struct lock_table *table, uint64_t node, uint64_t owner)
{
	struct lock_owner *entry;

	if (atomic_load(&table->owners) == 0)
		return NULL;
	pthread_mutex_lock(&table->mutex);
	entry = *find(table, node, owner);
	if (entry)
		entry->users++;
	pthread_mutex_unlock(&table->mutex);
	return entry;
}

void lock_owner_put(struct lock_table *table, struct lock_owner *entry)
{
	bool last;

	if (!entry)
		return;
	pthread_mutex_lock(&table->mutex);
	last = --entry->users == 0;
	pthread_mutex_unlock(&table->mutex);
	if (last) {
		close(entry->fd);
		free(entry);
	}
}

/* With the mutex held, which it gives up; drops the locks of the entry at place, if there is one. */
static void drop_at(struct lock_table *table, struct lock_owner **place)
{
	struct flock all = { .l_type = F_UNLCK, .l_whence = SEEK_SET };
	struct lock_owner *entry = *place;
	bool busy = false;

	if (entry) {
		/* Another thread of the owner may be waiting for a lock, which it shall keep when it comes. */
		busy = entry->users > 1;
		if (busy)
			entry->users++;
		else
			unlist(table, place);
	}
	pthread_mutex_unlock(&table->mutex);
	if (busy)
		fcntl(entry->fd, F_OFD_SETLK, &all);
	lock_owner_put(table, entry);
}

void lock_owner_drop(struct lock_table *table, uint64_t node, uint64_t owner)
{
	if (atomic_load(&table->owners) == 0)
		return;
	pthread_mutex_lock(&table->mutex);
	drop_at(table, find(table, node, owner));
}

void lock_owner_drop_handle(struct lock_table *table, uint64_t node, uint64_t fh)
{
	struct lock_owner **place;
	bool found;

	if (atomic_load(&table->owners) == 0)
		return;
	do {
		pthread_mutex_lock(&table->mutex);
		place = bucket_of(table, node);
		while (*place && !((*place)->node == node && (*place)->fh == fh))
			place = &(*place)->next;
		found = *place;
		/* One that is in use stays listed: it is not to be found again. */
		if (found)
			(*place)->fh = FS_NO_HANDLE;
		drop_at(table, place);
	} while (found);
}

/* For both kinds of locks if that is possible: the kernel wants a file open for writing to lock it for writing. */
static int open_for_locks(struct passthrough *pt, uint64_t node)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	int fd = node_get(pt, node, &use);

	if (fd < 0)
		return fd;
	fd = node_open(&use, O_RDWR);
	if (fd == -EACCES || fd == -EPERM || fd == -EROFS || fd == -ETXTBSY || fd == -EISDIR)
		fd = node_open(&use, O_RDONLY);
	if (fd == -EACCES)
		fd = node_open(&use, O_WRONLY);
	return fd == -EMFILE || fd == -ENFILE ? -ENOLCK : fd;
}

int lock_owner_get(struct passthrough *pt, uint64_t node, uint64_t owner, uint64_t fh, uint32_t pid,
		   struct lock_owner **ret_owner)
{
	struct lock_table *table = pt->locks;
	struct lock_owner *made = NULL, **place, *entry = lock_owner_find(table, node, owner);

	if (!entry) {
		int fd = open_for_locks(pt, node);

		if (fd < 0)
			return fd;
		made = malloc(sizeof(*made));
		if (!made) {
			close(fd);
			return -ENOMEM;
		}
		*made = (struct lock_owner){ .node = node, .owner = owner, .fd = fd, .users = 1 };
	}
	pthread_mutex_lock(&table->mutex);
	if (made) {
		/* Another thread of the owner may have been quicker; then ours goes. */
		place = find(table, node, owner);
		entry = *place;
		if (!entry) {
			*place = entry = made;
			made = NULL;
			atomic_fetch_add(&table->owners, 1);
		}
		entry->users++;
	}
	entry->fh = fh;
	entry->pid = pid;
	pthread_mutex_unlock(&table->mutex);
	lock_owner_put(table, made);
	*ret_owner = entry;
	return 0;
}

size_t lock_owner_others(struct lock_table *table, uint64_t node, uint64_t owner, struct lock_owner **others,
			 size_t size)
{
	size_t count = 0;

	pthread_mutex_lock(&table->mutex);
	for (struct lock_owner *entry = *bucket_of(table, node); entry && count < size; entry = entry->next) {
		if (entry->node != node || entry->owner == owner)
			continue;
		entry->users++;
		others[count++] = entry;
	}
	pthread_mutex_unlock(&table->mutex);
	return count;
}

void lock_table_reset(struct lock_table *table)
{
	lock_wait_reset(table);
	for (size_t i = 0; i < LOCK_BUCKETS; i++) {
		for (;;) {
			struct lock_owner *entry = NULL;

			pthread_mutex_lock(&table->mutex);
			if (table->buckets[i])
				entry = unlist(table, &table->buckets[i]);
			pthread_mutex_unlock(&table->mutex);
			if (!entry)
				break;
			lock_owner_put(table, entry);
		}
	}
}

void lock_table_free(struct lock_table *table)
{
	if (!table)
		return;
	lock_table_reset(table);
	pthread_mutex_destroy(&table->mutex);
	pthread_cond_destroy(&table->changed);
	free(table);
}
