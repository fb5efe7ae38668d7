/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/filter/idmap.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct idmap *map;

static int setup(void **state)
{
	return idmap_new(&map);
}

static int teardown(void **state)
{
	idmap_free(map);
	return 0;
}

static void add(const char *text)
{
	char message[IDMAP_MESSAGE_MAX] = "";

	if (idmap_add(map, text, message) < 0)
		fail_msg("%s: %s", text, message);
}

/* The rule is refused and the message says why. */
static void refuse(const char *text, const char *reason)
{
	char message[IDMAP_MESSAGE_MAX] = "";

	assert_int_equal(idmap_add(map, text, message), -EINVAL);
	if (!strstr(message, reason))
		fail_msg("%s: \"%s\" does not say \"%s\"", text, message, reason);
	/* A sentence. */
	assert_int_equal(message[strlen(message) - 1], '.');
}

static uint32_t to_host(uint32_t id)
{
	uint32_t host = 0xdead;

	assert_int_equal(idmap_to_host(map, id, &host), 0);
	return host;
}

static uint32_t to_guest(uint32_t id)
{
	return idmap_to_guest(map, id);
}

static void test_empty(void **state)
{
	uint32_t host;

	assert_int_equal(to_host(0), 0);
	assert_int_equal(to_guest(UINT32_MAX), UINT32_MAX);
	assert_int_equal(idmap_to_host(NULL, 5, &host), 0);
	assert_int_equal(host, 5);
	assert_int_equal(idmap_to_guest(NULL, 5), 5);
}

static void test_guest(void **state)
{
	add("guest:10:1000:5");
	assert_int_equal(to_host(9), 9);
	assert_int_equal(to_host(10), 1000);
	assert_int_equal(to_host(14), 1004);
	assert_int_equal(to_host(15), 15);
	assert_int_equal(to_guest(1000), 1000);
}

static void test_host(void **state)
{
	add("host:1000:10:5");
	assert_int_equal(to_guest(999), 999);
	assert_int_equal(to_guest(1000), 10);
	assert_int_equal(to_guest(1004), 14);
	assert_int_equal(to_guest(1005), 1005);
	assert_int_equal(to_host(10), 10);
}

static void test_map(void **state)
{
	add("map:0:100000:65536");
	assert_int_equal(to_host(65535), 165535);
	assert_int_equal(to_guest(165535), 65535);
	assert_int_equal(to_host(65536), 65536);
	assert_int_equal(to_guest(0), 0);
}

static void test_squash(void **state)
{
	/* virtiofsd's documented example: any guest user makes files as 1001, which shows as 1000. */
	add("squash-guest:0:1001:4294967295");
	add("host:1001:1000:1");
	assert_int_equal(to_host(0), 1001);
	assert_int_equal(to_host(4294967294u), 1001);
	assert_int_equal(to_host(UINT32_MAX), UINT32_MAX);
	assert_int_equal(to_guest(1001), 1000);
	assert_int_equal(to_guest(1002), 1002);
	add("squash-host:2000:65534:1000");
	assert_int_equal(to_guest(2000), 65534);
	assert_int_equal(to_guest(2999), 65534);
	assert_int_equal(to_guest(3000), 3000);
}

static void test_forbid(void **state)
{
	uint32_t host = 77;

	add("forbid-guest:0:1");
	add("forbid-guest:100:10");
	assert_int_equal(idmap_to_host(map, 0, &host), -EPERM);
	assert_int_equal(idmap_to_host(map, 109, &host), -EPERM);
	assert_int_equal(host, 77);
	assert_int_equal(to_host(1), 1);
	assert_int_equal(to_host(110), 110);
	assert_int_equal(to_guest(0), 0);
}

/* Ranges in any order, side by side. */
static void test_many(void **state)
{
	char rule[64];

	for (unsigned int i = 0; i < 100; i++) {
		unsigned int place = (i * 37) % 100;

		snprintf(rule, sizeof(rule), "map:%u:%u:10", place * 10, 100000 + (99 - place) * 10);
		add(rule);
	}
	for (unsigned int id = 0; id < 1000; id++) {
		uint32_t host = 100000 + (99 - id / 10) * 10 + id % 10;

		assert_int_equal(to_host(id), host);
		assert_int_equal(to_guest(host), id);
	}
	assert_int_equal(to_host(1000), 1000);
}

/* What virtiofsd 1.14 also takes. */
static void test_spellings(void **state)
{
	add("MAP 0 1 1");
	assert_int_equal(to_host(0), 1);
	add("guest,+5,6,00001");
	assert_int_equal(to_host(5), 6);
	add("guest/7/8/1");
	assert_int_equal(to_host(7), 8);
	add("map:100:200:0");
	assert_int_equal(to_host(100), 100);
	/* The very last id. */
	add("guest:4294967294:4294967294:1");
}

static void test_refused(void **state)
{
	refuse("", "none of");
	refuse("0:1000:1", "none of");
	refuse(":0:1000:1", "none of");
	refuse("forbid-host:0:1", "none of");
	refuse("map_0_0_1", "none of");
	refuse("map", "has 0 of the 3 numbers of map:GUEST:HOST:COUNT");
	refuse("map:", "Number 1 of");
	refuse("map:0:1000", "has 2 of the 3");
	refuse("map:0:1000:1:1", "more than the 3");
	refuse("map:0:0:1:", "more than the 3");
	refuse("forbid-guest:0:10:3", "more than the 2");
	refuse("map:a:0:1", "Number 1 of \"map:a:0:1\" is not a decimal");
	refuse("map:0:0x10:1", "Number 2");
	refuse("map:-1:0:1", "Number 1");
	refuse("map: 0:0:1", "Number 1");
	refuse("map:0,0,1", "Number 1");
	refuse("map:0:0:4294967296", "Number 3 of \"map:0:0:4294967296\" is too large");
	refuse("map:4294967295:0:1", "beyond 4294967294");
	refuse("map:0:4294967294:2", "beyond 4294967294");
	refuse("squash-guest:1:1001:4294967295", "beyond 4294967294");
	refuse("squash-guest:0:4294967295:1", "beyond 4294967294");
	/* And nothing has happened. */
	assert_int_equal(to_host(0), 0);
}

static void test_overlaps(void **state)
{
	add("map:10:1000:10");
	refuse("guest:19:7:2", "guest ids that an earlier rule (10 to 19)");
	refuse("guest:5:7:6", "guest ids");
	refuse("forbid-guest:0:100", "guest ids");
	refuse("squash-host:1009:0:1", "host ids that an earlier rule (1000 to 1009)");
	/* One direction is fine, the other not: neither is taken. */
	refuse("map:100:1005:1", "host ids");
	assert_int_equal(to_host(100), 100);
	add("guest:20:7:2");
	add("guest:8:7:2");
	/* Targets may coincide. */
	add("guest:30:7:2");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_empty),  TEST(test_guest), TEST(test_host),      TEST(test_map),     TEST(test_squash),
		TEST(test_forbid), TEST(test_many),  TEST(test_spellings), TEST(test_refused), TEST(test_overlaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
