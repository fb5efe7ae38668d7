/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * FUSE messages: numbers and byte layouts, protocol 7.31 to 7.46.
 *
 * Layouts only, freestanding, no functions. All fields are in the byte order of
 * the driver (little-endian for every guest this project serves). Every struct
 * has a static assertion on its size at the end of this file.
 *
 * Spec: FUSE kernel protocol, include/uapi/linux/fuse.h; virtio 1.3, 5.11.
 */
#ifndef VIOFS_WIRE_FUSE_H
#define VIOFS_WIRE_FUSE_H

#include <stdint.h>

#define FUSE_KERNEL_VERSION 7
#define FUSE_KERNEL_MINOR_VERSION 46
/* The oldest minor version this device speaks (Linux 5.4, the first virtiofs). */
#define FUSE_MIN_MINOR_VERSION 31

#define FUSE_ROOT_ID 1

/* Attribute flags (fuse_attr.flags, since 7.32). */
#define FUSE_ATTR_SUBMOUNT (1u << 0)
#define FUSE_ATTR_DAX (1u << 1)

/* What a SETATTR changes (fuse_setattr_in.valid). */
#define FATTR_MODE (1u << 0)
#define FATTR_UID (1u << 1)
#define FATTR_GID (1u << 2)
#define FATTR_SIZE (1u << 3)
#define FATTR_ATIME (1u << 4)
#define FATTR_MTIME (1u << 5)
#define FATTR_FH (1u << 6)
#define FATTR_ATIME_NOW (1u << 7)
#define FATTR_MTIME_NOW (1u << 8)
#define FATTR_LOCKOWNER (1u << 9)
#define FATTR_CTIME (1u << 10)
#define FATTR_KILL_SUIDGID (1u << 11)

/* Answers to OPEN and CREATE (fuse_open_out.open_flags). */
#define FOPEN_DIRECT_IO (1u << 0)
#define FOPEN_KEEP_CACHE (1u << 1)
#define FOPEN_NONSEEKABLE (1u << 2)
#define FOPEN_CACHE_DIR (1u << 3)
#define FOPEN_STREAM (1u << 4)
#define FOPEN_NOFLUSH (1u << 5)
#define FOPEN_PARALLEL_DIRECT_WRITES (1u << 6)
#define FOPEN_PASSTHROUGH (1u << 7)

/* INIT flags, as one 64-bit set: bits 32 and up travel in flags2. */
#define FUSE_ASYNC_READ (1ull << 0)
#define FUSE_POSIX_LOCKS (1ull << 1)
#define FUSE_FILE_OPS (1ull << 2)
#define FUSE_ATOMIC_O_TRUNC (1ull << 3)
#define FUSE_EXPORT_SUPPORT (1ull << 4)
#define FUSE_BIG_WRITES (1ull << 5)
#define FUSE_DONT_MASK (1ull << 6)
#define FUSE_SPLICE_WRITE (1ull << 7)
#define FUSE_SPLICE_MOVE (1ull << 8)
#define FUSE_SPLICE_READ (1ull << 9)
#define FUSE_FLOCK_LOCKS (1ull << 10)
#define FUSE_HAS_IOCTL_DIR (1ull << 11)
#define FUSE_AUTO_INVAL_DATA (1ull << 12)
#define FUSE_DO_READDIRPLUS (1ull << 13)
#define FUSE_READDIRPLUS_AUTO (1ull << 14)
#define FUSE_ASYNC_DIO (1ull << 15)
#define FUSE_WRITEBACK_CACHE (1ull << 16)
#define FUSE_NO_OPEN_SUPPORT (1ull << 17)
#define FUSE_PARALLEL_DIROPS (1ull << 18)
#define FUSE_HANDLE_KILLPRIV (1ull << 19)
#define FUSE_POSIX_ACL (1ull << 20)
#define FUSE_ABORT_ERROR (1ull << 21)
#define FUSE_MAX_PAGES (1ull << 22)
#define FUSE_CACHE_SYMLINKS (1ull << 23)
#define FUSE_NO_OPENDIR_SUPPORT (1ull << 24)
#define FUSE_EXPLICIT_INVAL_DATA (1ull << 25)
#define FUSE_MAP_ALIGNMENT (1ull << 26)
#define FUSE_SUBMOUNTS (1ull << 27)
#define FUSE_HANDLE_KILLPRIV_V2 (1ull << 28)
#define FUSE_SETXATTR_EXT (1ull << 29)
#define FUSE_INIT_EXT (1ull << 30)
#define FUSE_INIT_RESERVED (1ull << 31)
#define FUSE_SECURITY_CTX (1ull << 32)
#define FUSE_HAS_INODE_DAX (1ull << 33)
#define FUSE_CREATE_SUPP_GROUP (1ull << 34)
#define FUSE_HAS_EXPIRE_ONLY (1ull << 35)
#define FUSE_DIRECT_IO_ALLOW_MMAP (1ull << 36)
#define FUSE_PASSTHROUGH (1ull << 37)
#define FUSE_NO_EXPORT_SUPPORT (1ull << 38)
#define FUSE_HAS_RESEND (1ull << 39)
#define FUSE_ALLOW_IDMAP (1ull << 40)
#define FUSE_OVER_IO_URING (1ull << 41)
#define FUSE_REQUEST_TIMEOUT (1ull << 42)

