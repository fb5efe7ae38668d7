/* SPDX-License-Identifier: BSD-3-Clause */
#include "fusemsg/extension.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "wire/fuse.h"

struct block {
	unsigned char bytes[512];
	size_t length;
};

static void add(struct block *block, const void *bytes, size_t length)
{
	memcpy(block->bytes + block->length, bytes, length);
	block->length += length;
}

static void pad(struct block *block)
{
	block->length = (block->length + 7) / 8 * 8;
}

static void add_header(struct block *block, uint32_t size, uint32_t type)
{
	add(block, &(struct fuse_ext_header){ size, type }, sizeof(struct fuse_ext_header));
}

static void add_secctx(struct block *block, const char *name, const char *value)
{
	uint32_t body = (uint32_t)(8 + strlen(name) + 1 + strlen(value));

	add_header(block, 8 + (body + 7) / 8 * 8, 1);
	add(block, &(struct fuse_secctx){ (uint32_t)strlen(value), 0 }, 8);
	add(block, name, strlen(name) + 1);
	add(block, value, strlen(value));
	pad(block);
}

static void add_group(struct block *block, uint32_t count, uint32_t group)
{
	add_header(block, 16, FUSE_EXT_GROUPS);
	add(block, &count, 4);
	add(block, &group, 4);
}

/* Parses an exact copy on the heap; what is found is compared with the originals. */
static int parse(const struct block *block, const char *name, const char *value, uint32_t group)
{
	unsigned char *copy = malloc(block->length ? block->length : 1);
	struct fusemsg_extensions extensions;

	memcpy(copy, block->bytes, block->length);
	int error = fusemsg_parse_extensions(copy, block->length, &extensions);
	if (!error) {
		assert_int_equal(extensions.secctx_name != NULL, name != NULL);
		assert_int_equal(extensions.has_group, group != 0);
		if (group)
			assert_int_equal(extensions.group, group);
		if (name) {
			assert_string_equal(extensions.secctx_name, name);
			assert_int_equal(extensions.secctx_size, strlen(value));
			assert_memory_equal(extensions.secctx_value, value, strlen(value));
		}
	}
	free(copy);
	return error;
}

static void test_good(void **state)
{
	struct block block = { .length = 0 };

	assert_int_equal(parse(&block, NULL, NULL, 0), 0);
	add_secctx(&block, "security.selinux", "system_u:object_r:tmp_t:s0");
	assert_int_equal(parse(&block, "security.selinux", "system_u:object_r:tmp_t:s0", 0), 0);
	add_group(&block, 1, 27);
	assert_int_equal(parse(&block, "security.selinux", "system_u:object_r:tmp_t:s0", 27), 0);

	block.length = 0;
	add_group(&block, 1, 27);
	add_secctx(&block, "security.selinux", "x");
	assert_int_equal(parse(&block, "security.selinux", "x", 27), 0);

	/* A guest without a module that labels, or without a group to tell. */
	block.length = 0;
	add_header(&block, 8, 0);
	assert_int_equal(parse(&block, NULL, NULL, 0), 0);
	add_group(&block, 0, 27);
	assert_int_equal(parse(&block, NULL, NULL, 0), 0);
}

static void test_every_truncation(void **state)
{
	struct block block = { .length = 0 };

	add_secctx(&block, "security.selinux", "system_u:object_r:tmp_t:s0");
	size_t first = block.length;
	add_group(&block, 1, 27);
	size_t whole = block.length;

	for (size_t length = 1; length < whole; length++) {
		block.length = length;
		if (length == first)
			continue;
		assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
	}
}

static void test_malformed(void **state)
{
	struct block block = { .length = 0 };

	/* A size below the header's own would loop for ever. */
	for (uint32_t size = 0; size < 8; size++) {
		block.length = 0;
		add_header(&block, size, FUSE_EXT_GROUPS);
		add(&block, "\0\0\0\0\0\0\0", 8);
		assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
	}
	block.length = 0;
	add_header(&block, UINT32_MAX, 1);
	assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
	/* Unknown types, and more contexts than are sent. */
	for (uint32_t type = 2; type < 40; type++) {
		if (type == FUSE_EXT_GROUPS)
			continue;
		block.length = 0;
		add_header(&block, 8, type);
		assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
	}
	/* Twice. */
	block.length = 0;
	add_group(&block, 1, 27);
	add_group(&block, 1, 28);
	assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
	block.length = 0;
	add_secctx(&block, "a", "b");
	add_secctx(&block, "a", "b");
	assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
	/* More groups than one, or than are there. */
	block.length = 0;
	add_group(&block, 2, 27);
	assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
	block.length = 0;
	add_group(&block, UINT32_MAX, 27);
	assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
	/* No name; a value larger than what is there; none at all. */
	block.length = 0;
	add_secctx(&block, "", "b");
	assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
	block.length = 0;
	add_secctx(&block, "a", "b");
	memset(block.bytes + 8, 0xff, 4);
	assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
	memcpy(block.bytes + 8, &(uint32_t){ 7 }, 4);
	assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
	memset(block.bytes + 8, 0, 4);
	assert_int_equal(parse(&block, NULL, NULL, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
