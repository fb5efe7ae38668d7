/* SPDX-License-Identifier: BSD-3-Clause */
/* The whole device, from the front-end's socket to a file system, in one process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "guest.h"
#include "vhost/channel.h"

static const struct guest_kind kinds[] = {
	{ .packed = false, .event_idx = false },
	{ .packed = false, .event_idx = true },
	{ .packed = true, .event_idx = false },
	{ .packed = true, .event_idx = true },
	{ .packed = false, .event_idx = true, .inflight = true },
	{ .packed = true, .event_idx = true, .inflight = true },
};

struct fixture {
	struct host host;
	struct guest guest;
};

/* A guest of that kind that has begun a session. */
static void begin(struct fixture *fixture, const struct guest_kind *kind)
{
	host_init(&fixture->host);
	guest_init(&fixture->guest, &fixture->host, kind);
	assert_int_equal(guest_begin(&fixture->guest), 0);
}

static void end(struct fixture *fixture)
{
	guest_fini(&fixture->guest);
	host_fini(&fixture->host);
}

static int lookup(struct guest *guest, unsigned int index, const char *name)
{
	const void *body;

	return guest_call(guest, index, FUSE_LOOKUP, FUSE_ROOT_ID, name, strlen(name) + 1, NULL, 0,
			  sizeof(struct fuse_entry_out), &body);
}

static void write_and_read(struct guest *guest, unsigned int index, uint64_t node, uint64_t fh, size_t size, unsigned int seed)
{
	char *data = malloc(size);
	struct fuse_write_in write = { .fh = fh, .size = (uint32_t)size };
	struct fuse_read_in read = { .fh = fh, .size = (uint32_t)size };
	const void *body;
	size_t got = 0;

	assert_non_null(data);
	for (size_t i = 0; i < size; i++)
		data[i] = (char)(i * 7 + i / 251 + seed);
	assert_int_equal(guest_call(guest, index, FUSE_WRITE, node, &write, sizeof(write), data, size,
				    sizeof(struct fuse_write_out), &body), 0);
	guest_send(guest, index, FUSE_READ, node, &read, sizeof(read), NULL, 0, size);
	assert_int_equal(guest_receive(guest, index, &body, &got), 0);
	assert_int_equal(got, size);
	assert_memory_equal(body, data, size);
	free(data);
}

static void serves_every_kind_of_ring(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fixture fixture;
		uint64_t node, fh;

		begin(&fixture, &kinds[i]);
		assert_int_equal(lookup(&fixture.guest, 1, "absent"), -ENOENT);
		guest_create(&fixture.guest, 1, "file", &node, &fh);
		assert_int_equal(lookup(&fixture.guest, 2, "file"), 0);
		write_and_read(&fixture.guest, 3, node, fh, 1000000, (unsigned int)i);
		/* Past the end of each ring several times. */
		for (unsigned int n = 0; n < 5 * GUEST_RING_SIZE; n++)
			assert_int_equal(lookup(&fixture.guest, 4, n % 2 ? "file" : "absent"), n % 2 ? 0 : -ENOENT);
		end(&fixture);
	}
}

struct worker {
	struct guest *guest;
	unsigned int index;
	uint64_t node, fh;
};

static void *work(void *argument)
{
	struct worker *worker = argument;

	for (unsigned int n = 0; n < 200; n++) {
		write_and_read(worker->guest, worker->index, worker->node, worker->fh, 1 + n * 997 % 70000, n);
		assert_int_equal(lookup(worker->guest, worker->index, "nothing"), -ENOENT);
	}
	return NULL;
}

static void queues_run_side_by_side(void **state UNUSED)
{
	struct fixture fixture;
	struct worker workers[GUEST_QUEUES] = { 0 };
	pthread_t threads[GUEST_QUEUES];

	begin(&fixture, &kinds[1]);
	for (unsigned int i = 1; i < GUEST_QUEUES; i++) {
		char name[8];

		snprintf(name, sizeof(name), "f%u", i);
		workers[i] = (struct worker){ .guest = &fixture.guest, .index = i };
		guest_create(&fixture.guest, 1, name, &workers[i].node, &workers[i].fh);
	}
	for (unsigned int i = 1; i < GUEST_QUEUES; i++)
		pthread_create(&threads[i], NULL, work, &workers[i]);
	for (unsigned int i = 1; i < GUEST_QUEUES; i++)
		pthread_join(threads[i], NULL);
	end(&fixture);
}

