/* SPDX-License-Identifier: BSD-3-Clause */
/* Open files: CREATE, OPEN, TMPFILE, RELEASE, and what may be done through them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "conformance.h"
#include "guest.h"

static int try_create(struct fs *fs, const char *name, uint32_t flags)
{
	const struct fuse_create_in in = { .flags = flags, .mode = 0644 };
	struct fuse_entry_out entry;
	struct fs_open open;
	int result = fs_create(fs, guest_call(), FS_ROOT, name, &in, &entry, &open);

	if (result == 0) {
		assert_int_equal(guest_release(fs, entry.nodeid, open.fh), 0);
		fs_forget(fs, entry.nodeid, 1);
	}
	return result;
}

static void create_new(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR | O_EXCL, &fh);

	assert_int_equal(guest_lookup(fs, FS_ROOT, "file"), file);
	guest_write(fs, file, fh, 0, "text");
	guest_expect(fs, file, "text");
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void create_existing(struct fs *fs)
{
	uint64_t fh, fh2, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);

	guest_write(fs, file, fh, 0, "text");
	assert_int_equal(try_create(fs, "file", O_RDWR | O_EXCL), -EEXIST);
	assert_int_equal(guest_create(fs, FS_ROOT, "file", O_RDWR, &fh2), file);
	guest_expect(fs, file, "text");
	assert_int_equal(guest_release(fs, file, fh2), 0);
	assert_int_equal(guest_create(fs, FS_ROOT, "file", O_RDWR | O_TRUNC, &fh2), file);
	guest_expect(fs, file, "");
	assert_int_equal(guest_release(fs, file, fh2), 0);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void create_over_other_types(struct fs *fs)
{
	guest_mkdir(fs, FS_ROOT, "directory");
	assert_int_equal(try_create(fs, "directory", O_RDWR), -EISDIR);
	assert_int_equal(try_create(fs, "directory", O_RDWR | O_EXCL), -EEXIST);
	assert_int_equal(guest_symlink(fs, FS_ROOT, "symlink", "target"), 0);
	assert_int_equal(try_create(fs, "symlink", O_RDWR), -ELOOP);
	assert_int_equal(try_create(fs, "symlink", O_RDWR | O_EXCL), -EEXIST);
	assert_false(guest_exists(fs, FS_ROOT, "target"));
	assert_int_equal(guest_mknod(fs, FS_ROOT, "fifo", S_IFIFO | 0600, 0), 0);
	assert_int_equal(try_create(fs, "fifo", O_RDWR), -ENXIO);
}

/* A file that its maker could not open again. */
static void create_without_permissions(struct fs *fs)
{
	const struct fuse_create_in in = { .flags = O_RDWR, .mode = 0 };
	struct fs_call user = guest_user(1000, 1000);
	struct fuse_entry_out entry;
	struct fs_open open;

	assert_int_equal(fs_create(fs, &user, FS_ROOT, "file", &in, &entry, &open), 0);
	assert_int_equal(entry.attr.mode, S_IFREG);
	guest_write(fs, entry.nodeid, open.fh, 0, "text");
	assert_int_equal(guest_release(fs, entry.nodeid, open.fh), 0);
}

static void open_other_types(struct fs *fs)
{
	struct fuse_entry_out entry;

	assert_int_equal(guest_try_open(fs, guest_mkdir(fs, FS_ROOT, "directory"), O_RDONLY), -EISDIR);
	assert_int_equal(fs_mknod(fs, guest_call(), FS_ROOT, "fifo", S_IFIFO | 0600, 0, 0, &entry), 0);
	/* Never opened on the host: that would wait for a peer, or do something to a device. */
	assert_true(guest_try_open(fs, entry.nodeid, O_RDONLY) < 0);
	assert_int_equal(fs_mknod(fs, guest_call(), FS_ROOT, "null", S_IFCHR | 0600, 1 << 8 | 3, 0, &entry), 0);
	assert_true(guest_try_open(fs, entry.nodeid, O_WRONLY) < 0);
	assert_int_equal(fs_symlink(fs, guest_call(), FS_ROOT, "symlink", "directory", &entry), 0);
	assert_true(guest_try_open(fs, entry.nodeid, O_RDONLY) < 0);
}

