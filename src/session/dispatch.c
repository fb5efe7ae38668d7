/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a request to its handler and back, through the pool where the operation may block, and through the file system's
 * own time where it answers later.
 *
 * Who finishes. A call that returns FS_PENDING and its completion, on another thread, race: each marks the request's
 * phase, and whoever comes second finishes it. When the completion is second the submitter has touched the request for
 * the last time before it said so.
 */
/* #syscalls: futex */
#include "session/internal.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"

static const struct session_handler *const handlers[FUSE_OPCODE_COUNT] = {
	[FUSE_LOOKUP] = &session_lookup,
	[FUSE_FORGET] = &session_forget,
	[FUSE_GETATTR] = &session_getattr,
	[FUSE_SETATTR] = &session_setattr,
	[FUSE_READLINK] = &session_readlink,
	[FUSE_SYMLINK] = &session_symlink,
	[FUSE_MKNOD] = &session_mknod,
	[FUSE_MKDIR] = &session_mkdir,
	[FUSE_UNLINK] = &session_unlink,
	[FUSE_RMDIR] = &session_rmdir,
	[FUSE_RENAME] = &session_rename,
	[FUSE_LINK] = &session_link,
	[FUSE_OPEN] = &session_open,
	[FUSE_READ] = &session_read,
	[FUSE_WRITE] = &session_write,
	[FUSE_STATFS] = &session_statfs,
	[FUSE_RELEASE] = &session_release,
	[FUSE_FSYNC] = &session_fsync,
	[FUSE_SETXATTR] = &session_setxattr,
	[FUSE_GETXATTR] = &session_getxattr,
	[FUSE_LISTXATTR] = &session_listxattr,
	[FUSE_REMOVEXATTR] = &session_removexattr,
	[FUSE_FLUSH] = &session_flush,
	[FUSE_OPENDIR] = &session_opendir,
	[FUSE_READDIR] = &session_readdir,
	[FUSE_RELEASEDIR] = &session_releasedir,
	[FUSE_FSYNCDIR] = &session_fsyncdir,
	[FUSE_GETLK] = &session_getlk,
	[FUSE_SETLK] = &session_setlk,
	[FUSE_SETLKW] = &session_setlkw,
	[FUSE_ACCESS] = &session_access,
	[FUSE_CREATE] = &session_create,
	[FUSE_INTERRUPT] = &session_interrupt,
	[FUSE_IOCTL] = &session_ioctl,
	[FUSE_BATCH_FORGET] = &session_batch_forget,
	[FUSE_FALLOCATE] = &session_fallocate,
	[FUSE_READDIRPLUS] = &session_readdirplus,
	[FUSE_RENAME2] = &session_rename2,
	[FUSE_LSEEK] = &session_lseek,
	[FUSE_COPY_FILE_RANGE] = &session_copy_file_range,
	[FUSE_SYNCFS] = &session_syncfs,
	[FUSE_TMPFILE] = &session_tmpfile,
	[FUSE_STATX] = &session_statx,
	[FUSE_COPY_FILE_RANGE_64] = &session_copy_file_range_64,
};

/* Lowers one of the session's two counts, and tells who waits for it. */
static void count_down(struct session *session, atomic_ulong *count)
{
	pthread_mutex_lock(&session->waiting);
	if (atomic_fetch_sub(count, 1) == 1)
		pthread_cond_broadcast(&session->quiet);
	pthread_mutex_unlock(&session->waiting);
}

static void trace(const struct session_private *state, int result)
{
	if (log_enabled(LOG_LEVEL_DEBUG))
		log_debug("%s unique %llu node %#llx: %d, %zu bytes",
			  state->opcode ? state->opcode->name : "unknown opcode", (unsigned long long)state->in.unique,
			  (unsigned long long)state->in.nodeid, result, state->request->written);
}

/* Turns the file system's result into a reply. */
static void finish(struct session_private *state, int result)
{
	struct session *session = state->session;

	if (state->epoch != atomic_load_explicit(&session->epoch, memory_order_relaxed))
		result = -EINTR;
	else if (state->handler->finish)
		result = state->handler->finish(session, state, result);
	request_reply(state, result);
	trace(state, result);
}

/* Tells the device; the request is the device's again. */
static void hand_back(struct session_private *state)
{
	struct session *session = state->session;

	state->request->complete(state->request);
	count_down(session, &session->outstanding);
}

/* The file system's fs_call.complete. */
static void call_completed(struct fs_call *call, int result)
{
	struct session_private *state = container_of(call, struct session_private, call);

	assert(result <= 0);
	state->late_result = result;
	if (atomic_exchange(&state->phase, REQUEST_COMPLETED) != REQUEST_WAITING)
		return;
	/* The guest may be paused or gone by now, and its memory with it: the device knows. */
	if (state->request->unbounded)
		state->unanswered = true;
	else
		finish(state, result);
	count_down(state->session, &state->session->pending);
	hand_back(state);
}

