/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/filter/xattrmap.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/filter/fake.h"

struct setup {
	struct fake fake;
	struct fs *fs;
	struct fs_call call;
	struct fuse_entry_out entry;
	struct fuse_attr attr;
	struct fs_open open;
	struct fuse_create_in create;
	size_t size;
};

static struct setup setup;

static void begin(const char *text)
{
	char message[XATTRRULES_MESSAGE_MAX];
	struct xattrrules *rules;

	memset(&setup, 0, sizeof(setup));
	fake_init(&setup.fake);
	assert_int_equal(xattrrules_parse(text, &rules, message), 0);
	assert_int_equal(xattrmap_new(&setup.fake.fs, rules, &setup.fs), 0);
}

static void end(void)
{
	fs_free(setup.fs);
	assert_true(setup.fake.destroyed);
}

static void test_names(void **state)
{
	begin(":unsupported:all:system.:system.: :map:trusted.:user.v.:");
	assert_int_equal(fs_setxattr(setup.fs, &setup.call, 2, "trusted.a", "", 0, 0, 0), 0);
	assert_string_equal(setup.fake.seen.name, "user.v.trusted.a");
	assert_int_equal(fs_getxattr(setup.fs, &setup.call, 2, "trusted.b", NULL, 0, &setup.size), 0);
	assert_string_equal(setup.fake.seen.name, "user.v.trusted.b");
	assert_int_equal(fs_removexattr(setup.fs, &setup.call, 2, "trusted.c"), 0);
	assert_string_equal(setup.fake.seen.name, "user.v.trusted.c");
	assert_int_equal(fs_getxattr(setup.fs, &setup.call, 2, "user.a", NULL, 0, &setup.size), 0);
	assert_string_equal(setup.fake.seen.name, "user.a");

	setup.fake.calls = 0;
	assert_int_equal(fs_setxattr(setup.fs, &setup.call, 2, "user.v.a", "", 0, 0, 0), -EPERM);
	assert_int_equal(fs_getxattr(setup.fs, &setup.call, 2, "user.v.a", NULL, 0, &setup.size), -EPERM);
	assert_int_equal(fs_removexattr(setup.fs, &setup.call, 2, "user.v.a"), -EPERM);
	assert_int_equal(fs_getxattr(setup.fs, &setup.call, 2, "system.x", NULL, 0, &setup.size), -EOPNOTSUPP);
	assert_int_equal(setup.fake.calls, 0);
	end();
}

static void test_list(void **state)
{
	static const char host[] = "user.v.trusted.a\0trusted.b\0user.c\0user.v.\0";
	static const char guest[] = "trusted.a\0user.c";
	char list[64];

	begin(":map:trusted.:user.v.:");
	setup.fake.list = host;
	setup.fake.list_size = sizeof(host) - 1;
	/* How long is it? */
	assert_int_equal(fs_listxattr(setup.fs, &setup.call, 2, NULL, 0, &setup.size), 0);
	assert_int_equal(setup.size, sizeof(guest));
	/* It fits exactly, although the host's would not. */
	memset(list, 'x', sizeof(list));
	assert_int_equal(fs_listxattr(setup.fs, &setup.call, 2, list, sizeof(guest), &setup.size), 0);
	assert_int_equal(setup.size, sizeof(guest));
	assert_memory_equal(list, guest, sizeof(guest));
	assert_int_equal(list[sizeof(guest)], 'x');
	assert_int_equal(fs_listxattr(setup.fs, &setup.call, 2, list, sizeof(guest) - 1, &setup.size), -ERANGE);

	/* All hidden, none there, and an error. */
	setup.fake.list = "trusted.b";
	setup.fake.list_size = sizeof("trusted.b");
	assert_int_equal(fs_listxattr(setup.fs, &setup.call, 2, list, sizeof(list), &setup.size), 0);
	assert_int_equal(setup.size, 0);
	setup.fake.list_size = 0;
	assert_int_equal(fs_listxattr(setup.fs, &setup.call, 2, list, sizeof(list), &setup.size), 0);
	assert_int_equal(setup.size, 0);
	setup.fake.answer = -EIO;
	assert_int_equal(fs_listxattr(setup.fs, &setup.call, 2, list, sizeof(list), &setup.size), -EIO);
	/* A backend that leaves off the last NUL. */
	setup.fake.answer = 0;
	setup.fake.list = "user.c";
	setup.fake.list_size = 6;
	assert_int_equal(fs_listxattr(setup.fs, &setup.call, 2, list, sizeof(list), &setup.size), 0);
	assert_int_equal(setup.size, 7);
	end();
}

#define create_all(check)                                                                                              \
	do {                                                                                                           \
		check(fs_create(setup.fs, &setup.call, 1, "a", &setup.create, &setup.entry, &setup.open));             \
		check(fs_tmpfile(setup.fs, &setup.call, 1, &setup.create, &setup.entry, &setup.open));                 \
		check(fs_mknod(setup.fs, &setup.call, 1, "a", 0, 0, 0, &setup.entry));                                 \
		check(fs_mkdir(setup.fs, &setup.call, 1, "a", 0, 0, &setup.entry));                                    \
		check(fs_symlink(setup.fs, &setup.call, 1, "a", "b", &setup.entry));                                   \
	} while (0)

