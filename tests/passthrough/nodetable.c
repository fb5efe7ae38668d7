/* SPDX-License-Identifier: BSD-3-Clause */
/* Entries and their index, with identities and handles that no host at hand would give. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/passthrough/mount.h"
#include "fs/passthrough/nodetable.h"
#include "share.h"

static struct share share;

static int set_up(void **state)
{
	const struct passthrough_config config = { .file_handles = PASSTHROUGH_HANDLES_PREFER };

	share_open(&share, "/var/tmp", &config, 0);
	return 0;
}

static int tear_down(void **state)
{
	share_close(&share);
	return 0;
}

static struct node_identity identity_of(uint64_t ino, int64_t btime)
{
	return (struct node_identity){ .ino = ino, .btime = btime, .dev = 77, .mount = MOUNT_ROOT, .type = S_IFREG };
}

static struct file_handle_buffer handle_of(unsigned int size, char fill)
{
	struct file_handle_buffer handle = { .size = size, .type = 0xf1 };

	memset(handle.bytes, fill, size);
	return handle;
}

static struct node_use add(const struct node_identity *identity, const struct file_handle_buffer *handle)
{
	struct node_use use;

	mount_ref(share.pt, MOUNT_ROOT);
	assert_int_equal(node_add(share.pt, identity, handle, -1, &use), 0);
	return use;
}

static void test_handles_of_all_sizes(void **state)
{
	struct node_use uses[MAX_HANDLE_SZ + 1];

	for (unsigned int size = 4; size <= MAX_HANDLE_SZ; size++) {
		const struct node_identity identity = identity_of(size, 5);
		const struct file_handle_buffer handle = handle_of(size, (char)size);

		uses[size] = add(&identity, &handle);
	}
	for (unsigned int size = 4; size <= MAX_HANDLE_SZ; size++) {
		struct file_handle_buffer other = handle_of(size, (char)size), copy;

		assert_true(node_handle_equals(share.pt, uses[size].node, &other));
		node_copy_handle(share.pt, uses[size].node, &copy);
		assert_int_equal(copy.size, size);
		assert_int_equal(copy.type, 0xf1);
		assert_memory_equal(copy.bytes, other.bytes, size);
		other.bytes[size - 1]++;
		assert_false(node_handle_equals(share.pt, uses[size].node, &other));
		other.bytes[size - 1]--;
		other.type++;
		assert_false(node_handle_equals(share.pt, uses[size].node, &other));
		node_forget(&uses[size], 1);
		node_put(&uses[size]);
	}
}

static void test_find(void **state)
{
	struct node_identity identity = identity_of(10, 1000);
	struct node_identity younger = identity_of(10, 1001);
	const struct file_handle_buffer a = handle_of(8, 'a'), b = handle_of(8, 'b'), c = handle_of(8, 'c');
	struct node_use first = add(&identity, &a), second = add(&identity, &b), third, found;

	/* Twice the same numbers: one of them must be stale, handles decide. */
	assert_int_not_equal(first.id, second.id);
	assert_int_equal(node_find(share.pt, &identity, 0, true, &found), NODE_MAYBE);
	assert_int_equal(found.id, second.id);
	node_put(&found);
	assert_int_equal(node_find(share.pt, &identity, 1, true, &found), NODE_MAYBE);
	assert_int_equal(found.id, first.id);
	node_put(&found);
	assert_int_equal(node_find(share.pt, &identity, 2, true, &found), NODE_UNKNOWN);
	assert_int_equal(node_find(share.pt, &younger, 0, true, &found), NODE_UNKNOWN);
	/* MAYBE counts no look-up. */
	assert_int_equal(first.node->lookups, 1);

	/* Born long before its handle was taken: known for sure. */
	younger.flags = NODE_SETTLED;
	third = add(&younger, &c);
	assert_int_equal(node_find(share.pt, &younger, 0, false, &found), NODE_KNOWN);
	assert_int_equal(found.id, third.id);
	node_put(&found);
	assert_int_equal(third.node->lookups, 1);
	assert_int_equal(node_find(share.pt, &younger, 0, true, &found), NODE_KNOWN);
	node_put(&found);
	assert_int_equal(third.node->lookups, 2);
	/* Other device, mount or type. */
	younger.dev++;
	assert_int_equal(node_find(share.pt, &younger, 0, true, &found), NODE_UNKNOWN);
	younger.dev--;
	younger.mount++;
	assert_int_equal(node_find(share.pt, &younger, 0, true, &found), NODE_UNKNOWN);
	younger.mount--;
	younger.type = S_IFDIR;
	assert_int_equal(node_find(share.pt, &younger, 0, true, &found), NODE_UNKNOWN);

	for (struct node_use *use = (struct node_use[]){ first, second, third, { .node = NULL } }; use->node; use++) {
		node_forget(use, 2);
		node_put(use);
	}
}

