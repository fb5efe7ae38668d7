/* SPDX-License-Identifier: BSD-3-Clause */
/* GETATTR, SETATTR, STATX, STATFS. */
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <time.h>

#include "conformance.h"
#include "guest.h"

static void mode(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file"), directory = guest_mkdir(fs, FS_ROOT, "directory");
	struct fuse_attr attr;

	attr = guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = S_IFREG | 04711 });
	assert_int_equal(attr.mode, S_IFREG | 04711);
	assert_int_equal(guest_attr(fs, file).mode, S_IFREG | 04711);
	attr = guest_setattr(fs, directory, (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = S_IFDIR | 01777 });
	assert_int_equal(attr.mode, S_IFDIR | 01777); /* sticky */
	attr = guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = S_IFREG });
	assert_int_equal(attr.mode, S_IFREG);
}

static void mode_of_special(struct fs *fs)
{
	const struct fuse_setattr_in in = { .valid = FATTR_MODE, .mode = S_IFIFO | 0620 };
	struct fuse_entry_out entry;

	assert_int_equal(fs_mknod(fs, guest_call(), FS_ROOT, "fifo", S_IFIFO | 0600, 0, 0, &entry), 0);
	assert_int_equal(guest_setattr(fs, entry.nodeid, in).mode, S_IFIFO | 0620);
	assert_int_equal(fs_mknod(fs, guest_call(), FS_ROOT, "socket", S_IFSOCK | 0600, 0, 0, &entry), 0);
	assert_int_equal(guest_setattr(fs, entry.nodeid, in).mode, S_IFSOCK | 0620);
	assert_int_equal(fs_mknod(fs, guest_call(), FS_ROOT, "null", S_IFCHR | 0600, 1 << 8 | 3, 0, &entry), 0);
	assert_int_equal(guest_setattr(fs, entry.nodeid, in).mode, S_IFCHR | 0620);
}

static void owner_of_symlink(struct fs *fs)
{
	const struct fuse_setattr_in in = { .valid = FATTR_UID | FATTR_GID, .uid = 5, .gid = 6 };
	const struct fuse_setattr_in times = { .valid = FATTR_MTIME, .mtime = 1234 };
	uint64_t file = guest_file(fs, FS_ROOT, "target");
	struct fuse_entry_out entry;
	struct fuse_attr attr;

	assert_int_equal(fs_symlink(fs, guest_call(), FS_ROOT, "link", "target", &entry), 0);
	attr = guest_setattr(fs, entry.nodeid, in);
	assert_int_equal(attr.uid, 5);
	assert_int_equal(attr.gid, 6);
	assert_int_equal(guest_attr(fs, file).uid, 0); /* not followed */
	assert_int_equal(guest_setattr(fs, entry.nodeid, times).mtime, 1234);
	assert_true(guest_attr(fs, file).mtime != 1234);
}

static void owner_one_at_a_time(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file");
	struct fuse_attr attr;

	attr = guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_UID, .uid = 1001, .gid = 77 });
	assert_int_equal(attr.uid, 1001);
	assert_int_equal(attr.gid, 0);
	attr = guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_GID, .uid = 77, .gid = 1002 });
	assert_int_equal(attr.uid, 1001);
	assert_int_equal(attr.gid, 1002);
}

