/* SPDX-License-Identifier: BSD-3-Clause */
/* Replies that carry policy, attributes' values, directory entries; requests that carry extensions. */
#include "harness.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fusemsg/dirent.h"

static struct harness *setup_config(void (*change)(struct session_config *config))
{
	struct harness *harness = malloc(sizeof(*harness));

	harness_init(harness);
	if (change)
		change(&harness->config);
	harness_start(harness);
	harness_mount(harness);
	return harness;
}

static void teardown_session(struct harness *harness)
{
	harness_stop(harness);
	free(harness);
}

static int lookup(struct harness *harness, struct fuse_entry_out *ret_entry)
{
	harness_begin(harness, FUSE_LOOKUP);
	harness_add_string(harness, "a");
	int error = harness_send(harness);
	if (!error)
		memcpy(ret_entry, harness_body(harness), sizeof(*ret_entry));
	return error;
}

static void use_negative(struct session_config *config)
{
	config->negative_timeout_ns = 3000000001;
}

static void test_entries(void **state)
{
	struct harness *harness = setup_config(NULL);
	struct fuse_entry_out entry;

	assert_int_equal(lookup(harness, &entry), 0);
	assert_int_equal(entry.nodeid, 5);
	assert_int_equal(entry.generation, 6);
	assert_int_equal(entry.entry_valid, 1);
	assert_int_equal(entry.attr_valid, 1);
	assert_int_equal(entry.attr.ino, 77);
	assert_int_equal(entry.attr.flags, FUSE_ATTR_SUBMOUNT);
	/* Not to a guest that does not know them. */
	assert_int_equal(harness_send_init(harness, 46, HARNESS_ALL_FLAGS & ~FUSE_SUBMOUNTS, NULL), 0);
	assert_int_equal(lookup(harness, &entry), 0);
	assert_int_equal(entry.attr.flags, 0);
	harness->fs.result = -ENOENT;
	assert_int_equal(lookup(harness, &entry), -ENOENT);
	teardown_session(harness);
}

static void test_negative_entries(void **state)
{
	struct harness *harness = setup_config(use_negative);
	struct fuse_entry_out entry;

	harness->fs.result = -ENOENT;
	assert_int_equal(lookup(harness, &entry), 0);
	assert_int_equal(entry.nodeid, 0);
	assert_int_equal(entry.entry_valid, 3);
	assert_int_equal(entry.entry_valid_nsec, 1);
	harness->fs.result = -EACCES;
	assert_int_equal(lookup(harness, &entry), -EACCES);
	teardown_session(harness);
}

static void use_metadata(struct session_config *config)
{
	config->cache = SESSION_CACHE_METADATA;
}

static void test_open_flags(void **state)
{
	struct harness *harness = setup_config(use_metadata);
	struct fuse_open_in in = { 2, 0 };
	struct fuse_create_in create = { .mode = 0644 };
	struct fuse_open_out out;

	harness_begin(harness, FUSE_OPEN);
	harness_add(harness, &in, sizeof(in));
	assert_int_equal(harness_send(harness), 0);
	memcpy(&out, harness_body(harness), sizeof(out));
	assert_int_equal(out.fh, 9);
	/* What the file system demands, and what the policy adds. */
	assert_int_equal(out.open_flags, FOPEN_NONSEEKABLE | FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES);
	harness_begin(harness, FUSE_OPENDIR);
	harness_add(harness, &in, sizeof(in));
	assert_int_equal(harness_send(harness), 0);
	memcpy(&out, harness_body(harness), sizeof(out));
	assert_int_equal(out.open_flags, FOPEN_NONSEEKABLE | FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR);
	harness_begin(harness, FUSE_CREATE);
	harness_add(harness, &create, sizeof(create));
	harness_add_string(harness, "a");
	assert_int_equal(harness_send(harness), 0);
	memcpy(&out, (const char *)harness_body(harness) + sizeof(struct fuse_entry_out), sizeof(out));
	assert_int_equal(out.fh, 9);
	assert_int_equal(out.open_flags, FOPEN_DIRECT_IO | FOPEN_PARALLEL_DIRECT_WRITES);
	teardown_session(harness);
}

