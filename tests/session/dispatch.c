/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations that answer later, that run in the pool, and that are overtaken by the end of their session. */
#include "harness.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/util.h"
#include "fusemsg/opcode.h"

static struct harness *setup_session(struct pool *pool, bool pool_all)
{
	struct harness *harness = malloc(sizeof(*harness));

	harness_init(harness);
	harness->pool = pool;
	harness->room = 1024;
	harness->config.pool_all = pool_all;
	harness_start(harness);
	harness_mount(harness);
	return harness;
}

static void teardown_session(struct harness *harness)
{
	harness_stop(harness);
	free(harness);
}

static int send_simple(struct harness *harness, uint32_t opcode, const void *args, size_t length)
{
	harness_begin(harness, opcode);
	harness_add(harness, args, length);
	return harness_send(harness);
}

static int send_fsync(struct harness *harness)
{
	struct fuse_fsync_in in = { .fh = 9 };

	return send_simple(harness, FUSE_FSYNC, &in, sizeof(in));
}

static int send_lock(struct harness *harness, uint32_t opcode)
{
	struct fuse_lk_in in = { .fh = 9, .lk = { 0, 1, 1, 1 } };

	return send_simple(harness, opcode, &in, sizeof(in));
}

static void test_answer_comes_later(void **state)
{
	struct harness *harness = setup_session(NULL, false);

	harness->fs.result = FS_PENDING;
	assert_int_equal(send_lock(harness, FUSE_GETLK), FS_PENDING);
	assert_int_equal(harness->submitted, SESSION_PENDING);
	assert_int_equal(harness->completions, 0);
	assert_false(harness->request.unbounded);
	harness->fs.call->complete(harness->fs.call, 0);
	assert_int_equal(harness->completions, 1);
	assert_int_equal(harness_collect(harness), 0);
	assert_int_equal(harness_body_length(harness), sizeof(struct fuse_lk_out));

	assert_int_equal(send_lock(harness, FUSE_SETLKW), FS_PENDING);
	assert_true(harness->request.unbounded);
	harness->fs.call->complete(harness->fs.call, -EDEADLK);
	/* The guest's memory is the device's to write to, when it may. */
	assert_int_equal(harness->request.written, 0);
	assert_int_equal(harness_collect(harness), -EDEADLK);

	/* The next request of the same object is an ordinary one. */
	harness->fs.result = 0;
	assert_int_equal(send_lock(harness, FUSE_GETLK), 0);
	assert_false(harness->request.unbounded);
	teardown_session(harness);
}

static void test_answer_comes_before_the_return(void **state)
{
	struct harness *harness = setup_session(NULL, false);

	harness->fs.result = FS_PENDING;
	harness->fs.complete_early = true;
	harness_begin(harness, FUSE_STATFS);
	harness_header(harness)->len = (uint32_t)harness->in_length;
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->submitted, SESSION_DONE);
	assert_int_equal(harness->completions, 0);
	assert_int_equal(harness_body_length(harness), sizeof(struct fuse_kstatfs));
	teardown_session(harness);
}

static void *complete_at_once(void *argument)
{
	struct harness *harness = argument;

	for (;;) {
		struct fs_call *call = __atomic_exchange_n(&harness->fs.call, NULL, __ATOMIC_ACQ_REL);

		if (call == (void *)1)
			return NULL;
		if (call)
			call->complete(call, 0);
	}
}

