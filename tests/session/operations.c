/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every operation: a good request reaches the file system with its arguments and has a reply of exactly the right
 * length, however buffers are cut; every malformed variant gets an errno and does not reach the file system.
 */
#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/util.h"
#include "fusemsg/opcode.h"

/* A good request of one operation. */
struct sample {
	uint32_t opcode;
	const char *operation; /* of the file system */
	size_t reply; /* bytes behind the header */
	size_t args_length;
	union {
		struct fuse_getattr_in getattr;
		struct fuse_setattr_in setattr;
		struct fuse_statx_in statx;
		struct fuse_mknod_in mknod;
		struct fuse_mkdir_in mkdir;
		struct fuse_rename_in rename;
		struct fuse_rename2_in rename2;
		struct fuse_link_in link;
		struct fuse_open_in open;
		struct fuse_create_in create;
		struct fuse_release_in release;
		struct fuse_flush_in flush;
		struct fuse_read_in read;
		struct fuse_write_in write;
		struct fuse_fsync_in fsync;
		struct fuse_setxattr_in setxattr;
		struct fuse_getxattr_in getxattr;
		struct fuse_lk_in lk;
		struct fuse_access_in access;
		struct fuse_ioctl_in ioctl;
		struct fuse_fallocate_in fallocate;
		struct fuse_lseek_in lseek;
		struct fuse_copy_file_range_in copy;
		struct fuse_syncfs_in syncfs;
	} args;
	const char *names[2];
	const char *payload;
	const char *data; /* what the file system has to say */
};

#define ENTRY sizeof(struct fuse_entry_out)
#define ATTR sizeof(struct fuse_attr_out)
#define OPENED sizeof(struct fuse_open_out)