static void test_attributes(void **state)
{
	struct harness *harness = setup_config(NULL);
	struct fuse_attr_out attr;
	struct fuse_statx_out statx;

	harness_begin(harness, FUSE_GETATTR);
	harness_add(harness, &(struct fuse_getattr_in){ 0 }, sizeof(struct fuse_getattr_in));
	assert_int_equal(harness_send(harness), 0);
	memcpy(&attr, harness_body(harness), sizeof(attr));
	assert_int_equal(attr.attr_valid, 1);
	assert_int_equal(attr.attr.mode, S_IFREG | 0644);
	harness_begin(harness, FUSE_STATX);
	harness_add(harness, &(struct fuse_statx_in){ .sx_mask = 0x800, .sx_flags = 1 }, sizeof(struct fuse_statx_in));
	assert_int_equal(harness_send(harness), 0);
	memcpy(&statx, harness_body(harness), sizeof(statx));
	assert_int_equal(statx.attr_valid, 1);
	assert_int_equal(statx.stat.btime.tv_sec, 1234);
	assert_int_equal(harness->fs.mode, 0x800);
	teardown_session(harness);
}

static int list(struct harness *harness, uint32_t opcode, uint32_t size)
{
	struct fuse_read_in in = { .fh = 9, .offset = 11, .size = size };

	harness_begin(harness, opcode);
	harness_add(harness, &in, sizeof(in));
	return harness_send(harness);
}

static void check_listing(const struct harness *harness, size_t count, bool plus)
{
	const unsigned char *at = harness_body(harness);
	const unsigned char *end = at + harness_body_length(harness);

	for (size_t i = 0; i < count; i++) {
		struct fuse_entry_out entry;
		struct fuse_dirent dirent;

		if (plus) {
			memcpy(&entry, at, sizeof(entry));
			assert_int_equal(entry.nodeid, i == 0 ? 0 : 5);
			assert_int_equal(entry.entry_valid, i == 0 ? 0 : 1);
		}
		memcpy(&dirent, at + (plus ? sizeof(entry) : 0), sizeof(dirent));
		assert_int_equal(dirent.ino, 100 + i);
		assert_int_equal(dirent.off, i + 1);
		assert_int_equal(dirent.type, 8);
		assert_memory_equal(at + (plus ? sizeof(entry) : 0) + sizeof(dirent), "entry", 5);
		at += fusemsg_dirent_bytes(dirent.namelen, plus);
	}
	assert_ptr_equal(at, end);
}

static void test_listings(void **state)
{
	struct harness *harness = setup_config(NULL);
	const size_t pieces[] = { 0, 16, 5 };

	harness->fs.entries = 3;
	for (size_t i = 0; i < 3; i++) {
		harness->piece = pieces[i];
		assert_int_equal(list(harness, FUSE_READDIR, 4096), 0);
		assert_int_equal(harness->fs.fh, 9);
		assert_int_equal(harness->fs.offset, 11);
		check_listing(harness, 3, false);
		/* Two of 32 bytes fit; the third is the next call's. */
		assert_int_equal(list(harness, FUSE_READDIR, 95), 0);
		check_listing(harness, 2, false);
		assert_int_equal(list(harness, FUSE_READDIR, 31), 0);
		check_listing(harness, 0, false);
		assert_int_equal(list(harness, FUSE_READDIRPLUS, 4096), 0);
		check_listing(harness, 3, true);
		assert_int_equal(list(harness, FUSE_READDIRPLUS, 479), 0);
		check_listing(harness, 2, true);
	}
	teardown_session(harness);
}

static void test_error_in_a_listing(void **state)
{
	struct harness *harness = setup_config(NULL);

	harness->fs.list_result = -EIO;
	assert_int_equal(list(harness, FUSE_READDIRPLUS, 4096), -EIO);
	/* What was looked up for the guest it must learn of. */
	harness->fs.entries = 3;
	assert_int_equal(list(harness, FUSE_READDIRPLUS, 4096), 0);
	check_listing(harness, 3, true);
	/* Entries of an earlier listing are not this one's. */
	harness->fs.list_result = 0;
	harness->room = 100;
	assert_int_equal(list(harness, FUSE_READDIRPLUS, 4096), -EIO);
	teardown_session(harness);
}

static int setxattr(struct harness *harness, uint32_t size, size_t present, size_t args, const char *name)
{
	struct fuse_setxattr_in in = { .size = size, .flags = 2, .setxattr_flags = 1 };

	harness_begin(harness, FUSE_SETXATTR);
	harness_add(harness, &in, args);
	harness_add_string(harness, name);
	memset(harness->in + harness->in_length, 'v', present);
	harness->in_length += present;
	return harness_send(harness);
}

