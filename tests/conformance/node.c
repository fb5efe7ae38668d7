/* SPDX-License-Identifier: BSD-3-Clause */
/* Node ids: how long they are good for. */
#include <errno.h>
#include <fcntl.h>

#include "conformance.h"
#include "guest.h"

static void unknown(struct fs *fs)
{
	static const uint64_t ids[] = { 0, 2, 1000000, UINT32_MAX, 1ull << 32 | 1, UINT64_MAX };
	struct fuse_entry_out entry;
	struct fs_open open;

	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assert_int_equal(guest_try_attr(fs, ids[i]), -ESTALE);
		assert_int_equal(fs_lookup(fs, guest_call(), ids[i], "name", &entry), -ESTALE);
		assert_int_equal(fs_open(fs, guest_call(), ids[i], O_RDONLY, 0, &open), -ESTALE);
		assert_int_equal(fs_opendir(fs, guest_call(), ids[i], O_RDONLY, &open), -ESTALE);
		assert_int_equal(guest_mknod(fs, ids[i], "name", S_IFREG | 0644, 0), -ESTALE);
		assert_int_equal(guest_unlink(fs, ids[i], "name"), -ESTALE);
		assert_int_equal(guest_link(fs, ids[i], FS_ROOT, "name"), -ESTALE);
		assert_int_equal(guest_rename(fs, ids[i], "a", FS_ROOT, "b", 0), -ESTALE);
		fs_forget(fs, ids[i], 1);
	}
	guest_file(fs, FS_ROOT, "a");
	assert_int_equal(guest_rename(fs, FS_ROOT, "a", 1000000, "b", 0), -ESTALE);
	assert_true(guest_exists(fs, FS_ROOT, "a"));
}

static void counted(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file");

	assert_int_equal(guest_lookup(fs, FS_ROOT, "file"), file);
	assert_int_equal(guest_lookup(fs, FS_ROOT, "file"), file);
	fs_forget(fs, file, 1);
	assert_int_equal(guest_try_attr(fs, file), 0);
	fs_forget(fs, file, 2);
	assert_int_equal(guest_try_attr(fs, file), -ESTALE);
	file = guest_lookup(fs, FS_ROOT, "file");
	assert_int_equal(guest_try_attr(fs, file), 0);
}

static void removed_and_forgotten(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file"), other;

	assert_int_equal(guest_unlink(fs, FS_ROOT, "file"), 0);
	assert_int_equal(guest_try_attr(fs, file), 0);
	fs_forget(fs, file, 1);
	assert_int_equal(guest_try_attr(fs, file), -ESTALE);
	other = guest_file(fs, FS_ROOT, "other");
	assert_int_not_equal(other, file);
	assert_int_equal(guest_try_attr(fs, file), -ESTALE);
}

static void forget_too_much(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file");

	fs_forget(fs, file, UINT64_MAX);
	assert_int_equal(guest_try_attr(fs, file), -ESTALE);
	fs_forget(fs, file, 1);
	fs_forget(fs, FS_ROOT, UINT64_MAX);
	assert_int_equal(guest_try_attr(fs, FS_ROOT), 0);
	assert_true(guest_exists(fs, FS_ROOT, "file"));
}

static void links_share_a_count(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "a");
	struct fuse_entry_out entry;

	assert_int_equal(fs_link(fs, guest_call(), file, FS_ROOT, "b", &entry), 0);
	assert_int_equal(entry.nodeid, file);
	assert_int_equal(guest_unlink(fs, FS_ROOT, "a"), 0);
	fs_forget(fs, file, 1);
	assert_int_equal(guest_try_attr(fs, file), 0);
	fs_forget(fs, file, 1);
	assert_int_equal(guest_try_attr(fs, file), -ESTALE);
}

/* An open file keeps working for those who hold its handle even when a guest forgets more than it should. */
static void forgotten_while_open(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);
	char buffer[4];
	int result;

	guest_write(fs, file, fh, 0, "text");
	assert_int_equal(guest_unlink(fs, FS_ROOT, "file"), 0);
	fs_forget(fs, file, 1);
	result = guest_try_read(fs, file, fh, 0, buffer, 4);
	assert_true(result == 4 || result == -ESTALE || result == -EBADF);
}

static void self_and_parent(struct fs *fs)
{
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory"), file = guest_file(fs, directory, "file");
	struct fuse_entry_out entry;

	NEED(fs, lookup_self);
	NEED(fs, lookup_parent);
	assert_int_equal(fs_lookup_self(fs, guest_call(), file, &entry), 0);
	assert_int_equal(entry.nodeid, file);
	fs_forget(fs, file, 1);
	assert_int_equal(guest_try_attr(fs, file), 0);
	assert_int_equal(fs_lookup_self(fs, guest_call(), FS_ROOT, &entry), 0);
	assert_int_equal(entry.nodeid, FS_ROOT);
	assert_int_equal(fs_lookup_parent(fs, guest_call(), directory, &entry), 0);
	assert_int_equal(entry.nodeid, FS_ROOT);
	assert_int_equal(fs_lookup_parent(fs, guest_call(), FS_ROOT, &entry), 0);
	assert_int_equal(entry.nodeid, FS_ROOT); /* never above */
	assert_int_equal(fs_lookup_parent(fs, guest_call(), file, &entry), -ENOTDIR);
	assert_int_equal(fs_lookup_self(fs, guest_call(), 1234567, &entry), -ESTALE);
}

static void reset_ends_everything(struct fs *fs)
{
	const struct fs_session_info info = { .minor = FUSE_KERNEL_MINOR_VERSION };
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);
	char buffer[4];

	guest_write(fs, file, fh, 0, "text");
	fs_reset(fs);
	assert_int_equal(fs_init(fs, &info), 0);
	assert_int_equal(guest_try_attr(fs, file), -ESTALE);
	assert_int_equal(guest_try_attr(fs, FS_ROOT), 0);
	file = guest_lookup(fs, FS_ROOT, "file");
	assert_int_equal(guest_try_read(fs, file, fh, 0, buffer, 4), -EBADF);
	guest_expect(fs, file, "text");
}

static void ioctl_is_refused(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);
	uint32_t size = 0;
	struct fs_ioctl ioctl = { .command = 0x1234, .ret_size = &size };

	NEED(fs, ioctl);
	assert_int_equal(fs_ioctl(fs, guest_call(), file, fh, &ioctl), -ENOTTY);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

const struct conformance_test conformance_node[] = {
	CONFORMANCE_TEST(unknown),
	CONFORMANCE_TEST(counted),
	CONFORMANCE_TEST(removed_and_forgotten),
	CONFORMANCE_TEST(forget_too_much),
	CONFORMANCE_TEST(links_share_a_count),
	CONFORMANCE_TEST(forgotten_while_open),
	CONFORMANCE_TEST(self_and_parent),
	CONFORMANCE_TEST(reset_ends_everything),
	CONFORMANCE_TEST(ioctl_is_refused),
	{ NULL, NULL },
};
