/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation.
 *
 * The thread sleeps in epoll_wait on two descriptors: the front-end's kick and our own wake-up (completions and
 * commands). The kick eventfd is edge-triggered, so it is never read: every write of the guest is a new edge.
 *
 * Awake, it works in rounds: commands, completions that came back, then a batch of new chains. A chain that the session
 * answers at once is pushed at once; the interrupt is sent once for the batch. While it works kicks are switched off;
 * before it sleeps it switches them on and looks once more, so no chain is missed.
 *
 * Requests the session keeps (pool work, blocking locks) come back through the completions. Each carries the number of the
 * run it was taken in: a completion from an earlier run that was abandoned is dropped, for its chain may be anything now.
 *
 * Stopping waits for all pending requests but the unbounded ones. Those stay with the queue and are pushed when the ring
 * is started again where it stopped (a paused virtual machine); a start anywhere else abandons them (a reboot).
 */
/* #syscalls: epoll_create1 epoll_ctl epoll_wait epoll_pwait write sendto fstat newfstatat close clone clone3 futex prctl
 * #syscalls: mmap munmap mprotect madvise rt_sigprocmask set_robust_list rseq exit */
#include "device/queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "device/completions.h"
#include "device/request.h"

/* Chains between two interrupts: more saves little, and the first answer of a batch waits for the last. */
#define BATCH_REQUESTS 32u
/* Bytes of payload between two interrupts, for the same reason. */
#define BATCH_BYTES (256u * 1024)
/* Requests kept for reuse per queue; more are allocated while many are pending. */
#define FREE_REQUESTS_MAX 64u

struct queue {
	unsigned int index;
	struct session *session;
	struct completions completions;
	struct list free; /* struct request; the queue's thread, or control when stopped */
	unsigned int free_count;
	struct list pending; /* requests the session keeps, through pending_link */
	unsigned int bounded; /* pending requests that will come back by themselves */
	unsigned int unbounded; /* pending requests that may never */
	uint64_t run; /* number of the current ring; grows when requests are abandoned */
	uint32_t base; /* where the ring stopped */
	uint32_t size; /* of the ring that stopped there */
	bool packed;
	bool running;
	pthread_t thread;
	int epoll_fd;

	/* The ring and its surroundings: the queue's thread only, while it runs. */
	struct ring_device ring;
	struct vhost_memory *memory;
	struct vhost_log *log;
	uint64_t used_log_address;
	bool log_used;
	bool enabled;
	bool stopping;
	bool kicked; /* by the guest, since the ring was last looked at */
	bool blank_reported;
	int kick_fd;
	int call_fd;
	bool call_is_socket;

	/* A command of the control thread. */
	pthread_mutex_t command_lock;
	pthread_cond_t command_done;
	void (*command)(struct queue *queue, void *argument); /* NULL when there is none */
	void *command_argument;
};

/* ---- commands ------------------------------------------------------------------------------------------------ */

/* Runs command on the queue's thread, or here when there is none, and returns when it has run. */
static void run_command(struct queue *queue, void (*command)(struct queue *, void *), void *argument)
{
	if (!queue->running) {
		command(queue, argument);
		return;
	}
	pthread_mutex_lock(&queue->command_lock);
	queue->command = command;
	queue->command_argument = argument;
	completions_wake(&queue->completions);
	while (queue->command)
		pthread_cond_wait(&queue->command_done, &queue->command_lock);
	pthread_mutex_unlock(&queue->command_lock);
}

static void serve_command(struct queue *queue)
{
	pthread_mutex_lock(&queue->command_lock);
	if (queue->command) {
		queue->command(queue, queue->command_argument);
		queue->command = NULL;
		pthread_cond_signal(&queue->command_done);
	}
	pthread_mutex_unlock(&queue->command_lock);
}

/* ---- answers ------------------------------------------------------------------------------------------------- */

static void send_signal(struct queue *queue)
{
	uint64_t one = 1;

	if (queue->call_fd < 0)
		return;
	/* A full eventfd or socket means an interrupt is on its way; a closed one means nobody waits. */
	if (queue->call_is_socket) {
		send(queue->call_fd, &one, sizeof(one), MSG_DONTWAIT | MSG_NOSIGNAL);
	} else {
		ssize_t written UNUSED = write(queue->call_fd, &one, sizeof(one));
	}
}

/*
 * Marks what was written of the ring. For a packed ring the address that comes with the ring is of no use: front-ends
 * give that of the used ring, which is the event area then, and answers go into the descriptors.
 */
