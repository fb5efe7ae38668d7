/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Locks that hold between guests, and between guests and the host.
 *
 * A POSIX lock belongs to a process of the guest (its "lock owner"), and to the host all processes of all guests are
 * one. So each owner has, for each node it locks, an open file description of its own that holds its locks
 * (F_OFD_SETLK): they exclude other owners, other daemons and the host's processes, and closing it drops them. flock
 * locks belong to an open file of the guest and are taken on the host's file behind it.
 *
 * A lock that has to be waited for is first tried, then waited for by a thread of its own, so that it never holds a
 * queue. An interrupt ends the wait by a signal (LOCK_SIGNAL) to that thread.
 *
 * Not done: the host's kernel does not look for deadlocks among such locks, so two processes that wait for each other's
 * POSIX locks wait until one is interrupted, where a local file system says EDEADLK. GETLK gives the process id of a
 * holder behind the same daemon, and 0 for others, whose numbers mean nothing to the guest.
 */
#ifndef VIOFS_FS_PASSTHROUGH_LOCK_H
#define VIOFS_FS_PASSTHROUGH_LOCK_H

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "fs/passthrough/handle.h"
#include "fs/passthrough/state.h"

/* Locks waited for at one time; each takes a thread. -ENOLCK beyond. */
#define LOCK_WAITS_MAX 512u

/* Wakes a thread out of its wait; the handler does nothing. */
#define LOCK_SIGNAL (SIGRTMAX - 3)

#define LOCK_BUCKETS 256u

/* The POSIX locks of one owner on one node. */
struct lock_owner {
	struct lock_owner *next; /* in its bucket */
	uint64_t node;
	uint64_t owner;
	int fd; /* whose description holds the locks */
	uint64_t fh; /* handle that it locked with last; under the table's mutex */
	uint32_t pid; /* of the guest's process that locked last */
	uint32_t
	    users; /* operations, and the table while it is listed; all but fd and the key under the table's mutex */
};

struct lock_table {
	pthread_mutex_t mutex; /* never held across a system call that may block */
	pthread_cond_t changed; /* waits or kicker */
	struct lock_owner *buckets[LOCK_BUCKETS];
	_Atomic uint32_t owners; /* listed ones */
	struct list wait_list; /* struct lock_wait */
	unsigned int waits; /* threads that are not done */
	bool kicker; /* a thread repeats the signals of cancelled waits */
};

/* Installs the handler of LOCK_SIGNAL. -ENOMEM. */
int lock_table_new(struct lock_table **ret_table);
void lock_table_free(struct lock_table *table);

/* Ends all waits (they complete with -EINTR before it returns) and drops all POSIX locks. */
void lock_table_reset(struct lock_table *table);

/* Drops the owner's POSIX locks on a node, as when it closes a file. Without system calls when it has none. */
void lock_owner_drop(struct lock_table *table, uint64_t node, uint64_t owner);

/*
 * Drops the POSIX locks that were last set with a handle which is now closed. Processes have told of theirs before (see
 * lock_owner_drop()), but a lock of the guest's F_OFD_SETLK has its open file as the owner, which nothing else names.
 */
void lock_owner_drop_handle(struct lock_table *table, uint64_t node, uint64_t fh);

/* The owner's entry, made with a file opened for it if need be. -ENOLCK when descriptors have run out, else as
 * node_open(). */
int lock_owner_get(struct passthrough *pt, uint64_t node, uint64_t owner, uint64_t fh, uint32_t pid,
		   struct lock_owner **ret_owner);

/* The owner's entry or NULL. */
struct lock_owner *lock_owner_find(struct lock_table *table, uint64_t node, uint64_t owner);
void lock_owner_put(struct lock_table *table, struct lock_owner *owner);

/* At most size entries of other owners on the node; their number. */
size_t lock_owner_others(struct lock_table *table, uint64_t node, uint64_t owner, struct lock_owner **others,
			 size_t size);

/* What is waited for. */
struct lock_request {
	int fd;
	bool is_flock;
	int operation; /* LOCK_* of flock */
	struct flock lock; /* of F_OFD_SETLKW */
	/* What keeps fd open: one of them. */
	struct lock_owner *owner;
	struct handle_use handle;
};

/* Tries once, without waiting; 0 or -errno (-EAGAIN). */
int lock_try(struct lock_request *request);

/* Waits in a thread, which completes the call: FS_PENDING, and then owner and handle are the thread's. -ENOLCK. */
int lock_wait_start(struct lock_table *table, struct fs_call *call, const struct lock_request *request);

/* Ends the wait of the call with this number, if there is one. */
void lock_wait_interrupt(struct lock_table *table, uint64_t unique);

/* Ends all of them; returns when their threads are done. */
void lock_wait_reset(struct lock_table *table);

#endif