static int receive(struct guest *guest, unsigned int index)
{
	const void *body;
	size_t size;

	return guest_receive(guest, index, &body, &size);
}

/* Owner 1 holds the lock; owner 2 waits for it on queue 2. */
static void hold_and_wait(struct guest *guest, uint64_t *ret_node, uint64_t *ret_fh)
{
	guest_create(guest, 1, "locked", ret_node, ret_fh);
	guest_send_lock(guest, 1, FUSE_SETLK, *ret_node, *ret_fh, 1, F_WRLCK);
	assert_int_equal(receive(guest, 1), 0);
	guest_send_lock(guest, 2, FUSE_SETLKW, *ret_node, *ret_fh, 2, F_WRLCK);
	assert_false(guest_has_answer(guest, 2, 50));
}

static bool is_untouched(const struct guest *guest, unsigned int index)
{
	static const char zeros[sizeof(struct fuse_out_header)];

	return memcmp(guest->queues[index].reply, zeros, sizeof(zeros)) == 0;
}

/* What a pause of the machine does: the lock is granted meanwhile and answered afterwards. */
static void a_waiting_lock_survives_a_pause(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fixture fixture;
		struct guest *guest = &fixture.guest;
		uint64_t node, fh;

		begin(&fixture, &kinds[i]);
		hold_and_wait(guest, &node, &fh);
		guest_stop_queue(guest, 2);
		guest_send_lock(guest, 1, FUSE_SETLK, node, fh, 1, F_UNLCK);
		assert_int_equal(receive(guest, 1), 0);
		usleep(20000);
		/* A stopped device keeps its hands off memory. */
		assert_true(is_untouched(guest, 2));
		assert_false(guest_has_answer(guest, 2, 0));
		guest_resume_queue(guest, 2);
		assert_int_equal(receive(guest, 2), 0);
		/* Once, and the ring goes on. */
		assert_false(guest_has_answer(guest, 2, 20));
		assert_int_equal(lookup(guest, 2, "absent"), -ENOENT);
		end(&fixture);
	}
}

/* The same, with the lock granted after the ring runs again. */
static void a_waiting_lock_goes_on_waiting_after_a_pause(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fixture fixture;
		struct guest *guest = &fixture.guest;
		uint64_t node, fh;

		begin(&fixture, &kinds[i]);
		hold_and_wait(guest, &node, &fh);
		guest_stop_queue(guest, 2);
		guest_resume_queue(guest, 2);
		assert_false(guest_has_answer(guest, 2, 20));
		guest_send_lock(guest, 1, FUSE_SETLK, node, fh, 1, F_UNLCK);
		assert_int_equal(receive(guest, 1), 0);
		assert_int_equal(receive(guest, 2), 0);
		assert_false(guest_has_answer(guest, 2, 20));
		end(&fixture);
	}
}

static void a_reset_ends_the_session_and_its_locks(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fixture fixture;
		struct guest *guest = &fixture.guest;
		uint64_t node, fh;

		begin(&fixture, &kinds[i]);
		hold_and_wait(guest, &node, &fh);
		assert_int_equal(vhost_frontend_reset(guest->frontend), 0);
		assert_true(is_untouched(guest, 2));
		guest_start(guest, &kinds[i]);
		/* No session, no service; then a new one in which the old lock is gone. */
		assert_int_equal(lookup(guest, 2, "locked"), -EIO);
		assert_int_equal(guest_begin(guest), 0);
		assert_int_equal(lookup(guest, 2, "locked"), 0);
		guest_create(guest, 1, "again", &node, &fh);
		guest_send_lock(guest, 2, FUSE_SETLK, node, fh, 2, F_WRLCK);
		assert_int_equal(receive(guest, 2), 0);
		end(&fixture);
	}
}

/* A reboot that says nothing: the rings begin anew, and what waited belongs to nobody. */
static void a_ring_that_begins_anew_forgets_what_waited(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fixture fixture;
		struct guest *guest = &fixture.guest;
		uint64_t node, fh;

		begin(&fixture, &kinds[i]);
		hold_and_wait(guest, &node, &fh);
		for (unsigned int index = 0; index < GUEST_QUEUES; index++)
			guest_stop_queue(guest, index);
		guest_start(guest, &kinds[i]);
		assert_int_equal(guest_begin(guest), 0);
		assert_true(is_untouched(guest, 2));
		assert_false(guest_has_answer(guest, 2, 20));
		assert_int_equal(lookup(guest, 2, "locked"), 0);
		end(&fixture);
	}
}

