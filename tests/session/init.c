/* SPDX-License-Identifier: BSD-3-Clause */
/* How sessions begin and end. */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>

static struct harness *setup_session(void)
{
	struct harness *harness = malloc(sizeof(*harness));

	harness_init(harness);
	harness_start(harness);
	return harness;
}

static void teardown_session(struct harness *harness)
{
	harness_stop(harness);
	free(harness);
}

static int statfs(struct harness *harness)
{
	harness_begin(harness, FUSE_STATFS);
	return harness_send(harness);
}

static void test_nothing_before_init(void **state)
{
	struct harness *harness = setup_session();

	assert_false(session_is_active(harness->session));
	assert_int_equal(statfs(harness), -EIO);
	harness_begin(harness, FUSE_FORGET);
	harness_add(harness, &(struct fuse_forget_in){ 1 }, sizeof(struct fuse_forget_in));
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->fs.calls + harness->fs.forgets, 0);
	harness_mount(harness);
	assert_int_equal(statfs(harness), 0);
	teardown_session(harness);
}

static void test_generations_of_guests(void **state)
{
	struct harness *harness = setup_session();
	const uint32_t minors[] = { 31, 36, 38, 45, 46 };

	for (size_t i = 0; i < sizeof(minors) / sizeof(minors[0]); i++) {
		struct fuse_init_out out;
		uint64_t flags =
		    minors[i] >= 36 ? HARNESS_ALL_FLAGS : UINT32_MAX & ~(FUSE_INIT_EXT | FUSE_INIT_RESERVED);

		assert_int_equal(harness_send_init(harness, minors[i], flags, &out), 0);
		assert_int_equal(out.major, 7);
		assert_int_equal(out.minor, minors[i]);
		assert_int_equal((out.flags & FUSE_INIT_EXT) != 0, minors[i] >= 36);
		assert_int_equal(out.flags2 != 0, minors[i] >= 36);
		assert_int_equal(harness->fs.inits, i + 1);
		assert_int_equal(statfs(harness), 0);
	}
	teardown_session(harness);
}

static void test_refused_versions(void **state)
{
	struct harness *harness = setup_session();
	struct fuse_init_in in = { .major = 6, .minor = 45 };

	assert_int_equal(harness_send_init(harness, 30, HARNESS_ALL_FLAGS, NULL), -EPROTO);
	harness_begin(harness, FUSE_INIT);
	harness_add(harness, &in, sizeof(in));
	assert_int_equal(harness_send(harness), -EPROTO);
	assert_int_equal(statfs(harness), -EIO);

	/* A newer guest is told our version and tries again. */
	in.major = 8;
	in.minor = 0;
	harness_begin(harness, FUSE_INIT);
	harness_add(harness, &in, sizeof(in));
	assert_int_equal(harness_send(harness), 0);
	struct fuse_init_out out;
	memcpy(&out, harness_body(harness), sizeof(out));
	assert_int_equal(out.major, 7);
	assert_int_equal(out.minor, 46);
	assert_false(session_is_active(harness->session));
	assert_int_equal(harness->fs.inits, 0);
	teardown_session(harness);
}

static void test_refused_init_leaves_the_session(void **state)
{
	struct harness *harness = setup_session();

	harness_mount(harness);
	unsigned int resets = harness->fs.resets;
	assert_int_equal(harness_send_init(harness, 30, HARNESS_ALL_FLAGS, NULL), -EPROTO);
	/* Too short; without room for the reply. */
	harness_begin(harness, FUSE_INIT);
	harness_add(harness, "0123456789abcde", 15);
	assert_int_equal(harness_send(harness), -EINVAL);
	harness->room = 16 + 63;
	assert_int_equal(harness_send_init(harness, 45, HARNESS_ALL_FLAGS, NULL), -EIO);
	harness->room = HARNESS_BUFFER;
	assert_int_equal(harness->fs.resets, resets);
	assert_int_equal(statfs(harness), 0);
	teardown_session(harness);
}

static void test_second_init_and_destroy(void **state)
{
	struct harness *harness = setup_session();

	harness_mount(harness);
	unsigned int resets = harness->fs.resets;
	harness_mount(harness);
	assert_int_equal(harness->fs.resets, resets + 1);
	assert_int_equal(harness->fs.inits, 2);
	harness_begin(harness, FUSE_DESTROY);
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->request.written, 16);
	assert_int_equal(harness->fs.resets, resets + 2);
	assert_false(session_is_active(harness->session));
	assert_int_equal(statfs(harness), -EIO);
	harness_mount(harness);
	assert_int_equal(statfs(harness), 0);
	session_reset(harness->session);
	assert_int_equal(harness->fs.resets, resets + 4);
	assert_int_equal(statfs(harness), -EIO);
	teardown_session(harness);
}

static void test_other_byte_order(void **state)
{
	struct harness *harness = setup_session();
	struct session_request *request = &harness->request;
	struct fuse_out_header header;
	struct iovec in = { harness->in, 40 + 64 }, out = { harness->out, 200 };

	harness_begin(harness, FUSE_INIT_BSWAP);
	harness_header(harness)->len = __builtin_bswap32(40 + 64);
	request->readable = &in;
	request->readable_count = 1;
	request->writable = &out;
	request->writable_count = 1;
	assert_int_equal(session_submit(harness->session, request), SESSION_DONE);
	assert_int_equal(request->written, 16);
	memcpy(&header, harness->out, sizeof(header));
	assert_int_equal(header.len, __builtin_bswap32(16));
	assert_int_equal(header.error, (int32_t)__builtin_bswap32((uint32_t)-EPROTO));
	assert_true(header.unique == harness_header(harness)->unique);
	assert_false(session_is_active(harness->session));
	teardown_session(harness);
}

static void test_readonly_guest_may_stop_opening(void **state)
{
	struct harness *harness = malloc(sizeof(*harness));
	struct fuse_open_in in = { 0 };
	struct fuse_read_in read = { .size = 10 };

	harness_init(harness);
	harness->config.cache = SESSION_CACHE_ALWAYS;
	harness->config.readonly = true;
	harness_start(harness);
	harness_mount(harness);
	assert_true(harness->fs.info.no_open && harness->fs.info.no_opendir);
	harness_begin(harness, FUSE_OPEN);
	harness_add(harness, &in, sizeof(in));
	harness_check_error(harness, -ENOSYS);
	harness_begin(harness, FUSE_OPENDIR);
	harness_add(harness, &in, sizeof(in));
	harness_check_error(harness, -ENOSYS);
	harness_begin(harness, FUSE_READ);
	harness_add(harness, &read, sizeof(read));
	assert_int_equal(harness_send(harness), 0);
	assert_true(harness->fs.fh == FS_NO_HANDLE);
	harness_begin(harness, FUSE_READDIR);
	harness_add(harness, &read, sizeof(read));
	assert_int_equal(harness_send(harness), 0);
	assert_true(harness->fs.fh == FS_NO_HANDLE);
	teardown_session(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_before_init),
		cmocka_unit_test(test_generations_of_guests),
		cmocka_unit_test(test_refused_versions),
		cmocka_unit_test(test_refused_init_leaves_the_session),
		cmocka_unit_test(test_second_init_and_destroy),
		cmocka_unit_test(test_other_byte_order),
		cmocka_unit_test(test_readonly_guest_may_stop_opening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