#define FUSE_RELEASE_FLUSH (1u << 0)
#define FUSE_RELEASE_FLOCK_UNLOCK (1u << 1)

#define FUSE_GETATTR_FH (1u << 0)

/* fuse_lk_in.lk_flags */
#define FUSE_LK_FLOCK (1u << 0)

/* fuse_write_in.write_flags */
#define FUSE_WRITE_CACHE (1u << 0)
#define FUSE_WRITE_LOCKOWNER (1u << 1)
#define FUSE_WRITE_KILL_SUIDGID (1u << 2)

#define FUSE_READ_LOCKOWNER (1u << 1)

/* fuse_ioctl_in.flags */
#define FUSE_IOCTL_COMPAT (1u << 0)
#define FUSE_IOCTL_UNRESTRICTED (1u << 1)
#define FUSE_IOCTL_RETRY (1u << 2)
#define FUSE_IOCTL_32BIT (1u << 3)
#define FUSE_IOCTL_DIR (1u << 4)

#define FUSE_FSYNC_FDATASYNC (1u << 0)

/* fuse_open_in.open_flags, fuse_create_in.open_flags */
#define FUSE_OPEN_KILL_SUIDGID (1u << 0)

/* fuse_setxattr_in.setxattr_flags */
#define FUSE_SETXATTR_ACL_KILL_SGID (1u << 0)

/* A unique with this bit is a request sent again (since 7.40). */
#define FUSE_UNIQUE_RESEND (1ull << 63)

/* An id the guest could not map (since 7.41, FUSE_ALLOW_IDMAP). */
#define FUSE_INVALID_UIDGID UINT32_MAX

enum fuse_opcode {
	FUSE_LOOKUP = 1,
	FUSE_FORGET = 2,
	FUSE_GETATTR = 3,
	FUSE_SETATTR = 4,
	FUSE_READLINK = 5,
	FUSE_SYMLINK = 6,
	FUSE_MKNOD = 8,
	FUSE_MKDIR = 9,
	FUSE_UNLINK = 10,
	FUSE_RMDIR = 11,
	FUSE_RENAME = 12,
	FUSE_LINK = 13,
	FUSE_OPEN = 14,
	FUSE_READ = 15,
	FUSE_WRITE = 16,
	FUSE_STATFS = 17,
	FUSE_RELEASE = 18,
	FUSE_FSYNC = 20,
	FUSE_SETXATTR = 21,
	FUSE_GETXATTR = 22,
	FUSE_LISTXATTR = 23,
	FUSE_REMOVEXATTR = 24,
	FUSE_FLUSH = 25,
	FUSE_INIT = 26,
	FUSE_OPENDIR = 27,
	FUSE_READDIR = 28,
	FUSE_RELEASEDIR = 29,
	FUSE_FSYNCDIR = 30,
	FUSE_GETLK = 31,
	FUSE_SETLK = 32,
	FUSE_SETLKW = 33,
	FUSE_ACCESS = 34,
	FUSE_CREATE = 35,
	FUSE_INTERRUPT = 36,
	FUSE_BMAP = 37,
	FUSE_DESTROY = 38,
	FUSE_IOCTL = 39,
	FUSE_POLL = 40,
	FUSE_NOTIFY_REPLY = 41,
	FUSE_BATCH_FORGET = 42,
	FUSE_FALLOCATE = 43,
	FUSE_READDIRPLUS = 44,
	FUSE_RENAME2 = 45,
	FUSE_LSEEK = 46,
	FUSE_COPY_FILE_RANGE = 47,
	FUSE_SETUPMAPPING = 48,
	FUSE_REMOVEMAPPING = 49,
	FUSE_SYNCFS = 50,
	FUSE_TMPFILE = 51,
	FUSE_STATX = 52,
	FUSE_COPY_FILE_RANGE_64 = 53,
	FUSE_OPCODE_COUNT = 54,
};