static void open_truncates(struct fs *fs)
{
	uint64_t fh, other, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);

	guest_write(fs, file, fh, 0, "text");
	other = guest_open(fs, file, O_WRONLY | O_TRUNC);
	assert_int_equal(guest_attr(fs, file).size, 0);
	guest_write(fs, file, other, 2, "x");
	assert_int_equal(guest_attr(fs, file).size, 3);
	assert_int_equal(guest_release(fs, file, other), 0);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void access_modes(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file");
	uint64_t reader = guest_open(fs, file, O_RDONLY), writer = guest_open(fs, file, O_WRONLY);
	char buffer[4];

	assert_int_equal(guest_try_write(fs, file, reader, 0, "x", 1), -EBADF);
	assert_int_equal(guest_try_write(fs, file, writer, 0, "x", 1), 1);
	assert_int_equal(guest_try_read(fs, file, writer, 0, buffer, 4), -EBADF);
	assert_int_equal(guest_try_read(fs, file, reader, 0, buffer, 4), 1);
	assert_int_equal(guest_release(fs, file, reader), 0);
	assert_int_equal(guest_release(fs, file, writer), 0);
}

static void bad_handles(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh), other = guest_file(fs, FS_ROOT, "other");
	char buffer[4];

	assert_int_equal(guest_try_read(fs, other, fh, 0, buffer, 4), -EBADF);
	assert_int_equal(guest_try_write(fs, other, fh, 0, buffer, 4), -EBADF);
	assert_int_equal(guest_release(fs, other, fh), -EBADF);
	assert_int_equal(guest_release(fs, file, fh), 0);
	assert_int_equal(guest_release(fs, file, fh), -EBADF);
	assert_int_equal(guest_try_read(fs, file, fh, 0, buffer, 4), -EBADF);
	assert_int_equal(guest_try_write(fs, file, fh, 0, buffer, 4), -EBADF);
	assert_int_equal(guest_try_read(fs, file, UINT64_MAX, 0, buffer, 4), -EBADF);
	assert_int_equal(fs_flush(fs, guest_call(), file, fh, 0), -EBADF);
	assert_int_equal(fs_fsync(fs, guest_call(), file, fh, false), -EBADF);
	/* A later handle is another one. */
	assert_int_not_equal(guest_open(fs, file, O_RDONLY), fh);
}

static void append(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file"), fh = guest_open(fs, file, O_WRONLY | O_APPEND);
	struct fuse_write_in in = { .fh = fh, .size = 2, .flags = O_WRONLY | O_APPEND };
	char data[] = "ab";
	struct iovec iov = { data, 2 };
	size_t length = 0;

	guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = 3 });
	/* The offset is the size as this guest knew it; another may have appended since. */
	assert_int_equal(fs_write(fs, guest_call(), file, &in, &iov, 1, &length), 0);
	assert_int_equal(length, 2);
	assert_int_equal(guest_attr(fs, file).size, 5);
	/* Pages that mmap made dirty go where they belong. */
	in.offset = 1;
	in.write_flags = FUSE_WRITE_CACHE;
	assert_int_equal(fs_write(fs, guest_call(), file, &in, &iov, 1, &length), 0);
	assert_int_equal(guest_attr(fs, file).size, 5);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void unlinked_while_open(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh), other;
	char buffer[8];

	assert_int_equal(guest_unlink(fs, FS_ROOT, "file"), 0);
	guest_write(fs, file, fh, 0, "text");
	assert_int_equal(guest_try_read(fs, file, fh, 0, buffer, sizeof(buffer)), 4);
	assert_int_equal(guest_attr(fs, file).nlink, 0);
	assert_int_equal(guest_attr(fs, file).size, 4);
	guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = 2 });
	guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = S_IFREG | 0600 });
	assert_int_equal(guest_attr(fs, file).size, 2);
	/* The same name is another file now. */
	other = guest_file(fs, FS_ROOT, "file");
	assert_int_not_equal(other, file);
	assert_int_equal(guest_attr(fs, other).size, 0);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

/* The guest may know a node that has no name and is not open: by O_PATH, as a working directory. */
static void unlinked_while_known(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file"), directory = guest_mkdir(fs, FS_ROOT, "directory");

	assert_int_equal(guest_unlink(fs, FS_ROOT, "file"), 0);
	assert_int_equal(guest_rmdir(fs, FS_ROOT, "directory"), 0);
	assert_int_equal(guest_attr(fs, file).nlink, 0);
	assert_int_equal(guest_attr(fs, directory).nlink, 0);
	guest_expect(fs, file, "");
}

static void tmpfile_link(struct fs *fs)
{
	const struct fuse_create_in in = { .flags = O_RDWR, .mode = 0640 };
	struct fuse_entry_out entry, linked;
	struct fs_open open;
	int result;

	NEED(fs, tmpfile);
	result = fs_tmpfile(fs, guest_call(), FS_ROOT, &in, &entry, &open);
	if (result == -EOPNOTSUPP)
		skip();
	assert_int_equal(result, 0);
	assert_int_equal(entry.attr.nlink, 0);
	assert_int_equal(entry.attr.mode, S_IFREG | 0640);
	guest_write(fs, entry.nodeid, open.fh, 0, "text");
	assert_int_equal(fs_link(fs, guest_call(), entry.nodeid, FS_ROOT, "name", &linked), 0);
	assert_int_equal(linked.nodeid, entry.nodeid);
	assert_int_equal(linked.attr.nlink, 1);
	assert_int_equal(guest_release(fs, entry.nodeid, open.fh), 0);
	guest_expect(fs, guest_lookup(fs, FS_ROOT, "name"), "text");
}

