/* SPDX-License-Identifier: BSD-3-Clause */
/* READDIR and READDIRPLUS: everything once, going on at any place, while others change the directory. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"
#include "guest.h"

#define LISTED_MAX 2000u

struct listed {
	char name[FS_NAME_MAX + 1];
	uint64_t ino, next_offset, node;
	uint32_t type, mode;
};

/* Takes up to limit entries. */
struct collector {
	struct fs_dir_sink sink;
	struct listed *entries;
	size_t count, limit;
	bool refuse; /* fits() says yes, add() no, at the limit */
};

static int add(struct fs_dir_sink *sink, const char *name, size_t length, uint64_t ino, uint32_t type,
	       uint64_t next_offset, const struct fuse_entry_out *entry)
{
	struct collector *collector = container_of(sink, struct collector, sink);
	struct listed *listed = &collector->entries[collector->count];

	if (collector->count >= collector->limit)
		return -ENOSPC;
	collector->count++;
	assert_true(length <= FS_NAME_MAX);
	memcpy(listed->name, name, length);
	listed->name[length] = '\0';
	listed->ino = ino;
	listed->type = type;
	listed->next_offset = next_offset;
	assert_int_equal(sink->plus, entry != NULL);
	listed->node = entry ? entry->nodeid : 0;
	listed->mode = entry ? entry->attr.mode : 0;
	return 0;
}

static bool fits(const struct fs_dir_sink *sink, size_t length)
{
	const struct collector *collector = (const struct collector *)sink; /* its first member */

	return collector->refuse || collector->count < collector->limit;
}

static struct collector collector_of(struct listed *entries, size_t limit, bool plus)
{
	return (struct collector){ .sink = { add, fits, plus }, .entries = entries, .limit = limit };
}

static uint64_t open_directory(struct fs *fs, uint64_t node)
{
	struct fs_open open;

	assert_int_equal(fs_opendir(fs, guest_call(), node, O_RDONLY, &open), 0);
	return open.fh;
}

/* Reads to the end, step entries a time; returns how many. */
static size_t list_from(struct fs *fs, uint64_t node, uint64_t fh, uint64_t offset, size_t step, struct listed *entries)
{
	size_t count = 0;

	for (;;) {
		struct collector collector = collector_of(entries + count, MIN(step, LISTED_MAX - count), false);

		assert_int_equal(fs_readdir(fs, guest_call(), node, fh, offset, &collector.sink), 0);
		if (!collector.count)
			return count;
		count += collector.count;
		assert_true(count < LISTED_MAX);
		offset = entries[count - 1].next_offset;
	}
}

static const struct listed *find(const struct listed *entries, size_t count, const char *name)
{
	const struct listed *found = NULL;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(entries[i].name, name) != 0)
			continue;
		assert_null(found); /* once */
		found = &entries[i];
	}
	return found;
}

static void make_files(struct fs *fs, uint64_t directory, int first, int end)
{
	for (int i = first; i < end; i++) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		fs_forget(fs, guest_file(fs, directory, name), 1);
	}
}

static struct listed *new_list(void)
{
	struct listed *entries = calloc(LISTED_MAX, sizeof(*entries));

	assert_non_null(entries);
	return entries;
}

static void empty(struct fs *fs)
{
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory"), fh = open_directory(fs, directory);
	struct listed *entries = new_list();
	size_t count = list_from(fs, directory, fh, 0, 100, entries);

	assert_int_equal(count, 2);
	assert_int_equal(find(entries, count, ".")->ino, guest_attr(fs, directory).ino);
	assert_int_equal(find(entries, count, ".")->type, DT_DIR);
	assert_int_equal(find(entries, count, "..")->type, DT_DIR);
	assert_int_equal(fs_releasedir(fs, guest_call(), directory, fh), 0);
	free(entries);
}

