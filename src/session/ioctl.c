/* SPDX-License-Identifier: BSD-3-Clause */
/* IOCTL: a fixed buffer in and a fixed buffer out, as the command's number itself says. Which commands pass is the file
 * system's choice. */
#include "session/internal.h"

#include <errno.h>

/* Bytes of each buffer; the commands that pass (file flags, fsxattr, project id) take 28 at most. */
#define IOCTL_MAX 1024u

static int start_ioctl(struct session *session, struct session_private *state)
{
	const struct fuse_ioctl_in *in = &state->args.ioctl;

	if (in->fh == FS_NO_HANDLE && !session->info.no_open && !session->info.no_opendir)
		return -EBADF;
	/* Buffers of the guest's own choice are for device emulation, which this is not. */
	if ((in->flags & FUSE_IOCTL_UNRESTRICTED) || in->in_size > IOCTL_MAX || in->out_size > IOCTL_MAX)
		return -ENOTTY;
	if (in->in_size > state->input.left)
		return -EINVAL;
	if (in->out_size > state->room - sizeof(struct fuse_ioctl_out))
		return -EIO;
	char *input = request_buffer(state, IOCTL_MAX);
	char *output = request_buffer(state, IOCTL_MAX);

	if (!input || !output)
		return -ENOMEM;
	iov_cursor_read(&state->input, input, in->in_size);
	state->ioctl_length = 0;
	state->body = output;
	state->ioctl = (struct fs_ioctl){
		.command = in->cmd,
		.flags = in->flags,
		.in = input,
		.in_size = in->in_size,
		.out = output,
		.out_size = in->out_size,
		.ret_size = &state->ioctl_length,
	};
	return fs_ioctl(session->fs, &state->call, state->in.nodeid, in->fh, &state->ioctl);
}

static int finish_ioctl(struct session *session, struct session_private *state, int result)
{
	if (result)
		return result;
	if (state->ioctl_length > state->ioctl.out_size)
		return -EIO;
	state->out.ioctl = (struct fuse_ioctl_out){ 0 };
	session_reply_head(state, &state->out.ioctl, sizeof(state->out.ioctl));
	state->body_length = state->ioctl_length;
	return 0;
}

const struct session_handler session_ioctl = { start_ioctl, finish_ioctl };