static void size(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);
	struct fuse_attr attr;
	char buffer[16];

	guest_write(fs, file, fh, 0, "0123456789");
	attr = guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = 4 });
	assert_int_equal(attr.size, 4);
	/* By the open file; what was cut off does not come back. */
	attr = guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_SIZE | FATTR_FH, .fh = fh, .size = 8 });
	assert_int_equal(attr.size, 8);
	assert_int_equal(guest_try_read(fs, file, fh, 0, buffer, sizeof(buffer)), 8);
	assert_memory_equal(buffer, "0123\0\0\0\0", 8);
	attr = guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = 8ull << 40 });
	assert_int_equal(attr.size, 8ull << 40);
	assert_int_equal(guest_try_read(fs, file, fh, (8ull << 40) - 4, buffer, sizeof(buffer)), 4);
	assert_memory_equal(buffer, "\0\0\0\0", 4);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void size_errors(struct fs *fs)
{
	const struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = 1 };
	struct fuse_entry_out entry;

	assert_int_equal(guest_try_setattr(fs, FS_ROOT, in), -EISDIR);
	assert_int_equal(fs_mknod(fs, guest_call(), FS_ROOT, "fifo", S_IFIFO | 0600, 0, 0, &entry), 0);
	assert_int_equal(guest_try_setattr(fs, entry.nodeid, in), -EINVAL);
	assert_int_equal(fs_symlink(fs, guest_call(), FS_ROOT, "link", "x", &entry), 0);
	assert_true(guest_try_setattr(fs, entry.nodeid, in) < 0);
	assert_true(guest_try_setattr(fs, guest_file(fs, FS_ROOT, "file"),
				      (struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = 1ull << 63 }) < 0);
}

/* A handle of another file must not matter: an error, or an answer about the right one. */
static void bad_handle(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh), other = guest_file(fs, FS_ROOT, "other");
	const struct fuse_setattr_in in = { .valid = FATTR_SIZE | FATTR_FH, .fh = fh, .size = 7 };
	struct fuse_attr attr;
	int result;

	assert_int_equal(fs_getattr(fs, guest_call(), file, fh, &attr), 0);
	result = fs_getattr(fs, guest_call(), other, fh, &attr);
	assert_true(result == -EBADF || (result == 0 && attr.ino == guest_attr(fs, other).ino));
	result = guest_try_setattr(fs, other, in);
	assert_true(result == -EBADF || (result == 0 && guest_attr(fs, other).size == 7));
	assert_int_equal(guest_attr(fs, file).size, 0);
	assert_int_equal(guest_release(fs, file, fh), 0);
	result = fs_getattr(fs, guest_call(), file, fh, &attr);
	assert_true(result == -EBADF || (result == 0 && attr.ino == guest_attr(fs, file).ino));
}

static void times(struct fs *fs)
{
	uint64_t file = guest_file(fs, FS_ROOT, "file");
	struct fuse_attr attr;

	attr = guest_setattr(fs, file,
			     (struct fuse_setattr_in){ .valid = FATTR_ATIME | FATTR_MTIME,
						       .atime = 1000000000,
						       .atimensec = 123456789,
						       .mtime = 2000000000,
						       .mtimensec = 999999999 });
	assert_int_equal(attr.atime, 1000000000);
	assert_int_equal(attr.atimensec, 123456789);
	assert_int_equal(attr.mtime, 2000000000);
	assert_int_equal(attr.mtimensec, 999999999);
	attr = guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_MTIME, .mtime = 5 });
	assert_int_equal(attr.atime, 1000000000);
	assert_int_equal(attr.mtime, 5);
	assert_int_equal(attr.mtimensec, 0);
}

static void times_now(struct fs *fs)
{
	const uint32_t now = FATTR_MTIME | FATTR_MTIME_NOW;
	uint64_t file = guest_file(fs, FS_ROOT, "file"), before = (uint64_t)time(NULL) - 1;
	struct fuse_attr attr;

	guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = FATTR_ATIME | FATTR_MTIME, .atime = 1, .mtime = 2 });
	attr = guest_setattr(fs, file, (struct fuse_setattr_in){ .valid = now, .mtime = 3 });
	assert_int_equal(attr.atime, 1);
	assert_true(attr.mtime >= before && attr.mtime <= before + 60);
	attr = guest_setattr(
	    fs, file, (struct fuse_setattr_in){ .valid = FATTR_ATIME | FATTR_ATIME_NOW | FATTR_MTIME, .mtime = 4 });
	assert_true(attr.atime >= before && attr.atime <= before + 60);
	assert_int_equal(attr.mtime, 4);
	assert_true(attr.ctime >= before);
}

