/* SPDX-License-Identifier: BSD-3-Clause */
/* Each operation that carries ids, answered at once and later. */
#include "fs/filter/translate.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/filter/fake.h"

/* Guest users 0 to 99 are 1000 to 1099 here, groups 0 to 76 are 2000 to 2076; user 66 and group 77 are forbidden, and the
 * host's root shows as 42. */
struct setup {
	struct fake fake;
	struct fs *fs;
	struct fs_call call;
	struct fuse_entry_out entry;
	struct fuse_attr attr;
	struct fs_open open;
	struct fuse_create_in create;
	/* Of call.complete: */
	unsigned int completed;
	int result;
};

static struct setup setup;

static void complete(struct fs_call *call, int result)
{
	assert_ptr_equal(call, &setup.call);
	setup.completed++;
	setup.result = result;
}

static int begin(void **state)
{
	char message[IDMAP_MESSAGE_MAX];
	struct idmap *users, *groups;

	memset(&setup, 0, sizeof(setup));
	fake_init(&setup.fake);
	setup.fake.uid = 1005;
	setup.fake.gid = 2006;
	setup.call = (struct fs_call){ .uid = 7, .gid = 8, .has_group = true, .group = 9, .complete = complete };
	assert_int_equal(idmap_new(&users), 0);
	assert_int_equal(idmap_new(&groups), 0);
	assert_int_equal(idmap_add(users, "map:0:1000:66", message), 0);
	assert_int_equal(idmap_add(users, "forbid-guest:66:1", message), 0);
	assert_int_equal(idmap_add(users, "map:67:1067:33", message), 0);
	assert_int_equal(idmap_add(users, "host:0:42:1", message), 0);
	assert_int_equal(idmap_add(groups, "map:0:2000:77", message), 0);
	assert_int_equal(idmap_add(groups, "forbid-guest:77:1", message), 0);
	return translate_new(&setup.fake.fs, users, groups, &setup.fs);
}

static int end(void **state)
{
	fs_free(setup.fs);
	return setup.fake.destroyed ? 0 : -1;
}

static void check_shown(const struct fuse_attr *attr)
{
	assert_int_equal(attr->uid, 5);
	assert_int_equal(attr->gid, 6);
	/* The session finds its call as it was. */
	assert_int_equal(setup.call.uid, 7);
	assert_int_equal(setup.call.gid, 8);
	assert_int_equal(setup.call.group, 9);
	assert_ptr_equal(setup.call.complete, complete);
	assert_null(setup.call.filter);
}

static void check_entry(int result)
{
	assert_int_equal(result, 0);
	check_shown(&setup.entry.attr);
	memset(&setup.entry, 0, sizeof(setup.entry));
}

static void check_created(int result)
{
	check_entry(result);
	assert_int_equal(setup.fake.seen.uid, 1007);
	assert_int_equal(setup.fake.seen.gid, 2008);
	assert_int_equal(setup.fake.seen.group, 2009);
}

#define create_all(check)                                                                                              \
	do {                                                                                                           \
		check(fs_create(setup.fs, &setup.call, 1, "a", &setup.create, &setup.entry, &setup.open));             \
		check(fs_tmpfile(setup.fs, &setup.call, 1, &setup.create, &setup.entry, &setup.open));                 \
		check(fs_mknod(setup.fs, &setup.call, 1, "a", 0, 0, 0, &setup.entry));                                 \
		check(fs_mkdir(setup.fs, &setup.call, 1, "a", 0, 0, &setup.entry));                                    \
		check(fs_symlink(setup.fs, &setup.call, 1, "a", "b", &setup.entry));                                   \
	} while (0)

static void test_creations(void **state)
{
	create_all(check_created);
}

static void check_forbidden(int result)
{
	assert_int_equal(result, -EPERM);
	assert_int_equal(setup.fake.calls, 0);
}

static void test_forbidden_creators(void **state)
{
	setup.call.uid = 66;
	create_all(check_forbidden);
	setup.call.uid = 7;
	setup.call.gid = 77;
	create_all(check_forbidden);
}