void session_reply(struct session_request *request)
{
	struct session_private *state = request->state;

	if (!state->unanswered)
		return;
	state->unanswered = false;
	finish(state, state->late_result);
}

/*
 * Calls the file system, inside the gate. True when the request has been answered, false when its completion will do
 * that: then state is no longer ours.
 */
static bool run(struct session_private *state)
{
	struct session *session = state->session;
	int result = state->handler->start(session, state);

	if (result == FS_PENDING) {
		int phase = REQUEST_RUNNING;
		bool was_deferred = state->deferred;

		atomic_fetch_add(&session->pending, 1);
		/* A request of the pool is counted already. */
		if (!was_deferred)
			atomic_fetch_add(&session->outstanding, 1);
		if (atomic_compare_exchange_strong(&state->phase, &phase, REQUEST_WAITING))
			return false;
		count_down(session, &session->pending);
		if (!was_deferred)
			count_down(session, &session->outstanding);
		result = state->late_result;
	}
	finish(state, result);
	return true;
}

static void run_in_pool(struct pool_work *work)
{
	struct session_private *state = container_of(work, struct session_private, work);
	struct session *session = state->session;
	bool answered = true;

	gate_enter(&session->gate);
	if (state->epoch == atomic_load_explicit(&session->epoch, memory_order_relaxed))
		answered = run(state);
	else
		request_reply(state, -EINTR);
	gate_leave(&session->gate);
	if (answered)
		hand_back(state);
}

/* Refuses a driver of the other byte order, in its own. */
static void reply_swapped(struct session_private *state)
{
	struct fuse_out_header header = {
		.len = __builtin_bswap32(sizeof(header)),
		.error = (int32_t)__builtin_bswap32((uint32_t)-EPROTO),
		.unique = state->in.unique,
	};
	struct iov_cursor cursor;

	log_warn_limited("Refused a guest of the other byte order: only little-endian guests are supported.");
	iov_cursor_init(&cursor, state->request->writable, state->request->writable_count);
	state->request->written = iov_cursor_write(&cursor, &header, sizeof(header));
}

/* INIT and DESTROY: they end sessions, so they are in none. */
static void serve_session(struct session *session, struct session_private *state)
{
	int result = state->in.opcode == FUSE_INIT ? session_init(session, state) : session_destroy(session, state);

	request_reply(state, result);
	trace(state, result);
}

static bool belongs_in_pool(const struct session *session, const struct session_private *state)
{
	unsigned int flags = state->opcode->flags;

	/* Waits on no thread of ours, and must not be answered from one of the pool's. */
	if (state->in.opcode == FUSE_SETLKW)
		return false;
	return session->pool && !(flags & FUSEMSG_NO_REPLY) && (session->config.pool_all || (flags & FUSEMSG_POOL));
}

static void refuse(struct session_private *state, int error)
{
	if (error == -ENOMSG)
		return;
	if (state->in.opcode == FUSE_INIT_BSWAP) {
		reply_swapped(state);
		return;
	}
	request_reply(state, error);
	trace(state, error);
}

enum session_result session_submit(struct session *session, struct session_request *request)
{
	struct session_private *state = request->state;

	state->session = session;
	gate_enter(&session->gate);
	state->epoch = atomic_load_explicit(&session->epoch, memory_order_relaxed);
	int error = request_begin(state, request, session->info.flags);

	if (!error && (state->opcode->flags & FUSEMSG_SESSION)) {
		gate_leave(&session->gate);
		serve_session(session, state);
		return SESSION_DONE;
	}
	if (!error && !atomic_load_explicit(&session->active, memory_order_relaxed))
		error = -EIO;
	if (error) {
		refuse(state, error);
		gate_leave(&session->gate);
		return SESSION_DONE;
	}
	state->handler = handlers[state->in.opcode];
	state->call.complete = call_completed;
	request->unbounded = state->in.opcode == FUSE_SETLKW;
	if (belongs_in_pool(session, state)) {
		state->deferred = true;
		state->work.run = run_in_pool;
		atomic_fetch_add(&session->outstanding, 1);
		/* Not from inside: the pool may run the work in this very thread. */
		gate_leave(&session->gate);
		pool_submit(session->pool, &state->work);
		return SESSION_PENDING;
	}
	bool answered = run(state);

	gate_leave(&session->gate);
	return answered ? SESSION_DONE : SESSION_PENDING;
}