static void test_answer_races_with_the_return(void **state)
{
	struct harness *harness = setup_session(NULL, false);
	pthread_t thread;
	unsigned int early = 0, late = 0;

	harness->fs.result = FS_PENDING;
	harness->fs.call = NULL;
	assert_int_equal(pthread_create(&thread, NULL, complete_at_once, harness), 0);
	for (int i = 0; i < 3000; i++) {
		harness_begin(harness, FUSE_SYNCFS);
		harness_add(harness, "12345678", 8);
		int error = harness_send(harness);

		if (harness->submitted == SESSION_PENDING) {
			while (__atomic_load_n(&harness->completions, __ATOMIC_SEQ_CST) == 0)
				sched_yield();
			error = harness_collect(harness);
			late++;
		} else {
			assert_int_equal(harness->completions, 0);
			early++;
		}
		assert_int_equal(error, 0);
		assert_int_equal(harness->request.written, 16);
	}
	__atomic_store_n(&harness->fs.call, (void *)1, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	assert_int_equal(early + late, 3000);
	teardown_session(harness);
}

static void test_what_may_block_goes_to_the_pool(void **state)
{
	struct pool *pool;
	uint64_t arguments[16] = { 9, 0, 0, 9 };

	assert_int_equal(pool_new(2, NULL, NULL, &pool), 0);
	struct harness *harness = setup_session(pool, false);
	for (uint32_t opcode = 1; opcode < FUSE_OPCODE_COUNT; opcode++) {
		const struct fusemsg_opcode *entry = fusemsg_opcode_find(opcode);

		if (!entry || entry->names || (entry->flags & (FUSEMSG_SESSION | FUSEMSG_REFUSED | FUSEMSG_NO_REPLY)))
			continue;
		assert_int_equal(send_simple(harness, opcode, arguments, sizeof(arguments)), 0);
		assert_int_equal(harness->submitted, (entry->flags & FUSEMSG_POOL) ? SESSION_PENDING : SESSION_DONE);
		assert_int_equal(harness->completions, (entry->flags & FUSEMSG_POOL) ? 1 : 0);
	}
	/* An error in the message is not worth a thread. */
	harness_begin(harness, FUSE_FSYNC);
	assert_int_equal(harness_send(harness), -EINVAL);
	assert_int_equal(harness->submitted, SESSION_DONE);
	teardown_session(harness);
	pool_free(pool);
}

static void test_everything_to_the_pool(void **state)
{
	struct pool *pool;
	struct fuse_forget_in forget = { 1 };

	assert_int_equal(pool_new(2, NULL, NULL, &pool), 0);
	struct harness *harness = setup_session(pool, true);
	harness_begin(harness, FUSE_STATFS);
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->submitted, SESSION_PENDING);
	assert_int_equal(send_simple(harness, FUSE_FORGET, &forget, sizeof(forget)), 0);
	assert_int_equal(harness->submitted, SESSION_DONE);
	assert_int_equal(harness->fs.forgets, 1);
	harness->fs.result = -EIO;
	assert_int_equal(send_fsync(harness), -EIO);
	teardown_session(harness);
	pool_free(pool);
}

static void test_pending_from_the_pool(void **state)
{
	struct pool *pool;

	assert_int_equal(pool_new(1, NULL, NULL, &pool), 0);
	struct harness *harness = setup_session(pool, true);
	harness->fs.result = FS_PENDING;
	harness->fs.calls = 0;
	assert_int_equal(send_lock(harness, FUSE_SETLKW), FS_PENDING);
	assert_true(harness->request.unbounded);
	pool_drain(pool);
	assert_int_equal(harness->fs.calls, 1);
	assert_int_equal(harness->completions, 0);
	harness->fs.call->complete(harness->fs.call, 0);
	assert_int_equal(harness->completions, 1);
	assert_int_equal(harness_collect(harness), 0);
	teardown_session(harness);
	pool_free(pool);
}

/* A file system whose reset does what the contract says: completes what is pending. */
static struct harness *resetting;
static void (*reset_before)(struct fs *fs);
static int reset_result; /* what pending calls complete with */

static void complete_pending(struct fs *fs)
{
	if (resetting && resetting->fs.call)
		resetting->fs.call->complete(resetting->fs.call, reset_result);
	resetting = NULL;
	reset_before(fs);
}

static void test_reset_ends_what_is_pending(void **state)
{
	for (int way = 0; way < 3; way++) {
		struct harness *harness = setup_session(NULL, false);
		struct fs_ops ops = *harness->fs.fs.ops;

		reset_before = ops.reset;
		ops.reset = complete_pending;
		harness->fs.fs.ops = &ops;
		resetting = harness;
		reset_result = -EINTR;
		harness->fs.result = FS_PENDING;
		assert_int_equal(send_lock(harness, FUSE_SETLKW), FS_PENDING);
		if (way == 0) {
			session_reset(harness->session);
		} else {
			/* By another request: DESTROY or INIT. */
			struct session_request other = { .complete = harness->request.complete };
			struct fuse_in_header in = { .len = 104, .opcode = way == 1 ? FUSE_DESTROY : FUSE_INIT };
			unsigned char message[104] = { 0 };
			unsigned char reply[200];
			struct iovec readable = { message, 104 }, writable = { reply, 200 };

			memcpy(message, &in, sizeof(in));
			memcpy(message + sizeof(in), &(struct fuse_init_in){ 7, 45, 0, 0, 0, { 0 } }, 64);
			assert_int_equal(session_request_init(&other), 0);
			other.readable = &readable;
			other.readable_count = 1;
			other.writable = &writable;
			other.writable_count = 1;
			assert_int_equal(session_submit(harness->session, &other), SESSION_DONE);
			assert_true(other.written == (way == 1 ? 16u : 80u));
			session_request_fini(&other);
		}
		assert_int_equal(harness->completions, 1);
		assert_int_equal(harness_collect(harness), -EINTR);
		harness->fs.result = 0;
		teardown_session(harness);
	}
}

