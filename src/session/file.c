/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening files, and what is done to an open file as a whole. */
#include "session/internal.h"

#include <errno.h>

int session_finish_open(struct session *session, struct session_private *state, int result, uint32_t open_flags)
{
	struct fuse_open_out *out = &state->out.entry_open.open;

	if (result)
		return result;
	*out = (struct fuse_open_out){
		.fh = state->opened.fh,
		.open_flags = state->opened.open_flags | open_flags,
	};
	return 0;
}

static int start_open(struct session *session, struct session_private *state)
{
	const struct fuse_open_in *in = &state->args.open;

	/* The guest asks once, and opens no more. */
	if (session->info.no_open)
		return -ENOSYS;
	state->opened = (struct fs_open){ 0 };
	return fs_open(session->fs, &state->call, state->in.nodeid, in->flags, in->open_flags, &state->opened);
}

static int finish_open(struct session *session, struct session_private *state, int result)
{
	result = session_finish_open(session, state, result, session->policy.file_flags);
	if (!result)
		session_reply_head(state, &state->out.entry_open.open, sizeof(state->out.entry_open.open));
	return result;
}

const struct session_handler session_open = { start_open, finish_open };

static int start_release(struct session *session, struct session_private *state)
{
	if (state->args.release.fh == FS_NO_HANDLE)
		return -EBADF;
	return fs_release(session->fs, &state->call, state->in.nodeid, &state->args.release);
}

const struct session_handler session_release = { start_release, NULL };

static int start_flush(struct session *session, struct session_private *state)
{
	const struct fuse_flush_in *in = &state->args.flush;

	if (in->fh == FS_NO_HANDLE && !session->info.no_open)
		return -EBADF;
	return fs_flush(session->fs, &state->call, state->in.nodeid, in->fh, in->lock_owner);
}

const struct session_handler session_flush = { start_flush, NULL };

static int start_fsync(struct session *session, struct session_private *state)
{
	const struct fuse_fsync_in *in = &state->args.fsync;

	if (in->fh == FS_NO_HANDLE && !session->info.no_open)
		return -EBADF;
	return fs_fsync(session->fs, &state->call, state->in.nodeid, in->fh, in->fsync_flags & FUSE_FSYNC_FDATASYNC);
}

const struct session_handler session_fsync = { start_fsync, NULL };