static const char context[] = "security.selinux";

static void check_mapped(int result)
{
	assert_int_equal(result, 0);
	assert_string_equal(setup.fake.seen.secctx, "user.v.security.selinux");
	assert_ptr_equal(setup.call.secctx_name, context);
}

static void check_left_off(int result)
{
	assert_int_equal(result, 0);
	assert_string_equal(setup.fake.seen.secctx, "");
	assert_ptr_equal(setup.call.secctx_name, context);
}

static void check_denied(int result)
{
	assert_int_equal(result, -EPERM);
	assert_int_equal(setup.fake.calls, 0);
	assert_ptr_equal(setup.call.secctx_name, context);
}

static void check_none(int result)
{
	assert_int_equal(result, 0);
	assert_string_equal(setup.fake.seen.secctx, "");
	assert_null(setup.call.secctx_name);
}

static void test_contexts(void **state)
{
	begin(":map::user.v.:");
	create_all(check_none);
	setup.call.secctx_name = context;
	create_all(check_mapped);
	end();
	begin(":unsupported:all:security.:security.: :ok:all:::");
	setup.call.secctx_name = context;
	create_all(check_left_off);
	end();
	begin(":bad:all:security.:security.: :ok:all:::");
	setup.call.secctx_name = context;
	create_all(check_denied);
	end();
}

/* Each operation that changes a file, and what it must and must not take away. */
static void change_all(unsigned int removals)
{
	struct fuse_setattr_in setattr = { .valid = FATTR_MODE | FATTR_MTIME };
	struct fuse_write_in write = { .write_flags = FUSE_WRITE_CACHE };
	struct fuse_fallocate_in fallocate = { .length = 1 };
	struct fs_copy copy = { .node_in = 3, .node_out = 2 };
	uint64_t copied;

	setup.fake.removals = 0;
	assert_int_equal(fs_setattr(setup.fs, &setup.call, 2, &setattr, &setup.attr), 0);
	assert_int_equal(fs_open(setup.fs, &setup.call, 2, O_RDWR, 0, &setup.open), 0);
	assert_int_equal(fs_write(setup.fs, &setup.call, 2, &write, NULL, 0, &setup.size), 0);
	assert_int_equal(setup.fake.removals, 0);

	static const uint32_t valid[] = { FATTR_SIZE, FATTR_UID, FATTR_GID };
	for (unsigned int i = 0; i < 3; i++) {
		setattr.valid = valid[i];
		setup.fake.removals = 0;
		assert_int_equal(fs_setattr(setup.fs, &setup.call, 2, &setattr, &setup.attr), 0);
		assert_int_equal(setup.fake.removals, removals);
	}
	setup.fake.removals = 0;
	assert_int_equal(fs_open(setup.fs, &setup.call, 2, O_RDWR | O_TRUNC, 0, &setup.open), 0);
	assert_int_equal(setup.fake.removals, removals);
	write.write_flags = 0;
	assert_int_equal(fs_write(setup.fs, &setup.call, 2, &write, NULL, 0, &setup.size), 0);
	assert_int_equal(setup.fake.removals, 2 * removals);
	assert_int_equal(fs_fallocate(setup.fs, &setup.call, 2, &fallocate), 0);
	assert_int_equal(setup.fake.removals, 3 * removals);
	assert_int_equal(fs_copy_file_range(setup.fs, &setup.call, &copy, &copied), 0);
	assert_int_equal(setup.fake.removals, 4 * removals);
}

static void test_capabilities(void **state)
{
	begin(":map::user.v.:");
	change_all(1);
	assert_string_equal(setup.fake.removed, "user.v.security.capability");
	assert_int_equal(setup.fake.removed_from, 2);
	end();
	/* Not under another name, or not at all: the kernel sees to it. */
	begin(":map:trusted.:user.v.:");
	change_all(0);
	end();
	begin(":bad:all:::");
	change_all(0);
	end();
}

/* A file that has none is written to; one whose capabilities cannot be taken is not. */
static void test_capability_errors(void **state)
{
	static const int harmless[] = { -ENODATA, -EOPNOTSUPP, -EPERM, -ENOSYS };
	struct fuse_write_in write = { .size = 0 };

	begin(":map::user.v.:");
	for (unsigned int i = 0; i < 4; i++) {
		setup.fake.answer = harmless[i];
		setup.fake.calls = 0;
		fs_write(setup.fs, &setup.call, 2, &write, NULL, 0, &setup.size);
		assert_int_equal(setup.fake.calls, 2);
	}
	setup.fake.answer = -EIO;
	setup.fake.calls = 0;
	assert_int_equal(fs_write(setup.fs, &setup.call, 2, &write, NULL, 0, &setup.size), -EIO);
	assert_int_equal(setup.fake.calls, 1);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_capabilities),
		cmocka_unit_test(test_capability_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
