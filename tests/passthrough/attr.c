/* SPDX-License-Identifier: BSD-3-Clause */
/* GETATTR, SETATTR, STATX, STATFS, ACCESS. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "fs/passthrough/attr.h"
#include "variants.h"

static int setattr(uint64_t node, const struct fuse_setattr_in *in, struct fuse_attr *ret_attr)
{
	return fs_setattr(share.fs, &share.call, node, in, ret_attr);
}

static void test_rdev(void **state)
{
	uint32_t major, minor;

	assert_int_equal(attr_encode_rdev(8, 1), 0x801);
	attr_decode_rdev(attr_encode_rdev(4095, 1048575), &major, &minor);
	assert_int_equal(major, 4095);
	assert_int_equal(minor, 1048575);
}

static void test_getattr(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_statx_out sx = { .flags = 0 };
		struct fuse_attr attr;
		struct statx st;
		struct stat old;
		uint64_t a;

		host_write(&share, "a", "text");
		a = guest_lookup(&share, FS_ROOT, "a");
		attr = guest_getattr(&share, a);
		assert_int_equal(fstatat(share.root, "a", &old, 0), 0);
		assert_int_equal(attr.ino, old.st_ino);
		assert_int_equal(attr.mode, old.st_mode);
		assert_int_equal(attr.nlink, 1);
		assert_int_equal(attr.uid, old.st_uid);
		assert_int_equal(attr.gid, old.st_gid);
		assert_int_equal(attr.size, 4);
		assert_int_equal(attr.blocks, old.st_blocks);
		assert_int_equal(attr.blksize, old.st_blksize);
		assert_int_equal(attr.mtime, old.st_mtim.tv_sec);
		assert_int_equal(attr.mtimensec, old.st_mtim.tv_nsec);
		assert_int_equal(attr.flags, 0);

		assert_int_equal(fs_statx(share.fs, &share.call, a, 0, 0, STATX_BASIC_STATS | STATX_BTIME, &sx), 0);
		assert_int_equal(statx(share.root, "a", 0, STATX_BASIC_STATS | STATX_BTIME, &st), 0);
		assert_int_equal(sx.stat.mask, st.stx_mask & (STATX_BASIC_STATS | STATX_BTIME));
		assert_int_equal(sx.stat.ino, old.st_ino);
		assert_int_equal(sx.stat.size, 4);
		assert_int_equal(sx.stat.btime.tv_sec, st.stx_btime.tv_sec);
		assert_int_equal(sx.stat.btime.tv_nsec, st.stx_btime.tv_nsec);
	}
}

static void test_mode_and_owner(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_attr attr;
		uint64_t a, l;

		if (geteuid() != 0)
			continue;
		host_write(&share, "a", "text");
		a = guest_lookup(&share, FS_ROOT, "a");
		assert_int_equal(
		    setattr(a, &(struct fuse_setattr_in){ .valid = FATTR_MODE, .mode = S_IFREG | 04711 }, &attr), 0);
		assert_int_equal(attr.mode, S_IFREG | 04711);
		/* A new owner takes the set-user-id bit away, a mode given with it stands. */
		assert_int_equal(setattr(a, &(struct fuse_setattr_in){ .valid = FATTR_UID, .uid = 7 }, &attr), 0);
		assert_int_equal(attr.mode, S_IFREG | 0711);
		assert_int_equal(attr.uid, 7);
		assert_int_equal(attr.gid, 0);
		assert_int_equal(
		    setattr(a,
			    &(struct fuse_setattr_in){
				.valid = FATTR_UID | FATTR_GID | FATTR_MODE, .uid = 8, .gid = 9, .mode = 04700 },
			    &attr),
		    0);
		assert_int_equal(attr.mode, S_IFREG | 04700);
		assert_int_equal(attr.gid, 9);
		assert_int_equal(setattr(a, &(struct fuse_setattr_in){ .valid = FATTR_UID, .uid = UINT32_MAX }, &attr),
				 -EINVAL);
		/* A symbolic link's own owner. */
		assert_int_equal(symlinkat("a", share.root, "l"), 0);
		l = guest_lookup(&share, FS_ROOT, "l");
		assert_int_equal(setattr(l, &(struct fuse_setattr_in){ .valid = FATTR_UID, .uid = 5 }, &attr), 0);
		assert_int_equal(attr.uid, 5);
		assert_int_equal(guest_getattr(&share, a).uid, 8);
	}
}