static void test_late_success_is_without_effect(void **state)
{
	struct harness *harness = setup_session(NULL, false);
	struct fs_ops ops = *harness->fs.fs.ops;

	/* Even a success that arrives as the session ends is none: its node is forgotten already. */
	reset_before = ops.reset;
	ops.reset = complete_pending;
	harness->fs.fs.ops = &ops;
	harness->fs.result = FS_PENDING;
	harness_begin(harness, FUSE_LOOKUP);
	harness_add_string(harness, "a");
	assert_int_equal(harness_send(harness), FS_PENDING);
	resetting = harness;
	reset_result = 0;
	session_reset(harness->session);
	assert_int_equal(harness_collect(harness), -EINTR);
	teardown_session(harness);
}

struct worker {
	struct session *session;
	atomic_bool *stop;
	unsigned long served, refused;
};

struct queue_request {
	struct session_request request;
	atomic_bool done;
};

static void returned(struct session_request *request)
{
	atomic_store(&container_of(request, struct queue_request, request)->done, true);
}

/* Sends STATFS and FSYNC without end, as a queue does. */
static void *queue_main(void *argument)
{
	struct worker *worker = argument;
	struct queue_request own = { .request.complete = returned };
	struct session_request *request = &own.request;
	unsigned char message[56], reply[96];
	const struct iovec readable = { message, sizeof(message) }, writable = { reply, sizeof(reply) };

	assert_int_equal(session_request_init(request), 0);
	for (unsigned int i = 0; !atomic_load(worker->stop); i++) {
		struct fuse_in_header in = { .len = 56, .opcode = i % 4 ? FUSE_STATFS : FUSE_FSYNC, .unique = i };
		struct fuse_fsync_in fsync = { .fh = 9 };
		struct fuse_out_header out;

		memcpy(message, &in, sizeof(in));
		memcpy(message + sizeof(in), &fsync, sizeof(fsync));
		request->readable = &readable;
		request->readable_count = 1;
		request->writable = &writable;
		request->writable_count = 1;
		atomic_store(&own.done, false);
		if (session_submit(worker->session, request) == SESSION_PENDING)
			while (!atomic_load(&own.done))
				sched_yield();
		memcpy(&out, reply, sizeof(out));
		if (out.unique != i || out.len != request->written)
			abort();
		if (out.error == 0)
			worker->served++;
		else if (out.error == -EIO || out.error == -EINTR)
			worker->refused++;
		else
			abort();
	}
	session_request_fini(request);
	return NULL;
}

static int quiet_statfs(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_kstatfs *ret_statfs)
{
	return 0;
}

static int quiet_fsync(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only)
{
	return 0;
}

static void test_guest_that_ends_sessions_while_queues_run(void **state)
{
	enum { QUEUES = 3, ROUNDS = 200 };
	struct pool *pool;
	struct worker workers[QUEUES] = { 0 };
	pthread_t threads[QUEUES];
	atomic_bool stop = false;

	assert_int_equal(pool_new(2, NULL, NULL, &pool), 0);
	struct harness *harness = setup_session(pool, false);
	struct fs_ops ops = *harness->fs.fs.ops;
	ops.statfs = quiet_statfs;
	ops.fsync = quiet_fsync;
	harness->fs.fs.ops = &ops;
	for (int i = 0; i < QUEUES; i++) {
		workers[i].session = harness->session;
		workers[i].stop = &stop;
		assert_int_equal(pthread_create(&threads[i], NULL, queue_main, &workers[i]), 0);
	}
	for (int i = 0; i < ROUNDS; i++) {
		if (i % 3 == 2)
			assert_int_equal(send_simple(harness, FUSE_DESTROY, NULL, 0), 0);
		else
			assert_int_equal(harness_send_init(harness, 45, HARNESS_ALL_FLAGS, NULL), 0);
		usleep(200);
	}
	atomic_store(&stop, true);
	unsigned long served = 0;
	for (int i = 0; i < QUEUES; i++) {
		pthread_join(threads[i], NULL);
		served += workers[i].served;
	}
	assert_true(served > 0);
	session_reset(harness->session);
	teardown_session(harness);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answer_comes_later),
		cmocka_unit_test(test_answer_comes_before_the_return),
		cmocka_unit_test(test_answer_races_with_the_return),
		cmocka_unit_test(test_what_may_block_goes_to_the_pool),
		cmocka_unit_test(test_everything_to_the_pool),
		cmocka_unit_test(test_pending_from_the_pool),
		cmocka_unit_test(test_reset_ends_what_is_pending),
		cmocka_unit_test(test_late_success_is_without_effect),
		cmocka_unit_test(test_guest_that_ends_sessions_while_queues_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
