/* SPDX-License-Identifier: BSD-3-Clause */
/* READDIR and READDIRPLUS. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/passthrough/nodetable.h"
#include "variants.h"

#define FILES 1500

static bool seen[FILES];

struct seen_sink {
	struct fs_dir_sink sink;
	size_t room;
	uint64_t next;
	size_t count;
	uint64_t last_node;
};

static bool seen_fits(const struct fs_dir_sink *sink, size_t length)
{
	return true;
}

/* Says only in add that there is no room: then the look-up is undone. */
static int seen_add(struct fs_dir_sink *sink, const char *name, size_t length, uint64_t ino, uint32_t type,
		    uint64_t next_offset, const struct fuse_entry_out *entry)
{
	struct seen_sink *list = container_of(sink, struct seen_sink, sink);

	if (!list->room)
		return -ENOSPC;
	list->room--;
	list->next = next_offset;
	if (name[0] == '.')
		return 0;
	list->count++;
	assert_true(ino != 0);
	assert_false(seen[atoi(name)]);
	seen[atoi(name)] = true;
	if (entry) {
		list->last_node = entry->nodeid;
		guest_forget(&share, entry->nodeid, 1);
	}
	return 0;
}

static void make_files(void)
{
	char name[32];

	host_mkdir(&share, "dir");
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "dir/%d-%s", i, "padding");
		host_write(&share, name, "");
	}
}

static void test_all_once(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct seen_sink list = { .sink = { .add = seen_add, .fits = seen_fits } };
		struct fs_open open;
		uint64_t dir;

		make_files();
		dir = guest_lookup(&share, FS_ROOT, "dir");
		for (int plus = 0; plus < 2; plus++) {
			size_t before = host_descriptors();

			memset(seen, 0, sizeof(seen));
			list.sink.plus = plus;
			list.next = list.count = 0;
			assert_int_equal(fs_opendir(share.fs, &share.call, dir, 0, &open), 0);
			do {
				list.room = 13;
				assert_int_equal(fs_readdir(share.fs, &share.call, dir, open.fh, list.next, &list.sink),
						 0);
			} while (list.room < 13);
			assert_int_equal(list.count, FILES);
			assert_int_equal(fs_releasedir(share.fs, &share.call, dir, open.fh), 0);
			/* What was looked up and did not fit is forgotten too. */
			if (list.last_node)
				assert_int_equal(guest_try_getattr(&share, list.last_node), -ESTALE);
			assert_true(host_descriptors() <= before + 1);
		}
	}
}

static void test_rewind_and_seek(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct seen_sink list = { .sink = { .add = seen_add, .fits = seen_fits } };
		struct fs_open open;
		uint64_t dir, middle;
		size_t half;

		make_files();
		dir = guest_lookup(&share, FS_ROOT, "dir");
		assert_int_equal(fs_opendir(share.fs, &share.call, dir, 0, &open), 0);
		memset(seen, 0, sizeof(seen));
		list.room = FILES / 2;
		assert_int_equal(fs_readdir(share.fs, &share.call, dir, open.fh, 0, &list.sink), 0);
		middle = list.next;
		half = list.count;
		/* From the start again, where a new file has come up meanwhile. */
		host_write(&share, "dir/0", "");
		assert_int_equal(unlinkat(share.root, "dir/0-padding", 0), 0);
		memset(seen, 0, sizeof(seen));
		list.count = 0;
		list.room = 2 * FILES;
		assert_int_equal(fs_readdir(share.fs, &share.call, dir, open.fh, 0, &list.sink), 0);
		assert_int_equal(list.count, FILES);
		assert_true(seen[0]);
		/* Nothing was taken, so this is no going on but a rewinding. */
		assert_int_equal(
		    fs_readdir(share.fs, &share.call, dir, open.fh, 0, &(struct seen_sink){ .sink = list.sink }.sink),
		    0);
		assert_int_equal(unlinkat(share.root, "dir/0", 0), 0);
		memset(seen, 0, sizeof(seen));
		list.count = 0;
		list.room = 2 * FILES;
		assert_int_equal(fs_readdir(share.fs, &share.call, dir, open.fh, 0, &list.sink), 0);
		assert_int_equal(list.count, FILES - 1);
		host_write(&share, "dir/0", "");
		/* Back to the middle. */
		memset(seen, 0, sizeof(seen));
		list.count = 0;
		assert_int_equal(fs_readdir(share.fs, &share.call, dir, open.fh, middle, &list.sink), 0);
		assert_in_range(list.count, FILES - half - 1, FILES - half + 1);
		assert_int_equal(fs_readdir(share.fs, &share.call, dir, open.fh, UINT64_MAX, &list.sink), -EINVAL);
		/* Without a handle every call begins at its offset. */
		memset(seen, 0, sizeof(seen));
		list.count = 0;
		list.room = 2 * FILES;
		assert_int_equal(fs_readdir(share.fs, &share.call, dir, FS_NO_HANDLE, 0, &list.sink), 0);
		assert_int_equal(list.count, FILES);
	}
}

static void test_vanished_entry(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct seen_sink list = { .sink = { .add = seen_add, .fits = seen_fits, .plus = true } };
		struct fs_open open;
		uint64_t dir;

		host_mkdir(&share, "dir");
		host_write(&share, "dir/1", "");
		host_write(&share, "dir/2", "");
		dir = guest_lookup(&share, FS_ROOT, "dir");
		assert_int_equal(fs_opendir(share.fs, &share.call, dir, 0, &open), 0);
		memset(seen, 0, sizeof(seen));
		list.room = 1; /* only one of "." and ".." or a file: the rest is in the buffer */
		assert_int_equal(fs_readdir(share.fs, &share.call, dir, open.fh, 0, &list.sink), 0);
		list.count = 0;
		memset(seen, 0, sizeof(seen));
		assert_int_equal(unlinkat(share.root, "dir/1", 0), 0);
		assert_int_equal(unlinkat(share.root, "dir/2", 0), 0);
		list.room = 10;
		assert_int_equal(fs_readdir(share.fs, &share.call, dir, open.fh, list.next, &list.sink), 0);
		assert_int_equal(list.count, 0);
	}
}

static void test_wrong_handle(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct seen_sink list = { .sink = { .add = seen_add, .fits = seen_fits } };
		uint64_t a, fh, dir;
		struct fs_open open;

		a = guest_create(&share, FS_ROOT, "a", &fh);
		host_mkdir(&share, "dir");
		dir = guest_lookup(&share, FS_ROOT, "dir");
		assert_int_equal(fs_readdir(share.fs, &share.call, a, fh, 0, &list.sink), -ENOTDIR);
		assert_int_equal(fs_opendir(share.fs, &share.call, dir, 0, &open), 0);
		assert_int_equal(fs_readdir(share.fs, &share.call, FS_ROOT, open.fh, 0, &list.sink), -EBADF);
		assert_int_equal(fs_readdir(share.fs, &share.call, dir, fh, 0, &list.sink), -EBADF);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_once),
		cmocka_unit_test(test_rewind_and_seek),
		cmocka_unit_test(test_vanished_entry),
		cmocka_unit_test(test_wrong_handle),
	};

	return cmocka_run_group_tests_name("passthrough/readdir", tests, NULL, NULL);
}
