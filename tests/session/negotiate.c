/* SPDX-License-Identifier: BSD-3-Clause */
/* INIT: each flag on and off, each generation of guests. */
#include "session/negotiate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/util.h"

#define ALL (((1ull << 43) - 1) & ~FUSE_INIT_RESERVED)

struct result {
	int error;
	struct fuse_init_out out;
	struct fs_session_info info;
	uint64_t flags; /* of the reply */
};

static struct session_config make_config(void)
{
	return (struct session_config){
		.cache = SESSION_CACHE_AUTO,
		.entry_timeout_ns = SESSION_TIMEOUT_DEFAULT,
		.attr_timeout_ns = SESSION_TIMEOUT_DEFAULT,
		.posix_locks = true,
		.flock_locks = true,
	};
}

static struct result run(const struct session_config *config, uint32_t minor, uint64_t flags)
{
	const struct negotiate_abilities abilities = { .locks = true, .ioctl = true, .lookup_self = true };
	const struct fuse_init_in in = {
		.major = 7,
		.minor = minor,
		.max_readahead = 12345,
		.flags = (uint32_t)flags,
		.flags2 = (uint32_t)(flags >> 32),
	};
	struct result result = { 0 };

	log_setup(LOG_LEVEL_OFF, false, "test");
	result.error = negotiate(config, &abilities, &in, &result.out, &result.info);
	result.flags = result.out.flags | (uint64_t)result.out.flags2 << 32;
	if (!result.error)
		assert_true(result.flags == result.info.flags);
	return result;
}

/* Without options: what the guest gets of everything it may offer. */
#define DEFAULT_FLAGS                                                                                                  \
	(FUSE_ASYNC_READ | FUSE_POSIX_LOCKS | FUSE_ATOMIC_O_TRUNC | FUSE_EXPORT_SUPPORT | FUSE_BIG_WRITES |            \
	 FUSE_FLOCK_LOCKS | FUSE_HAS_IOCTL_DIR | FUSE_AUTO_INVAL_DATA | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS |        \
	 FUSE_MAX_PAGES | FUSE_CACHE_SYMLINKS | FUSE_SETXATTR_EXT | FUSE_INIT_EXT | FUSE_CREATE_SUPP_GROUP |           \
	 FUSE_HAS_EXPIRE_ONLY | FUSE_ALLOW_IDMAP)

static void test_default_flags(void **state)
{
	struct session_config config = make_config();

	assert_true(run(&config, 45, ALL).flags == DEFAULT_FLAGS);
}

static void test_only_what_is_offered(void **state)
{
	struct session_config config = make_config();

	config.readdirplus = config.writeback = config.allow_mmap = config.announce_submounts = true;
	config.killpriv_v2 = config.readonly = true;
	config.cache = SESSION_CACHE_ALWAYS;
	config.posix_acl = config.security_label = SESSION_AUTO;
	for (unsigned int bit = 0; bit < 43; bit++) {
		uint64_t flag = 1ull << bit;
		struct result all = run(&config, 45, ALL);
		struct result without = run(&config, 45, ALL & ~flag);
		struct result alone = run(&config, 45, flag | FUSE_INIT_EXT);

		assert_int_equal(without.error, 0);
		assert_false(without.flags & flag);
		assert_false(alone.flags & ~(flag | FUSE_INIT_EXT));
		/* Nothing from flags2 without the flag that says it is there. */
		if (bit >= 32)
			assert_false(run(&config, 45, flag).flags & flag);
		/* Nothing that this server does not do. */
		if (flag & (FUSE_SPLICE_WRITE | FUSE_SPLICE_MOVE | FUSE_SPLICE_READ | FUSE_HANDLE_KILLPRIV |
			    FUSE_ABORT_ERROR | FUSE_MAP_ALIGNMENT | FUSE_HAS_INODE_DAX | FUSE_PASSTHROUGH |
			    FUSE_NO_EXPORT_SUPPORT | FUSE_HAS_RESEND | FUSE_OVER_IO_URING | FUSE_REQUEST_TIMEOUT))
			assert_false(all.flags & flag);
	}
}

static void test_locks_of_the_guest(void **state)
{
	struct session_config config = make_config();

	config.posix_locks = false;
	assert_true(run(&config, 45, ALL).flags == (DEFAULT_FLAGS & ~FUSE_POSIX_LOCKS));
	config.flock_locks = false;
	assert_true(run(&config, 45, ALL).flags == (DEFAULT_FLAGS & ~(FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS)));
}

