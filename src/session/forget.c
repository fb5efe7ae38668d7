/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that have no reply. */
#include "session/internal.h"

#include <errno.h>

#include "base/util.h"

static int start_forget(struct session *session, struct session_private *state)
{
	fs_forget(session->fs, state->in.nodeid, state->args.forget.nlookup);
	return 0;
}

const struct session_handler session_forget = { start_forget, NULL };

static int start_batch_forget(struct session *session, struct session_private *state)
{
	struct fuse_forget_one some[64];
	size_t left = state->args.batch_forget.count;

	/* All or nothing, so that a broken message changes nothing. */
	if (left > state->input.left / sizeof(some[0]))
		return -EINVAL;
	while (left > 0) {
		size_t count = MIN(left, ARRAY_SIZE(some));

		iov_cursor_read(&state->input, some, count * sizeof(some[0]));
		for (size_t i = 0; i < count; i++)
			fs_forget(session->fs, some[i].nodeid, some[i].nlookup);
		left -= count;
	}
	return 0;
}

const struct session_handler session_batch_forget = { start_batch_forget, NULL };

static int start_interrupt(struct session *session, struct session_private *state)
{
	fs_interrupt(session->fs, state->args.interrupt.unique);
	return 0;
}

const struct session_handler session_interrupt = { start_interrupt, NULL };