static void test_setxattr(void **state)
{
	struct harness *harness = setup_config(NULL);
	char name[300] = { 0 };

	assert_int_equal(setxattr(harness, 65536, 65536, 16, "user.a"), 0);
	assert_int_equal(harness->fs.data_length, 65536);
	assert_int_equal(harness->fs.data[65535], 'v');
	assert_int_equal(harness->fs.other, 1);
	assert_int_equal(harness->fs.flags, 2);
	assert_int_equal(setxattr(harness, 0, 0, 16, "user.a"), 0);
	assert_int_equal(harness->fs.data_length, 0);
	harness->fs.calls = 0;
	assert_int_equal(setxattr(harness, 65537, 65537, 16, "user.a"), -E2BIG);
	assert_int_equal(setxattr(harness, 70000, 70000, 16, "user.a"), -E2BIG);
	assert_int_equal(setxattr(harness, 5, 6, 16, "user.a"), -EINVAL);
	assert_int_equal(setxattr(harness, 6, 5, 16, "user.a"), -EINVAL);
	assert_int_equal(setxattr(harness, 0, 0, 16, ""), -ERANGE);
	memset(name, 'n', 256);
	assert_int_equal(setxattr(harness, 0, 0, 16, name), -ERANGE);
	assert_int_equal(harness->fs.calls, 0);
	name[255] = '\0';
	assert_int_equal(setxattr(harness, 1, 1, 16, name), 0);
	/* The short form, of guests without the extension. */
	assert_int_equal(harness_send_init(harness, 46, HARNESS_ALL_FLAGS & ~FUSE_SETXATTR_EXT, NULL), 0);
	assert_int_equal(setxattr(harness, 5, 5, 8, "user.b"), 0);
	assert_string_equal(harness->fs.name, "user.b");
	assert_int_equal(harness->fs.data_length, 5);
	assert_int_equal(harness->fs.other, 0);
	teardown_session(harness);
}

static int getxattr(struct harness *harness, uint32_t opcode, uint32_t size)
{
	struct fuse_getxattr_in in = { size, 0 };

	harness_begin(harness, opcode);
	harness_add(harness, &in, sizeof(in));
	if (opcode == FUSE_GETXATTR)
		harness_add_string(harness, "user.a");
	return harness_send(harness);
}

static void test_getxattr(void **state)
{
	struct harness *harness = setup_config(NULL);
	const uint32_t opcodes[] = { FUSE_GETXATTR, FUSE_LISTXATTR };

	memset(harness->fs.data, 'v', 65536);
	for (size_t i = 0; i < 2; i++) {
		struct fuse_getxattr_out out;

		harness->fs.data_length = 65536;
		assert_int_equal(getxattr(harness, opcodes[i], 0), 0);
		assert_int_equal(harness_body_length(harness), sizeof(out));
		memcpy(&out, harness_body(harness), sizeof(out));
		assert_int_equal(out.size, 65536);
		assert_int_equal(getxattr(harness, opcodes[i], 65536), 0);
		assert_int_equal(harness_body_length(harness), 65536);
		assert_memory_equal(harness_body(harness), harness->fs.data, 65536);
		assert_int_equal(getxattr(harness, opcodes[i], UINT32_MAX), 0);
		assert_int_equal(harness_body_length(harness), 65536);
		assert_int_equal(getxattr(harness, opcodes[i], 65535), -ERANGE);
		harness->fs.data_length = 0;
		assert_int_equal(getxattr(harness, opcodes[i], 10), 0);
		assert_int_equal(harness_body_length(harness), 0);
		/* The length's own eight bytes need room. */
		harness->room = 16 + 7;
		assert_int_equal(getxattr(harness, opcodes[i], 0), -EIO);
		harness->room = HARNESS_BUFFER;
	}
	teardown_session(harness);
}

static void without_xattr(struct session_config *config)
{
	config->xattr = false;
}

static void test_xattr_off(void **state)
{
	struct harness *harness = setup_config(without_xattr);

	assert_int_equal(getxattr(harness, FUSE_GETXATTR, 10), -ENOSYS);
	assert_int_equal(getxattr(harness, FUSE_LISTXATTR, 10), -ENOSYS);
	assert_int_equal(setxattr(harness, 1, 1, 16, "user.a"), -ENOSYS);
	harness_begin(harness, FUSE_REMOVEXATTR);
	harness_add_string(harness, "user.a");
	harness_check_error(harness, -ENOSYS);
	assert_int_equal(harness->fs.calls, 0);
	teardown_session(harness);
}

static void use_all(struct session_config *config)
{
	config->posix_acl = SESSION_AUTO;
	config->security_label = SESSION_AUTO;
}

static void begin_mkdir(struct harness *harness)
{
	struct fuse_mkdir_in in = { .mode = 0777, .umask = 01027 };

	harness_begin(harness, FUSE_MKDIR);
	harness_add(harness, &in, sizeof(in));
	harness_add_string(harness, "a");
}

