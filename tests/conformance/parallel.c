/* SPDX-License-Identifier: BSD-3-Clause */
/* Many threads at the same few names. cmocka's assertions belong to the main thread, so threads count what went wrong.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

#include "conformance.h"
#include "guest.h"

#define THREADS 4u
#define NAMES 5u

struct worker {
	pthread_t thread;
	struct fs *fs;
	uint32_t random;
	unsigned int wrong;
};

static uint32_t next_random(struct worker *worker)
{
	worker->random = worker->random * 1664525 + 1013904223;
	return worker->random >> 8;
}

static void expect_one_of(struct worker *worker, int result, int first, int second)
{
	if (result != 0 && result != first && result != second) {
		print_error("unexpected result %d\n", result);
		worker->wrong++;
	}
}

static void run(struct fs *fs, void *(*work)(void *))
{
	struct worker workers[THREADS];
	unsigned int wrong = 0;

	for (uint32_t i = 0; i < THREADS; i++) {
		workers[i] = (struct worker){ .fs = fs, .random = i };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (uint32_t i = 0; i < THREADS; i++) {
		pthread_join(workers[i].thread, NULL);
		wrong += workers[i].wrong;
	}
	assert_int_equal(wrong, 0);
}

/*
 * Whoever looks a name up can use the node until it forgets it. What others remove in the same moment may be gone for
 * good (the guest's kernel never lets that happen within itself, but the host can), and never is another file.
 */
static void use_and_forget(struct worker *worker, const struct fuse_entry_out *entry)
{
	struct fuse_attr attr = { 0 };
	int result = fs_getattr(worker->fs, guest_call(), entry->nodeid, FS_NO_HANDLE, &attr);

	expect_one_of(worker, result, -ESTALE, 0);
	if (result == 0 && (attr.ino != entry->attr.ino || ((attr.mode ^ entry->attr.mode) & S_IFMT))) {
		print_error("a node is another file\n");
		worker->wrong++;
	}
	fs_forget(worker->fs, entry->nodeid, 1);
}

static void *work_on_names(void *data)
{
	struct worker *worker = data;

	for (int i = 0; i < 1500; i++) {
		char name[] = { (char)('a' + next_random(worker) % NAMES), '\0' };
		char other[] = { (char)('a' + next_random(worker) % NAMES), '\0' };
		const struct fuse_create_in in = { .flags = O_RDWR | O_EXCL, .mode = 0644 };
		struct fuse_entry_out entry;
		struct fs_open open;
		int result = 0;

		switch (next_random(worker) % 7) {
		case 0:
			result = fs_create(worker->fs, guest_call(), FS_ROOT, name, &in, &entry, &open);
			expect_one_of(worker, result, -EEXIST, 0);
			if (result == 0) {
				expect_one_of(worker, guest_release(worker->fs, entry.nodeid, open.fh), 0, 0);
				use_and_forget(worker, &entry);
			}
			break;
		case 1:
			expect_one_of(worker, guest_unlink(worker->fs, FS_ROOT, name), -ENOENT, -EISDIR);
			break;
		case 2:
			result = fs_mkdir(worker->fs, guest_call(), FS_ROOT, name, 0755, 0, &entry);
			expect_one_of(worker, result, -EEXIST, -ENOENT); /* removed before it was answered */
			if (result == 0)
				use_and_forget(worker, &entry);
			break;
		case 3:
			expect_one_of(worker, guest_rmdir(worker->fs, FS_ROOT, name), -ENOENT, -ENOTDIR);
			break;
		case 4:
			result = guest_rename(worker->fs, FS_ROOT, name, FS_ROOT, other, 0);
			if (result != -EISDIR)
				expect_one_of(worker, result, -ENOENT, -ENOTDIR);
			break;
		default:
			result = fs_lookup(worker->fs, guest_call(), FS_ROOT, name, &entry);
			/* What goes away while it is being looked up may be noticed. */
			expect_one_of(worker, result, -ENOENT, -ESTALE);
			if (result == 0)
				use_and_forget(worker, &entry);
			break;
		}
	}
	return NULL;
}

static void names(struct fs *fs)
{
	run(fs, work_on_names);
	assert_int_equal(guest_try_attr(fs, FS_ROOT), 0);
}

/* The same file over and over: its count must come out even. */
static void *work_on_one(void *data)
{
	struct worker *worker = data;

	for (int i = 0; i < 3000; i++) {
		struct fuse_entry_out entry;
		int result = fs_lookup(worker->fs, guest_call(), FS_ROOT, "file", &entry);

		expect_one_of(worker, result, 0, 0);
		if (result == 0)
			use_and_forget(worker, &entry);
	}
	return NULL;
}

static void lookups_of_one(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file");

	run(fs, work_on_one);
	assert_int_equal(guest_try_attr(fs, file), 0);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "file"), file);
	fs_forget(fs, file, 2);
	assert_int_equal(guest_try_attr(fs, file), -ESTALE);
	/* And now with a count that reaches zero time and again. */
	run(fs, work_on_one);
}

static void *work_on_appending(void *data)
{
	struct worker *worker = data;
	uint64_t fh = 0, file;
	struct fuse_entry_out entry;
	struct fs_open open;
	char byte = 'x';
	const struct iovec iov = { &byte, 1 };
	int result = fs_lookup(worker->fs, guest_call(), FS_ROOT, "file", &entry);

	expect_one_of(worker, result, 0, 0);
	file = entry.nodeid;
	result = fs_open(worker->fs, guest_call(), file, O_WRONLY | O_APPEND, 0, &open);
	expect_one_of(worker, result, 0, 0);
	fh = open.fh;
	for (int i = 0; i < 500; i++) {
		const struct fuse_write_in in = { .fh = fh, .size = 1, .flags = O_WRONLY | O_APPEND };
		size_t length = 0;

		expect_one_of(worker, fs_write(worker->fs, guest_call(), file, &in, &iov, 1, &length), 0, 0);
	}
	expect_one_of(worker, guest_release(worker->fs, file, fh), 0, 0);
	fs_forget(worker->fs, file, 1);
	return NULL;
}

/* As from two guests: no byte gets lost. */
static void appending(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file");

	run(fs, work_on_appending);
	assert_int_equal(guest_attr(fs, file).size, THREADS * 500);
}

static void *work_as_user(void *data)
{
	struct worker *worker = data;

	for (int i = 0; i < 200; i++) {
		uint32_t uid = 1000 + next_random(worker) % 3, gid = 2000 + next_random(worker) % 3;
		struct fs_call user = guest_user(uid, gid);
		struct fuse_entry_out entry;
		char name[32];
		int result;

		snprintf(name, sizeof(name), "%p-%d", (void *)worker, i);
		result = fs_mknod(worker->fs, &user, FS_ROOT, name, S_IFREG | 0600, 0, 0, &entry);
		expect_one_of(worker, result, 0, 0);
		if (result == 0 && (entry.attr.uid != uid || entry.attr.gid != gid)) {
			print_error("made as %u:%u instead of %u:%u\n", entry.attr.uid, entry.attr.gid, uid, gid);
			worker->wrong++;
		}
	}
	return NULL;
}

/* No thread sees another's identity. */
static void identities(struct fs *fs)
{
	run(fs, work_as_user);
}

const struct conformance_test conformance_parallel[] = {
	CONFORMANCE_TEST(names),
	CONFORMANCE_TEST(lookups_of_one),
	CONFORMANCE_TEST(appending),
	CONFORMANCE_TEST(identities),
	{ NULL, NULL },
};