static const struct sample samples[] = {
	{ FUSE_LOOKUP, "lookup", ENTRY, .names = { "a" } },
	{ FUSE_GETATTR, "getattr", ATTR, .args_length = 16, .args = { .getattr = { FUSE_GETATTR_FH, 0, 9 } } },
	{ FUSE_SETATTR, "setattr", ATTR, .args_length = 88, .args = { .setattr = { .valid = FATTR_SIZE, .size = 3 } } },
	{ FUSE_READLINK, "readlink", 6, .data = "target" },
	{ FUSE_SYMLINK, "symlink", ENTRY, .names = { "a", "../x/y" } },
	{ FUSE_MKNOD, "mknod", ENTRY, .args_length = 16, .args = { .mknod = { 0100644, 7, 022, 0 } },
	  .names = { "a" } },
	{ FUSE_MKDIR, "mkdir", ENTRY, .args_length = 8, .args = { .mkdir = { 0755, 022 } }, .names = { "a" } },
	{ FUSE_UNLINK, "unlink", 0, .names = { "a" } },
	{ FUSE_RMDIR, "rmdir", 0, .names = { "a" } },
	{ FUSE_RENAME, "rename", 0, .args_length = 8, .args = { .rename = { 2 } }, .names = { "a", "b" } },
	{ FUSE_LINK, "link", ENTRY, .args_length = 8, .args = { .link = { 3 } }, .names = { "a" } },
	{ FUSE_OPEN, "open", OPENED, .args_length = 8, .args = { .open = { O_RDWR, 0 } } },
	{ FUSE_READ, "read", 5, .args_length = 40, .args = { .read = { .fh = 9, .offset = 1ull << 43, .size = 100 } },
	  .data = "hello" },
	{ FUSE_WRITE, "write", 8, .args_length = 40, .args = { .write = { .fh = 9, .offset = 4, .size = 5 } },
	  .payload = "hello" },
	{ FUSE_STATFS, "statfs", .reply = 80 },
	{ FUSE_RELEASE, "release", 0, .args_length = 24, .args = { .release = { .fh = 9 } } },
	{ FUSE_FSYNC, "fsync", 0, .args_length = 16, .args = { .fsync = { .fh = 9, .fsync_flags = 1 } } },
	{ FUSE_SETXATTR, "setxattr", 0, .args_length = 16, .args = { .setxattr = { 5, 1, 0, 0 } },
	  .names = { "user.a" }, .payload = "value" },
	{ FUSE_GETXATTR, "getxattr", 5, .args_length = 8, .args = { .getxattr = { 100, 0 } }, .names = { "user.a" },
	  .data = "value" },
	{ FUSE_LISTXATTR, "listxattr", 5, .args_length = 8, .args = { .getxattr = { 100, 0 } }, .data = "names" },
	{ FUSE_REMOVEXATTR, "removexattr", 0, .names = { "user.a" } },
	{ FUSE_FLUSH, "flush", 0, .args_length = 24, .args = { .flush = { .fh = 9, .lock_owner = 8 } } },
	{ FUSE_OPENDIR, "opendir", OPENED, .args_length = 8, .args = { .open = { O_RDONLY, 0 } } },
	{ FUSE_READDIR, "readdir", 0, .args_length = 40, .args = { .read = { .fh = 9, .size = 100 } } },
	{ FUSE_RELEASEDIR, "releasedir", 0, .args_length = 24, .args = { .release = { .fh = 9 } } },
	{ FUSE_FSYNCDIR, "fsyncdir", 0, .args_length = 16, .args = { .fsync = { .fh = 9 } } },
	{ FUSE_GETLK, "getlk", 24, .args_length = 48, .args = { .lk = { .fh = 9, .lk = { 0, 10, F_WRLCK, 1 } } } },
	{ FUSE_SETLK, "setlk", 0, .args_length = 48, .args = { .lk = { .fh = 9, .lk = { 0, 10, F_WRLCK, 1 } } } },
	{ FUSE_SETLKW, "setlkw", 0, .args_length = 48, .args = { .lk = { .fh = 9, .lk = { 0, 10, F_RDLCK, 1 } } } },
	{ FUSE_ACCESS, "access", 0, .args_length = 8, .args = { .access = { 4, 0 } } },
	{ FUSE_CREATE, "create", ENTRY + OPENED, .args_length = 16, .args = { .create = { O_RDWR, 0644, 022, 0 } },
	  .names = { "a" } },
	{ FUSE_IOCTL, "ioctl", 16 + 8, .args_length = 32,
	  .args = { .ioctl = { .fh = 9, .cmd = 5, .in_size = 5, .out_size = 8 } }, .payload = "input" },
	{ FUSE_FALLOCATE, "fallocate", 0, .args_length = 32,
	  .args = { .fallocate = { .fh = 9, .offset = 7, .length = 8 } } },
	{ FUSE_READDIRPLUS, "readdirplus", 0, .args_length = 40, .args = { .read = { .fh = 9, .size = 100 } } },
	{ FUSE_RENAME2, "rename", 0, .args_length = 16, .args = { .rename2 = { 2, 1, 0 } }, .names = { "a", "b" } },
	{ FUSE_LSEEK, "lseek", 8, .args_length = 24,
	  .args = { .lseek = { .fh = 9, .offset = 7, .whence = SEEK_DATA } } },
	{ FUSE_COPY_FILE_RANGE, "copy_file_range", 8, .args_length = 56,
	  .args = { .copy = { 9, 0, 2, 8, 0, 1ull << 40, 0 } } },
	{ FUSE_SYNCFS, "syncfs", .args_length = 8 },
	{ FUSE_TMPFILE, "tmpfile", ENTRY + OPENED, .args_length = 16, .args = { .create = { O_RDWR, 0644, 022, 0 } },
	  .names = { "/" } },
	{ FUSE_STATX, "statx", 288, .args_length = 24, .args = { .statx = { .sx_mask = 0xfff } } },
	{ FUSE_COPY_FILE_RANGE_64, "copy_file_range", 8, .args_length = 56,
	  .args = { .copy = { 9, 0, 2, 8, 0, 1ull << 40, 0 } } },
};

static struct harness *setup_session(void)
{
	struct harness *harness = malloc(sizeof(*harness));

	harness_init(harness);
	harness_start(harness);
	harness_mount(harness);
	return harness;
}

static void teardown_session(struct harness *harness)
{
	harness_stop(harness);
	free(harness);
}