static void root_has_no_parent(struct fs *fs)
{
	uint64_t fh = open_directory(fs, FS_ROOT);
	struct listed *entries = new_list();
	size_t count = list_from(fs, FS_ROOT, fh, 0, 100, entries);

	assert_int_equal(find(entries, count, ".")->ino, guest_attr(fs, FS_ROOT).ino);
	assert_non_null(find(entries, count, ".."));
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, fh), 0);
	free(entries);
}

static void types_and_inodes(struct fs *fs)
{
	static const struct {
		const char *name;
		uint32_t mode, type;
	} nodes[] = {
		{ "file", S_IFREG, DT_REG },      { "fifo", S_IFIFO, DT_FIFO }, { "socket", S_IFSOCK, DT_SOCK },
		{ "character", S_IFCHR, DT_CHR }, { "block", S_IFBLK, DT_BLK },
	};
	struct listed *entries = new_list();
	uint64_t fh = open_directory(fs, FS_ROOT), directory = guest_mkdir(fs, FS_ROOT, "directory");
	size_t count;

	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++)
		assert_int_equal(guest_mknod(fs, FS_ROOT, nodes[i].name, nodes[i].mode | 0600, 0x103), 0);
	assert_int_equal(guest_symlink(fs, FS_ROOT, "symlink", "target"), 0);
	count = list_from(fs, FS_ROOT, fh, 0, 100, entries);
	assert_int_equal(count, ARRAY_SIZE(nodes) + 4);
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		assert_int_equal(find(entries, count, nodes[i].name)->type, nodes[i].type);
		assert_int_equal(find(entries, count, nodes[i].name)->ino,
				 guest_attr(fs, guest_lookup(fs, FS_ROOT, nodes[i].name)).ino);
	}
	assert_int_equal(find(entries, count, "symlink")->type, DT_LNK);
	assert_int_equal(find(entries, count, "directory")->type, DT_DIR);
	assert_int_equal(find(entries, count, "directory")->ino, guest_attr(fs, directory).ino);
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, fh), 0);
	free(entries);
}

/* In steps of any size all come once, from any entry on the rest comes in the same order, and with another handle too.
 */
static void goes_on_anywhere(struct fs *fs)
{
	struct listed *all = new_list(), *some = new_list();
	uint64_t fh = open_directory(fs, FS_ROOT), other = open_directory(fs, FS_ROOT);
	size_t count;

	make_files(fs, FS_ROOT, 0, 40);
	count = list_from(fs, FS_ROOT, fh, 0, 1000, all);
	assert_int_equal(count, 42);
	for (size_t step = 1; step < 10; step++) {
		assert_int_equal(list_from(fs, FS_ROOT, fh, 0, step, some), count);
		for (size_t i = 0; i < count; i++)
			assert_string_equal(some[i].name, all[i].name);
	}
	for (size_t from = 0; from < count; from++) {
		size_t rest = list_from(fs, FS_ROOT, from % 2 ? fh : other, all[from].next_offset, 7, some);

		assert_int_equal(rest, count - from - 1);
		for (size_t i = 0; i < rest; i++)
			assert_string_equal(some[i].name, all[from + 1 + i].name);
	}
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, fh), 0);
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, other), 0);
	free(all);
	free(some);
}

/* Whatever is removed and added meanwhile, what was there all the time comes once. */
static void while_it_changes(struct fs *fs)
{
	struct listed *entries = new_list();
	uint64_t fh = open_directory(fs, FS_ROOT), offset = 0;
	size_t count = 0, before;
	int round = 0;

	make_files(fs, FS_ROOT, 0, 300);
	do {
		struct collector collector = collector_of(entries + count, 5, false);
		char name[16];

		assert_int_equal(fs_readdir(fs, guest_call(), FS_ROOT, fh, offset, &collector.sink), 0);
		before = count;
		count += collector.count;
		assert_true(count < LISTED_MAX - 5);
		if (count > before)
			offset = entries[count - 1].next_offset;
		/* Those with an odd number go, new ones come. */
		if (round < 150) {
			snprintf(name, sizeof(name), "n%d", round * 2 + 1);
			assert_int_equal(guest_unlink(fs, FS_ROOT, name), 0);
			make_files(fs, FS_ROOT, 1000 + round, 1001 + round);
		}
		round++;
	} while (count > before);
	for (int i = 0; i < 300; i += 2) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		assert_non_null(find(entries, count, name));
	}
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, fh), 0);
	free(entries);
}

