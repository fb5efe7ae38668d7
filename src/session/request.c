/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: brk mmap munmap mremap */
#include "session/request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "fusemsg/extension.h"
#include "fusemsg/name.h"

/* The most that follows the arguments of a request besides names: a value of an attribute (XATTR_SIZE_MAX). */
#define PAYLOAD_MAX 65536u

_Static_assert(SESSION_SCRATCH >= FUSEMSG_PATH_MAX + 1 + FUSEMSG_NAME_MAX + 1, "SYMLINK fits");
_Static_assert(FUSEMSG_NAME_MAX == FS_NAME_MAX, "one limit for names");

int session_request_init(struct session_request *request)
{
	struct session_private *state = calloc(1, sizeof(*state));

	if (!state)
		return -ENOMEM;
	request->state = state;
	return 0;
}

void session_request_fini(struct session_request *request)
{
	struct session_private *state = request->state;

	if (!state)
		return;
	free(state->iov);
	free(state->large);
	free(state);
	request->state = NULL;
}

char *request_buffer(struct session_private *state, size_t length)
{
	if (length <= SESSION_SCRATCH - state->scratch_used) {
		char *buffer = state->scratch + state->scratch_used;

		state->scratch_used += length;
		return buffer;
	}
	assert(!state->large);
	state->large = malloc(length);
	return state->large;
}

static void release_large(struct session_private *state)
{
	free(state->large);
	state->large = NULL;
}

/* Copies the header and the fixed arguments. */
static int take_arguments(struct session_private *state, uint64_t flags)
{
	size_t args = state->opcode->args;

	if (state->in.opcode == FUSE_SETXATTR && (flags & FUSE_SETXATTR_EXT))
		args = sizeof(struct fuse_setxattr_in);
	if (state->input.left < args)
		return -EINVAL;
	if (state->in.opcode == FUSE_SETXATTR)
		memset(&state->args.setxattr, 0, sizeof(state->args.setxattr));
	iov_cursor_read(&state->input, &state->args, args);
	return 0;
}

/* Takes the extensions off the end of text, or finds them behind the names (7.36 and 7.37, which do not say where they
 * begin). */
static int take_extensions(struct session_private *state, const char *text, size_t length, uint64_t flags)
{
	struct fusemsg_extensions extensions;

	if (!(state->opcode->flags & FUSEMSG_EXTENSIONS) || !(flags & (FUSE_SECURITY_CTX | FUSE_CREATE_SUPP_GROUP)))
		return length > 0 ? -EINVAL : 0;
	int error = fusemsg_parse_extensions(text, length, &extensions);
	if (error)
		return error;
	if (extensions.secctx_name && !(flags & FUSE_SECURITY_CTX))
		return -EINVAL;
	state->call.has_group = extensions.has_group;
	state->call.group = extensions.group;
	state->call.secctx_name = extensions.secctx_name;
	state->call.secctx_value = extensions.secctx_value;
	state->call.secctx_size = extensions.secctx_size;
	return 0;
}

/* Copies everything behind the arguments and splits it. */
static int take_names(struct session_private *state, uint64_t flags)
{
	const struct fusemsg_opcode *opcode = state->opcode;
	size_t length = state->input.left;
	size_t used;

	if (length > PAYLOAD_MAX + FUSEMSG_NAME_MAX + 1)
		return (opcode->flags & FUSEMSG_PAYLOAD) ? -E2BIG : -ENAMETOOLONG;
	/* Only a value or a security context makes a message this long. */
	if (length > SESSION_SCRATCH && !(opcode->flags & (FUSEMSG_PAYLOAD | FUSEMSG_EXTENSIONS)))
		return -ENAMETOOLONG;
	char *text = request_buffer(state, length);
	if (!text)
		return -ENOMEM;
	iov_cursor_read(&state->input, text, length);

	/* Since 7.38 the header says how long the extensions are; names end before them. */
	size_t extensions = 0;
	if ((opcode->flags & FUSEMSG_EXTENSIONS) && (flags & (FUSE_SECURITY_CTX | FUSE_CREATE_SUPP_GROUP)))
		extensions = state->in.total_extlen * 8u;
	if (extensions > length)
		return -EINVAL;
	int error = fusemsg_split_strings(text, length - extensions, opcode->names, state->names, &used);
	if (error)
		return error;
	if (extensions > 0 && used + extensions != length)
		return -EINVAL;
	state->rest = text + used;
	state->rest_length = length - used;
	if (!(opcode->flags & FUSEMSG_PAYLOAD)) {
		error = take_extensions(state, state->rest, state->rest_length, flags);
		if (error)
			return error;
	}
	for (unsigned int i = 0; i < opcode->names && !(opcode->flags & FUSEMSG_FREE_NAMES); i++) {
		/* These are no names but have a meaning of their own, see the handler. */
		if (state->in.opcode == FUSE_LOOKUP &&
		    (strcmp(state->names[i], ".") == 0 || strcmp(state->names[i], "..") == 0))
			continue;
		error = fusemsg_check_name(state->names[i]);
		if (error)
			return error;
	}
	return 0;
}