static void build(struct harness *harness, const struct sample *sample)
{
	harness_begin(harness, sample->opcode);
	harness_add(harness, &sample->args, sample->args_length);
	for (int i = 0; i < 2 && sample->names[i]; i++)
		harness_add_string(harness, sample->names[i]);
	if (sample->payload)
		harness_add(harness, sample->payload, strlen(sample->payload));
	harness->fs.data_length = sample->data ? strlen(sample->data) : 0;
	if (sample->data)
		memcpy(harness->fs.data, sample->data, harness->fs.data_length);
}

static void test_every_opcode_has_a_sample(void **state)
{
	const uint32_t elsewhere[] = { FUSE_FORGET, FUSE_BATCH_FORGET, FUSE_INTERRUPT, FUSE_INIT, FUSE_DESTROY };

	for (uint32_t opcode = 0; opcode < FUSE_OPCODE_COUNT; opcode++) {
		const struct fusemsg_opcode *entry = fusemsg_opcode_find(opcode);
		bool found = !entry || (entry->flags & FUSEMSG_REFUSED);

		for (size_t i = 0; i < ARRAY_SIZE(elsewhere); i++)
			found |= elsewhere[i] == opcode;
		for (size_t i = 0; i < ARRAY_SIZE(samples); i++)
			found |= samples[i].opcode == opcode;
		assert_true(found);
	}
}

static void check_sample(struct harness *harness, const struct sample *sample)
{
	build(harness, sample);
	harness->fs.calls = 0;
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->submitted, SESSION_DONE);
	assert_int_equal(harness->fs.calls, 1);
	assert_string_equal(harness->fs.operation, sample->operation);
	assert_int_equal(harness_body_length(harness), sample->reply);
	assert_int_equal(harness->fs.copy.uid, 1000);
	assert_int_equal(harness->fs.copy.gid, 100);
	assert_int_equal(harness->fs.copy.pid, 42);
	assert_int_equal(harness->fs.copy.opcode, sample->opcode);
	if (sample->names[0] && sample->opcode != FUSE_TMPFILE)
		assert_string_equal(harness->fs.name, sample->names[0]);
	if (sample->names[1])
		assert_string_equal(harness->fs.name2, sample->names[1]);
	if (sample->payload) {
		assert_int_equal(harness->fs.data_length, strlen(sample->payload));
		assert_memory_equal(harness->fs.data, sample->payload, harness->fs.data_length);
	}
	if (sample->data)
		assert_memory_equal(harness_body(harness), sample->data, strlen(sample->data));
}

static void test_good_requests(void **state)
{
	struct harness *harness = setup_session();
	/* One buffer; tiny ones; as Linux cuts them; odd ones. */
	const size_t pieces[] = { 0, 1, 16, 40, 7 };

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		harness->room = 1000;
		for (size_t k = 0; k < ARRAY_SIZE(pieces); k++) {
			harness->piece = pieces[k];
			check_sample(harness, &samples[i]);
		}
		/* The buffer may be longer than the message, and the reply's exactly as long as it. */
		harness->piece = 0;
		build(harness, &samples[i]);
		harness_header(harness)->len = (uint32_t)harness->in_length;
		harness_add(harness, "behind the message", 18);
		assert_int_equal(harness_send_as_is(harness), 0);
	}
	teardown_session(harness);
}

static void test_errors_of_the_file_system(void **state)
{
	struct harness *harness = setup_session();

	harness->room = 1000;
	harness->fs.result = -EDQUOT;
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		build(harness, &samples[i]);
		assert_int_equal(harness_send(harness), -EDQUOT);
		assert_int_equal(harness->request.written, 16);
	}
	teardown_session(harness);
}

static void test_truncated_requests(void **state)
{
	struct harness *harness = setup_session();

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *sample = &samples[i];

		build(harness, sample);
		size_t whole = harness->in_length;
		/* One byte less than whole leaves out a NUL, an argument's or the payload's last byte. */
		for (size_t length = sizeof(struct fuse_in_header); length < whole; length++) {
			build(harness, sample);
			harness->in_length = length;
			harness_check_error(harness, -EINVAL);
			/* The header may also lie about what is there. */
			build(harness, sample);
			harness_header(harness)->len = (uint32_t)length;
			assert_int_equal(harness_send_as_is(harness), -EINVAL);
		}
		build(harness, sample);
		harness_header(harness)->len = (uint32_t)whole + 1;
		assert_int_equal(harness_send_as_is(harness), -EINVAL);
		harness_header(harness)->len = 39;
		assert_int_equal(harness_send_as_is(harness), -EINVAL);
		harness_header(harness)->len = UINT32_MAX;
		assert_int_equal(harness_send_as_is(harness), -EINVAL);
	}
	assert_int_equal(harness->fs.calls, 0);
	teardown_session(harness);
}

