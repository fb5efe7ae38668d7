/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A pool of threads for work that may block: fsync, slow storage, large copies. Work is
 * embedded in the object it is about, so handing it over allocates nothing and cannot fail.
 *
 * Threads start when there is work and none is idle, up to the limit, and leave again after
 * POOL_IDLE_SECONDS without any, so an idle daemon holds none.
 */
#ifndef VIOFS_BASE_POOL_H
#define VIOFS_BASE_POOL_H

#include "base/list.h"

#define POOL_IDLE_SECONDS 5

struct pool;

/* One piece of work; the owner keeps it until run has been entered. */
struct pool_work {
	struct list link;
	void (*run)(struct pool_work *work);
};

/*
 * A pool of at most threads threads (1 or more). thread_start, where given, runs first in each new
 * thread, with data. -ENOMEM when there is no memory.
 */
int pool_new(unsigned int threads, void (*thread_start)(void *data), void *data, struct pool **ret_pool);

/* Waits until all work handed over has been done, ends the threads, frees; NULL is fine. */
void pool_free(struct pool *pool);

/*
 * Hands work over; any thread may call. When not a single thread can be started the work runs
 * in the caller, late but done.
 */
void pool_submit(struct pool *pool, struct pool_work *work);

/* Waits until no work is waiting or running. */
void pool_drain(struct pool *pool);

#endif