/* As rm -r does: the entry just read is removed before going on. */
static void removing_what_was_read(struct fs *fs)
{
	struct listed *entries = new_list();
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory"), fh = open_directory(fs, directory), offset = 0;
	size_t removed = 0;

	make_files(fs, directory, 0, 200);
	for (;;) {
		struct collector collector = collector_of(entries, 3, false);

		assert_int_equal(fs_readdir(fs, guest_call(), directory, fh, offset, &collector.sink), 0);
		if (!collector.count)
			break;
		offset = entries[collector.count - 1].next_offset;
		for (size_t i = 0; i < collector.count; i++) {
			if (entries[i].name[0] == '.')
				continue;
			assert_int_equal(guest_unlink(fs, directory, entries[i].name), 0);
			removed++;
		}
	}
	assert_int_equal(removed, 200);
	assert_int_equal(fs_releasedir(fs, guest_call(), directory, fh), 0);
	assert_int_equal(guest_rmdir(fs, FS_ROOT, "directory"), 0);
	free(entries);
}

static void starts_over(struct fs *fs)
{
	struct listed *entries = new_list();
	uint64_t fh = open_directory(fs, FS_ROOT);

	make_files(fs, FS_ROOT, 0, 3);
	assert_int_equal(list_from(fs, FS_ROOT, fh, 0, 100, entries), 5);
	make_files(fs, FS_ROOT, 3, 4);
	assert_int_equal(list_from(fs, FS_ROOT, fh, 0, 100, entries), 6); /* rewinddir() sees what is new */
	assert_int_equal(guest_unlink(fs, FS_ROOT, "n0"), 0);
	assert_int_equal(list_from(fs, FS_ROOT, fh, 0, 100, entries), 5);
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, fh), 0);
	free(entries);
}

static void of_removed_directory(struct fs *fs)
{
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory"), fh = open_directory(fs, directory);
	struct listed *entries = new_list();
	struct collector collector = collector_of(entries, 100, false);
	int result;

	assert_int_equal(guest_rmdir(fs, FS_ROOT, "directory"), 0);
	result = fs_readdir(fs, guest_call(), directory, fh, 0, &collector.sink);
	assert_true(result == 0 || result == -ENOENT);
	for (size_t i = 0; i < collector.count; i++)
		assert_int_equal(entries[i].name[0], '.');
	assert_int_equal(fs_releasedir(fs, guest_call(), directory, fh), 0);
	free(entries);
}

static void bad_handles(struct fs *fs)
{
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory"), fh = open_directory(fs, directory);
	struct listed *entries = new_list();
	struct collector collector = collector_of(entries, 100, false);
	struct fs_open open;

	assert_int_equal(fs_opendir(fs, guest_call(), guest_file(fs, FS_ROOT, "file"), O_RDONLY, &open), -ENOTDIR);
	assert_int_equal(fs_readdir(fs, guest_call(), FS_ROOT, fh, 0, &collector.sink), -EBADF);
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, fh), -EBADF);
	assert_int_equal(fs_releasedir(fs, guest_call(), directory, fh), 0);
	assert_int_equal(fs_readdir(fs, guest_call(), directory, fh, 0, &collector.sink), -EBADF);
	assert_int_equal(collector.count, 0);
	free(entries);
}