static void test_no_whole_header(void **state)
{
	struct harness *harness = setup_session();

	for (size_t length = 0; length < sizeof(struct fuse_in_header); length++) {
		harness_begin(harness, FUSE_STATFS);
		harness->in_length = length;
		assert_int_equal(harness_send_as_is(harness), 0);
		assert_int_equal(harness->submitted, SESSION_DONE);
		assert_int_equal(harness->request.written, 0);
	}
	assert_int_equal(harness->fs.calls, 0);
	teardown_session(harness);
}

static void test_no_room(void **state)
{
	struct harness *harness = setup_session();

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct sample *sample = &samples[i];
		size_t least = fusemsg_opcode_find(sample->opcode)->reply;

		/* Not even an error fits: dropped, and not done. */
		for (harness->room = 0; harness->room < 16; harness->room++) {
			build(harness, sample);
			assert_int_equal(harness_send(harness), 0);
			assert_int_equal(harness->request.written, 0);
		}
		assert_int_equal(harness->fs.calls, 0);
		/* An error fits, the reply does not. */
		for (harness->room = 16; harness->room < 16 + least; harness->room++) {
			build(harness, sample);
			harness_check_error(harness, -EIO);
		}
		/* What is as long as the guest says has that room, or is not asked for. */
		if (sample->opcode == FUSE_READ || sample->opcode == FUSE_READDIR || sample->opcode == FUSE_GETXATTR) {
			harness->room = 16 + 99;
			build(harness, sample);
			harness_check_error(harness, -EIO);
		}
	}
	harness->fs.calls = 0;
	teardown_session(harness);
}

static void test_bad_names(void **state)
{
	static char long_name[300];
	struct harness *harness = setup_session();
	const struct {
		const char *name;
		int error;
	} bad[] = { { "", -EINVAL },    { ".", -EINVAL },    { "..", -EINVAL },           { "/", -EINVAL },
		    { "a/b", -EINVAL }, { "../a", -EINVAL }, { long_name, -ENAMETOOLONG } };

	memset(long_name, 'n', 256);
	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		const struct fusemsg_opcode *entry = fusemsg_opcode_find(samples[i].opcode);

		if (!samples[i].names[0] || (entry->flags & FUSEMSG_FREE_NAMES && samples[i].opcode != FUSE_SYMLINK))
			continue;
		for (size_t k = 0; k < ARRAY_SIZE(bad); k++) {
			struct sample sample = samples[i];

			/* LOOKUP of these two means something. */
			if (sample.opcode == FUSE_LOOKUP &&
			    (strcmp(bad[k].name, ".") == 0 || strcmp(bad[k].name, "..") == 0))
				continue;
			sample.names[0] = bad[k].name;
			build(harness, &sample);
			harness_check_error(harness, bad[k].error);
			if (!sample.names[1] || sample.opcode == FUSE_SYMLINK)
				continue;
			sample.names[0] = "a";
			sample.names[1] = bad[k].name;
			build(harness, &sample);
			harness_check_error(harness, bad[k].error);
		}
		/* Longest that goes. */
		struct sample sample = samples[i];
		long_name[255] = '\0';
		sample.names[0] = long_name;
		build(harness, &sample);
		assert_int_equal(harness_send(harness), 0);
		long_name[255] = 'n';
		/* Bytes behind the name. */
		harness->fs.calls = 0;
		build(harness, &samples[i]);
		harness_add(harness, "x", 1);
		harness_check_error(harness, -EINVAL);
		/* Longer than any message. */
		build(harness, &samples[i]);
		memset(harness->in + harness->in_length - 2, 'n', 9000);
		harness->in_length += 9000;
		assert_int_not_equal(harness_send(harness), 0);
		assert_int_equal(harness->fs.calls, 0);
	}
	teardown_session(harness);
}

