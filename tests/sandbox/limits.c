/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <cmocka.h>

#include "base/log.h"
#include "sandbox/limits.h"
#include "child.h"

static void zero_leaves_it(void *data)
{
	struct rlimit before, after;
	uint64_t limit = 1;

	getrlimit(RLIMIT_NOFILE, &before);
	EXPECT(limits_set_open_files(0, &limit) == 0);
	getrlimit(RLIMIT_NOFILE, &after);
	EXPECT(before.rlim_cur == after.rlim_cur && before.rlim_max == after.rlim_max && limit == after.rlim_cur);
}

static void explicit_is_set(void *data)
{
	struct rlimit after;
	uint64_t limit = 1;

	EXPECT(limits_set_open_files(700, &limit) == 0 && limit == 700);
	getrlimit(RLIMIT_NOFILE, &after);
	EXPECT(after.rlim_cur == 700 && after.rlim_max == 700);
}

static void explicit_too_much_fails(void *data)
{
	uint64_t limit = 1;

	EXPECT(limits_set_open_files(1ull << 40, &limit) == -ERANGE && limit == 1);
}

/* Without the right to raise the hard limit: as far as it goes. */
static void automatic_goes_as_far_as_permitted(void *data)
{
	struct rlimit low = { 300, 400 }, after;
	uint64_t limit = 1;

	EXPECT(setrlimit(RLIMIT_NOFILE, &low) == 0);
	EXPECT(setuid(65534) == 0);
	EXPECT(limits_set_open_files(LIMITS_OPEN_FILES_AUTO, &limit) == 0 && limit == 400);
	getrlimit(RLIMIT_NOFILE, &after);
	EXPECT(after.rlim_cur == 400);
	EXPECT(limits_set_open_files(401, &limit) == -EPERM && limit == 400);
}

static void test_zero(void **state)
{
	assert_child(zero_leaves_it, NULL);
}

static void test_explicit(void **state)
{
	assert_child(explicit_is_set, NULL);
	assert_child(explicit_too_much_fails, NULL);
}

static void test_automatic(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_child(automatic_goes_as_far_as_permitted, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zero),
		cmocka_unit_test(test_explicit),
		cmocka_unit_test(test_automatic),
	};
	log_setup(LOG_LEVEL_OFF, false, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