/* A supplementary group that is forbidden just does not count. */
static void test_forbidden_group(void **state)
{
	setup.call.group = 77;
	assert_int_equal(fs_mkdir(setup.fs, &setup.call, 1, "a", 0, 0, &setup.entry), 0);
	assert_int_equal(setup.fake.seen.group, FUSE_INVALID_UIDGID);
	assert_int_equal(setup.call.group, 77);
}

static void test_entries(void **state)
{
	check_entry(fs_lookup(setup.fs, &setup.call, 1, "a", &setup.entry));
	check_entry(fs_lookup_self(setup.fs, &setup.call, 1, &setup.entry));
	check_entry(fs_lookup_parent(setup.fs, &setup.call, 1, &setup.entry));
	check_entry(fs_link(setup.fs, &setup.call, 2, 1, "b", &setup.entry));
	/* Whoever looks up may be forbidden to create. */
	setup.call.uid = 66;
	assert_int_equal(fs_lookup(setup.fs, &setup.call, 1, "a", &setup.entry), 0);
}

static void test_attributes(void **state)
{
	struct fuse_statx_out statx = { .flags = 0 };

	assert_int_equal(fs_getattr(setup.fs, &setup.call, 2, 0, &setup.attr), 0);
	check_shown(&setup.attr);
	assert_int_equal(fs_statx(setup.fs, &setup.call, 2, 0, 0, 0, &statx), 0);
	assert_int_equal(statx.stat.uid, 5);
	assert_int_equal(statx.stat.gid, 6);
}

static void test_setattr(void **state)
{
	struct fuse_setattr_in in = { .valid = FATTR_UID | FATTR_GID, .uid = 3, .gid = 4 };

	assert_int_equal(fs_setattr(setup.fs, &setup.call, 2, &in, &setup.attr), 0);
	check_shown(&setup.attr);
	assert_int_equal(setup.fake.seen.set_uid, 1003);
	assert_int_equal(setup.fake.seen.set_gid, 2004);

	/* What is not to be set is not looked at. */
	in = (struct fuse_setattr_in){ .valid = FATTR_GID, .uid = 66, .gid = 4 };
	assert_int_equal(fs_setattr(setup.fs, &setup.call, 2, &in, &setup.attr), 0);
	assert_int_equal(setup.fake.seen.valid, FATTR_GID);
	in = (struct fuse_setattr_in){ .valid = FATTR_MODE, .uid = 66, .gid = 77 };
	assert_int_equal(fs_setattr(setup.fs, &setup.call, 2, &in, &setup.attr), 0);

	setup.fake.calls = 0;
	in = (struct fuse_setattr_in){ .valid = FATTR_UID, .uid = 66 };
	check_forbidden(fs_setattr(setup.fs, &setup.call, 2, &in, &setup.attr));
	in = (struct fuse_setattr_in){ .valid = FATTR_UID | FATTR_GID, .uid = 3, .gid = 77 };
	check_forbidden(fs_setattr(setup.fs, &setup.call, 2, &in, &setup.attr));
}

struct sink {
	struct fs_dir_sink base;
	unsigned int entries, asked;
	int answer;
};

static int sink_add(struct fs_dir_sink *base, const char *name, size_t length, uint64_t ino, uint32_t type,
		    uint64_t next_offset, const struct fuse_entry_out *entry)
{
	struct sink *sink = (struct sink *)base;

	if (base->plus) {
		assert_non_null(entry);
		assert_int_equal(entry->attr.uid, entry->nodeid ? 5 : 0);
		assert_int_equal(entry->attr.gid, entry->nodeid ? 6 : 0);
	} else {
		assert_null(entry);
	}
	assert_int_equal(length, strlen(name));
	assert_int_equal(next_offset, ++sink->entries);
	return sink->answer;
}

static bool sink_fits(const struct fs_dir_sink *base, size_t length)
{
	((struct sink *)(uintptr_t)base)->asked++;
	return length < 3;
}