static void tmpfile_in_what_is_no_directory(struct fs *fs)
{
	const struct fuse_create_in in = { .flags = O_RDWR, .mode = 0640 };
	uint64_t file = guest_file(fs, FS_ROOT, "file");
	struct fuse_entry_out entry;
	struct fs_open open;

	NEED(fs, tmpfile);
	assert_int_equal(fs_tmpfile(fs, guest_call(), file, &in, &entry, &open), -ENOTDIR);
}

static void sync_and_flush(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);
	struct fs_open open;

	assert_int_equal(fs_flush(fs, guest_call(), file, fh, 1), 0);
	assert_int_equal(fs_fsync(fs, guest_call(), file, fh, false), 0);
	assert_int_equal(fs_fsync(fs, guest_call(), file, fh, true), 0);
	assert_int_equal(guest_release(fs, file, fh), 0);
	assert_int_equal(fs_opendir(fs, guest_call(), FS_ROOT, O_RDONLY, &open), 0);
	assert_int_equal(fs_fsyncdir(fs, guest_call(), FS_ROOT, open.fh, false), 0);
	assert_int_equal(fs_releasedir(fs, guest_call(), FS_ROOT, open.fh), 0);
	NEED(fs, syncfs);
	assert_int_equal(fs_syncfs(fs, guest_call(), FS_ROOT), 0);
}

/* With no_open the guest opens nothing. */
static void without_handle(struct fs *fs)
{
	const struct fs_session_info info = { .minor = FUSE_KERNEL_MINOR_VERSION, .no_open = true };
	uint64_t file;
	char buffer[8];

	fs_reset(fs);
	assert_int_equal(fs_init(fs, &info), 0);
	file = guest_file(fs, FS_ROOT, "file");
	assert_int_equal(guest_try_write(fs, file, FS_NO_HANDLE, 1, "text", 4), 4);
	assert_int_equal(guest_try_read(fs, file, FS_NO_HANDLE, 0, buffer, sizeof(buffer)), 5);
	assert_memory_equal(buffer, "\0text", 5);
}

/* A guest that caches writes reads through whatever it has open for writing. */
static void writeback(struct fs *fs)
{
	const struct fs_session_info info = { .minor = FUSE_KERNEL_MINOR_VERSION, .writeback = true };
	struct fuse_write_in in = { .size = 1, .flags = O_WRONLY | O_APPEND, .offset = 1 };
	struct iovec iov = { (char[]){ 'x' }, 1 };
	uint64_t file, fh;
	size_t length = 0;
	char buffer[8];

	fs_reset(fs);
	assert_int_equal(fs_init(fs, &info), 0);
	file = guest_file(fs, FS_ROOT, "file");
	fh = guest_open(fs, file, O_WRONLY | O_APPEND);
	guest_write(fs, file, fh, 0, "text");
	assert_int_equal(guest_try_read(fs, file, fh, 0, buffer, sizeof(buffer)), 4);
	in.fh = fh; /* appending is the guest's affair */
	assert_int_equal(fs_write(fs, guest_call(), file, &in, &iov, 1, &length), 0);
	guest_expect(fs, file, "txxt");
	assert_int_equal(guest_release(fs, file, fh), 0);
}

const struct conformance_test conformance_file[] = {
	CONFORMANCE_TEST(create_new),
	CONFORMANCE_TEST(create_existing),
	CONFORMANCE_TEST(create_over_other_types),
	CONFORMANCE_TEST(create_without_permissions),
	CONFORMANCE_TEST(open_other_types),
	CONFORMANCE_TEST(open_truncates),
	CONFORMANCE_TEST(access_modes),
	CONFORMANCE_TEST(bad_handles),
	CONFORMANCE_TEST(append),
	CONFORMANCE_TEST(unlinked_while_open),
	CONFORMANCE_TEST(unlinked_while_known),
	CONFORMANCE_TEST(tmpfile_link),
	CONFORMANCE_TEST(tmpfile_in_what_is_no_directory),
	CONFORMANCE_TEST(sync_and_flush),
	CONFORMANCE_TEST(without_handle),
	CONFORMANCE_TEST(writeback),
	{ NULL, NULL },
};
