/* SPDX-License-Identifier: BSD-3-Clause */
/* Who owns what is made, umask, set-group-id directories, and when set-user-id bits go away. */
#include <errno.h>
#include <fcntl.h>

#include "conformance.h"
#include "guest.h"

static void made_as_caller(struct fs *fs)
{
	struct fs_call user = guest_user(1000, 1001), other = guest_user(2000, 2001);
	const struct fuse_create_in in = { .flags = O_RDWR, .mode = 0600 };
	struct fuse_entry_out entry;
	struct fs_open open;

	assert_int_equal(fs_mknod(fs, &user, FS_ROOT, "file", S_IFREG | 0600, 0, 0, &entry), 0);
	assert_int_equal(entry.attr.uid, 1000);
	assert_int_equal(entry.attr.gid, 1001);
	assert_int_equal(fs_mkdir(fs, &other, FS_ROOT, "directory", 0700, 0, &entry), 0);
	assert_int_equal(entry.attr.uid, 2000);
	assert_int_equal(entry.attr.gid, 2001);
	/* The guest has checked permissions: a caller who could not do it by the modes here still can. */
	assert_int_equal(fs_symlink(fs, &user, entry.nodeid, "symlink", "target", &entry), 0);
	assert_int_equal(entry.attr.uid, 1000);
	assert_int_equal(entry.attr.gid, 1001);
	assert_int_equal(fs_mknod(fs, &user, FS_ROOT, "device", S_IFCHR | 0600, 1 << 8 | 3, 0, &entry), 0);
	assert_int_equal(entry.attr.uid, 1000);
	assert_int_equal(fs_create(fs, &user, FS_ROOT, "created", &in, &entry, &open), 0);
	assert_int_equal(entry.attr.uid, 1000);
	assert_int_equal(entry.attr.gid, 1001);
	assert_int_equal(guest_release(fs, entry.nodeid, open.fh), 0);
	/* And uid 0 again, on the same thread. */
	assert_int_equal(guest_attr(fs, guest_file(fs, FS_ROOT, "root")).uid, 0);
	assert_int_equal(guest_attr(fs, guest_file(fs, FS_ROOT, "root2")).gid, 0);
}

static void existing_keeps_owner(struct fs *fs)
{
	struct fs_call user = guest_user(1000, 1001);
	const struct fuse_create_in in = { .flags = O_RDWR, .mode = 0600 };
	struct fuse_entry_out entry;
	struct fs_open open;

	guest_file(fs, FS_ROOT, "file");
	assert_int_equal(fs_create(fs, &user, FS_ROOT, "file", &in, &entry, &open), 0);
	assert_int_equal(entry.attr.uid, 0);
	assert_int_equal(entry.attr.mode, S_IFREG | 0644);
	assert_int_equal(guest_release(fs, entry.nodeid, open.fh), 0);
}

static void tmpfile_as_caller(struct fs *fs)
{
	struct fs_call user = guest_user(1000, 1001);
	const struct fuse_create_in in = { .flags = O_RDWR, .mode = 0666, .umask = 022 };
	struct fuse_entry_out entry;
	struct fs_open open;
	int result;

	NEED(fs, tmpfile);
	result = fs_tmpfile(fs, &user, FS_ROOT, &in, &entry, &open);
	if (result == -EOPNOTSUPP)
		skip();
	assert_int_equal(result, 0);
	assert_int_equal(entry.attr.uid, 1000);
	assert_int_equal(entry.attr.gid, 1001);
	assert_int_equal(entry.attr.mode, S_IFREG | 0644);
	assert_int_equal(guest_release(fs, entry.nodeid, open.fh), 0);
}

static void unmapped_caller(struct fs *fs)
{
	struct fs_call nobody = guest_user(FUSE_INVALID_UIDGID, FUSE_INVALID_UIDGID);
	struct fuse_entry_out entry;

	assert_int_equal(fs_mkdir(fs, &nobody, FS_ROOT, "directory", 0700, 0, &entry), -EOVERFLOW);
	assert_false(guest_exists(fs, FS_ROOT, "directory"));
	/* What needs no owner works. */
	assert_int_equal(fs_lookup(fs, &nobody, FS_ROOT, "directory", &entry), -ENOENT);
}

static void umask_is_applied(struct fs *fs)
{
	const struct fuse_create_in in = { .flags = O_RDWR, .mode = 0777, .umask = 027 };
	struct fuse_entry_out entry;
	struct fs_open open;

	assert_int_equal(fs_mkdir(fs, guest_call(), FS_ROOT, "directory", 01777, 022, &entry), 0);
	assert_int_equal(entry.attr.mode, S_IFDIR | 01755);
	assert_int_equal(fs_mknod(fs, guest_call(), FS_ROOT, "fifo", S_IFIFO | 0666, 0, 077, &entry), 0);
	assert_int_equal(entry.attr.mode, S_IFIFO | 0600);
	assert_int_equal(fs_create(fs, guest_call(), FS_ROOT, "file", &in, &entry, &open), 0);
	assert_int_equal(entry.attr.mode, S_IFREG | 0750);
	assert_int_equal(guest_release(fs, entry.nodeid, open.fh), 0);
	/* No other umask than the request's. */
	assert_int_equal(fs_mkdir(fs, guest_call(), FS_ROOT, "open", 0777, 0, &entry), 0);
	assert_int_equal(entry.attr.mode, S_IFDIR | 0777);
}