static void test_readdir(void **state)
{
	for (int plus = 0; plus < 2; plus++) {
		struct sink sink = { .base = { .add = sink_add, .fits = sink_fits, .plus = plus } };

		assert_int_equal(fs_readdir(setup.fs, &setup.call, 1, 1, 0, &sink.base), 0);
		/* "." fits, "file" does not. */
		assert_int_equal(sink.entries, 1);
		assert_int_equal(sink.asked, 2);
	}
}

static bool sink_fits_always(const struct fs_dir_sink *base, size_t length)
{
	return true;
}

static void test_readdirplus_entry(void **state)
{
	struct sink sink = { .base = { .add = sink_add, .fits = sink_fits_always, .plus = true } };

	assert_int_equal(fs_readdir(setup.fs, &setup.call, 1, 1, 0, &sink.base), 0);
	assert_int_equal(sink.entries, 2);
	/* A full sink is heard of below. */
	sink = (struct sink){ .base = { .add = sink_add, .fits = sink_fits_always, .plus = true }, .answer = -ENOSPC };
	assert_int_equal(fs_readdir(setup.fs, &setup.call, 1, 1, 0, &sink.base), 0);
	assert_int_equal(sink.entries, 1);
}

static void test_later(void **state)
{
	setup.fake.later = true;
	assert_int_equal(fs_mkdir(setup.fs, &setup.call, 1, "a", 0, 0, &setup.entry), FS_PENDING);
	assert_int_equal(setup.completed, 0);
	fake_complete(&setup.fake);
	assert_int_equal(setup.completed, 1);
	check_created(setup.result);

	assert_int_equal(fs_getattr(setup.fs, &setup.call, 1, 0, &setup.attr), FS_PENDING);
	setup.fake.answer = -EIO;
	setup.fake.uid = setup.fake.gid = 0;
	fake_complete(&setup.fake);
	assert_int_equal(setup.completed, 2);
	assert_int_equal(setup.result, -EIO);
}

static void test_errors(void **state)
{
	setup.fake.answer = -ENOENT;
	assert_int_equal(fs_lookup(setup.fs, &setup.call, 1, "a", &setup.entry), -ENOENT);
	/* Not an answer, so not touched. */
	assert_int_equal(setup.entry.attr.uid, 1005);
}

/* Two filters, one above the other, on a call that completes later. */
static void test_stacked(void **state)
{
	char message[IDMAP_MESSAGE_MAX];
	struct idmap *users;
	struct fs *top;

	assert_int_equal(idmap_new(&users), 0);
	assert_int_equal(idmap_add(users, "map:500:0:100", message), 0);
	assert_int_equal(translate_new(setup.fs, users, NULL, &top), 0);
	setup.fs = top;
	setup.fake.later = true;
	setup.call.uid = 507;
	assert_int_equal(fs_mkdir(top, &setup.call, 1, "a", 0, 0, &setup.entry), FS_PENDING);
	assert_int_equal(setup.fake.seen.uid, 1007);
	assert_int_equal(setup.fake.seen.gid, 2008);
	fake_complete(&setup.fake);
	assert_int_equal(setup.completed, 1);
	assert_int_equal(setup.entry.attr.uid, 505);
	assert_int_equal(setup.entry.attr.gid, 6);
	assert_int_equal(setup.call.uid, 507);
	assert_ptr_equal(setup.call.complete, complete);
	assert_null(setup.call.filter);
}

static void test_the_rest_passes(void **state)
{
	assert_int_equal(fs_unlink(setup.fs, &setup.call, 1, "a"), 0);
	assert_string_equal(setup.fake.operation, "unlink");
	fs_forget(setup.fs, 2, 1);
	assert_int_equal(setup.fake.calls, 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_creations),       TEST(test_forbidden_creators),
		TEST(test_forbidden_group), TEST(test_entries),
		TEST(test_attributes),      TEST(test_setattr),
		TEST(test_readdir),         TEST(test_readdirplus_entry),
		TEST(test_later),           TEST(test_errors),
		TEST(test_stacked),         TEST(test_the_rest_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