/* FUSE_INIT as a driver of the other byte order sends it. */
#define FUSE_INIT_BSWAP 436207616u

struct fuse_in_header {
	uint32_t len;
	uint32_t opcode;
	uint64_t unique;
	uint64_t nodeid;
	uint32_t uid;
	uint32_t gid;
	uint32_t pid;
	uint16_t total_extlen; /* extensions at the end of the request, in units of 8 bytes */
	uint16_t padding;
};

struct fuse_out_header {
	uint32_t len;
	int32_t error; /* 0 or -errno, of Linux */
	uint64_t unique;
};

struct fuse_attr {
	uint64_t ino;
	uint64_t size;
	uint64_t blocks; /* of 512 bytes */
	uint64_t atime;
	uint64_t mtime;
	uint64_t ctime;
	uint32_t atimensec;
	uint32_t mtimensec;
	uint32_t ctimensec;
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint32_t rdev; /* Linux new_encode_dev(): minor 0-7, major 8-19, minor 20-31 */
	uint32_t blksize;
	uint32_t flags; /* FUSE_ATTR_* */
};

struct fuse_sx_time {
	int64_t tv_sec;
	uint32_t tv_nsec;
	int32_t reserved;
};

struct fuse_statx {
	uint32_t mask;
	uint32_t blksize;
	uint64_t attributes;
	uint32_t nlink;
	uint32_t uid;
	uint32_t gid;
	uint16_t mode;
	uint16_t spare0;
	uint64_t ino;
	uint64_t size;
	uint64_t blocks;
	uint64_t attributes_mask;
	struct fuse_sx_time atime;
	struct fuse_sx_time btime;
	struct fuse_sx_time ctime;
	struct fuse_sx_time mtime;
	uint32_t rdev_major;
	uint32_t rdev_minor;
	uint32_t dev_major;
	uint32_t dev_minor;
	uint64_t spare2[14];
};

struct fuse_kstatfs {
	uint64_t blocks;
	uint64_t bfree;
	uint64_t bavail;
	uint64_t files;
	uint64_t ffree;
	uint32_t bsize;
	uint32_t namelen;
	uint32_t frsize;
	uint32_t padding;
	uint32_t spare[6];
};

struct fuse_file_lock {
	uint64_t start;
	uint64_t end; /* inclusive; INT64_MAX is end of file */
	uint32_t type; /* F_RDLCK 0, F_WRLCK 1, F_UNLCK 2 */
	uint32_t pid;
};

struct fuse_entry_out {
	uint64_t nodeid;
	uint64_t generation;
	uint64_t entry_valid; /* seconds */
	uint64_t attr_valid; /* seconds */
	uint32_t entry_valid_nsec;
	uint32_t attr_valid_nsec;
	struct fuse_attr attr;
};

struct fuse_forget_in {
	uint64_t nlookup;
};

struct fuse_forget_one {
	uint64_t nodeid;
	uint64_t nlookup;
};

struct fuse_batch_forget_in {
	uint32_t count;
	uint32_t dummy;
};

struct fuse_getattr_in {
	uint32_t getattr_flags;
	uint32_t dummy;
	uint64_t fh;
};

struct fuse_attr_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t dummy;
	struct fuse_attr attr;
};

struct fuse_statx_in {
	uint32_t getattr_flags;
	uint32_t reserved;
	uint64_t fh;
	uint32_t sx_flags;
	uint32_t sx_mask;
};

struct fuse_statx_out {
	uint64_t attr_valid;
	uint32_t attr_valid_nsec;
	uint32_t flags; /* FUSE_ATTR_* */
	uint64_t spare[2];
	struct fuse_statx stat;
};

struct fuse_mknod_in {
	uint32_t mode;
	uint32_t rdev;
	uint32_t umask;
	uint32_t padding;
};