static void test_symlink_targets(void **state)
{
	static char target[4200];
	struct harness *harness = setup_session();
	struct sample sample = { FUSE_SYMLINK, "symlink", ENTRY, .names = { "a", target } };

	build(harness, &sample);
	harness_check_error(harness, -ENOENT);
	memset(target, 't', 4095);
	build(harness, &sample);
	assert_int_equal(harness_send(harness), 0);
	assert_string_equal(harness->fs.name2, target);
	target[4095] = 't';
	build(harness, &sample);
	harness_check_error(harness, -ENAMETOOLONG);
	teardown_session(harness);
}

static void test_lookup_of_self_and_parent(void **state)
{
	struct harness *harness = setup_session();
	struct sample sample = { FUSE_LOOKUP, .names = { "." } };

	build(harness, &sample);
	assert_int_equal(harness_send(harness), 0);
	assert_string_equal(harness->fs.operation, "lookup_self");
	sample.names[0] = "..";
	build(harness, &sample);
	assert_int_equal(harness_send(harness), 0);
	assert_string_equal(harness->fs.operation, "lookup_parent");
	/* Not from a guest that was not told so. */
	assert_int_equal(harness_send_init(harness, 46, HARNESS_ALL_FLAGS & ~FUSE_EXPORT_SUPPORT, NULL), 0);
	build(harness, &sample);
	harness_check_error(harness, -EINVAL);
	sample.names[0] = ".";
	build(harness, &sample);
	harness_check_error(harness, -EINVAL);
	teardown_session(harness);
}

static void test_files_need_handles(void **state)
{
	struct harness *harness = setup_session();
	const uint32_t with_handle[] = { FUSE_READ,
					 FUSE_WRITE,
					 FUSE_RELEASE,
					 FUSE_FLUSH,
					 FUSE_FSYNC,
					 FUSE_LSEEK,
					 FUSE_READDIR,
					 FUSE_READDIRPLUS,
					 FUSE_RELEASEDIR,
					 FUSE_FSYNCDIR,
					 FUSE_GETLK,
					 FUSE_SETLK,
					 FUSE_SETLKW,
					 FUSE_FALLOCATE,
					 FUSE_COPY_FILE_RANGE,
					 FUSE_IOCTL,
					 FUSE_COPY_FILE_RANGE_64 };

	for (size_t i = 0; i < ARRAY_SIZE(samples); i++) {
		for (size_t k = 0; k < ARRAY_SIZE(with_handle); k++) {
			struct sample sample = samples[i];

			if (sample.opcode != with_handle[k])
				continue;
			/* It is the first field of all of them. */
			memset(&sample.args, 0, sizeof(uint64_t));
			build(harness, &sample);
			harness_check_error(harness, -EBADF);
		}
	}
	teardown_session(harness);
}

static void test_refused_and_unknown_opcodes(void **state)
{
	struct harness *harness = setup_session();
	const uint32_t opcodes[] = {
		0,      FUSE_BMAP,         FUSE_POLL, FUSE_NOTIFY_REPLY, FUSE_SETUPMAPPING, FUSE_REMOVEMAPPING, 7,
		18 + 1, FUSE_OPCODE_COUNT, 4096,      UINT32_MAX
	};

	for (size_t i = 0; i < ARRAY_SIZE(opcodes); i++) {
		harness_begin(harness, opcodes[i]);
		harness_add(harness, "0123456789abcdef", 16);
		harness_check_error(harness, -ENOSYS);
	}
	teardown_session(harness);
}

static void test_getattr_handle(void **state)
{
	struct harness *harness = setup_session();
	struct sample sample = { FUSE_GETATTR, .args_length = 16, .args.getattr = { 0, 0, 9 } };

	build(harness, &sample);
	assert_int_equal(harness_send(harness), 0);
	assert_true(harness->fs.fh == FS_NO_HANDLE);
	sample.args.getattr.getattr_flags = FUSE_GETATTR_FH;
	build(harness, &sample);
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->fs.fh, 9);
	teardown_session(harness);
}

