/* SPDX-License-Identifier: BSD-3-Clause */
/* Contents of files. Data moves between the file and guest memory directly: only slices of its buffers pass here. */
#include "session/internal.h"

#include <errno.h>

#include "base/util.h"

/* A copy whose reply counts in 32 bits: the most of it that keeps whole pages. */
#define COPY_MAX_32 0xfffff000u

static bool has_handle(const struct session *session, uint64_t fh)
{
	return fh != FS_NO_HANDLE || session->info.no_open;
}

static int start_read(struct session *session, struct session_private *state)
{
	const struct fuse_read_in *in = &state->args.read;
	struct iov_cursor cursor;
	const struct iovec *iov;
	size_t count;

	if (!has_handle(session, in->fh))
		return -EBADF;
	if (in->size > state->room)
		return -EIO;
	request_output(state, &cursor);
	int error = request_slice(state, &cursor, in->size, &iov, &count);
	if (error)
		return error;
	return fs_read(session->fs, &state->call, state->in.nodeid, in->fh, in->offset, iov, count, &state->length);
}

static int finish_read(struct session *session, struct session_private *state, int result)
{
	if (result)
		return result;
	if (state->length > state->args.read.size)
		return -EIO;
	state->body_length = state->length;
	return 0;
}

const struct session_handler session_read = { start_read, finish_read };

static int start_write(struct session *session, struct session_private *state)
{
	const struct fuse_write_in *in = &state->args.write;
	const struct iovec *iov;
	size_t count;

	if (!has_handle(session, in->fh))
		return -EBADF;
	if (in->size > state->input.left)
		return -EINVAL;
	int error = request_slice(state, &state->input, in->size, &iov, &count);
	if (error)
		return error;
	return fs_write(session->fs, &state->call, state->in.nodeid, in, iov, count, &state->length);
}

static int finish_write(struct session *session, struct session_private *state, int result)
{
	if (result)
		return result;
	if (state->length > state->args.write.size)
		return -EIO;
	state->out.write = (struct fuse_write_out){ .size = (uint32_t)state->length };
	session_reply_head(state, &state->out.write, sizeof(state->out.write));
	return 0;
}

const struct session_handler session_write = { start_write, finish_write };

static int start_fallocate(struct session *session, struct session_private *state)
{
	if (!has_handle(session, state->args.fallocate.fh))
		return -EBADF;
	return fs_fallocate(session->fs, &state->call, state->in.nodeid, &state->args.fallocate);
}

const struct session_handler session_fallocate = { start_fallocate, NULL };

static int start_lseek(struct session *session, struct session_private *state)
{
	const struct fuse_lseek_in *in = &state->args.lseek;

	if (!has_handle(session, in->fh))
		return -EBADF;
	return fs_lseek(session->fs, &state->call, state->in.nodeid, in->fh, in->offset, in->whence,
			&state->out.lseek.offset);
}

static int finish_lseek(struct session *session, struct session_private *state, int result)
{
	if (!result)
		session_reply_head(state, &state->out.lseek, sizeof(state->out.lseek));
	return result;
}

const struct session_handler session_lseek = { start_lseek, finish_lseek };

static int start_copy(struct session *session, struct session_private *state, uint64_t limit)
{
	const struct fuse_copy_file_range_in *in = &state->args.copy_file_range;

	if (!has_handle(session, in->fh_in) || !has_handle(session, in->fh_out))
		return -EBADF;
	if (in->flags != 0)
		return -EINVAL;
	state->copy = (struct fs_copy){
		.node_in = state->in.nodeid,
		.fh_in = in->fh_in,
		.offset_in = in->off_in,
		.node_out = in->nodeid_out,
		.fh_out = in->fh_out,
		.offset_out = in->off_out,
		.length = MIN(in->len, limit),
		.flags = in->flags,
	};
	return fs_copy_file_range(session->fs, &state->call, &state->copy, &state->count);
}

static int start_copy_32(struct session *session, struct session_private *state)
{
	return start_copy(session, state, COPY_MAX_32);
}

static int finish_copy_32(struct session *session, struct session_private *state, int result)
{
	if (result)
		return result;
	if (state->count > state->copy.length)
		return -EIO;
	state->out.write = (struct fuse_write_out){ .size = (uint32_t)state->count };
	session_reply_head(state, &state->out.write, sizeof(state->out.write));
	return 0;
}

const struct session_handler session_copy_file_range = { start_copy_32, finish_copy_32 };

static int start_copy_64(struct session *session, struct session_private *state)
{
	return start_copy(session, state, INT64_MAX);
}

static int finish_copy_64(struct session *session, struct session_private *state, int result)
{
	if (result)
		return result;
	state->out.copied = (struct fuse_copy_file_range_out){ .bytes_copied = state->count };
	session_reply_head(state, &state->out.copied, sizeof(state->out.copied));
	return 0;
}

const struct session_handler session_copy_file_range_64 = { start_copy_64, finish_copy_64 };