struct fuse_mkdir_in {
	uint32_t mode;
	uint32_t umask;
};

struct fuse_rename_in {
	uint64_t newdir;
};

struct fuse_rename2_in {
	uint64_t newdir;
	uint32_t flags; /* RENAME_* of Linux */
	uint32_t padding;
};

struct fuse_link_in {
	uint64_t oldnodeid;
};

struct fuse_setattr_in {
	uint32_t valid; /* FATTR_* */
	uint32_t padding;
	uint64_t fh;
	uint64_t size;
	uint64_t lock_owner;
	uint64_t atime;
	uint64_t mtime;
	uint64_t ctime;
	uint32_t atimensec;
	uint32_t mtimensec;
	uint32_t ctimensec;
	uint32_t mode;
	uint32_t unused4;
	uint32_t uid;
	uint32_t gid;
	uint32_t unused5;
};

struct fuse_open_in {
	uint32_t flags; /* O_* of Linux on the generic ABI */
	uint32_t open_flags; /* FUSE_OPEN_* */
};

struct fuse_create_in {
	uint32_t flags;
	uint32_t mode;
	uint32_t umask;
	uint32_t open_flags;
};

struct fuse_open_out {
	uint64_t fh;
	uint32_t open_flags; /* FOPEN_* */
	int32_t backing_id;
};

struct fuse_release_in {
	uint64_t fh;
	uint32_t flags;
	uint32_t release_flags;
	uint64_t lock_owner;
};

struct fuse_flush_in {
	uint64_t fh;
	uint32_t unused;
	uint32_t padding;
	uint64_t lock_owner;
};

struct fuse_read_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t size;
	uint32_t read_flags;
	uint64_t lock_owner;
	uint32_t flags;
	uint32_t padding;
};

struct fuse_write_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t size;
	uint32_t write_flags;
	uint64_t lock_owner;
	uint32_t flags;
	uint32_t padding;
};

struct fuse_write_out {
	uint32_t size;
	uint32_t padding;
};

struct fuse_statfs_out {
	struct fuse_kstatfs st;
};

struct fuse_fsync_in {
	uint64_t fh;
	uint32_t fsync_flags;
	uint32_t padding;
};

/* The first 8 bytes without FUSE_SETXATTR_EXT, 16 with it. */
struct fuse_setxattr_in {
	uint32_t size;
	uint32_t flags; /* XATTR_* of Linux */
	uint32_t setxattr_flags; /* FUSE_SETXATTR_* */
	uint32_t padding;
};
#define FUSE_COMPAT_SETXATTR_IN_SIZE 8

struct fuse_getxattr_in {
	uint32_t size;
	uint32_t padding;
};

struct fuse_getxattr_out {
	uint32_t size;
	uint32_t padding;
};

struct fuse_lk_in {
	uint64_t fh;
	uint64_t owner;
	struct fuse_file_lock lk;
	uint32_t lk_flags;
	uint32_t padding;
};

struct fuse_lk_out {
	struct fuse_file_lock lk;
};

struct fuse_access_in {
	uint32_t mask;
	uint32_t padding;
};

/* The first 16 bytes before 7.36 (no FUSE_INIT_EXT). */
struct fuse_init_in {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint32_t flags2;
	uint32_t unused[11];
};
#define FUSE_COMPAT_INIT_IN_SIZE 16

struct fuse_init_out {
	uint32_t major;
	uint32_t minor;
	uint32_t max_readahead;
	uint32_t flags;
	uint16_t max_background;
	uint16_t congestion_threshold;
	uint32_t max_write;
	uint32_t time_gran; /* nanoseconds */
	uint16_t max_pages;
	uint16_t map_alignment; /* log2 of bytes */
	uint32_t flags2;
	uint32_t max_stack_depth;
	uint16_t request_timeout; /* seconds */
	uint16_t unused[11];
};

struct fuse_interrupt_in {
	uint64_t unique;
};

struct fuse_ioctl_in {
	uint64_t fh;
	uint32_t flags;
	uint32_t cmd;
	uint64_t arg;
	uint32_t in_size;
	uint32_t out_size;
};

struct fuse_ioctl_out {
	int32_t result;
	uint32_t flags;
	uint32_t in_iovs;
	uint32_t out_iovs;
};

