/* SPDX-License-Identifier: BSD-3-Clause */
/* How sessions begin and end: INIT, DESTROY, reset. */
/* #syscalls: futex */
#include "session/internal.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "session/negotiate.h"

static void wait_for_zero(struct session *session, atomic_ulong *count)
{
	pthread_mutex_lock(&session->waiting);
	while (atomic_load(count) > 0)
		pthread_cond_wait(&session->quiet, &session->waiting);
	pthread_mutex_unlock(&session->waiting);
}

void session_wait_handed_back(struct session *session)
{
	wait_for_zero(session, &session->outstanding);
}

/*
 * Ends the session, if there is one: afterwards no operation runs, no call is pending and the gate is closed. The
 * caller holds lifecycle, is not inside the gate, and opens it.
 */
static void end_session(struct session *session)
{
	atomic_store(&session->active, false);
	gate_close(&session->gate);
	/* From here on what completes late belongs to no session and answers -EINTR. */
	atomic_fetch_add(&session->epoch, 1);
	fs_reset(session->fs);
	wait_for_zero(session, &session->pending);
}

/* Reads INIT's arguments, of which newer guests have more. */
static void read_init(struct session_private *state, struct fuse_init_in *ret_in)
{
	memset(ret_in, 0, sizeof(*ret_in));
	memcpy(ret_in, state->args.bytes, FUSE_COMPAT_INIT_IN_SIZE);
	iov_cursor_read(&state->input, (char *)ret_in + FUSE_COMPAT_INIT_IN_SIZE,
			sizeof(*ret_in) - FUSE_COMPAT_INIT_IN_SIZE);
}

static int begin_session(struct session *session, const struct fuse_init_in *in, struct fuse_init_out *out)
{
	const struct negotiate_abilities abilities = {
		.locks = fs_has(session->fs, getlk) && fs_has(session->fs, setlk),
		.ioctl = fs_has(session->fs, ioctl),
		.lookup_self = fs_has(session->fs, lookup_self) && fs_has(session->fs, lookup_parent),
	};
	struct fs_session_info info;
	int error = negotiate(&session->config, &abilities, in, out, &info);

	if (error)
		return error;
	end_session(session);
	error = fs_init(session->fs, &info);
	if (!error) {
		session->info = info;
		policy_init(&session->policy, &session->config, info.flags, info.minor);
		atomic_store(&session->active, true);
		log_debug("A guest begins a session: FUSE 7.%u, flags %#llx.", info.minor,
			  (unsigned long long)info.flags);
	}
	gate_open(&session->gate);
	return error;
}

int session_init(struct session *session, struct session_private *state)
{
	struct fuse_init_in in;
	struct fuse_init_out *out = &state->out.init;

	read_init(state, &in);
	if (in.major > FUSE_KERNEL_VERSION) {
		/* The guest goes on with our version, in an INIT of its own. */
		*out = (struct fuse_init_out){ .major = FUSE_KERNEL_VERSION, .minor = FUSE_KERNEL_MINOR_VERSION };
	} else if (in.major < FUSE_KERNEL_VERSION) {
		log_warn_limited("Refused a guest that speaks FUSE %u.%u: 7.%u is the oldest that works.", in.major,
				 in.minor, FUSE_MIN_MINOR_VERSION);
		return -EPROTO;
	} else {
		pthread_mutex_lock(&session->lifecycle);
		int error = begin_session(session, &in, out);
		pthread_mutex_unlock(&session->lifecycle);
		if (error)
			return error;
	}
	session_reply_head(state, out, sizeof(*out));
	return 0;
}

int session_destroy(struct session *session, struct session_private *state)
{
	pthread_mutex_lock(&session->lifecycle);
	end_session(session);
	gate_open(&session->gate);
	pthread_mutex_unlock(&session->lifecycle);
	return 0;
}

void session_reset(struct session *session)
{
	pthread_mutex_lock(&session->lifecycle);
	end_session(session);
	gate_open(&session->gate);
	pthread_mutex_unlock(&session->lifecycle);
	/* What waits in the pool finds its session ended, and completes. */
	session_wait_handed_back(session);
}