static void test_rename_flags(void **state)
{
	struct harness *harness = setup_session();
	const struct {
		uint32_t flags;
		int error;
	} cases[] = {
		{ 0, 0 }, { 1, 0 }, { 2, 0 }, { 4, 0 }, { 5, 0 }, { 3, -EINVAL }, { 6, -EINVAL }, { 8, -EINVAL }
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct sample sample = { FUSE_RENAME2, .args_length = 16, .args.rename2 = { 2, cases[i].flags, 0 },
					 .names = { "a", "b" } };

		build(harness, &sample);
		if (cases[i].error) {
			harness_check_error(harness, cases[i].error);
		} else {
			assert_int_equal(harness_send(harness), 0);
			assert_int_equal(harness->fs.flags, cases[i].flags);
			assert_int_equal(harness->fs.other, 2);
		}
	}
	teardown_session(harness);
}

static void test_read_goes_into_the_guests_buffers(void **state)
{
	struct harness *harness = setup_session();
	struct sample sample = { FUSE_READ, .args_length = 40, .args.read = { .fh = 9, .size = 100000 } };
	const size_t pieces[] = { 0, 16, 4096, 1000 };

	for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
		build(harness, &sample);
		harness->piece = pieces[i];
		harness->fs.data_length = 100001;
		for (size_t k = 0; k < harness->fs.data_length; k++)
			harness->fs.data[k] = (char)(k * 7);
		assert_int_equal(harness_send(harness), 0);
		/* Never more than was asked for, whatever room there is. */
		assert_int_equal(harness->fs.other, 100000);
		assert_int_equal(harness_body_length(harness), 100000);
		assert_memory_equal(harness_body(harness), harness->fs.data, 100000);
	}
	teardown_session(harness);
}

static void test_write_of_more_and_less(void **state)
{
	struct harness *harness = setup_session();
	struct sample sample = { FUSE_WRITE, .args_length = 40, .args.write = { .fh = 9, .size = 3 },
				 .payload = "hello" };

	build(harness, &sample);
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->fs.data_length, 3);
	sample.args.write.size = UINT32_MAX;
	build(harness, &sample);
	harness_check_error(harness, -EINVAL);
	sample.args.write.size = 0;
	build(harness, &sample);
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->fs.data_length, 0);
	teardown_session(harness);
}

static void test_copy_counts(void **state)
{
	struct harness *harness = setup_session();
	struct sample sample = { FUSE_COPY_FILE_RANGE, .args_length = 56,
				 .args.copy = { 9, 0, 2, 8, 0, 1ull << 40, 0 } };
	uint32_t narrow;
	uint64_t wide;

	build(harness, &sample);
	assert_int_equal(harness_send(harness), 0);
	memcpy(&narrow, harness_body(harness), sizeof(narrow));
	assert_int_equal(narrow, 0xfffff000);
	sample.opcode = FUSE_COPY_FILE_RANGE_64;
	build(harness, &sample);
	assert_int_equal(harness_send(harness), 0);
	memcpy(&wide, harness_body(harness), sizeof(wide));
	assert_true(wide == 1ull << 40);
	sample.args.copy.flags = 1;
	build(harness, &sample);
	harness_check_error(harness, -EINVAL);
	teardown_session(harness);
}

static void test_locks_are_checked(void **state)
{
	struct harness *harness = setup_session();
	struct sample sample = { FUSE_SETLK, .args_length = 48, .args.lk = { .fh = 9, .lk = { 5, 4, F_WRLCK, 1 } } };

	build(harness, &sample);
	harness_check_error(harness, -EINVAL);
	sample.args.lk.lk = (struct fuse_file_lock){ 0, 1ull << 63, F_WRLCK, 1 };
	build(harness, &sample);
	harness_check_error(harness, -EINVAL);
	sample.args.lk.lk = (struct fuse_file_lock){ 0, INT64_MAX, 3, 1 };
	build(harness, &sample);
	harness_check_error(harness, -EINVAL);
	sample.args.lk.lk = (struct fuse_file_lock){ 0, INT64_MAX, F_UNLCK, 1 };
	build(harness, &sample);
	assert_int_equal(harness_send(harness), 0);
	teardown_session(harness);
}