static void check_option(struct session_config *config, bool *option, uint64_t flags)
{
	*option = false;
	assert_false(run(config, 45, ALL).flags & flags);
	*option = true;
	assert_true((run(config, 45, ALL).flags & flags) == flags);
	*option = false;
}

static void test_options(void **state)
{
	struct session_config config = make_config();

	check_option(&config, &config.readdirplus, FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO);
	check_option(&config, &config.writeback, FUSE_WRITEBACK_CACHE);
	check_option(&config, &config.allow_mmap, FUSE_DIRECT_IO_ALLOW_MMAP);
	check_option(&config, &config.announce_submounts, FUSE_SUBMOUNTS);
	check_option(&config, &config.killpriv_v2, FUSE_HANDLE_KILLPRIV_V2);
	config.writeback = true;
	assert_true(run(&config, 45, ALL).info.writeback);
	assert_false(run(&config, 45, ALL & ~FUSE_WRITEBACK_CACHE).info.writeback);
	config.allow_direct_io = true;
	assert_true(run(&config, 45, ALL).info.direct_io);
}

static void test_readdirplus_needs_caching(void **state)
{
	struct session_config config = make_config();

	config.readdirplus = true;
	config.cache = SESSION_CACHE_NEVER;
	assert_false(run(&config, 45, ALL).flags & FUSE_DO_READDIRPLUS);
	config.entry_timeout_ns = 1;
	assert_true(run(&config, 45, ALL).flags & FUSE_DO_READDIRPLUS);
}

static void test_invalidation(void **state)
{
	struct session_config config = make_config();
	const uint64_t both = FUSE_AUTO_INVAL_DATA | FUSE_EXPLICIT_INVAL_DATA;

	assert_true((run(&config, 45, ALL).flags & both) == FUSE_AUTO_INVAL_DATA);
	config.cache = SESSION_CACHE_ALWAYS;
	assert_true((run(&config, 45, ALL).flags & both) == FUSE_EXPLICIT_INVAL_DATA);
	assert_true((run(&config, 45, ALL & ~FUSE_EXPLICIT_INVAL_DATA).flags & both) == FUSE_AUTO_INVAL_DATA);
}

static void test_no_open(void **state)
{
	struct session_config config = make_config();
	const uint64_t both = FUSE_NO_OPEN_SUPPORT | FUSE_NO_OPENDIR_SUPPORT;

	config.readonly = true;
	assert_false(run(&config, 45, ALL).flags & both);
	config.cache = SESSION_CACHE_ALWAYS;
	struct result result = run(&config, 45, ALL);
	assert_true((result.flags & both) == both);
	assert_true(result.info.no_open && result.info.no_opendir);
	assert_false(result.flags & (FUSE_ATOMIC_O_TRUNC | FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS));
	/* A guest that would not understand goes on opening. */
	result = run(&config, 45, ALL & ~both);
	assert_false(result.info.no_open || result.info.no_opendir);
	assert_true(result.flags & FUSE_ATOMIC_O_TRUNC);
	config.readonly = false;
	result = run(&config, 45, ALL);
	assert_false(result.info.no_open);
	assert_true(result.info.no_opendir);
}

static void test_acl_and_labels(void **state)
{
	struct session_config config = make_config();
	const uint64_t acl = FUSE_POSIX_ACL | FUSE_DONT_MASK | FUSE_SETXATTR_EXT;

	assert_false(run(&config, 45, ALL).flags & (FUSE_POSIX_ACL | FUSE_DONT_MASK | FUSE_SECURITY_CTX));
	config.posix_acl = SESSION_AUTO;
	assert_true((run(&config, 45, ALL).flags & acl) == acl);
	assert_false(run(&config, 45, ALL & ~FUSE_DONT_MASK).flags & FUSE_POSIX_ACL);
	assert_int_equal(run(&config, 45, ALL & ~FUSE_POSIX_ACL).error, 0);
	assert_false(run(&config, 45, ALL & ~FUSE_POSIX_ACL).flags & FUSE_DONT_MASK);
	config.posix_acl = SESSION_ALWAYS;
	assert_true((run(&config, 45, ALL).flags & acl) == acl);
	assert_int_equal(run(&config, 45, ALL & ~FUSE_DONT_MASK).error, -EPROTO);
	config.posix_acl = SESSION_NEVER;

	config.security_label = SESSION_AUTO;
	assert_true(run(&config, 45, ALL).flags & FUSE_SECURITY_CTX);
	assert_int_equal(run(&config, 45, ALL & ~FUSE_SECURITY_CTX).error, 0);
	config.security_label = SESSION_ALWAYS;
	assert_int_equal(run(&config, 45, ALL & ~FUSE_SECURITY_CTX).error, -EPROTO);
	assert_int_equal(run(&config, 35, ALL & 0xffffffff & ~FUSE_INIT_EXT).error, -EPROTO);
}