/* Chains kept from a larger ring would lead out of a smaller one that happens to begin where the larger stopped. */
static void a_ring_of_another_size_is_another_ring(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fixture fixture;
		struct guest *guest = &fixture.guest;
		uint64_t node, fh;

		begin(&fixture, &kinds[i]);
		hold_and_wait(guest, &node, &fh);
		guest_stop_queue(guest, 2);
		guest->queues[2].setup.size = GUEST_RING_SIZE / 2;
		guest_resume_queue(guest, 2);
		guest_send_lock(guest, 1, FUSE_SETLK, node, fh, 1, F_UNLCK);
		assert_int_equal(receive(guest, 1), 0);
		assert_false(guest_has_answer(guest, 2, 20));
		assert_true(is_untouched(guest, 2));
		end(&fixture);
	}
}

/* What the in-flight region is for: the connection is lost, and a back-end that knows nothing serves the rings on. */
static void a_new_connection_recovers_what_waited(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fixture fixture;
		struct guest *guest = &fixture.guest;
		uint64_t node, fh;

		if (!kinds[i].inflight)
			continue;
		begin(&fixture, &kinds[i]);
		hold_and_wait(guest, &node, &fh);
		/* The base is that of the start; the region knows better. */
		guest_reconnect(guest, &fixture.host);
		/* Served again, where no session knows of the lock; once; and the rings go on. */
		assert_int_equal(receive(guest, 2), -EIO);
		assert_false(guest_has_answer(guest, 2, 20));
		assert_int_equal(guest_begin(guest), 0);
		assert_int_equal(lookup(guest, 1, "locked"), 0);
		assert_int_equal(lookup(guest, 2, "locked"), 0);
		end(&fixture);
	}
}

static void the_next_front_end_finds_a_device_as_new(void **state UNUSED)
{
	struct host host;

	host_init(&host);
	for (unsigned int n = 0; n < 20; n++) {
		struct guest guest;
		uint64_t node, fh;
		char name[16];

		guest_init(&guest, &host, &kinds[n % ARRAY_SIZE(kinds)]);
		assert_int_equal(lookup(&guest, 1, "early"), -EIO);
		assert_int_equal(guest_begin(&guest), 0);
		snprintf(name, sizeof(name), "file%u", n);
		guest_create(&guest, 1, name, &node, &fh);
		guest_send_lock(&guest, 1, FUSE_SETLK, node, fh, 1, F_WRLCK);
		assert_int_equal(receive(&guest, 1), 0);
		/* Gone in the middle of everything. */
		guest_send_lock(&guest, 2, FUSE_SETLKW, node, fh, 2, F_WRLCK);
		guest_send(&guest, 3, FUSE_GETATTR, FUSE_ROOT_ID, &(struct fuse_getattr_in){ 0 },
			   sizeof(struct fuse_getattr_in), NULL, 0, sizeof(struct fuse_attr_out));
		guest_fini(&guest);
	}
	host_fini(&host);
	assert_int_equal(host.last_end, DEVICE_END_DISCONNECT);
}

static void a_broken_ring_breaks_that_queue_only(void **state UNUSED)
{
	struct fixture fixture;
	struct guest *guest = &fixture.guest;
	struct ring_buffer outside = { 0x1000, 64 };
	uint64_t one = 1;

	begin(&fixture, &kinds[1]);
	assert_int_equal(ring_driver_add(guest->queues[3].ring, &outside, 1, 0, &outside), 0);
	ring_driver_publish(guest->queues[3].ring);
	assert_int_equal(write(guest->queues[3].setup.kick_fd, &one, sizeof(one)), sizeof(one));
	assert_false(guest_has_answer(guest, 3, 50));
	assert_int_equal(lookup(guest, 1, "absent"), -ENOENT);
	assert_int_equal(lookup(guest, 2, "absent"), -ENOENT);
	/* The front-end can still stop, reset and start everything. */
	assert_int_equal(vhost_frontend_reset(guest->frontend), 0);
	guest_start(guest, &kinds[1]);
	assert_int_equal(guest_begin(guest), 0);
	assert_int_equal(lookup(guest, 3, "absent"), -ENOENT);
	end(&fixture);
}

