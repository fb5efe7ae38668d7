/* SPDX-License-Identifier: BSD-3-Clause */
#include "harness.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/util.h"
#include "harness_fs.h"

#define UNIQUE 0x1122334455667788ull
#define UNTOUCHED 0xee

static void completed(struct session_request *request)
{
	struct harness *harness = container_of(request, struct harness, request);

	__atomic_add_fetch(&harness->completions, 1, __ATOMIC_SEQ_CST);
}

void harness_init(struct harness *harness)
{
	memset(harness, 0, sizeof(*harness));
	log_setup(LOG_LEVEL_OFF, false, "test");
	harness->config = (struct session_config){
		.cache = SESSION_CACHE_AUTO,
		.entry_timeout_ns = SESSION_TIMEOUT_DEFAULT,
		.attr_timeout_ns = SESSION_TIMEOUT_DEFAULT,
		.readdirplus = true,
		.posix_locks = true,
		.flock_locks = true,
		.announce_submounts = true,
		.xattr = true,
	};
	harness->room = HARNESS_BUFFER;
}

void harness_start(struct harness *harness)
{
	harness->fs.fs = (struct fs){ .ops = &harness_ops, .name = "harness" };
	assert_int_equal(session_new(&harness->config, &harness->fs.fs, harness->pool, &harness->session), 0);
	assert_int_equal(session_request_init(&harness->request), 0);
	harness->request.complete = completed;
}

void harness_stop(struct harness *harness)
{
	session_free(harness->session);
	session_request_fini(&harness->request);
}

struct fuse_in_header *harness_header(struct harness *harness)
{
	return (struct fuse_in_header *)(void *)harness->in;
}

void harness_begin(struct harness *harness, uint32_t opcode)
{
	*harness_header(harness) = (struct fuse_in_header){
		.opcode = opcode, .unique = UNIQUE, .nodeid = 1, .uid = 1000, .gid = 100, .pid = 42
	};
	harness->in_length = sizeof(struct fuse_in_header);
}

void harness_add(struct harness *harness, const void *bytes, size_t length)
{
	assert_true(harness->in_length + length <= sizeof(harness->in));
	if (length > 0)
		memcpy(harness->in + harness->in_length, bytes, length);
	harness->in_length += length;
}

void harness_add_string(struct harness *harness, const char *text)
{
	harness_add(harness, text, strlen(text) + 1);
}

/* Exact copies on the heap, so that a sanitizer sees every byte too far. */
static size_t split(const unsigned char *bytes, size_t length, size_t piece, struct iovec **ret_iov)
{
	size_t step = piece ? piece : MAX(length, (size_t)1);
	size_t count = (length + step - 1) / step;
	struct iovec *iov = calloc(count + 1, sizeof(*iov));

	for (size_t i = 0; i < count; i++) {
		size_t part = MIN(step, length - i * step);

		iov[i] = (struct iovec){ malloc(part), part };
		memcpy(iov[i].iov_base, bytes + i * step, part);
	}
	*ret_iov = iov;
	return count;
}

static void join(unsigned char *bytes, struct iovec *iov, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes) {
			memcpy(bytes, iov[i].iov_base, iov[i].iov_len);
			bytes += iov[i].iov_len;
		}
		free(iov[i].iov_base);
	}
	free(iov);
}

int harness_collect(struct harness *harness)
{
	struct session_request *request = &harness->request;
	struct fuse_out_header header;

	/* As the device does when a request comes back. */
	session_reply(request);
	join(harness->out, harness->writable, request->writable_count);
	join(NULL, harness->readable, request->readable_count);
	if (request->written == 0)
		return 0;
	memcpy(&header, harness->out, sizeof(header));
	assert_int_equal(header.len, request->written);
	assert_true(header.len >= sizeof(header) && header.len <= harness->room);
	assert_true(header.unique == harness_header(harness)->unique);
	if (header.error)
		assert_int_equal(header.len, sizeof(header));
	else /* Nothing is written behind the reply. */
		for (size_t i = header.len; i < MIN(harness->room, (size_t)header.len + 64); i++)
			assert_int_equal(harness->out[i], UNTOUCHED);
	return header.error;
}

int harness_send_as_is(struct harness *harness)
{
	struct session_request *request = &harness->request;

	memset(harness->out, UNTOUCHED, harness->room);
	request->readable_count = split(harness->in, harness->in_length, harness->piece, &harness->readable);
	request->writable_count = split(harness->out, harness->room, harness->piece, &harness->writable);
	request->readable = harness->readable;
	request->writable = harness->writable;
	request->written = 12345;
	harness->completions = 0;
	harness->submitted = session_submit(harness->session, request);
	if (harness->submitted == SESSION_PENDING) {
		if (!harness->pool || harness->fs.result == FS_PENDING)
			return FS_PENDING;
		while (__atomic_load_n(&harness->completions, __ATOMIC_SEQ_CST) == 0)
			sched_yield();
	}
	return harness_collect(harness);
}

int harness_send(struct harness *harness)
{
	harness_header(harness)->len = (uint32_t)harness->in_length;
	return harness_send_as_is(harness);
}

const void *harness_body(const struct harness *harness)
{
	return harness->out + sizeof(struct fuse_out_header);
}

size_t harness_body_length(const struct harness *harness)
{
	return harness->request.written - sizeof(struct fuse_out_header);
}

void harness_check_error(struct harness *harness, int error)
{
	unsigned int calls = harness->fs.calls;

	assert_int_equal(harness_send(harness), error);
	assert_int_equal(harness->request.written, sizeof(struct fuse_out_header));
	assert_int_equal(harness->fs.calls, calls);
}

int harness_send_init(struct harness *harness, uint32_t minor, uint64_t flags, struct fuse_init_out *ret_out)
{
	struct fuse_init_in in = {
		.major = FUSE_KERNEL_VERSION,
		.minor = minor,
		.max_readahead = 131072,
		.flags = (uint32_t)flags,
		.flags2 = (uint32_t)(flags >> 32),
	};

	harness_begin(harness, FUSE_INIT);
	harness_header(harness)->nodeid = 0;
	harness_add(harness, &in, minor >= 36 ? sizeof(in) : FUSE_COMPAT_INIT_IN_SIZE);
	int error = harness_send(harness);
	if (!error && ret_out) {
		assert_int_equal(harness_body_length(harness), sizeof(*ret_out));
		memcpy(ret_out, harness_body(harness), sizeof(*ret_out));
	}
	return error;
}

void harness_mount(struct harness *harness)
{
	assert_int_equal(harness_send_init(harness, 46, HARNESS_ALL_FLAGS, NULL), 0);
	assert_true(session_is_active(harness->session));
	harness->fs.calls = 0;
}
