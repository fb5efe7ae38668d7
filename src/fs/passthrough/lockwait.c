/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Waiting for locks. A signal that comes just before its thread blocks in the kernel is lost, so a cancelled wait is
 * signalled again every KICK_NS until it is over: by a thread that lives for that long only, or by the reset that waits
 * anyway.
 */
/* #syscalls: fcntl flock clone3 clone tgkill getpid gettid rt_sigprocmask mmap mprotect munmap madvise futex
 * clock_nanosleep set_robust_list rseq exit */
#include "fs/passthrough/lock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>

#define KICK_NS 5000000
/* Enough for the reply that is made on it. */
#define STACK_SIZE (256u << 10)

struct lock_wait {
	struct list link; /* of wait_list, until the thread has done with waiting */
	struct lock_table *table;
	struct fs_call *call;
	uint64_t unique;
	struct lock_request request;
	pthread_t thread; /* valid once running */
	bool running;
	bool cancelled;
};

static int lock_call(struct lock_request *request, bool wait)
{
	int result;

	if (request->is_flock)
		result = flock(request->fd, request->operation | (wait ? 0 : LOCK_NB));
	else
		result = fcntl(request->fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &request->lock);
	if (result == 0)
		return 0;
	/* POSIX lets a lock that is held by somebody else be either. */
	return errno == EACCES ? -EAGAIN : -errno;
}

int lock_try(struct lock_request *request)
{
	return lock_call(request, false);
}

/* With the mutex held. The thread exists for as long as the wait is listed. */
static void kick(struct lock_wait *wait)
{
	if (wait->running)
		pthread_kill(wait->thread, LOCK_SIGNAL);
}

static bool is_cancelled(struct lock_wait *wait)
{
	bool cancelled;

	pthread_mutex_lock(&wait->table->mutex);
	cancelled = wait->cancelled;
	pthread_mutex_unlock(&wait->table->mutex);
	return cancelled;
}

static void *wait_thread(void *data)
{
	struct lock_wait *wait = data;
	struct lock_table *table = wait->table;
	struct fs_call *call = wait->call;
	int result = -EINTR;

	pthread_mutex_lock(&table->mutex);
	wait->thread = pthread_self();
	wait->running = true;
	pthread_mutex_unlock(&table->mutex);

	/* Signals of others end it for no reason (a debugger does that); then it goes on. */
	while (result == -EINTR && !is_cancelled(wait))
		result = lock_call(&wait->request, true);

	pthread_mutex_lock(&table->mutex);
	list_remove(&wait->link);
	pthread_mutex_unlock(&table->mutex);
	lock_owner_put(table, wait->request.owner);
	handle_put(&wait->request.handle);
	free(wait);
	call->complete(call, result);

	pthread_mutex_lock(&table->mutex);
	table->waits--;
	pthread_cond_broadcast(&table->changed);
	pthread_mutex_unlock(&table->mutex);
	return NULL;
}

/* Starts a thread that nobody joins, deaf to all signals but LOCK_SIGNAL. */
static int start_thread(void *(*body)(void *), void *data)
{
	pthread_attr_t attributes;
	sigset_t signals, before;
	pthread_t thread;
	int result;

	result = pthread_attr_init(&attributes);
	if (result)
		return -result;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&signals);
	sigdelset(&signals, LOCK_SIGNAL);
	pthread_sigmask(SIG_SETMASK, &signals, &before);
	result = pthread_create(&thread, &attributes, body, data);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return -result;
}

int lock_wait_start(struct lock_table *table, struct fs_call *call, const struct lock_request *request)
{
	struct lock_wait *wait = malloc(sizeof(*wait));
	bool full;

	if (!wait)
		return -ENOLCK;
	*wait = (struct lock_wait){ .table = table, .call = call, .unique = call->unique, .request = *request };
	pthread_mutex_lock(&table->mutex);
	full = table->waits == LOCK_WAITS_MAX;
	if (!full) {
		table->waits++;
		list_append(&table->wait_list, &wait->link);
	}
	pthread_mutex_unlock(&table->mutex);
	if (!full && start_thread(wait_thread, wait) == 0)
		return FS_PENDING;

	pthread_mutex_lock(&table->mutex);
	if (!full) {
		table->waits--;
		list_remove(&wait->link);
		pthread_cond_broadcast(&table->changed);
	}
	pthread_mutex_unlock(&table->mutex);
	free(wait);
	return -ENOLCK;
}

/* With the mutex held: signals all cancelled waits; whether there are any. */
static bool kick_cancelled(struct lock_table *table)
{
	bool any = false;

	list_for_each (link, &table->wait_list) {
		struct lock_wait *wait = list_entry(link, struct lock_wait, link);

		if (wait->cancelled) {
			kick(wait);
			any = true;
		}
	}
	return any;
}

static void *kicker_thread(void *data)
{
	const struct timespec pause = { .tv_nsec = KICK_NS };
	struct lock_table *table = data;
	bool any = true;

	while (any) {
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&table->mutex);
		any = kick_cancelled(table);
		if (!any) {
			table->kicker = false;
			pthread_cond_broadcast(&table->changed);
		}
		pthread_mutex_unlock(&table->mutex);
	}
	return NULL;
}

void lock_wait_interrupt(struct lock_table *table, uint64_t unique)
{
	bool found = false;

	pthread_mutex_lock(&table->mutex);
	list_for_each (link, &table->wait_list) {
		struct lock_wait *wait = list_entry(link, struct lock_wait, link);

		if (wait->unique != unique)
			continue;
		wait->cancelled = true;
		kick(wait);
		found = true;
	}
	/* Without the thread one signal has to do. */
	if (found && !table->kicker)
		table->kicker = start_thread(kicker_thread, table) == 0;
	pthread_mutex_unlock(&table->mutex);
}

void lock_wait_reset(struct lock_table *table)
{
	pthread_mutex_lock(&table->mutex);
	while (table->waits > 0 || table->kicker) {
		struct timespec until;

		list_for_each (link, &table->wait_list)
			list_entry(link, struct lock_wait, link)->cancelled = true;
		kick_cancelled(table);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_nsec += KICK_NS;
		if (until.tv_nsec >= 1000000000) {
			until.tv_nsec -= 1000000000;
			until.tv_sec++;
		}
		pthread_cond_timedwait(&table->changed, &table->mutex, &until);
	}
	pthread_mutex_unlock(&table->mutex);
}
