/* SPDX-License-Identifier: BSD-3-Clause */
/* What each cache mode makes of replies. */
#include "session/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const struct session_config defaults = {
	.entry_timeout_ns = SESSION_TIMEOUT_DEFAULT,
	.attr_timeout_ns = SESSION_TIMEOUT_DEFAULT,
};

static struct policy make(enum session_cache cache, bool allow_mmap, uint64_t flags, uint32_t minor)
{
	struct session_config config = defaults;
	struct policy policy;

	config.cache = cache;
	config.allow_mmap = allow_mmap;
	policy_init(&policy, &config, flags, minor);
	return policy;
}

static void test_modes(void **state)
{
	const struct {
		enum session_cache cache;
		uint64_t seconds;
		uint32_t file_flags, directory_flags;
	} modes[] = {
		{ SESSION_CACHE_NEVER, 0, FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES, 0 },
		{ SESSION_CACHE_METADATA, 86400, FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES,
		  FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR },
		{ SESSION_CACHE_AUTO, 1, 0, 0 },
		{ SESSION_CACHE_ALWAYS, 86400, FOPEN_KEEP_CACHE, FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR },
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct policy policy = make(modes[i].cache, false, 0, 38);
		struct fuse_entry_out entry = { .nodeid = 1 };

		assert_int_equal(policy.file_flags, modes[i].file_flags);
		assert_int_equal(policy.directory_flags, modes[i].directory_flags);
		policy_apply_entry(&policy, &entry);
		assert_int_equal(entry.entry_valid, modes[i].seconds);
		assert_int_equal(entry.attr_valid, modes[i].seconds);
		assert_int_equal(policy.attr.seconds, modes[i].seconds);
		assert_false(policy_caches_negative(&policy));
	}
}

static void test_parallel_writes_need_a_guest_that_knows_them(void **state)
{
	assert_int_equal(make(SESSION_CACHE_NEVER, false, 0, 37).file_flags, FOPEN_DIRECT_IO);
}

static void test_mmap(void **state)
{
	/* With the guest's help the page cache stays bypassed; without it, mapping is worth more. */
	assert_true(make(SESSION_CACHE_NEVER, true, FUSE_DIRECT_IO_ALLOW_MMAP, 39).file_flags & FOPEN_DIRECT_IO);
	assert_int_equal(make(SESSION_CACHE_NEVER, true, 0, 38).file_flags, 0);
	assert_int_equal(make(SESSION_CACHE_METADATA, true, 0, 38).file_flags, 0);
	assert_int_equal(make(SESSION_CACHE_METADATA, true, 0, 38).directory_flags, FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR);
}

static void test_timeouts(void **state)
{
	struct session_config config = defaults;
	struct policy policy;
	struct fuse_entry_out entry = { .nodeid = 1, .attr.ino = 5 };

	config.cache = SESSION_CACHE_ALWAYS;
	config.entry_timeout_ns = 2500000000;
	config.attr_timeout_ns = 0;
	config.negative_timeout_ns = 1;
	policy_init(&policy, &config, 0, 38);
	policy_apply_entry(&policy, &entry);
	assert_int_equal(entry.entry_valid, 2);
	assert_int_equal(entry.entry_valid_nsec, 500000000);
	assert_int_equal(entry.attr_valid, 0);
	assert_int_equal(entry.attr_valid_nsec, 0);
	assert_true(policy_caches_negative(&policy));
	policy_negative_entry(&policy, &entry);
	assert_int_equal(entry.nodeid, 0);
	assert_int_equal(entry.attr.ino, 0);
	assert_int_equal(entry.entry_valid, 0);
	assert_int_equal(entry.entry_valid_nsec, 1);
	assert_int_equal(policy_entry_timeout_ns(&config), 2500000000);
	config.negative_timeout_ns = SESSION_TIMEOUT_DEFAULT;
	policy_init(&policy, &config, 0, 38);
	assert_false(policy_caches_negative(&policy));
}

static void test_entry_without_a_node(void **state)
{
	struct policy policy = make(SESSION_CACHE_ALWAYS, false, 0, 38);
	struct fuse_entry_out entry = { .nodeid = 0, .entry_valid = 9, .attr_valid = 9 };

	policy_apply_entry(&policy, &entry);
	assert_int_equal(entry.entry_valid, 0);
	assert_int_equal(entry.attr_valid, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_parallel_writes_need_a_guest_that_knows_them),
		cmocka_unit_test(test_mmap),
		cmocka_unit_test(test_timeouts),
		cmocka_unit_test(test_entry_without_a_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
