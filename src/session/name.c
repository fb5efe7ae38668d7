/* SPDX-License-Identifier: BSD-3-Clause */
/* Operations on names in directories. Names have been checked when the message was taken apart, except where noted. */
#include "session/internal.h"

#include <errno.h>
#include <string.h>

#include <linux/fs.h>

#include "fusemsg/name.h"

int session_finish_entry(struct session *session, struct session_private *state, int result)
{
	struct fuse_entry_out *entry = &state->out.entry_open.entry;

	if (result)
		return result;
	if (!(session->info.flags & FUSE_SUBMOUNTS))
		entry->attr.flags &= ~FUSE_ATTR_SUBMOUNT;
	policy_apply_entry(&session->policy, entry);
	session_reply_head(state, entry, sizeof(*entry));
	return 0;
}

/* Where the entry of an operation goes. */
static struct fuse_entry_out *prepare_entry(struct session_private *state)
{
	struct fuse_entry_out *entry = &state->out.entry_open.entry;

	memset(entry, 0, sizeof(*entry));
	return entry;
}

/* The umask that is left for the file system to apply: none, unless the guest leaves that to us. */
static uint32_t effective_umask(const struct session *session, uint32_t umask)
{
	return (session->info.flags & FUSE_DONT_MASK) ? umask & 0777 : 0;
}

static int start_lookup(struct session *session, struct session_private *state)
{
	const char *name = state->names[0];
	struct fuse_entry_out *entry = prepare_entry(state);

	/* From a guest that exports the file system: how it finds a node by its handle alone. */
	if (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'))) {
		if (!(session->info.flags & FUSE_EXPORT_SUPPORT))
			return -EINVAL;
		if (name[1] == '\0')
			return fs_lookup_self(session->fs, &state->call, state->in.nodeid, entry);
		return fs_lookup_parent(session->fs, &state->call, state->in.nodeid, entry);
	}
	return fs_lookup(session->fs, &state->call, state->in.nodeid, name, entry);
}

static int finish_lookup(struct session *session, struct session_private *state, int result)
{
	struct fuse_entry_out *entry = &state->out.entry_open.entry;

	if (result == -ENOENT && policy_caches_negative(&session->policy)) {
		policy_negative_entry(&session->policy, entry);
		session_reply_head(state, entry, sizeof(*entry));
		return 0;
	}
	return session_finish_entry(session, state, result);
}

const struct session_handler session_lookup = { start_lookup, finish_lookup };

static int start_symlink(struct session *session, struct session_private *state)
{
	const char *target = state->names[1];
	int error = fusemsg_check_name(state->names[0]);

	if (error)
		return error;
	/* As symlink(2) has it. */
	if (target[0] == '\0')
		return -ENOENT;
	if (strlen(target) > FUSEMSG_PATH_MAX)
		return -ENAMETOOLONG;
	return fs_symlink(session->fs, &state->call, state->in.nodeid, state->names[0], target, prepare_entry(state));
}

const struct session_handler session_symlink = { start_symlink, session_finish_entry };

static int start_mknod(struct session *session, struct session_private *state)
{
	const struct fuse_mknod_in *in = &state->args.mknod;

	return fs_mknod(session->fs, &state->call, state->in.nodeid, state->names[0], in->mode, in->rdev,
			effective_umask(session, in->umask), prepare_entry(state));
}

const struct session_handler session_mknod = { start_mknod, session_finish_entry };

static int start_mkdir(struct session *session, struct session_private *state)
{
	const struct fuse_mkdir_in *in = &state->args.mkdir;

	return fs_mkdir(session->fs, &state->call, state->in.nodeid, state->names[0], in->mode,
			effective_umask(session, in->umask), prepare_entry(state));
}

const struct session_handler session_mkdir = { start_mkdir, session_finish_entry };

static int start_unlink(struct session *session, struct session_private *state)
{
	return fs_unlink(session->fs, &state->call, state->in.nodeid, state->names[0]);
}

const struct session_handler session_unlink = { start_unlink, NULL };

static int start_rmdir(struct session *session, struct session_private *state)
{
	return fs_rmdir(session->fs, &state->call, state->in.nodeid, state->names[0]);
}

const struct session_handler session_rmdir = { start_rmdir, NULL };

static int start_rename(struct session *session, struct session_private *state)
{
	return fs_rename(session->fs, &state->call, state->in.nodeid, state->names[0], state->args.rename.newdir,
			 state->names[1], 0);
}

const struct session_handler session_rename = { start_rename, NULL };

static int start_rename2(struct session *session, struct session_private *state)
{
	const struct fuse_rename2_in *in = &state->args.rename2;

	if (in->flags & ~(uint32_t)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if ((in->flags & RENAME_EXCHANGE) && (in->flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)))
		return -EINVAL;
	return fs_rename(session->fs, &state->call, state->in.nodeid, state->names[0], in->newdir, state->names[1],
			 in->flags);
}

const struct session_handler session_rename2 = { start_rename2, NULL };

static int start_link(struct session *session, struct session_private *state)
{
	return fs_link(session->fs, &state->call, state->args.link.oldnodeid, state->in.nodeid, state->names[0],
		       prepare_entry(state));
}

const struct session_handler session_link = { start_link, session_finish_entry };

/* CREATE and TMPFILE: an entry and an open file in one. */
static int finish_create(struct session *session, struct session_private *state, int result)
{
	result = session_finish_entry(session, state, result);
	result = session_finish_open(session, state, result, session->policy.file_flags);
	if (!result)
		session_reply_head(state, &state->out.entry_open, sizeof(state->out.entry_open));
	return result;
}

static int start_create(struct session *session, struct session_private *state)
{
	struct fuse_create_in *in = &state->args.create;

	in->umask = effective_umask(session, in->umask);
	state->opened = (struct fs_open){ 0 };
	return fs_create(session->fs, &state->call, state->in.nodeid, state->names[0], in, prepare_entry(state),
			 &state->opened);
}

const struct session_handler session_create = { start_create, finish_create };

static int start_tmpfile(struct session *session, struct session_private *state)
{
	struct fuse_create_in *in = &state->args.create;

	in->umask = effective_umask(session, in->umask);
	state->opened = (struct fs_open){ 0 };
	return fs_tmpfile(session->fs, &state->call, state->in.nodeid, in, prepare_entry(state), &state->opened);
}

const struct session_handler session_tmpfile = { start_tmpfile, finish_create };
