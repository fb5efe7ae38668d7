/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: clone clone3 futex mmap munmap mprotect madvise set_robust_list rseq rt_sigprocmask exit sched_getaffinity */
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/* Enough for the deepest backend call with its path buffers; threads are many, so not the 8 MiB default. */
#define STACK_BYTES (256 * 1024)

struct pool {
	pthread_mutex_t lock; /* guards everything below; never held while work runs */
	pthread_cond_t work_waits;
	pthread_cond_t all_idle;
	struct list queue;
	unsigned int queued; /* length of queue */
	unsigned int limit;
	unsigned int running; /* threads alive */
	unsigned int idle; /* threads waiting for work */
	bool stopping;
	void (*thread_start)(void *data);
	void *data;
};

/* Waits for work or for the end; called with the lock held. False when this thread should leave. */
static bool wait_for_work(struct pool *pool)
{
	while (list_is_empty(&pool->queue)) {
		struct timespec until;

		if (pool->stopping)
			return false;
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += POOL_IDLE_SECONDS;
		pool->idle++;
		pthread_cond_broadcast(&pool->all_idle);
		int error = pthread_cond_timedwait(&pool->work_waits, &pool->lock, &until);
		pool->idle--;
		if (error == ETIMEDOUT && list_is_empty(&pool->queue))
			return false;
	}
	return true;
}

static void *thread_main(void *argument)
{
	struct pool *pool = argument;

	if (pool->thread_start)
		pool->thread_start(pool->data);
	pthread_mutex_lock(&pool->lock);
	while (wait_for_work(pool)) {
		struct pool_work *work = list_entry(list_pop(&pool->queue), struct pool_work, link);

		pool->queued--;
		pthread_mutex_unlock(&pool->lock);
		work->run(work);
		pthread_mutex_lock(&pool->lock);
	}
	pool->running--;
	pthread_cond_broadcast(&pool->all_idle);
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Starts one more thread; called with the lock held. */
static int start_thread(struct pool *pool)
{
	pthread_attr_t attributes;
	pthread_t thread;

	if (pthread_attr_init(&attributes) != 0)
		return -ENOMEM;
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	int error = pthread_create(&thread, &attributes, thread_main, pool);
	pthread_attr_destroy(&attributes);
	if (error)
		return -error;
	pool->running++;
	return 0;
}

int pool_new(unsigned int threads, void (*thread_start)(void *data), void *data, struct pool **ret_pool)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	pthread_condattr_t attributes;

	if (!pool)
		return -ENOMEM;
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->work_waits, &attributes);
	pthread_cond_init(&pool->all_idle, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_mutex_init(&pool->lock, NULL);
	list_init(&pool->queue);
	pool->limit = threads > 0 ? threads : 1;
	pool->thread_start = thread_start;
	pool->data = data;
	*ret_pool = pool;
	return 0;
}

static void wait_until_idle(struct pool *pool)
{
	while (!list_is_empty(&pool->queue) || pool->running > pool->idle)
		pthread_cond_wait(&pool->all_idle, &pool->lock);
}

void pool_drain(struct pool *pool)
{
	pthread_mutex_lock(&pool->lock);
	wait_until_idle(pool);
	pthread_mutex_unlock(&pool->lock);
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	pthread_mutex_lock(&pool->lock);
	wait_until_idle(pool);
	pool->stopping = true;
	pthread_cond_broadcast(&pool->work_waits);
	while (pool->running > 0)
		pthread_cond_wait(&pool->all_idle, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	pthread_cond_destroy(&pool->work_waits);
	pthread_cond_destroy(&pool->all_idle);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

void pool_submit(struct pool *pool, struct pool_work *work)
{
	pthread_mutex_lock(&pool->lock);
	list_append(&pool->queue, &work->link);
	pool->queued++;
	/* An idle thread that was signalled but has not run yet counts as idle still: compare numbers. */
	if (pool->queued <= pool->idle) {
		pthread_cond_signal(&pool->work_waits);
	} else if (pool->running < pool->limit) {
		int error = start_thread(pool);

		if (error && pool->running == 0) {
			list_remove(&work->link);
			pool->queued--;
			pthread_mutex_unlock(&pool->lock);
			work->run(work);
			return;
		}
	}
	pthread_mutex_unlock(&pool->lock);
}