static void test_umask(void **state)
{
	struct harness *harness = setup_config(NULL);

	/* The guest has applied it already. */
	begin_mkdir(harness);
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->fs.umask, 0);
	teardown_session(harness);
	harness = setup_config(use_all);
	begin_mkdir(harness);
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->fs.umask, 027);
	teardown_session(harness);
}

static void add_secctx(struct harness *harness)
{
	harness_add(harness, &(struct fuse_ext_header){ 32, 1 }, 8);
	harness_add(harness, &(struct fuse_secctx){ 4, 0 }, 8);
	harness_add(harness, "sec.name\0VALU\0\0\0", 16);
}

static void add_group(struct harness *harness)
{
	harness_add(harness, &(struct fuse_ext_header){ 16, FUSE_EXT_GROUPS }, 8);
	harness_add(harness, &(uint32_t[]){ 1, 27 }, 8);
}

static void check_extensions(struct harness *harness, bool secctx, bool group)
{
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->fs.copy.secctx_name != NULL, secctx);
	if (secctx) {
		assert_string_equal(harness->fs.name2, "sec.name");
		assert_int_equal(harness->fs.copy.secctx_size, 4);
		assert_memory_equal(harness->fs.data, "VALU", 4);
	}
	assert_int_equal(harness->fs.copy.has_group, group);
	if (group)
		assert_int_equal(harness->fs.copy.group, 27);
	assert_string_equal(harness->fs.name, "a");
}

static void test_extensions(void **state)
{
	struct harness *harness = setup_config(use_all);

	begin_mkdir(harness);
	check_extensions(harness, false, false);
	begin_mkdir(harness);
	add_secctx(harness);
	add_group(harness);
	harness_header(harness)->total_extlen = 6;
	check_extensions(harness, true, true);
	begin_mkdir(harness);
	add_group(harness);
	harness_header(harness)->total_extlen = 2;
	check_extensions(harness, false, true);
	/* 7.36 and 7.37 do not say how long they are. */
	begin_mkdir(harness);
	add_secctx(harness);
	check_extensions(harness, true, false);
	teardown_session(harness);
}

static void test_bad_extensions(void **state)
{
	struct harness *harness = setup_config(use_all);

	/* A length that is wrong by one unit either way, or beyond the message. */
	const uint16_t lengths[] = { 5, 7, UINT16_MAX };
	for (size_t i = 0; i < 3; i++) {
		begin_mkdir(harness);
		add_secctx(harness);
		add_group(harness);
		harness_header(harness)->total_extlen = lengths[i];
		harness_check_error(harness, -EINVAL);
	}
	/* Names do not reach into them. */
	struct fuse_mkdir_in in = { 0 };
	harness_begin(harness, FUSE_MKDIR);
	harness_add(harness, &in, sizeof(in));
	harness_add(harness, "nonul", 5);
	add_group(harness);
	harness_header(harness)->total_extlen = 2;
	harness_check_error(harness, -EINVAL);
	/* Not in other requests. */
	harness_begin(harness, FUSE_UNLINK);
	harness_add_string(harness, "a");
	add_group(harness);
	harness_header(harness)->total_extlen = 2;
	harness_check_error(harness, -EINVAL);
	teardown_session(harness);

	/* Not what was not agreed on. */
	harness = setup_config(NULL);
	begin_mkdir(harness);
	add_secctx(harness);
	harness_header(harness)->total_extlen = 4;
	harness_check_error(harness, -EINVAL);
	assert_int_equal(harness_send_init(harness, 36, HARNESS_ALL_FLAGS & ~FUSE_CREATE_SUPP_GROUP, NULL), 0);
	begin_mkdir(harness);
	add_group(harness);
	harness_check_error(harness, -EINVAL);
	teardown_session(harness);
}

static void test_odd_errors_are_made_good(void **state)
{
	struct harness *harness = setup_config(NULL);

	/* A pending call may bring anything; a guest accepts only -1 to -511. */
	harness->fs.result = FS_PENDING;
	harness_begin(harness, FUSE_STATFS);
	assert_int_equal(harness_send(harness), FS_PENDING);
	harness->fs.call->complete(harness->fs.call, -512);
	assert_int_equal(harness_collect(harness), -EIO);
	teardown_session(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_negative_entries),
		cmocka_unit_test(test_open_flags),
		cmocka_unit_test(test_attributes),
		cmocka_unit_test(test_listings),
		cmocka_unit_test(test_error_in_a_listing),
		cmocka_unit_test(test_setxattr),
		cmocka_unit_test(test_getxattr),
		cmocka_unit_test(test_xattr_off),
		cmocka_unit_test(test_umask),
		cmocka_unit_test(test_extensions),
		cmocka_unit_test(test_bad_extensions),
		cmocka_unit_test(test_odd_errors_are_made_good),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