/* Each entry is a lookup, those that did not fit are not; "." and ".." never. */
static void plus_counts_lookups(struct fs *fs)
{
	struct listed *entries = new_list();
	uint64_t fh = open_directory(fs, FS_ROOT), offset = 0;
	size_t seen = 0;

	make_files(fs, FS_ROOT, 0, 20);
	for (;;) {
		struct collector collector = collector_of(entries, 3, true);

		collector.refuse = seen % 2;
		assert_int_equal(fs_readdir(fs, guest_call(), FS_ROOT, fh, offset, &collector.sink), 0);
		if (!collector.count)
			break;
		for (size_t i = 0; i < collector.count; i++) {
			if (entries[i].name[0] == '.') {
				assert_int_equal(entries[i].node, 0);
				continue;
			}
			seen++;
			assert_int_equal(entries[i].mode, S_IFREG | 0644);
			assert_int_equal(guest_lookup(fs, FS_ROOT, entries[i].name), entries[i].node);
			fs_forget(fs, entries[i].node, 1);
			assert_int_equal(guest_attr(fs, entries[i].node).ino, entries[i].ino);
			fs_forget(fs, entries[i].node, 1); /* that of READDIRPLUS was the last */
			assert_int_equal(guest_try_attr(fs, entries[i].node), -ESTALE);
		}
		offset = entries[collector.count - 1].next_offset;
	}
	assert_int_equal(seen, 20);
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, fh), 0);
	free(entries);
}

static void plus_of_known_nodes(struct fs *fs)
{
	struct listed *entries = new_list();
	uint64_t file = guest_file(fs, FS_ROOT, "file"), directory = guest_mkdir(fs, FS_ROOT, "directory");
	uint64_t fh = open_directory(fs, FS_ROOT);
	struct collector collector = collector_of(entries, 100, true);

	assert_int_equal(fs_readdir(fs, guest_call(), FS_ROOT, fh, 0, &collector.sink), 0);
	assert_int_equal(collector.count, 4);
	assert_int_equal(find(entries, 4, "file")->node, file);
	assert_int_equal(find(entries, 4, "directory")->node, directory);
	fs_forget(fs, file, 1);
	assert_int_equal(guest_try_attr(fs, file), 0);
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, fh), 0);
	free(entries);
}

static void longest_names(struct fs *fs)
{
	struct listed *entries = new_list();
	uint64_t fh = open_directory(fs, FS_ROOT);
	char name[FS_NAME_MAX + 1];

	memset(name, 'n', FS_NAME_MAX);
	name[FS_NAME_MAX] = '\0';
	for (char last = 'a'; last <= 'z'; last++) {
		name[FS_NAME_MAX - 1] = last;
		guest_file(fs, FS_ROOT, name);
	}
	assert_int_equal(list_from(fs, FS_ROOT, fh, 0, 4, entries), 28);
	for (char last = 'a'; last <= 'z'; last++) {
		name[FS_NAME_MAX - 1] = last;
		assert_non_null(find(entries, 28, name));
	}
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, fh), 0);
	free(entries);
}

/* More than any buffer between here and the host holds. */
static void many(struct fs *fs)
{
	struct listed *entries = new_list();
	uint64_t fh = open_directory(fs, FS_ROOT);
	size_t count;

	make_files(fs, FS_ROOT, 0, 1500);
	count = list_from(fs, FS_ROOT, fh, 0, 64, entries);
	assert_int_equal(count, 1502);
	for (int i = 0; i < 1500; i += 37) {
		char name[16];

		snprintf(name, sizeof(name), "n%d", i);
		assert_non_null(find(entries, count, name));
	}
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, fh), 0);
	free(entries);
}

const struct conformance_test conformance_readdir[] = {
	CONFORMANCE_TEST(empty),
	CONFORMANCE_TEST(root_has_no_parent),
	CONFORMANCE_TEST(types_and_inodes),
	CONFORMANCE_TEST(goes_on_anywhere),
	CONFORMANCE_TEST(while_it_changes),
	CONFORMANCE_TEST(removing_what_was_read),
	CONFORMANCE_TEST(starts_over),
	CONFORMANCE_TEST(of_removed_directory),
	CONFORMANCE_TEST(bad_handles),
	CONFORMANCE_TEST(plus_counts_lookups),
	CONFORMANCE_TEST(plus_of_known_nodes),
	CONFORMANCE_TEST(longest_names),
	CONFORMANCE_TEST(many),
	{ NULL, NULL },
};
