/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations on a node by its id: attributes, links' targets, the file system as a whole. */
#include "session/internal.h"

#include <errno.h>

#include "base/util.h"
#include "fusemsg/name.h"

static int start_getattr(struct session *session, struct session_private *state)
{
	const struct fuse_getattr_in *in = &state->args.getattr;
	uint64_t fh = (in->getattr_flags & FUSE_GETATTR_FH) ? in->fh : FS_NO_HANDLE;

	return fs_getattr(session->fs, &state->call, state->in.nodeid, fh, &state->out.attr.attr);
}

static int finish_attr(struct session *session, struct session_private *state, int result)
{
	struct fuse_attr_out *out = &state->out.attr;

	if (result)
		return result;
	out->attr_valid = session->policy.attr.seconds;
	out->attr_valid_nsec = session->policy.attr.nanoseconds;
	out->dummy = 0;
	session_reply_head(state, out, sizeof(*out));
	return 0;
}

const struct session_handler session_getattr = { start_getattr, finish_attr };

static int start_setattr(struct session *session, struct session_private *state)
{
	return fs_setattr(session->fs, &state->call, state->in.nodeid, &state->args.setattr, &state->out.attr.attr);
}

const struct session_handler session_setattr = { start_setattr, finish_attr };

static int start_statx(struct session *session, struct session_private *state)
{
	const struct fuse_statx_in *in = &state->args.statx;
	uint64_t fh = (in->getattr_flags & FUSE_GETATTR_FH) ? in->fh : FS_NO_HANDLE;

	state->out.statx = (struct fuse_statx_out){ 0 };
	return fs_statx(session->fs, &state->call, state->in.nodeid, fh, in->sx_flags, in->sx_mask, &state->out.statx);
}

static int finish_statx(struct session *session, struct session_private *state, int result)
{
	struct fuse_statx_out *out = &state->out.statx;

	if (result)
		return result;
	out->attr_valid = session->policy.attr.seconds;
	out->attr_valid_nsec = session->policy.attr.nanoseconds;
	session_reply_head(state, out, sizeof(*out));
	return 0;
}

const struct session_handler session_statx = { start_statx, finish_statx };

static int start_readlink(struct session *session, struct session_private *state)
{
	size_t size = MIN(state->room, (size_t)FUSEMSG_PATH_MAX);
	char *target = request_buffer(state, size);

	if (!target)
		return -ENOMEM;
	state->body = target;
	return fs_readlink(session->fs, &state->call, state->in.nodeid, target, size, &state->length);
}

static int finish_readlink(struct session *session, struct session_private *state, int result)
{
	if (result)
		return result;
	if (state->length > state->room)
		return -EIO;
	state->body_length = state->length;
	return 0;
}

const struct session_handler session_readlink = { start_readlink, finish_readlink };

static int start_statfs(struct session *session, struct session_private *state)
{
	state->out.statfs = (struct fuse_kstatfs){ 0 };
	return fs_statfs(session->fs, &state->call, state->in.nodeid, &state->out.statfs);
}

static int finish_statfs(struct session *session, struct session_private *state, int result)
{
	if (!result)
		session_reply_head(state, &state->out.statfs, sizeof(state->out.statfs));
	return result;
}

const struct session_handler session_statfs = { start_statfs, finish_statfs };

static int start_access(struct session *session, struct session_private *state)
{
	return fs_access(session->fs, &state->call, state->in.nodeid, state->args.access.mask);
}

const struct session_handler session_access = { start_access, NULL };

static int start_syncfs(struct session *session, struct session_private *state)
{
	return fs_syncfs(session->fs, &state->call, state->in.nodeid);
}

const struct session_handler session_syncfs = { start_syncfs, NULL };