/* Whether the reply's header fits, and how much behind it. False: nothing can be answered. */
static bool measure_room(struct session_private *state)
{
	size_t writable = iov_length(state->request->writable, state->request->writable_count);

	if (writable < sizeof(struct fuse_out_header))
		return false;
	state->room = writable - sizeof(struct fuse_out_header);
	return true;
}

int request_begin(struct session_private *state, struct session_request *request, uint64_t flags)
{
	state->request = request;
	state->opcode = NULL;
	state->handler = NULL;
	state->deferred = false;
	state->unanswered = false;
	atomic_store_explicit(&state->phase, REQUEST_RUNNING, memory_order_relaxed);
	state->scratch_used = 0;
	state->head = NULL;
	state->head_length = 0;
	state->body = NULL;
	state->body_length = 0;
	state->room = 0;
	request->written = 0;
	request->unbounded = false;

	iov_cursor_init(&state->input, request->readable, request->readable_count);
	if (iov_cursor_read(&state->input, &state->in, sizeof(state->in)) < sizeof(state->in)) {
		log_warn_limited("Dropped a request without a whole header: the guest's driver is broken.");
		return -ENOMSG;
	}
	state->call = (struct fs_call){
		.unique = state->in.unique,
		.opcode = state->in.opcode,
		.uid = state->in.uid,
		.gid = state->in.gid,
		.pid = state->in.pid,
	};
	state->opcode = fusemsg_opcode_find(state->in.opcode);
	if (!state->opcode || !(state->opcode->flags & FUSEMSG_NO_REPLY)) {
		if (!measure_room(state)) {
			log_warn_limited(
			    "Dropped a request that has no room for an answer: the guest's driver is broken.");
			return -ENOMSG;
		}
	}
	if (!state->opcode || (state->opcode->flags & FUSEMSG_REFUSED))
		return -ENOSYS;

	/* The header's length is where the message ends; buffers may be longer, not shorter. */
	if (state->in.len < sizeof(state->in) || state->in.len - sizeof(state->in) > state->input.left)
		return -EINVAL;
	state->input.left = state->in.len - sizeof(state->in);
	int error = take_arguments(state, flags);
	if (!error && state->opcode->names > 0)
		error = take_names(state, flags);
	if (error)
		return error;
	if (!(state->opcode->flags & FUSEMSG_NO_REPLY) && state->room < state->opcode->reply)
		return -EIO;
	return 0;
}

int request_slice(struct session_private *state, const struct iov_cursor *cursor, size_t length,
		  const struct iovec **ret_iov, size_t *ret_count)
{
	/* As Linux lays it out: payload is whole buffers to the end. */
	if (cursor->offset == 0 && cursor->left == length && iov_length(cursor->iov, cursor->count) == length) {
		*ret_iov = cursor->iov;
		*ret_count = cursor->count;
		return 0;
	}
	if (cursor->count > state->iov_capacity) {
		struct iovec *iov = reallocarray(state->iov, cursor->count, sizeof(*iov));

		if (!iov)
			return -ENOMEM;
		state->iov = iov;
		state->iov_capacity = cursor->count;
	}
	*ret_count = iov_cursor_slice(cursor, length, state->iov, state->iov_capacity);
	*ret_iov = state->iov;
	return 0;
}

void request_output(const struct session_private *state, struct iov_cursor *cursor)
{
	iov_cursor_init(cursor, state->request->writable, state->request->writable_count);
	iov_cursor_skip(cursor, sizeof(struct fuse_out_header));
}

/* What a Linux guest accepts as an error. */
static int clean_error(int result)
{
	return result < 0 && result > -512 ? result : -EIO;
}

void request_reply(struct session_private *state, int result)
{
	struct session_request *request = state->request;
	struct fuse_out_header header = { .unique = state->in.unique };
	struct iov_cursor cursor;

	if (state->opcode && (state->opcode->flags & FUSEMSG_NO_REPLY)) {
		request->written = 0;
		release_large(state);
		return;
	}
	if (result) {
		header.error = clean_error(result);
		header.len = sizeof(header);
	} else {
		header.len = (uint32_t)(sizeof(header) + state->head_length + state->body_length);
	}
	iov_cursor_init(&cursor, request->writable, request->writable_count);
	iov_cursor_write(&cursor, &header, sizeof(header));
	if (!result) {
		iov_cursor_write(&cursor, state->head, state->head_length);
		if (state->body)
			iov_cursor_write(&cursor, state->body, state->body_length);
	}
	request->written = header.len;
	release_large(state);
}
