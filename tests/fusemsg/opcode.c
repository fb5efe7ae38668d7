/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of operations against the protocol's numbers and sizes, written down apart from it. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "base/util.h"
#include "fusemsg/opcode.h"
#include "wire/fuse.h"

/* From the protocol: number, name, bytes of arguments, names, bytes of reply. */
static const struct {
	uint32_t opcode;
	const char *name;
	unsigned int args, names, reply;
} expected[] = {
	{ 1, "LOOKUP", 0, 1, 128 },      { 2, "FORGET", 8, 0, 0 },         { 3, "GETATTR", 16, 0, 104 },
	{ 4, "SETATTR", 88, 0, 104 },    { 5, "READLINK", 0, 0, 0 },       { 6, "SYMLINK", 0, 2, 128 },
	{ 8, "MKNOD", 16, 1, 128 },      { 9, "MKDIR", 8, 1, 128 },        { 10, "UNLINK", 0, 1, 0 },
	{ 11, "RMDIR", 0, 1, 0 },        { 12, "RENAME", 8, 2, 0 },        { 13, "LINK", 8, 1, 128 },
	{ 14, "OPEN", 8, 0, 16 },        { 15, "READ", 40, 0, 0 },         { 16, "WRITE", 40, 0, 8 },
	{ 17, "STATFS", 0, 0, 80 },      { 18, "RELEASE", 24, 0, 0 },      { 20, "FSYNC", 16, 0, 0 },
	{ 21, "SETXATTR", 8, 1, 0 },     { 22, "GETXATTR", 8, 1, 0 },      { 23, "LISTXATTR", 8, 0, 0 },
	{ 24, "REMOVEXATTR", 0, 1, 0 },  { 25, "FLUSH", 24, 0, 0 },        { 26, "INIT", 16, 0, 64 },
	{ 27, "OPENDIR", 8, 0, 16 },     { 28, "READDIR", 40, 0, 0 },      { 29, "RELEASEDIR", 24, 0, 0 },
	{ 30, "FSYNCDIR", 16, 0, 0 },    { 31, "GETLK", 48, 0, 24 },       { 32, "SETLK", 48, 0, 0 },
	{ 33, "SETLKW", 48, 0, 0 },      { 34, "ACCESS", 8, 0, 0 },        { 35, "CREATE", 16, 1, 144 },
	{ 36, "INTERRUPT", 8, 0, 0 },    { 37, "BMAP", 0, 0, 0 },          { 38, "DESTROY", 0, 0, 0 },
	{ 39, "IOCTL", 32, 0, 16 },      { 40, "POLL", 0, 0, 0 },          { 41, "NOTIFY_REPLY", 0, 0, 0 },
	{ 42, "BATCH_FORGET", 8, 0, 0 }, { 43, "FALLOCATE", 32, 0, 0 },    { 44, "READDIRPLUS", 40, 0, 0 },
	{ 45, "RENAME2", 16, 2, 0 },     { 46, "LSEEK", 24, 0, 8 },        { 47, "COPY_FILE_RANGE", 56, 0, 8 },
	{ 48, "SETUPMAPPING", 0, 0, 0 }, { 49, "REMOVEMAPPING", 0, 0, 0 }, { 50, "SYNCFS", 8, 0, 0 },
	{ 51, "TMPFILE", 16, 1, 144 },   { 52, "STATX", 24, 0, 288 },      { 53, "COPY_FILE_RANGE_64", 56, 0, 8 },
};

static void test_entries(void **state)
{
	size_t found = 0;

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		const struct fusemsg_opcode *entry = fusemsg_opcode_find(expected[i].opcode);

		assert_non_null(entry);
		assert_string_equal(entry->name, expected[i].name);
		assert_int_equal(entry->args, expected[i].args);
		assert_int_equal(entry->names, expected[i].names);
		assert_int_equal(entry->reply, expected[i].reply);
		assert_true(entry->names <= FUSEMSG_NAMES_MAX);
		assert_true(entry->args <= FUSEMSG_ARGS_MAX);
	}
	for (uint32_t opcode = 0; opcode < 70000; opcode++)
		found += fusemsg_opcode_find(opcode) != NULL;
	assert_int_equal(found, ARRAY_SIZE(expected));
	assert_null(fusemsg_opcode_find(UINT32_MAX));
}

static unsigned int count_flag(unsigned int flag)
{
	unsigned int count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(expected); i++)
		count += (fusemsg_opcode_find(expected[i].opcode)->flags & flag) != 0;
	return count;
}

static bool has(uint32_t opcode, unsigned int flag)
{
	return fusemsg_opcode_find(opcode)->flags & flag;
}

static void test_flags(void **state)
{
	const uint32_t pooled[] = { FUSE_FSYNC,     FUSE_FSYNCDIR,        FUSE_SYNCFS,
				    FUSE_FALLOCATE, FUSE_COPY_FILE_RANGE, FUSE_COPY_FILE_RANGE_64 };
	const uint32_t silent[] = { FUSE_FORGET, FUSE_BATCH_FORGET, FUSE_INTERRUPT };
	const uint32_t extended[] = { FUSE_CREATE, FUSE_TMPFILE, FUSE_MKNOD, FUSE_MKDIR, FUSE_SYMLINK };
	const uint32_t mutating[] = { FUSE_SETATTR,
				      FUSE_SYMLINK,
				      FUSE_MKNOD,
				      FUSE_MKDIR,
				      FUSE_UNLINK,
				      FUSE_RMDIR,
				      FUSE_RENAME,
				      FUSE_LINK,
				      FUSE_WRITE,
				      FUSE_SETXATTR,
				      FUSE_CREATE,
				      FUSE_RENAME2,
				      FUSE_REMOVEXATTR,
				      FUSE_FALLOCATE,
				      FUSE_COPY_FILE_RANGE,
				      FUSE_TMPFILE,
				      FUSE_COPY_FILE_RANGE_64 };
	const uint32_t refused[] = { FUSE_BMAP, FUSE_POLL, FUSE_NOTIFY_REPLY, FUSE_SETUPMAPPING, FUSE_REMOVEMAPPING };

	for (size_t i = 0; i < ARRAY_SIZE(pooled); i++)
		assert_true(has(pooled[i], FUSEMSG_POOL));
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++)
		assert_true(has(silent[i], FUSEMSG_NO_REPLY));
	for (size_t i = 0; i < ARRAY_SIZE(extended); i++)
		assert_true(has(extended[i], FUSEMSG_EXTENSIONS));
	for (size_t i = 0; i < ARRAY_SIZE(mutating); i++)
		assert_true(has(mutating[i], FUSEMSG_MUTATES));
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
		assert_true(has(refused[i], FUSEMSG_REFUSED));
	assert_int_equal(count_flag(FUSEMSG_POOL), ARRAY_SIZE(pooled));
	assert_int_equal(count_flag(FUSEMSG_NO_REPLY), ARRAY_SIZE(silent));
	assert_int_equal(count_flag(FUSEMSG_EXTENSIONS), ARRAY_SIZE(extended));
	assert_int_equal(count_flag(FUSEMSG_MUTATES), ARRAY_SIZE(mutating));
	assert_int_equal(count_flag(FUSEMSG_REFUSED), ARRAY_SIZE(refused));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