static void test_abilities(void **state)
{
	struct session_config config = make_config();
	const struct negotiate_abilities none = { .locks = false };
	const struct fuse_init_in in = {
		.major = 7, .minor = 45, .flags = (uint32_t)ALL, .flags2 = (uint32_t)(ALL >> 32)
	};
	struct fuse_init_out out;
	struct fs_session_info info;

	assert_int_equal(negotiate(&config, &none, &in, &out, &info), 0);
	assert_true(info.flags == (DEFAULT_FLAGS &
				   ~(FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS | FUSE_HAS_IOCTL_DIR | FUSE_EXPORT_SUPPORT)));
}

static void test_versions(void **state)
{
	struct session_config config = make_config();
	/* As guests of the time offer: 5.4, 5.15 (7.34), 5.17, 6.1, 7.2. */
	const struct {
		uint32_t minor;
		uint64_t offered;
	} guests[] = {
		{ 31, (1ull << 26) - 1 }, { 34, (1ull << 30) - 1 }, { 36, (1ull << 34) - 1 },
		{ 38, 0x97ffffffbull },   { 45, 0x5fd7bfffffbull },
	};

	for (size_t i = 0; i < ARRAY_SIZE(guests); i++) {
		struct result result = run(&config, guests[i].minor, guests[i].offered & ~FUSE_INIT_RESERVED);

		assert_int_equal(result.error, 0);
		assert_int_equal(result.out.major, 7);
		assert_int_equal(result.out.minor, guests[i].minor);
		assert_int_equal(result.info.minor, guests[i].minor);
		assert_false(result.flags & ~guests[i].offered);
		assert_true(result.flags & FUSE_PARALLEL_DIROPS);
		assert_int_equal(result.out.max_readahead, 12345);
		assert_int_equal(result.out.max_write, 1024 * 1024);
		assert_int_equal(result.out.max_pages, 256);
		assert_int_equal(result.out.time_gran, 1);
	}
	assert_int_equal(run(&config, 47, ALL).out.minor, 46);
	assert_int_equal(run(&config, UINT32_MAX, ALL).out.minor, 46);
	assert_int_equal(run(&config, 30, ALL).error, -EPROTO);
	assert_int_equal(run(&config, 0, ALL).error, -EPROTO);
}

static void test_max_write(void **state)
{
	struct session_config config = make_config();
	const struct {
		uint32_t configured, bytes, pages;
	} cases[] = { { 0, 1 << 20, 256 },
		      { 1, 4096, 1 },
		      { 65536, 65536, 16 },
		      { 65537, 65537, 17 },
		      { UINT32_MAX, 128 << 20, 32768 } };

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		config.max_write = cases[i].configured;
		struct result result = run(&config, 45, ALL);

		assert_int_equal(result.out.max_write, cases[i].bytes);
		assert_int_equal(result.out.max_pages, cases[i].pages);
		result = run(&config, 45, ALL & ~FUSE_MAX_PAGES);
		assert_int_equal(result.out.max_pages, 0);
		assert_true(result.out.max_write <= 32 * 4096);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_locks_of_the_guest),
		cmocka_unit_test(test_default_flags),  cmocka_unit_test(test_only_what_is_offered),
		cmocka_unit_test(test_options),        cmocka_unit_test(test_readdirplus_needs_caching),
		cmocka_unit_test(test_invalidation),   cmocka_unit_test(test_no_open),
		cmocka_unit_test(test_acl_and_labels), cmocka_unit_test(test_abilities),
		cmocka_unit_test(test_versions),       cmocka_unit_test(test_max_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