static void log_ring(struct queue *queue)
{
	const struct ring_device *ring = &queue->ring;
	uint64_t address = queue->used_log_address + ring->dirty_start;

	if (!queue->log || !queue->log_used || ring->dirty_end == ring->dirty_start)
		return;
	if (ring->config.packed)
		address = vhost_memory_guest_address(queue->memory, (const char *)ring->config.desc + ring->dirty_start);
	vhost_log_mark(queue->log, address, ring->dirty_end - ring->dirty_start);
}

/* Makes the pushed answers visible and interrupts the guest if it wants that. */
static void flush(struct queue *queue)
{
	struct ring_device *ring = &queue->ring;

	ring_device_publish(ring);
	log_ring(queue);
	ring->dirty_start = 0;
	ring->dirty_end = 0;
	if (ring_device_needs_signal(ring))
		send_signal(queue);
}

static void recycle(struct queue *queue, struct request *request)
{
	vhost_memory_unref(request->memory);
	request->memory = NULL;
	if (queue->free_count >= FREE_REQUESTS_MAX) {
		request_free(request);
		return;
	}
	list_append(&queue->free, &request->link);
	queue->free_count++;
}

/* Gives a request's chain back to the guest, and the request to the free list. */
static void answer(struct queue *queue, struct request *request)
{
	if (queue->log)
		vhost_log_mark_iov(queue->log, request->memory, request->chain.iov + request->chain.readable_count,
				   request->chain.writable_count, request->session.written);
	ring_device_push(&queue->ring, &request->chain, (uint32_t)request->session.written);
	recycle(queue, request);
}

/* The counter of pending requests that this one belongs to. */
static unsigned int *pending_count(struct queue *queue, const struct request *request)
{
	return request->session.unbounded ? &queue->unbounded : &queue->bounded;
}

/* A request that was pending came back. */
static void end_pending(struct queue *queue, struct request *request)
{
	list_remove(&request->pending_link);
	--*pending_count(queue, request);
}

/* Answers everything that came back from other threads. */
static void serve_completions(struct queue *queue)
{
	struct list done;
	struct list *link;
	bool answered = false;

	list_init(&done);
	completions_take(&queue->completions, &done);
	while ((link = list_pop(&done))) {
		struct request *request = list_entry(link, struct request, link);

		end_pending(queue, request);
		if (request->run != queue->run) {
			recycle(queue, request);
			continue;
		}
		/* Here, and not where a lock was granted: the guest may have been paused or gone then. */
		session_reply(&request->session);
		answer(queue, request);
		answered = true;
	}
	if (answered)
		flush(queue);
}

/* ---- requests ------------------------------------------------------------------------------------------------ */

static struct request *take_free(struct queue *queue)
{
	struct list *link = list_pop(&queue->free);
	struct request *request;

	if (link) {
		queue->free_count--;
		return list_entry(link, struct request, link);
	}
	if (request_new(&queue->completions, &request) < 0)
		return NULL;
	return request;
}

static void submit(struct queue *queue, struct request *request)
{
	struct ring_chain *chain = &request->chain;

	request->memory = vhost_memory_ref(queue->memory);
	request->run = queue->run;
	request->session.readable = chain->iov;
	request->session.readable_count = chain->readable_count;
	request->session.writable = chain->iov + chain->readable_count;
	request->session.writable_count = chain->writable_count;
	request->session.written = 0;
	request->session.unbounded = false;
	if (session_submit(queue->session, &request->session) == SESSION_DONE) {
		answer(queue, request);
	} else {
		list_append(&queue->pending, &request->pending_link);
		++*pending_count(queue, request);
	}
}

static long coarse_tick(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_nsec;
}

static void report_broken(const struct queue *queue)
{
	log_warn("queue %u: the guest's driver wrote a malformed ring; the queue is dead until the guest resets the device",
		 queue->index);
}

/*
 * Takes and serves up to a batch of chains. Returns whether there may be more. The batch also ends when the clock has
 * ticked: something was slow, and what is answered must not wait any longer.
 */
static bool serve_batch(struct queue *queue)
{
	size_t bytes = 0;
	unsigned int taken = 0;
	bool more = true;
	long tick = coarse_tick();

	while (taken < BATCH_REQUESTS && bytes < BATCH_BYTES && coarse_tick() == tick) {
		struct request *request = take_free(queue);

		if (!request) {
			log_warn_limited("queue %u: no memory for another request", queue->index);
			break;
		}
		int result = ring_device_pop(&queue->ring, &queue->memory->ring, &request->chain);
		if (result <= 0) {
			recycle(queue, request);
			if (result == -EBADMSG)
				report_broken(queue);
			more = false;
			break;
		}
		bytes += request->chain.readable_bytes + request->chain.writable_bytes;
		submit(queue, request);
		taken++;
	}
	if (taken > 0)
		flush(queue);
	return more;
}