/* All at once, as overlayfs copies a file up. */
static void everything(struct fs *fs)
{
	uint64_t fh, file = guest_create(fs, FS_ROOT, "file", O_RDWR, &fh);
	struct fuse_attr attr;

	guest_write(fs, file, fh, 0, "text");
	attr = guest_setattr(fs, file,
			     (struct fuse_setattr_in){ .valid = FATTR_MODE | FATTR_UID | FATTR_GID | FATTR_SIZE |
								FATTR_ATIME | FATTR_MTIME,
						       .mode = S_IFREG | 0604,
						       .uid = 7,
						       .gid = 8,
						       .size = 100,
						       .atime = 10,
						       .mtime = 20 });
	assert_int_equal(attr.mode, S_IFREG | 0604);
	assert_int_equal(attr.uid, 7);
	assert_int_equal(attr.gid, 8);
	assert_int_equal(attr.size, 100);
	assert_int_equal(attr.atime, 10);
	assert_int_equal(attr.mtime, 20);
	assert_int_equal(guest_release(fs, file, fh), 0);
}

static void statx_tells(struct fs *fs)
{
	uint64_t before = (uint64_t)time(NULL) - 1;
	struct fuse_statx_out out = { 0 };
	struct fuse_entry_out entry;

	NEED(fs, statx);
	assert_int_equal(fs_mknod(fs, guest_call(), FS_ROOT, "d", S_IFBLK | 0640, 0x45u | 8u << 8, 0, &entry), 0);
	guest_setattr(fs, entry.nodeid, (struct fuse_setattr_in){ .valid = FATTR_MTIME, .mtime = 77 });
	assert_int_equal(
	    fs_statx(fs, guest_call(), entry.nodeid, FS_NO_HANDLE, 0, STATX_BASIC_STATS | STATX_BTIME, &out), 0);
	assert_int_equal(out.stat.mask & STATX_BASIC_STATS, STATX_BASIC_STATS);
	assert_int_equal(out.stat.ino, entry.attr.ino);
	assert_int_equal(out.stat.mode, S_IFBLK | 0640);
	assert_int_equal(out.stat.nlink, 1);
	assert_int_equal(out.stat.rdev_major, 8);
	assert_int_equal(out.stat.rdev_minor, 0x45);
	assert_int_equal(out.stat.mtime.tv_sec, 77);
	if (out.stat.mask & STATX_BTIME)
		assert_true(out.stat.btime.tv_sec >= (int64_t)before && out.stat.btime.tv_sec < (int64_t)before + 60);
	assert_int_equal(fs_statx(fs, guest_call(), 1234567, FS_NO_HANDLE, 0, STATX_BASIC_STATS, &out), -ESTALE);
}

static void statfs_tells(struct fs *fs)
{
	struct fuse_kstatfs statfs = { 0 };

	assert_int_equal(fs_statfs(fs, guest_call(), FS_ROOT, &statfs), 0);
	assert_int_equal(statfs.namelen, 255);
	assert_true(statfs.bsize > 0);
	assert_true(statfs.blocks > 0);
	assert_true(statfs.bfree <= statfs.blocks);
	assert_true(statfs.bavail <= statfs.bfree);
	assert_int_equal(fs_statfs(fs, guest_call(), 1234567, &statfs), -ESTALE);
}

static void access_of_known(struct fs *fs)
{
	NEED(fs, access);
	assert_int_equal(fs_access(fs, guest_call(), guest_file(fs, FS_ROOT, "file"), 4), 0);
	assert_int_equal(fs_access(fs, guest_call(), 1234567, 4), -ESTALE);
}

const struct conformance_test conformance_attr[] = {
	CONFORMANCE_TEST(mode),
	CONFORMANCE_TEST(mode_of_special),
	CONFORMANCE_TEST(owner_of_symlink),
	CONFORMANCE_TEST(owner_one_at_a_time),
	CONFORMANCE_TEST(size),
	CONFORMANCE_TEST(size_errors),
	CONFORMANCE_TEST(bad_handle),
	CONFORMANCE_TEST(times),
	CONFORMANCE_TEST(times_now),
	CONFORMANCE_TEST(everything),
	CONFORMANCE_TEST(statx_tells),
	CONFORMANCE_TEST(statfs_tells),
	CONFORMANCE_TEST(access_of_known),
	{ NULL, NULL },
};
