/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes. Names and values are private copies: filters look at them more than once. */
#include "session/internal.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "fusemsg/name.h"

/* Bytes of a value, and of a list of names: limits of Linux (XATTR_SIZE_MAX, XATTR_LIST_MAX). */
#define VALUE_MAX 65536u

static int check_name(const struct session *session, const char *name)
{
	if (!session->config.xattr)
		return -ENOSYS;
	/* As setxattr(2) has it. */
	return name[0] == '\0' || strlen(name) > FUSEMSG_NAME_MAX ? -ERANGE : 0;
}

static int start_setxattr(struct session *session, struct session_private *state)
{
	const struct fuse_setxattr_in *in = &state->args.setxattr;
	int error = check_name(session, state->names[0]);

	if (error)
		return error;
	if (in->size != state->rest_length)
		return -EINVAL;
	if (in->size > VALUE_MAX)
		return -E2BIG;
	return fs_setxattr(session->fs, &state->call, state->in.nodeid, state->names[0], state->rest, in->size,
			   in->flags, in->setxattr_flags);
}

const struct session_handler session_setxattr = { start_setxattr, NULL };

/* Prepares memory for what the guest asks to be told, of in.size bytes; size 0 asks for the length. */
static int prepare_value(struct session_private *state, char **ret_value, size_t *ret_size)
{
	uint32_t wanted = state->args.getxattr.size;
	size_t size = MIN(wanted, VALUE_MAX);
	char *value = NULL;

	if (state->room < (wanted == 0 ? sizeof(struct fuse_getxattr_out) : size))
		return -EIO;
	if (size > 0) {
		value = request_buffer(state, size);
		if (!value)
			return -ENOMEM;
	}
	state->body = value;
	*ret_value = value;
	*ret_size = size;
	return 0;
}

static int finish_value(struct session *session, struct session_private *state, int result)
{
	if (result)
		return result;
	if (state->args.getxattr.size == 0) {
		if (state->length > VALUE_MAX)
			return -E2BIG;
		state->out.getxattr = (struct fuse_getxattr_out){ .size = (uint32_t)state->length };
		session_reply_head(state, &state->out.getxattr, sizeof(state->out.getxattr));
		return 0;
	}
	if (state->length > MIN(state->args.getxattr.size, VALUE_MAX))
		return -EIO;
	state->body_length = state->length;
	return 0;
}

static int start_getxattr(struct session *session, struct session_private *state)
{
	char *value;
	size_t size;
	int error = check_name(session, state->names[0]);

	if (!error)
		error = prepare_value(state, &value, &size);
	if (error)
		return error;
	return fs_getxattr(session->fs, &state->call, state->in.nodeid, state->names[0], value, size, &state->length);
}

const struct session_handler session_getxattr = { start_getxattr, finish_value };

static int start_listxattr(struct session *session, struct session_private *state)
{
	char *list;
	size_t size;

	if (!session->config.xattr)
		return -ENOSYS;
	int error = prepare_value(state, &list, &size);
	if (error)
		return error;
	return fs_listxattr(session->fs, &state->call, state->in.nodeid, list, size, &state->length);
}

const struct session_handler session_listxattr = { start_listxattr, finish_value };

static int start_removexattr(struct session *session, struct session_private *state)
{
	int error = check_name(session, state->names[0]);

	if (error)
		return error;
	return fs_removexattr(session->fs, &state->call, state->in.nodeid, state->names[0]);
}

const struct session_handler session_removexattr = { start_removexattr, NULL };
