/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest that walks very many files: memory and descriptors stay within bounds. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "fs/passthrough/nodetable.h"
#include "share.h"

#define DIRECTORIES 40
#define FILES 5000
/* Bytes an inode, all in. */
#define BUDGET 160

static struct share share;

static size_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long size, resident;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &size, &resident), 2);
	fclose(file);
	return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Counts all nodes and keeps them looked up. */
struct walk_sink {
	struct fs_dir_sink sink;
	size_t room;
	size_t count;
	uint64_t next;
};

static bool walk_fits(const struct fs_dir_sink *sink, size_t length)
{
	return ((const struct walk_sink *)(const void *)sink)->room > 0;
}

static int walk_add(struct fs_dir_sink *sink, const char *name, size_t length, uint64_t ino, uint32_t type,
		    uint64_t next_offset, const struct fuse_entry_out *entry)
{
	struct walk_sink *walk = container_of(sink, struct walk_sink, sink);

	walk->room--;
	walk->next = next_offset;
	walk->count += entry->nodeid != 0;
	return 0;
}

static size_t walk_directory(const char *name)
{
	struct walk_sink walk = { .sink = { .add = walk_add, .fits = walk_fits, .plus = true } };
	uint64_t dir = guest_lookup(&share, FS_ROOT, name);
	struct fs_open open;

	assert_int_equal(fs_opendir(share.fs, &share.call, dir, 0, &open), 0);
	do {
		walk.room = 200;
		assert_int_equal(fs_readdir(share.fs, &share.call, dir, open.fh, walk.next, &walk.sink), 0);
	} while (walk.room < 200);
	assert_int_equal(fs_releasedir(share.fs, &share.call, dir, open.fh), 0);
	return walk.count;
}

static void test_memory(void **state)
{
	const struct passthrough_config config = { .file_handles = PASSTHROUGH_HANDLES_PREFER, .fd_cache = 64 };
	size_t before, descriptors, grown, count = 0;
	char name[64];

	/* It keeps memory of its own for each word of ours. */
	if (SANITIZE_THREAD)
		skip();
	share_open(&share, "/dev/shm", &config, 0);
	if (!share.handles) {
		share_close(&share);
		skip();
	}
	for (int i = 0; i < DIRECTORIES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		host_mkdir(&share, name);
		for (int j = 0; j < FILES; j++) {
			snprintf(name, sizeof(name), "%d/%d", i, j);
			assert_int_equal(mknodat(share.root, name, S_IFREG | 0644, 0), 0);
		}
	}
	descriptors = host_descriptors();
	/* What has a fixed size is touched by the first directory. */
	walk_directory("0");
	before = resident_bytes();
	for (int i = 1; i < DIRECTORIES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		count += walk_directory(name) + 1;
	}
	grown = resident_bytes() - before;
	assert_int_equal(count, (DIRECTORIES - 1) * (FILES + 1));
	printf("%zu inodes, %zu bytes each, %zu descriptors\n", count, grown / count, host_descriptors() - descriptors);
	assert_true(grown / count <= BUDGET);
	assert_true(host_descriptors() <= descriptors + 64);
	share_close(&share);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_memory) };

	return cmocka_run_group_tests_name("passthrough/walk", tests, NULL, NULL);
}