static void test_ioctl_limits(void **state)
{
	struct harness *harness = setup_session();
	struct sample sample = { FUSE_IOCTL, .args_length = 32, .args.ioctl = { .fh = 9, .in_size = 6, .out_size = 8 },
				 .payload = "input" };

	build(harness, &sample);
	harness_check_error(harness, -EINVAL);
	sample.args.ioctl.in_size = UINT32_MAX;
	build(harness, &sample);
	harness_check_error(harness, -ENOTTY);
	sample.args.ioctl.in_size = 5;
	sample.args.ioctl.out_size = UINT32_MAX;
	build(harness, &sample);
	harness_check_error(harness, -ENOTTY);
	sample.args.ioctl.out_size = 8;
	harness->room = 16 + 16 + 7;
	build(harness, &sample);
	harness_check_error(harness, -EIO);
	harness->room = 16 + 16 + 8;
	sample.args.ioctl.flags = FUSE_IOCTL_UNRESTRICTED;
	build(harness, &sample);
	harness_check_error(harness, -ENOTTY);
	sample.args.ioctl.flags = 0;
	build(harness, &sample);
	assert_int_equal(harness_send(harness), 0);
	assert_memory_equal((const char *)harness_body(harness) + 16, "oooooooo", 8);
	teardown_session(harness);
}

static void test_forgets(void **state)
{
	struct harness *harness = setup_session();
	struct fuse_forget_in forget = { 3 };
	struct fuse_batch_forget_in batch = { .count = 200 };

	for (harness->room = 0; harness->room < 100; harness->room += 99) {
		harness->fs.forgotten = 0;
		harness->fs.forgets = 0;
		harness_begin(harness, FUSE_FORGET);
		harness_add(harness, &forget, sizeof(forget));
		assert_int_equal(harness_send(harness), 0);
		assert_int_equal(harness->request.written, 0);
		assert_int_equal(harness->fs.forgotten, 3);
		harness->in_length--;
		assert_int_equal(harness_send(harness), 0);
		assert_int_equal(harness->fs.forgets, 1);

		harness->fs.forgotten = 0;
		harness_begin(harness, FUSE_BATCH_FORGET);
		harness_add(harness, &batch, sizeof(batch));
		for (uint64_t i = 0; i < 200; i++)
			harness_add(harness, &(struct fuse_forget_one){ i, i }, sizeof(struct fuse_forget_one));
		assert_int_equal(harness_send(harness), 0);
		assert_int_equal(harness->request.written, 0);
		assert_int_equal(harness->fs.forgotten, 199 * 200 / 2);
		/* All or nothing. */
		harness->fs.forgets = 0;
		harness->in_length--;
		assert_int_equal(harness_send(harness), 0);
		assert_int_equal(harness->fs.forgets, 0);
	}
	teardown_session(harness);
}

static void test_interrupt(void **state)
{
	struct harness *harness = setup_session();
	struct fuse_interrupt_in in = { 77 };

	harness_begin(harness, FUSE_INTERRUPT);
	harness_add(harness, &in, sizeof(in));
	assert_int_equal(harness_send(harness), 0);
	assert_int_equal(harness->request.written, 0);
	assert_int_equal(harness->fs.interrupts, 1);
	assert_int_equal(harness->fs.other, 77);
	teardown_session(harness);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_opcode_has_a_sample),
		cmocka_unit_test(test_good_requests),
		cmocka_unit_test(test_errors_of_the_file_system),
		cmocka_unit_test(test_truncated_requests),
		cmocka_unit_test(test_no_whole_header),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_bad_names),
		cmocka_unit_test(test_symlink_targets),
		cmocka_unit_test(test_lookup_of_self_and_parent),
		cmocka_unit_test(test_files_need_handles),
		cmocka_unit_test(test_refused_and_unknown_opcodes),
		cmocka_unit_test(test_getattr_handle),
		cmocka_unit_test(test_rename_flags),
		cmocka_unit_test(test_read_goes_into_the_guests_buffers),
		cmocka_unit_test(test_write_of_more_and_less),
		cmocka_unit_test(test_copy_counts),
		cmocka_unit_test(test_locks_are_checked),
		cmocka_unit_test(test_ioctl_limits),
		cmocka_unit_test(test_forgets),
		cmocka_unit_test(test_interrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
