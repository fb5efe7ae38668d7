/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The flag and the eventfd together: whoever turns the flag on writes the eventfd, so a burst costs one write. The thread
 * turns the flag off before it reads the eventfd, and does not sleep while the flag is on, so whichever way a poster and
 * the thread interleave, either the flag is seen or the eventfd wakes.
 */
/* #syscalls: eventfd2 read write close futex */
#include "device/completions.h"

#include <errno.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "device/request.h"

int completions_init(struct completions *completions)
{
	completions->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (completions->wake_fd < 0)
		return -errno;
	completions->signalled = false;
	pthread_mutex_init(&completions->lock, NULL);
	list_init(&completions->done);
	return 0;
}

void completions_fini(struct completions *completions)
{
	close(completions->wake_fd);
	pthread_mutex_destroy(&completions->lock);
}

void completions_wake(struct completions *completions)
{
	uint64_t one = 1;

	if (__atomic_exchange_n(&completions->signalled, true, __ATOMIC_SEQ_CST))
		return;
	/* Fails only when the counter is full, and then the thread is awake already. */
	ssize_t written UNUSED = write(completions->wake_fd, &one, sizeof(one));
}

bool completions_signalled(const struct completions *completions)
{
	return __atomic_load_n(&completions->signalled, __ATOMIC_SEQ_CST);
}

void completions_acknowledge(struct completions *completions)
{
	uint64_t value;

	__atomic_store_n(&completions->signalled, false, __ATOMIC_SEQ_CST);
	ssize_t got UNUSED = read(completions->wake_fd, &value, sizeof(value));
}

void completions_post(struct completions *completions, struct request *request)
{
	pthread_mutex_lock(&completions->lock);
	list_append(&completions->done, &request->link);
	pthread_mutex_unlock(&completions->lock);
	completions_wake(completions);
}

void completions_take(struct completions *completions, struct list *list)
{
	pthread_mutex_lock(&completions->lock);
	list_splice(list, &completions->done);
	pthread_mutex_unlock(&completions->lock);
}