static void setgid_directory(struct fs *fs)
{
	struct fs_call user = guest_user(1000, 1001);
	const struct fuse_create_in in = { .flags = O_RDWR, .mode = 0644 };
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory");
	struct fuse_entry_out entry;
	struct fs_open open;

	guest_setattr(fs, directory, (struct fuse_setattr_in){ .valid = FATTR_GID, .gid = 500 });
	guest_setattr(fs, directory, (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = S_IFDIR | 02777 });
	assert_int_equal(fs_mkdir(fs, &user, directory, "sub", 0755, 0, &entry), 0);
	assert_int_equal(entry.attr.uid, 1000);
	assert_int_equal(entry.attr.gid, 500);
	assert_int_equal(entry.attr.mode, S_IFDIR | 02755);
	assert_int_equal(fs_create(fs, &user, directory, "file", &in, &entry, &open), 0);
	assert_int_equal(entry.attr.gid, 500);
	assert_int_equal(entry.attr.mode, S_IFREG | 0644);
	assert_int_equal(guest_release(fs, entry.nodeid, open.fh), 0);
	assert_int_equal(fs_symlink(fs, &user, directory, "symlink", "x", &entry), 0);
	assert_int_equal(entry.attr.gid, 500);
}

/* A regular file of mode 06755. */
static uint64_t setid_file(struct fs *fs, const char *name, uint64_t *ret_fh)
{
	uint64_t file = guest_create(fs, FS_ROOT, name, O_RDWR, ret_fh);

	guest_write(fs, file, *ret_fh, 0, "text");
	guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = S_IFREG | 06755 });
	return file;
}

static void write_kills(struct fs *fs)
{
	char data[] = "more";
	struct iovec iov = { data, 4 };
	struct fuse_write_in in = { .size = 4 };
	size_t length = 0;
	uint64_t fh, file = setid_file(fs, "file", &fh);

	in.fh = fh;
	assert_int_equal(fs_write(fs, guest_call(), file, &in, &iov, 1, &length), 0);
	assert_int_equal(guest_attr(fs, file).mode, S_IFREG | 06755);
	in.write_flags = FUSE_WRITE_KILL_SUIDGID;
	assert_int_equal(fs_write(fs, guest_call(), file, &in, &iov, 1, &length), 0);
	assert_int_equal(guest_attr(fs, file).mode, S_IFREG | 0755);
	/* Without group execution the bit does not mean set-group-id. */
	guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = S_IFREG | 06745 });
	assert_int_equal(fs_write(fs, guest_call(), file, &in, &iov, 1, &length), 0);
	assert_int_equal(guest_attr(fs, file).mode, S_IFREG | 02745);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void truncate_kills(struct fs *fs)
{
	uint64_t fh, file = setid_file(fs, "file", &fh);

	guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = 3 });
	assert_int_equal(guest_attr(fs, file).mode, S_IFREG | 06755);
	guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_SIZE | FATTR_KILL_SUIDGID, .size = 2 });
	assert_int_equal(guest_attr(fs, file).mode, S_IFREG | 0755);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void open_truncate_kills(struct fs *fs)
{
	uint64_t fh, file = setid_file(fs, "file", &fh);
	struct fs_open open;

	assert_int_equal(fs_open(fs, guest_call(), file, O_WRONLY | O_TRUNC, 0, &open), 0);
	assert_int_equal(guest_release(fs, file, open.fh), 0);
	assert_int_equal(guest_attr(fs, file).mode, S_IFREG | 06755);
	guest_write(fs, file, fh, 0, "text");
	assert_int_equal(fs_open(fs, guest_call(), file, O_WRONLY | O_TRUNC, FUSE_OPEN_KILL_SUIDGID, &open), 0);
	assert_int_equal(guest_release(fs, file, open.fh), 0);
	assert_int_equal(guest_attr(fs, file).mode, S_IFREG | 0755);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void chown_kills(struct fs *fs)
{
	uint64_t fh, file = setid_file(fs, "file", &fh);
	struct fuse_attr attr;

	attr =
	    guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_UID | FATTR_KILL_SUIDGID, .uid = 1000 });
	assert_int_equal(attr.mode, S_IFREG | 0755);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void chown_keeps_of_directory(struct fs *fs)
{
	uint64_t directory = guest_mkdir(fs, FS_ROOT, "directory");
	struct fuse_attr attr;

	guest_setattr(fs, directory, (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = S_IFDIR | 02775 });
	attr = guest_setattr(fs, directory, (struct fuse_setattr_in){ .valid = FATTR_GID, .gid = 1000 });
	assert_int_equal(attr.mode, S_IFDIR | 02775);
}

const struct conformance_test conformance_owner[] = {
	CONFORMANCE_TEST(made_as_caller),
	CONFORMANCE_TEST(existing_keeps_owner),
	CONFORMANCE_TEST(tmpfile_as_caller),
	CONFORMANCE_TEST(unmapped_caller),
	CONFORMANCE_TEST(umask_is_applied),
	CONFORMANCE_TEST(setgid_directory),
	CONFORMANCE_TEST(write_kills),
	CONFORMANCE_TEST(truncate_kills),
	CONFORMANCE_TEST(open_truncate_kills),
	CONFORMANCE_TEST(chown_kills),
	CONFORMANCE_TEST(chown_keeps_of_directory),
	{ NULL, NULL },
};
