/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Completions on their way back to a queue: the one thing a queue shares with other threads.
 *
 * It outlives the queue's thread, since a blocking lock may be granted while the queue is stopped; what is posted then
 * stays until the queue runs again or is reset.
 */
#ifndef VIOFS_DEVICE_COMPLETIONS_H
#define VIOFS_DEVICE_COMPLETIONS_H

#include <pthread.h>
#include <stdbool.h>

#include "base/list.h"

struct request;

struct completions {
	pthread_mutex_t lock; /* guards done; never held across a system call */
	struct list done;
	bool signalled; /* atomic: something waits to be looked at, or soon will */
	int wake_fd; /* eventfd that the queue's thread sleeps on; also for commands */
};

int completions_init(struct completions *completions);
void completions_fini(struct completions *completions);

/* Hands a request back; any thread. */
void completions_post(struct completions *completions, struct request *request);

/* Moves all requests that came back to the end of list. */
void completions_take(struct completions *completions, struct list *list);

/* Wakes the queue's thread. */
void completions_wake(struct completions *completions);

/* Whether the thread was woken since it last acknowledged; costs no system call. */
bool completions_signalled(const struct completions *completions);

/* The thread's answer to a wake-up; call before looking at what it was for. */
void completions_acknowledge(struct completions *completions);

#endif