/* Serves until the ring is empty or a batch is full; returns whether to look again at once. */
static bool serve_ring(struct queue *queue)
{
	if (!queue->enabled || queue->ring.broken || queue->stopping)
		return false;
	ring_device_disable_kick(&queue->ring);
	if (serve_batch(queue))
		return true;
	return !queue->ring.broken && ring_device_enable_kick(&queue->ring);
}

/* ---- the thread ---------------------------------------------------------------------------------------------- */

enum { EVENT_KICK, EVENT_WAKE };

/* Sleeps until there is a kick or a wake-up. */
static void wait_for_event(struct queue *queue)
{
	struct epoll_event events[2];
	int count = epoll_wait(queue->epoll_fd, events, 2, -1);

	for (int i = 0; i < count; i++) {
		if (events[i].data.u32 == EVENT_WAKE)
			completions_wake(&queue->completions); /* it may have been a late write: look in any case */
		else
			queue->kicked = true;
	}
}

/* Whether nothing was ever written where the guest puts its requests. */
static bool ring_is_blank(const struct ring_config *config)
{
	const char *desc = config->desc; /* the guest writes here */

	for (size_t at = 0; at < ring_desc_bytes(config->size, config->packed); at++)
		if (__atomic_load_n(&desc[at], __ATOMIC_RELAXED))
			return false;
	return true;
}

/*
 * A kick for a ring that has never held anything, in memory where nothing was ever written: the front-end gave us the
 * file of its memory but maps it privately, so the guest's writes do not come here, and it waits for ever.
 */
static void report_blank_memory(struct queue *queue)
{
	bool kicked = queue->kicked;

	queue->kicked = false;
	if (!kicked || !queue->enabled || queue->blank_reported || queue->ring.sequence > 0)
		return;
	if (!ring_is_blank(&queue->ring.config) || !vhost_memory_is_blank(queue->memory))
		return;
	queue->blank_reported = true;
	log_warn("queue %u: the guest sent a request, but its memory looks empty from here: the front-end must share it "
		 "(QEMU: -object memory-backend-memfd,...,share=on)", queue->index);
}

static void *thread_main(void *argument)
{
	struct queue *queue = argument;
	char name[24] = "hiprio"; /* the kernel keeps 15 */

	if (queue->index > 0)
		snprintf(name, sizeof(name), "queue %u", queue->index);
	prctl(PR_SET_NAME, name);
	/* A process before us may have died between publishing answers and signalling them. */
	flush(queue);
	while (!queue->stopping || queue->bounded > 0) {
		bool more = serve_ring(queue);

		if (!more && !completions_signalled(&queue->completions)) {
			report_blank_memory(queue);
			wait_for_event(queue);
		}
		if (completions_signalled(&queue->completions)) {
			completions_acknowledge(&queue->completions);
			serve_command(queue);
			serve_completions(queue);
		}
	}
	return NULL;
}

