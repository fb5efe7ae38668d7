/* SPDX-License-Identifier: BSD-3-Clause */
/* Many threads on the same few files, with a cache that is too small. Meant for TSan, and for what the counts say at
 * the end. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/passthrough/handle.h"
#include "fs/passthrough/nodetable.h"
#include "fs/passthrough/pin.h"
#include "share.h"

#define THREADS 8
#define FILES 24
#define ROUNDS 1500

static struct share share;
static _Atomic unsigned int failures;

static void expect(bool condition)
{
	if (!condition)
		atomic_fetch_add(&failures, 1);
}

/* Looks up, uses, forgets. Files are only added, so nothing of it may fail. */
static void *use_files(void *data)
{
	unsigned int seed = (unsigned int)(uintptr_t)data;
	struct fs_call call = { .uid = geteuid(), .gid = getegid() };

	for (int i = 0; i < ROUNDS; i++) {
		struct fuse_entry_out entry, again;
		struct fuse_attr attr;
		struct fs_open open;
		char name[16], buffer[16];
		const struct iovec iov = { .iov_base = buffer, .iov_len = sizeof(buffer) };
		size_t length;
		int number = (int)(rand_r(&seed) % FILES);

		snprintf(name, sizeof(name), "%d", number);
		expect(fs_lookup(share.fs, &call, FS_ROOT, name, &entry) == 0);
		expect(fs_getattr(share.fs, &call, entry.nodeid, FS_NO_HANDLE, &attr) == 0);
		expect(attr.ino == entry.attr.ino);
		expect(fs_lookup(share.fs, &call, FS_ROOT, name, &again) == 0);
		expect(again.nodeid == entry.nodeid);
		expect(fs_open(share.fs, &call, entry.nodeid, O_RDONLY, 0, &open) == 0);
		expect(fs_read(share.fs, &call, entry.nodeid, open.fh, 0, &iov, 1, &length) == 0);
		expect(length == strlen(name) && memcmp(buffer, name, length) == 0);
		expect(fs_release(share.fs, &call, entry.nodeid, &(struct fuse_release_in){ .fh = open.fh }) == 0);
		fs_forget(share.fs, entry.nodeid, 2);
	}
	return NULL;
}

/* A hostile guest's: ids at random, forgets too many. Whatever the answer, nothing breaks. */
static void *confuse(void *data)
{
	unsigned int seed = (unsigned int)(uintptr_t)data;
	struct fs_call call = { .uid = geteuid(), .gid = getegid() };

	for (int i = 0; i < ROUNDS; i++) {
		uint64_t id = pin_word((uint32_t)rand_r(&seed) % 8, (uint32_t)rand_r(&seed) % (FILES + 4));
		uint64_t fh = pin_word((uint32_t)rand_r(&seed) % 8, (uint32_t)rand_r(&seed) % 16);
		struct fuse_entry_out entry;
		struct fuse_attr attr;
		struct fs_open open;
		char name[16];

		snprintf(name, sizeof(name), "%d", (int)(rand_r(&seed) % FILES));
		switch (rand_r(&seed) % 7) {
		case 0:
			fs_forget(share.fs, id, (uint64_t)rand_r(&seed) % 3);
			break;
		case 1:
			fs_getattr(share.fs, &call, id, fh, &attr);
			break;
		case 2:
			fs_open(share.fs, &call, id, O_RDONLY, 0, &open);
			break;
		case 3:
			fs_release(share.fs, &call, id, &(struct fuse_release_in){ .fh = fh });
			break;
		case 4:
			fs_lookup(share.fs, &call, FS_ROOT, name, &entry);
			break;
		case 5:
			fs_unlink(share.fs, &call, FS_ROOT, name);
			break;
		default:
			if (fs_create(share.fs, &call, FS_ROOT, name,
				      &(struct fuse_create_in){ .flags = O_RDWR, .mode = 0644 }, &entry, &open) == 0)
				fs_release(share.fs, &call, entry.nodeid, &(struct fuse_release_in){ .fh = open.fh });
		}
	}
	return NULL;
}

static void run(void *(*function)(void *), enum passthrough_file_handles handles)
{
	const struct passthrough_config config = { .file_handles = handles, .fd_cache = 4 };
	pthread_t threads[THREADS];
	size_t before;
	char name[16];

	share_open(&share, "/dev/shm", &config, 0);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%d", i);
		host_write(&share, name, name);
	}
	before = host_descriptors();
	atomic_store(&failures, 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, function, (void *)(i + 1)), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(failures, 0);
	fs_reset(share.fs);
	assert_int_equal(host_descriptors(), before);
	assert_int_equal(share.pt->nodes->cache.kept, 0);
	share_close(&share);
}

static void test_use(void **state)
{
	run(use_files, PASSTHROUGH_HANDLES_PREFER);
}

static void test_use_descriptors(void **state)
{
	run(use_files, PASSTHROUGH_HANDLES_NEVER);
}

static void test_confuse(void **state)
{
	run(confuse, PASSTHROUGH_HANDLES_PREFER);
}

static void test_confuse_descriptors(void **state)
{
	run(confuse, PASSTHROUGH_HANDLES_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_use),
		cmocka_unit_test(test_use_descriptors),
		cmocka_unit_test(test_confuse),
		cmocka_unit_test(test_confuse_descriptors),
	};

	return cmocka_run_group_tests_name("passthrough/threads", tests, NULL, NULL);
}