struct fuse_fallocate_in {
	uint64_t fh;
	uint64_t offset;
	uint64_t length;
	uint32_t mode;
	uint32_t padding;
};

struct fuse_dirent {
	uint64_t ino;
	uint64_t off; /* where the next entry begins */
	uint32_t namelen;
	uint32_t type; /* DT_* */
	/* char name[namelen], padded to FUSE_DIRENT_ALIGN */
};

struct fuse_direntplus {
	struct fuse_entry_out entry_out;
	struct fuse_dirent dirent;
};

#define FUSE_DIRENT_ALIGN 8u

struct fuse_lseek_in {
	uint64_t fh;
	uint64_t offset;
	uint32_t whence;
	uint32_t padding;
};

struct fuse_lseek_out {
	uint64_t offset;
};

struct fuse_copy_file_range_in {
	uint64_t fh_in;
	uint64_t off_in;
	uint64_t nodeid_out;
	uint64_t fh_out;
	uint64_t off_out;
	uint64_t len;
	uint64_t flags;
};

struct fuse_copy_file_range_out {
	uint64_t bytes_copied;
};

struct fuse_setupmapping_in {
	uint64_t fh;
	uint64_t foffset;
	uint64_t len;
	uint64_t flags;
	uint64_t moffset;
};

struct fuse_removemapping_in {
	uint32_t count;
};

struct fuse_removemapping_one {
	uint64_t moffset;
	uint64_t len;
};

struct fuse_syncfs_in {
	uint64_t padding;
};

/* Security contexts that follow the names of a creating request (7.36). */
struct fuse_secctx {
	uint32_t size;
	uint32_t padding;
	/* name with NUL, then size bytes of value; padded to 8 */
};

struct fuse_secctx_header {
	uint32_t size; /* of everything, this header included */
	uint32_t nr_secctx;
};

/* Extension headers (7.38); types 0 to 31 are numbers of security contexts. */
struct fuse_ext_header {
	uint32_t size; /* this header included, a multiple of 8 */
	uint32_t type;
};
#define FUSE_MAX_NR_SECCTX 31
#define FUSE_EXT_GROUPS 32

struct fuse_supp_groups {
	uint32_t nr_groups;
	/* uint32_t groups[nr_groups] */
};

#define FUSE_ASSERT_SIZE(type, bytes) _Static_assert(sizeof(type) == (bytes), #type)
FUSE_ASSERT_SIZE(struct fuse_in_header, 40);
FUSE_ASSERT_SIZE(struct fuse_out_header, 16);
FUSE_ASSERT_SIZE(struct fuse_attr, 88);
FUSE_ASSERT_SIZE(struct fuse_statx, 256);
FUSE_ASSERT_SIZE(struct fuse_kstatfs, 80);
FUSE_ASSERT_SIZE(struct fuse_entry_out, 128);
FUSE_ASSERT_SIZE(struct fuse_attr_out, 104);
FUSE_ASSERT_SIZE(struct fuse_statx_in, 24);
FUSE_ASSERT_SIZE(struct fuse_statx_out, 288);
FUSE_ASSERT_SIZE(struct fuse_setattr_in, 88);
FUSE_ASSERT_SIZE(struct fuse_create_in, 16);
FUSE_ASSERT_SIZE(struct fuse_open_out, 16);
FUSE_ASSERT_SIZE(struct fuse_release_in, 24);
FUSE_ASSERT_SIZE(struct fuse_read_in, 40);
FUSE_ASSERT_SIZE(struct fuse_write_in, 40);
FUSE_ASSERT_SIZE(struct fuse_lk_in, 48);
FUSE_ASSERT_SIZE(struct fuse_init_in, 64);
FUSE_ASSERT_SIZE(struct fuse_init_out, 64);
FUSE_ASSERT_SIZE(struct fuse_ioctl_in, 32);
FUSE_ASSERT_SIZE(struct fuse_fallocate_in, 32);
FUSE_ASSERT_SIZE(struct fuse_dirent, 24);
FUSE_ASSERT_SIZE(struct fuse_direntplus, 152);
FUSE_ASSERT_SIZE(struct fuse_copy_file_range_in, 56);
FUSE_ASSERT_SIZE(struct fuse_setupmapping_in, 40);
FUSE_ASSERT_SIZE(struct fuse_removemapping_one, 16);
#undef FUSE_ASSERT_SIZE

#endif