static void memory_comes_and_goes_under_load(void **state UNUSED)
{
	struct fixture fixture;
	struct worker worker = { .guest = &fixture.guest, .index = 1 };
	pthread_t thread;

	begin(&fixture, &kinds[1]);
	guest_create(&fixture.guest, 1, "file", &worker.node, &worker.fh);
	pthread_create(&thread, NULL, work, &worker);
	for (unsigned int n = 0; n < 50; n++) {
		struct vhost_shared_memory extra;

		assert_int_equal(vhost_shared_memory_init(&extra, 0x100000000, 1 << 20), 0);
		assert_int_equal(vhost_frontend_add_memory(fixture.guest.frontend, &extra), 0);
		assert_int_equal(vhost_frontend_remove_memory(fixture.guest.frontend, &extra), 0);
		/* The whole table anew: rings stop and go on where they stood. */
		assert_int_equal(vhost_frontend_set_memory(fixture.guest.frontend, &fixture.guest.memory, 1), 0);
		vhost_shared_memory_fini(&extra);
	}
	pthread_join(thread, NULL);
	end(&fixture);
}

#define LOG_BYTES 0x9000u /* bits for 0x40000000 and 64 MiB behind it */

/* Gives the device a log of dirty pages; returns the log. */
static uint8_t *give_log(struct guest *guest)
{
	int fd = memfd_create("log", MFD_CLOEXEC);
	struct vhost_message message = {
		.header = { VHOST_USER_SET_LOG_BASE, VHOST_USER_VERSION, sizeof(struct vhost_user_log) },
		.payload.log = { .size = LOG_BYTES },
		.fds = { fd },
		.fd_count = 1,
	};

	assert_int_equal(ftruncate(fd, LOG_BYTES), 0);
	uint8_t *log = mmap(NULL, LOG_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(log, MAP_FAILED);
	assert_int_equal(vhost_message_send(vhost_frontend_fd(guest->frontend), &message), 0);
	close(fd);
	assert_int_equal(vhost_message_receive(vhost_frontend_fd(guest->frontend), &message), 0);
	vhost_message_close(&message);
	return log;
}

/* Whether the page of that address in our memory is marked. */
static bool is_marked(const struct guest *guest, const uint8_t *log, const void *host)
{
	uint64_t page = vhost_shared_memory_address(&guest->memory, host) / 4096;

	return __atomic_load_n(&log[page / 8], __ATOMIC_ACQUIRE) & 1u << page % 8;
}

static unsigned int count_marked(const uint8_t *log)
{
	unsigned int count = 0;

	for (size_t i = 0; i < LOG_BYTES; i++)
		count += (unsigned int)__builtin_popcount(log[i]);
	return count;
}

/* A migration: what the device writes, and nothing else, is marked while it lasts. */
static void pages_written_are_logged(void **state UNUSED)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fixture fixture;
		struct guest *guest = &fixture.guest;
		struct guest_queue *queue = &guest->queues[2];

		begin(&fixture, &kinds[i]);
		uint8_t *log = give_log(guest);
		assert_int_equal(lookup(guest, 2, "absent"), -ENOENT);
		assert_int_equal(count_marked(log), 0);
		assert_int_equal(vhost_frontend_set_features(guest->frontend, guest->features | 1ull << VHOST_F_LOG_ALL), 0);
		queue->setup.log_used = true;
		queue->setup.log_address = vhost_shared_memory_address(&guest->memory, queue->setup.device);
		/* On the ring as it runs, like QEMU does. */
		guest_resume_queue(guest, 2);
		assert_int_equal(lookup(guest, 2, "absent"), -ENOENT);
		assert_true(is_marked(guest, log, queue->reply));
		assert_true(is_marked(guest, log, kinds[i].packed ? queue->setup.desc : queue->setup.device));
		assert_int_equal(count_marked(log), 2);
		assert_int_equal(vhost_frontend_set_features(guest->frontend, guest->features), 0);
		memset(log, 0, LOG_BYTES);
		assert_int_equal(lookup(guest, 2, "absent"), -ENOENT);
		assert_int_equal(count_marked(log), 0);
		munmap(log, LOG_BYTES);
		end(&fixture);
	}
}

