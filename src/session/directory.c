/* SPDX-License-Identifier: BSD-3-Clause */
/* Open directories. Entries are written straight into the guest's buffers as the file system names them. */
#include "session/internal.h"

#include <errno.h>

#include "base/util.h"
#include "fusemsg/dirent.h"

static int start_opendir(struct session *session, struct session_private *state)
{
	/* The guest asks once, and opens directories no more. */
	if (session->info.no_opendir)
		return -ENOSYS;
	state->opened = (struct fs_open){ 0 };
	return fs_opendir(session->fs, &state->call, state->in.nodeid, state->args.open.flags, &state->opened);
}

static int finish_opendir(struct session *session, struct session_private *state, int result)
{
	result = session_finish_open(session, state, result, session->policy.directory_flags);
	if (!result)
		session_reply_head(state, &state->out.entry_open.open, sizeof(state->out.entry_open.open));
	return result;
}

const struct session_handler session_opendir = { start_opendir, finish_opendir };

static bool sink_fits(const struct fs_dir_sink *sink, size_t length)
{
	const struct request_directory *directory = (const struct request_directory *)sink;

	return fusemsg_dirent_bytes(length, sink->plus) <= directory->left;
}

static int sink_add(struct fs_dir_sink *sink, const char *name, size_t length, uint64_t ino, uint32_t type,
		    uint64_t next_offset, const struct fuse_entry_out *entry)
{
	struct request_directory *directory = (struct request_directory *)sink;
	const struct session *session = directory->state->session;
	size_t bytes = fusemsg_dirent_bytes(length, sink->plus);
	struct fuse_entry_out own = { 0 };

	if (bytes > directory->left)
		return -ENOSPC;
	if (sink->plus && entry) {
		own = *entry;
		if (!(session->info.flags & FUSE_SUBMOUNTS))
			own.attr.flags &= ~FUSE_ATTR_SUBMOUNT;
		policy_apply_entry(&session->policy, &own);
	}
	fusemsg_dirent_write(
	    &directory->output, sink->plus ? &own : NULL,
	    &(struct fuse_dirent){ .ino = ino, .off = next_offset, .namelen = (uint32_t)length, .type = type }, name);
	directory->left -= bytes;
	directory->used += bytes;
	return 0;
}

static int start_listing(struct session *session, struct session_private *state, bool plus)
{
	const struct fuse_read_in *in = &state->args.read;
	struct request_directory *directory = &state->directory;

	/* Of the request before; what is refused here has listed nothing. */
	directory->used = 0;
	if (in->fh == FS_NO_HANDLE && !session->info.no_opendir)
		return -EBADF;
	if (in->size > state->room)
		return -EIO;
	*directory = (struct request_directory){
		.sink = { .add = sink_add, .fits = sink_fits, .plus = plus },
		.state = state,
		.left = in->size,
	};
	request_output(state, &directory->output);
	return fs_readdir(session->fs, &state->call, state->in.nodeid, in->fh, in->offset, &directory->sink);
}

static int start_readdir(struct session *session, struct session_private *state)
{
	return start_listing(session, state, false);
}

static int start_readdirplus(struct session *session, struct session_private *state)
{
	return start_listing(session, state, true);
}

static int finish_listing(struct session *session, struct session_private *state, int result)
{
	/* Entries that are written have been looked up for the guest: it must learn of them; the error comes again. */
	if (result && state->directory.used == 0)
		return result;
	state->body_length = state->directory.used;
	return 0;
}

const struct session_handler session_readdir = { start_readdir, finish_listing };
const struct session_handler session_readdirplus = { start_readdirplus, finish_listing };

static int start_releasedir(struct session *session, struct session_private *state)
{
	if (state->args.release.fh == FS_NO_HANDLE)
		return -EBADF;
	return fs_releasedir(session->fs, &state->call, state->in.nodeid, state->args.release.fh);
}

const struct session_handler session_releasedir = { start_releasedir, NULL };

static int start_fsyncdir(struct session *session, struct session_private *state)
{
	const struct fuse_fsync_in *in = &state->args.fsync;

	if (in->fh == FS_NO_HANDLE && !session->info.no_opendir)
		return -EBADF;
	return fs_fsyncdir(session->fs, &state->call, state->in.nodeid, in->fh, in->fsync_flags & FUSE_FSYNC_FDATASYNC);
}

const struct session_handler session_fsyncdir = { start_fsyncdir, NULL };
