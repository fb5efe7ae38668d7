/* SPDX-License-Identifier: BSD-3-Clause */
/* Files stay themselves, whatever the host does to their names and numbers. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "share.h"

/* Every test runs on each of these. */
static const struct variant {
	const char *base;
	enum passthrough_file_handles handles;
} variants[] = {
	{ "/var/tmp", PASSTHROUGH_HANDLES_PREFER },
	{ "/var/tmp", PASSTHROUGH_HANDLES_NEVER },
	{ "/dev/shm", PASSTHROUGH_HANDLES_PREFER },
	{ "/dev/shm", PASSTHROUGH_HANDLES_NEVER },
};

static struct share share;

#define FOR_EACH_VARIANT(variant)                                                                                  \
	for (const struct variant *variant = variants; variant < variants + ARRAY_SIZE(variants) && begin(variant); \
	     share_close(&share), variant++)

static bool begin(const struct variant *variant)
{
	const struct passthrough_config config = { .file_handles = variant->handles };

	share_open(&share, variant->base, &config, 0);
	return true;
}

static void test_look_and_read(void **state)
{
	FOR_EACH_VARIANT(variant) {
		struct fuse_entry_out entry;
		char names[64];
		uint64_t dir, file;

		host_mkdir(&share, "dir");
		host_write(&share, "dir/file", "hello");
		dir = guest_lookup(&share, FS_ROOT, "dir");
		file = guest_lookup(&share, dir, "file");
		assert_int_equal(guest_lookup(&share, dir, "file"), file);
		assert_int_equal(guest_try_lookup(&share, dir, "none", &entry), -ENOENT);
		assert_int_equal(guest_try_lookup(&share, file, "none", &entry), -ENOTDIR);
		assert_int_equal(guest_getattr(&share, file).size, 5);
		guest_expect(&share, file, "hello");
		for (int plus = 0; plus < 2; plus++) {
			assert_int_equal(guest_list(&share, dir, plus, 4096, names, sizeof(names)), 1);
			assert_string_equal(names, "file");
		}
	}
}

static void test_rename_and_replace(void **state)
{
	FOR_EACH_VARIANT(variant) {
		uint64_t a, b;

		host_write(&share, "a", "first");
		a = guest_lookup(&share, FS_ROOT, "a");
		assert_int_equal(renameat(share.root, "a", share.root, "b"), 0);
		guest_expect(&share, a, "first");
		assert_int_equal(guest_lookup(&share, FS_ROOT, "b"), a);
		host_write(&share, "a", "second");
		b = guest_lookup(&share, FS_ROOT, "a");
		assert_int_not_equal(a, b);
		guest_expect(&share, a, "first");
		guest_expect(&share, b, "second");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_look_and_read),
		cmocka_unit_test(test_rename_and_replace),
	};

	return cmocka_run_group_tests_name("passthrough/identity", tests, NULL, NULL);
}