static void test_twin(void **state)
{
	const struct node_identity identity = identity_of(20, 1000);
	const struct file_handle_buffer short_handle = handle_of(8, 'a'), long_handle = handle_of(100, 'a');
	struct node_use a = add(&identity, &short_handle), b = add(&identity, &short_handle);
	struct node_use c = add(&identity, &long_handle), d = add(&identity, &long_handle);

	/* As by two threads that look up the same new file at once. */
	assert_int_equal(a.id, b.id);
	assert_int_equal(a.node->lookups, 2);
	assert_int_equal(c.id, d.id);
	assert_int_not_equal(a.id, c.id);
	node_forget(&a, 2);
	node_forget(&c, 2);
	node_put(&a);
	node_put(&b);
	node_put(&c);
	node_put(&d);
	assert_int_equal(node_get(share.pt, a.id ? a.id : 2, &a), -ESTALE);
}

/* Freed when the last of pins and lookups goes, in either order. */
static void test_life(void **state)
{
	const struct node_identity identity = identity_of(30, 1000);
	const struct file_handle_buffer handle = handle_of(8, 'a');
	struct node_use use = add(&identity, &handle), other;
	const uint64_t id = use.id;

	node_raise(&use);
	node_put(&use);
	assert_int_equal(node_get(share.pt, id, &use), 0);
	node_forget(&use, 1);
	node_forget(&use, 1);
	assert_int_equal(node_get(share.pt, id, &other), 0);
	node_put(&use);
	/* No lookups, but in use. */
	assert_int_equal(node_get(share.pt, id, &use), 0);
	node_put(&use);
	/* A look-up that comes in between revives it. */
	node_raise(&other);
	node_put(&other);
	assert_int_equal(node_get(share.pt, id, &use), 0);
	node_forget(&use, UINT64_MAX);
	node_put(&use);
	assert_int_equal(node_get(share.pt, id, &use), -ESTALE);
}

static void take_real_handle(const char *name, struct file_handle_buffer *ret_handle)
{
	int mount_id;

	ret_handle->size = MAX_HANDLE_SZ;
	assert_int_equal(name_to_handle_at(share.root, name, (void *)ret_handle, &mount_id, 0), 0);
}

/* Attributes of one file and the handle of another, as when the host renames between the two calls. */
static void test_torn_identity(void **state)
{
	struct file_handle_buffer handle;
	struct node_use use;
	struct statx st;

	if (!share.handles)
		skip();
	host_write(&share, "a", "a");
	assert_int_equal(mkfifoat(share.root, "fifo", 0600), 0);
	take_real_handle("fifo", &handle);
	assert_int_equal(statx(share.root, "a", 0, STATX_BASIC_STATS | STATX_BTIME, &st), 0);
	for (int kept = 0; kept < 2; kept++) {
		struct node_identity identity = {
			.ino = st.stx_ino,
			.btime = st.stx_btime.tv_sec * INT64_C(1000000000) + st.stx_btime.tv_nsec,
			.dev = st.stx_dev_major << 20 | st.stx_dev_minor,
			.mount = MOUNT_ROOT,
			.type = S_IFREG,
		};

		use = add(&identity, &handle);
		if (kept)
			assert_true(node_keep(&use));
		/* Opened as the regular file it claims to be, this would hang. */
		assert_int_equal(node_open(&use, O_RDONLY), -ESTALE);
		assert_int_equal(node_fd(&use), -ESTALE);
		node_forget(&use, 1);
		node_put(&use);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_handles_of_all_sizes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_find, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_twin, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_life, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_torn_identity, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("passthrough/nodetable", tests, NULL, NULL);
}