static int watch(struct queue *queue, int fd, uint32_t events, uint32_t which)
{
	struct epoll_event event = { .events = events, .data.u32 = which };

	return epoll_ctl(queue->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_events(struct queue *queue)
{
	queue->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (queue->epoll_fd < 0)
		return -errno;
	int error = watch(queue, queue->completions.wake_fd, EPOLLIN, EVENT_WAKE);
	if (!error && queue->kick_fd >= 0)
		error = watch(queue, queue->kick_fd, EPOLLIN | EPOLLET, EVENT_KICK);
	return error;
}

/* ---- what the control thread calls --------------------------------------------------------------------------- */

int queue_new(unsigned int index, struct session *session, struct queue **ret_queue)
{
	struct queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	int error = completions_init(&queue->completions);
	if (error) {
		free(queue);
		return error;
	}
	queue->index = index;
	queue->session = session;
	queue->epoll_fd = -1;
	queue->call_fd = -1;
	queue->kick_fd = -1;
	list_init(&queue->free);
	list_init(&queue->pending);
	pthread_mutex_init(&queue->command_lock, NULL);
	pthread_cond_init(&queue->command_done, NULL);
	*ret_queue = queue;
	return 0;
}

void queue_free(struct queue *queue)
{
	struct list *link;

	if (!queue)
		return;
	queue_abandon(queue);
	while ((link = list_pop(&queue->free)))
		request_free(list_entry(link, struct request, link));
	completions_fini(&queue->completions);
	pthread_mutex_destroy(&queue->command_lock);
	pthread_cond_destroy(&queue->command_done);
	free(queue);
}

bool queue_is_running(const struct queue *queue)
{
	return queue->running;
}

static void set_call(struct queue *queue, void *argument)
{
	struct stat st;

	queue->call_fd = *(int *)argument;
	queue->call_is_socket = queue->call_fd >= 0 && fstat(queue->call_fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* Lets go of all that belongs to a run of the ring. */
static void release_ring(struct queue *queue)
{
	if (queue->epoll_fd >= 0)
		close(queue->epoll_fd);
	queue->epoll_fd = -1;
	queue->kick_fd = -1;
	queue->call_fd = -1;
	ring_device_fini(&queue->ring);
	vhost_memory_unref(queue->memory);
	queue->memory = NULL;
	vhost_log_unref(queue->log);
	queue->log = NULL;
}

int queue_start(struct queue *queue, const struct vhost_ring_setup *setup)
{
	int call_fd = setup->call_fd;

	/* A chain kept from a larger ring would lead out of a smaller one. */
	if (queue->unbounded > 0 && (setup->ring.base != queue->base || setup->ring.size != queue->size ||
				     setup->ring.packed != queue->packed))
		queue_abandon(queue);
	int error = ring_device_init(&queue->ring, &setup->ring);
	if (error)
		return error;
	/* Chains we still have must not come out of the in-flight region a second time. */
	list_for_each(link, &queue->pending) {
		const struct request *request = list_entry(link, struct request, pending_link);

		if (request->run == queue->run)
			ring_device_hold(&queue->ring, &request->chain);
	}
	queue->memory = vhost_memory_ref(setup->memory);
	queue->log = setup->log ? vhost_log_ref(setup->log) : NULL;
	queue->used_log_address = setup->used_log_address;
	queue->log_used = setup->log_used;
	queue->kick_fd = setup->kick_fd;
	queue->enabled = setup->enabled;
	queue->stopping = false;
	queue->kicked = false;
	queue->blank_reported = false;
	set_call(queue, &call_fd);
	error = open_events(queue);
	if (!error) {
		/* Locks granted while the queue was stopped are waiting to be answered. */
		completions_wake(&queue->completions);
		error = -pthread_create(&queue->thread, NULL, thread_main, queue);
	}
	if (error) {
		release_ring(queue);
		return error;
	}
	queue->running = true;
	return 0;
}

static void stop(struct queue *queue, void *argument UNUSED)
{
	queue->stopping = true;
}

uint32_t queue_stop(struct queue *queue)
{
	if (!queue->running)
		return queue->base;
	run_command(queue, stop, NULL);
	pthread_join(queue->thread, NULL);
	queue->running = false;
	queue->base = ring_device_base(&queue->ring);
	queue->size = queue->ring.config.size;
	queue->packed = queue->ring.config.packed;
	release_ring(queue);
	return queue->base;
}

void queue_abandon(struct queue *queue)
{
	struct list done;
	struct list *link;

	queue->run++;
	list_init(&done);
	completions_take(&queue->completions, &done);
	while ((link = list_pop(&done))) {
		struct request *request = list_entry(link, struct request, link);

		end_pending(queue, request);
		recycle(queue, request);
	}
}

static void set_enabled(struct queue *queue, void *argument)
{
	queue->enabled = *(bool *)argument;
}

void queue_enable(struct queue *queue, bool enabled)
{
	run_command(queue, set_enabled, &enabled);
}

void queue_set_call(struct queue *queue, int call_fd)
{
	run_command(queue, set_call, &call_fd);
}

void queue_kick(struct queue *queue)
{
	completions_wake(&queue->completions);
}

static void set_memory(struct queue *queue, void *argument)
{
	vhost_memory_unref(queue->memory);
	queue->memory = vhost_memory_ref(argument);
}

void queue_set_memory(struct queue *queue, struct vhost_memory *memory)
{
	if (queue->running)
		run_command(queue, set_memory, memory);
}

static void set_log(struct queue *queue, void *argument)
{
	vhost_log_unref(queue->log);
	queue->log = argument ? vhost_log_ref(argument) : NULL;
}

void queue_set_log(struct queue *queue, struct vhost_log *log)
{
	if (queue->running)
		run_command(queue, set_log, log);
}