static void forgets_go_by_the_hiprio_queue(void **state UNUSED)
{
	struct fixture fixture;
	struct guest *guest = &fixture.guest;
	struct fuse_forget_in forget = { .nlookup = 1 };
	struct fuse_getattr_in getattr = { 0 };
	const void *body;
	uint64_t node, fh;

	begin(&fixture, &kinds[1]);
	guest_create(guest, 1, "file", &node, &fh);
	assert_int_equal(guest_call(guest, 1, FUSE_RELEASE, node, &(struct fuse_release_in){ .fh = fh },
				    sizeof(struct fuse_release_in), NULL, 0, 0, &body), 0);
	assert_int_equal(guest_call(guest, 0, FUSE_FORGET, node, &forget, sizeof(forget), NULL, 0, 0, &body), 0);
	assert_int_equal(guest_call(guest, 1, FUSE_GETATTR, node, &getattr, sizeof(getattr), NULL, 0,
				    sizeof(struct fuse_attr_out), &body), -ESTALE);
	end(&fixture);
}

static void a_disabled_ring_waits(void **state UNUSED)
{
	struct fixture fixture;
	struct guest *guest = &fixture.guest;

	begin(&fixture, &kinds[1]);
	assert_int_equal(vhost_frontend_enable_ring(guest->frontend, 2, false), 0);
	guest_send(guest, 2, FUSE_LOOKUP, FUSE_ROOT_ID, "x", 2, NULL, 0, sizeof(struct fuse_entry_out));
	assert_false(guest_has_answer(guest, 2, 50));
	assert_int_equal(vhost_frontend_enable_ring(guest->frontend, 2, true), 0);
	assert_int_equal(receive(guest, 2), -ENOENT);
	end(&fixture);
}

/* What guest memory looks like from a device that its front-end does not share it with. */
static void memory_without_writes_is_reported(void **state UNUSED)
{
	uint64_t one = 1;

	for (unsigned int written = 0; written < 2; written++) {
		struct fixture fixture;
		char text[4096] = "";
		int out[2], saved;

		host_init(&fixture.host);
		guest_init(&fixture.guest, &fixture.host, &kinds[0]);
		fixture.guest.memory.host[0x400] = (char)written;
		assert_int_equal(pipe2(out, O_CLOEXEC | O_NONBLOCK), 0);
		saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
		dup2(out[1], STDERR_FILENO);
		assert_int_equal(write(fixture.guest.queues[2].setup.kick_fd, &one, sizeof(one)), sizeof(one));
		assert_false(guest_has_answer(&fixture.guest, 2, 0));
		/* A thread sanitizer looks at a megabyte slowly. */
		struct pollfd said = { .fd = out[0], .events = POLLIN };
		poll(&said, 1, written ? 100 : 10000);
		dup2(saved, STDERR_FILENO);
		ssize_t got = read(out[0], text, sizeof(text) - 1);
		assert_int_equal(strstr(text, "queue 2: the guest sent a request, but its memory looks empty") != NULL, !written);
		assert_int_equal(got > 0, !written);
		close(out[0]);
		close(out[1]);
		close(saved);
		/* It was only said: a guest that writes after all is served. */
		assert_int_equal(guest_begin(&fixture.guest), 0);
		end(&fixture);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serves_every_kind_of_ring),
		cmocka_unit_test(queues_run_side_by_side),
		cmocka_unit_test(a_waiting_lock_survives_a_pause),
		cmocka_unit_test(a_waiting_lock_goes_on_waiting_after_a_pause),
		cmocka_unit_test(a_reset_ends_the_session_and_its_locks),
		cmocka_unit_test(a_ring_that_begins_anew_forgets_what_waited),
		cmocka_unit_test(a_ring_of_another_size_is_another_ring),
		cmocka_unit_test(a_new_connection_recovers_what_waited),
		cmocka_unit_test(the_next_front_end_finds_a_device_as_new),
		cmocka_unit_test(a_broken_ring_breaks_that_queue_only),
		cmocka_unit_test(memory_comes_and_goes_under_load),
		cmocka_unit_test(pages_written_are_logged),
		cmocka_unit_test(forgets_go_by_the_hiprio_queue),
		cmocka_unit_test(a_disabled_ring_waits),
		cmocka_unit_test(memory_without_writes_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
