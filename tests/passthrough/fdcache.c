/* SPDX-License-Identifier: BSD-3-Clause */
/* The cache of descriptors: bounded, and nobody notices. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/log.h"
#include "fs/passthrough/nodetable.h"
#include "share.h"

#define FILES 200
#define CACHE 16

static struct share share;
static uint64_t nodes[FILES];

static void begin(void)
{
	const struct passthrough_config config = { .file_handles = PASSTHROUGH_HANDLES_PREFER, .fd_cache = CACHE };
	char name[16];

	share_open(&share, "/var/tmp", &config, 0);
	if (!share.handles) {
		share_close(&share);
		skip();
	}
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		host_write(&share, name, name);
		nodes[i] = guest_lookup(&share, FS_ROOT, name);
	}
}

static void test_bounded(void **state)
{
	size_t before;
	char text[16];

	begin();
	before = host_descriptors();
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < FILES; i++) {
			snprintf(text, sizeof(text), "%d", i);
			assert_int_equal(guest_getattr(&share, nodes[i]).size, strlen(text));
			guest_expect(&share, nodes[i], text);
			assert_true(host_descriptors() <= before + CACHE);
		}
	}
	assert_int_equal(host_descriptors(), before + CACHE);
	for (int i = 0; i < FILES; i++)
		guest_forget(&share, nodes[i], 1);
	assert_int_equal(host_descriptors(), before);
	share_close(&share);
}

/* What is in use keeps its descriptor, and beyond the cache's size each use has its own. */
static void test_all_pinned(void **state)
{
	struct node_use uses[2 * CACHE];
	int fds[2 * CACHE];
	size_t before;

	begin();
	before = host_descriptors();
	for (size_t i = 0; i < 2 * CACHE; i++) {
		assert_int_equal(node_get(share.pt, nodes[i], &uses[i]), 0);
		fds[i] = node_fd(&uses[i]);
		assert_true(fds[i] >= 0);
		assert_int_equal(node_fd(&uses[i]), fds[i]);
		assert_true((uses[i].private_fd >= 0) == (i >= CACHE));
	}
	assert_int_equal(host_descriptors(), before + 2 * CACHE);
	for (size_t i = 0; i < 2 * CACHE; i++)
		node_put(&uses[i]);
	assert_int_equal(host_descriptors(), before + CACHE);
	share_close(&share);
}

/* What is used again and again stays, whatever passes by. */
static void test_second_chance(void **state)
{
	struct node_use use;

	begin();
	guest_getattr(&share, nodes[0]);
	for (int i = 1; i < FILES; i++) {
		guest_getattr(&share, nodes[i]);
		assert_int_equal(node_get(share.pt, nodes[0], &use), 0);
		assert_true(atomic_load(&use.node->fd) >= 0);
		node_put(&use);
		guest_getattr(&share, nodes[0]);
	}
	share_close(&share);
}

/* Open files of the guest have used up the limit: the cache gives way. */
static void test_gives_way(void **state)
{
	struct rlimit limit, few;
	size_t opened = 0;

	begin();
	for (int i = 0; i < FILES; i++)
		guest_getattr(&share, nodes[i]);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = host_descriptors() + 1 + 4;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (int i = 0; i < FILES; i++) {
		struct fs_open open;

		if (fs_open(share.fs, &share.call, nodes[i], O_RDONLY, 0, &open) < 0)
			break;
		opened++;
	}
	assert_true(opened >= CACHE + 2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	share_close(&share);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_all_pinned),
		cmocka_unit_test(test_second_chance),
		cmocka_unit_test(test_gives_way),
	};

	log_setup(LOG_LEVEL_OFF, false, "test");
	return cmocka_run_group_tests_name("passthrough/fdcache", tests, NULL, NULL);
}
