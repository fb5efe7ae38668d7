/* SPDX-License-Identifier: BSD-3-Clause */
/* Locks on files, POSIX and flock alike. A lock that waits is pending in the file system, never on a queue's thread. */
#include "session/internal.h"

#include <errno.h>
#include <fcntl.h>

static int check_lock(const struct fuse_lk_in *in)
{
	if (in->fh == FS_NO_HANDLE)
		return -EBADF;
	if (in->lk.type != F_RDLCK && in->lk.type != F_WRLCK && in->lk.type != F_UNLCK)
		return -EINVAL;
	/* flock has no range. */
	if (!(in->lk_flags & FUSE_LK_FLOCK) && (in->lk.start > in->lk.end || in->lk.end > INT64_MAX))
		return -EINVAL;
	return 0;
}

static int start_getlk(struct session *session, struct session_private *state)
{
	int error = check_lock(&state->args.lk);

	if (error)
		return error;
	state->out.lk = (struct fuse_lk_out){ 0 };
	return fs_getlk(session->fs, &state->call, state->in.nodeid, &state->args.lk, &state->out.lk.lk);
}

static int finish_getlk(struct session *session, struct session_private *state, int result)
{
	if (!result)
		session_reply_head(state, &state->out.lk, sizeof(state->out.lk));
	return result;
}

const struct session_handler session_getlk = { start_getlk, finish_getlk };

static int start_setlk(struct session *session, struct session_private *state)
{
	int error = check_lock(&state->args.lk);

	return error ? error : fs_setlk(session->fs, &state->call, state->in.nodeid, &state->args.lk, false);
}

const struct session_handler session_setlk = { start_setlk, NULL };

static int start_setlkw(struct session *session, struct session_private *state)
{
	int error = check_lock(&state->args.lk);

	return error ? error : fs_setlk(session->fs, &state->call, state->in.nodeid, &state->args.lk, true);
}

const struct session_handler session_setlkw = { start_setlkw, NULL };