static void test_size(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_attr attr;
		struct fs_open open;
		uint64_t a, dir;

		host_write(&share, "a", "text");
		host_mkdir(&share, "dir");
		a = guest_lookup(&share, FS_ROOT, "a");
		dir = guest_lookup(&share, FS_ROOT, "dir");
		assert_int_equal(setattr(a, &(struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = 100 }, &attr), 0);
		assert_int_equal(attr.size, 100);
		assert_int_equal(setattr(dir, &(struct fuse_setattr_in){ .valid = FATTR_SIZE }, &attr), -EISDIR);
		assert_int_equal(
		    setattr(a, &(struct fuse_setattr_in){ .valid = FATTR_SIZE, .size = UINT64_MAX }, &attr), -EFBIG);
		/* By handle: the right to write was checked when it was opened. */
		assert_int_equal(fs_open(share.fs, &share.call, a, O_RDWR, 0, &open), 0);
		assert_int_equal(fchmodat(share.root, "a", 0, 0), 0);
		assert_int_equal(
		    setattr(a, &(struct fuse_setattr_in){ .valid = FATTR_SIZE | FATTR_FH, .fh = open.fh, .size = 3 },
			    &attr),
		    0);
		assert_int_equal(attr.size, 3);
		assert_int_equal(
		    setattr(a, &(struct fuse_setattr_in){ .valid = FATTR_SIZE | FATTR_FH, .fh = 77, .size = 3 }, &attr),
		    -EBADF);
	}
}

static void test_times(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_attr attr;
		struct fuse_setattr_in in = {
			.valid = FATTR_ATIME | FATTR_MTIME, .atime = 1000, .atimensec = 5, .mtime = 2000
		};
		uint64_t l;

		/* Of the link itself. */
		assert_int_equal(symlinkat("a", share.root, "l"), 0);
		l = guest_lookup(&share, FS_ROOT, "l");
		assert_int_equal(setattr(l, &in, &attr), 0);
		assert_int_equal(attr.atime, 1000);
		assert_int_equal(attr.atimensec, 5);
		assert_int_equal(attr.mtime, 2000);
		in = (struct fuse_setattr_in){ .valid = FATTR_MTIME | FATTR_MTIME_NOW };
		assert_int_equal(setattr(l, &in, &attr), 0);
		assert_int_equal(attr.atime, 1000);
		assert_true(attr.mtime > 1000000);
		/* Before 1970. */
		in = (struct fuse_setattr_in){ .valid = FATTR_MTIME, .mtime = (uint64_t)-100 };
		assert_int_equal(setattr(l, &in, &attr), 0);
		assert_int_equal(attr.mtime, (uint64_t)-100);
		/* The host's special values are not the guest's to give. */
		in = (struct fuse_setattr_in){ .valid = FATTR_ATIME, .atimensec = UTIME_OMIT };
		assert_int_equal(setattr(l, &in, &attr), -EINVAL);
		in = (struct fuse_setattr_in){ .valid = FATTR_MTIME, .mtimensec = UTIME_NOW };
		assert_int_equal(setattr(l, &in, &attr), -EINVAL);
	}
}

static void test_statfs(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fuse_kstatfs info;
		struct statvfs host;

		assert_int_equal(fs_statfs(share.fs, &share.call, FS_ROOT, &info), 0);
		assert_int_equal(fstatvfs(share.root, &host), 0);
		assert_int_equal(info.blocks, host.f_blocks);
		assert_int_equal(info.bsize, host.f_bsize);
		assert_int_equal(info.namelen, 255);
	}
}

static void test_access(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fs_call owner = { .uid = geteuid(), .gid = 99 }, other = { .uid = 98, .gid = 99 };
		uint64_t a;

		host_write(&share, "a", "text");
		assert_int_equal(fchmodat(share.root, "a", 0640, 0), 0);
		a = guest_lookup(&share, FS_ROOT, "a");
		assert_int_equal(fs_access(share.fs, &owner, a, R_OK | W_OK), 0);
		assert_int_equal(fs_access(share.fs, &owner, a, X_OK), -EACCES);
		assert_int_equal(fs_access(share.fs, &other, a, F_OK), 0);
		assert_int_equal(fs_access(share.fs, &other, a, R_OK), -EACCES);
		assert_int_equal(fs_access(share.fs, &other, a, 8), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rdev),   cmocka_unit_test(test_getattr), cmocka_unit_test(test_mode_and_owner),
		cmocka_unit_test(test_size),   cmocka_unit_test(test_times),   cmocka_unit_test(test_statfs),
		cmocka_unit_test(test_access),
	};

	return cmocka_run_group_tests_name("passthrough/attr", tests, NULL, NULL);
}
