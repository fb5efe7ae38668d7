/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The contract of a file system: what a backend or a filter offers to the session above it.
 *
 * The vocabulary is FUSE's: an operation per opcode, its structs for attributes, entries and locks, Linux' errnos
 * (negative) for failures. Nodes and open files are named by 64-bit ids that the backend chose (slot and generation,
 * never a pointer; FS_ROOT is the root); it keeps the tables itself, so that an id needs one look-up on its way
 * from guest to host. An unknown id is -ESTALE (nodes) or -EBADF (handles), never a crash.
 *
 * Ways to work. An operation returns 0 or -errno with its results written through ret_ parameters; or it returns FS_PENDING
 * and later, from any thread, writes the results and calls fs_call.complete exactly once. ret_ parameters and payload
 * buffers stay valid until then. Names are single components, already validated (not empty, no '/', no NUL inside, not "."
 * or "..", at most FS_NAME_MAX bytes), and are valid only until the operation first returns.
 *
 * Threads. Operations run on many threads at once, also for the same node. Operations whose opcode is marked as blocking in
 * the opcode table are called on pool threads. A backend makes itself safe; it may hold no lock across a system call
 * that a GETATTR would need.
 *
 * Lookup counts. Each successful operation that returns an entry raises the node's count by one; forget lowers it; a node
 * whose count is zero may be dropped (the root never is).
 *
 * Filters implement the same struct with next set; an operation they leave NULL passes down, and fs_*() below is
 * the only way anybody calls one. An operation that no layer implements is -ENOSYS.
 */
#ifndef VIOFS_FS_FS_H
#define VIOFS_FS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "wire/fuse.h"

#define FS_ROOT ((uint64_t)FUSE_ROOT_ID)
/* No open file: the operation goes by node alone. */
#define FS_NO_HANDLE ((uint64_t)0)
#define FS_NAME_MAX 255u
/* Not an errno: the result comes later, through fs_call.complete. */
#define FS_PENDING 1

struct fs;

/* Who asks, and how to answer later. Lives at least until the operation has completed. */
struct fs_call {
	uint64_t unique;
	uint32_t opcode;
	uint32_t uid; /* as the guest sent them; FUSE_INVALID_UIDGID when it could not map them (ALLOW_IDMAP) */
	uint32_t gid;
	uint32_t pid;
	bool has_group; /* the guest said which supplementary group permits the creation (7.38) */
	uint32_t group;
	/* xattr name of a security context for the new file, or NULL (7.36); valid as long as names are */
	const char *secctx_name;
	const void *secctx_value;
	uint32_t secctx_size;
	void (*complete)(struct fs_call *call, int result);
	void *pending; /* the backend's own note while the call is pending */
	void *filter; /* the innermost filter that wants to see the completion, see filter/call.h */
};

/* What INIT agreed on, told to the file system before its first operation. */
struct fs_session_info {
	uint64_t flags; /* FUSE_* INIT flags in force */
	uint32_t minor;
	bool writeback; /* the guest caches writes: files opened for writing must be readable, O_APPEND is the guest's */
	bool direct_io; /* honour O_DIRECT of the guest */
	bool no_open; /* READ and WRITE come with FS_NO_HANDLE */
	bool no_opendir; /* READDIR comes with FS_NO_HANDLE */
};

/* An open file. The session adds FOPEN_* by policy; a backend may demand some. */
struct fs_open {
	uint64_t fh;
	uint32_t open_flags; /* FOPEN_* */
};

/*
 * Collects directory entries. add returns 0, or -ENOSPC when the entry does not fit (then the backend ends the listing without
 * error, having undone the entry's lookup). next_offset is where a later READDIR goes on behind this entry. entry is given
 * for READDIRPLUS only; its nodeid 0 means attributes are unknown and no lookup was counted (as for "." and "..").
 */
struct fs_dir_sink {
	int (*add)(struct fs_dir_sink *sink, const char *name, size_t length, uint64_t ino, uint32_t type,
		   uint64_t next_offset, const struct fuse_entry_out *entry);
	/* Whether an entry with a name of this length would fit; ask before paying for a lookup. */
	bool (*fits)(const struct fs_dir_sink *sink, size_t length);
	bool plus;
};

/* A copy between two open files, FUSE_COPY_FILE_RANGE. */
struct fs_copy {
	uint64_t node_in, fh_in, offset_in;
	uint64_t node_out, fh_out, offset_out;
	uint64_t length;
	uint64_t flags;
};

/* One ioctl of the few that pass: a fixed buffer in, a fixed buffer out. */
struct fs_ioctl {
	uint32_t command;
	uint32_t flags; /* FUSE_IOCTL_* */
	const void *in;
	uint32_t in_size;
	void *out;
	uint32_t out_size;
	uint32_t *ret_size; /* bytes of out that are valid */
};

struct fs_ops {
	/* The session has begun. */
	int (*init)(struct fs *fs, const struct fs_session_info *info);
	/* The session has ended: pending calls are completed (with -EINTR), open files, locks and nodes dropped. The
	 * caller makes no other call meanwhile. Filters must pass it down. */
	void (*reset)(struct fs *fs);
	/* Frees this layer alone: fs_free() goes on with the layer below. Required. */
	void (*destroy)(struct fs *fs);

	int (*lookup)(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, struct fuse_entry_out *ret_entry);
	/* LOOKUP of "." (of a node of any type) and of ".." (of a directory; the root's parent is the root), which only a guest
	 * that exports the file system again sends. Optional: without them the guest is not told that it may. A filter
	 * that has lookup has these too. */
	int (*lookup_self)(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry);
	int (*lookup_parent)(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry);
	void (*forget)(struct fs *fs, uint64_t node, uint64_t count);
	/* fh may be FS_NO_HANDLE. */
	int (*getattr)(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fuse_attr *ret_attr);
	int (*setattr)(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in, struct fuse_attr *ret_attr);
	/* Fills stat and flags (FUSE_ATTR_*) of ret; mask is STATX_* of Linux. */
	int (*statx)(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint32_t flags, uint32_t mask, struct fuse_statx_out *ret);
	/* Not NUL-terminated; -ENAMETOOLONG when it does not fit size. */
	int (*readlink)(struct fs *fs, struct fs_call *call, uint64_t node, char *buffer, size_t size, size_t *ret_length);
	int (*symlink)(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target, struct fuse_entry_out *ret_entry);
	/* mode and umask apart: FUSE_DONT_MASK says whether the guest applied umask (then it is 0 here). rdev as the guest encodes it. */
	int (*mknod)(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev, uint32_t umask, struct fuse_entry_out *ret_entry);
	int (*mkdir)(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t umask, struct fuse_entry_out *ret_entry);
	int (*unlink)(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name);
	int (*rmdir)(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name);
	int (*rename)(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name, uint32_t flags);
	int (*link)(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t new_parent, const char *new_name, struct fuse_entry_out *ret_entry);
	/* flags: O_* of the guest; open_flags: FUSE_OPEN_*. */
	int (*open)(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, uint32_t open_flags, struct fs_open *ret_open);
	int (*create)(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open);
	int (*tmpfile)(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open);
	/* Fills the buffers from offset; ret_length is short only at end of file. */
	int (*read)(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, const struct iovec *iov, size_t count, size_t *ret_length);
	/* in gives offset, flags and write_flags; the data is in iov. */
	int (*write)(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_write_in *in, const struct iovec *iov, size_t count, size_t *ret_length);
	int (*statfs)(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_kstatfs *ret_statfs);
	int (*release)(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_release_in *in);
	int (*flush)(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t lock_owner);
	int (*fsync)(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only);
	int (*opendir)(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, struct fs_open *ret_open);
	int (*readdir)(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, struct fs_dir_sink *sink);
	int (*releasedir)(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh);
	int (*fsyncdir)(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only);
	int (*setxattr)(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, const void *value, size_t size, uint32_t flags, uint32_t setxattr_flags);
	/* size 0 asks for the length only, as the system call does; -ERANGE when it does not fit. */
	int (*getxattr)(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, void *value, size_t size, size_t *ret_size);
	int (*listxattr)(struct fs *fs, struct fs_call *call, uint64_t node, char *list, size_t size, size_t *ret_size);
	int (*removexattr)(struct fs *fs, struct fs_call *call, uint64_t node, const char *name);
	/* in.lk_flags tells flock from POSIX. getlk answers in ret_lock. setlk with wait may be FS_PENDING for long. */
	int (*getlk)(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, struct fuse_file_lock *ret_lock);
	int (*setlk)(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, bool wait);
	int (*access)(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t mask);
	int (*fallocate)(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_fallocate_in *in);
	int (*lseek)(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, uint32_t whence, uint64_t *ret_offset);
	int (*copy_file_range)(struct fs *fs, struct fs_call *call, const struct fs_copy *copy, uint64_t *ret_copied);
	int (*syncfs)(struct fs *fs, struct fs_call *call, uint64_t node);
	int (*ioctl)(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fs_ioctl *ioctl);
	/* Ends a pending call early: it completes with -EINTR unless it has completed already. Unknown: nothing. */
	void (*interrupt)(struct fs *fs, uint64_t unique);
};

/* A layer of the stack, embedded first in its own struct. */
struct fs {
	const struct fs_ops *ops;
	struct fs *next; /* the layer below, NULL for a backend */
	const char *name; /* for logs and statistics: "passthrough", "readonly", ... */
};

/* Whether the backend below _fs has the operation: filters have operations also on behalf of backends that do not. */
#define fs_has(_fs, operation)                                            \
	({                                                                \
		const struct fs *_has_layer = (_fs);                      \
		while (_has_layer && _has_layer->next)                    \
			_has_layer = _has_layer->next;                    \
		_has_layer != NULL && _has_layer->ops->operation != NULL; \
	})

/* Frees this layer and all below; NULL is fine. */
void fs_free(struct fs *fs);

/* Calls one operation each on the first layer at or below fs that has it (see fs_ops for the meaning). */
int fs_init(struct fs *fs, const struct fs_session_info *info);
void fs_reset(struct fs *fs);
int fs_lookup(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, struct fuse_entry_out *ret_entry);
int fs_lookup_self(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry);
int fs_lookup_parent(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry);
void fs_forget(struct fs *fs, uint64_t node, uint64_t count);
int fs_getattr(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fuse_attr *ret_attr);
int fs_setattr(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in, struct fuse_attr *ret_attr);
int fs_statx(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint32_t flags, uint32_t mask, struct fuse_statx_out *ret);
int fs_readlink(struct fs *fs, struct fs_call *call, uint64_t node, char *buffer, size_t size, size_t *ret_length);
int fs_symlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target, struct fuse_entry_out *ret_entry);
int fs_mknod(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev, uint32_t umask, struct fuse_entry_out *ret_entry);
int fs_mkdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t umask, struct fuse_entry_out *ret_entry);
int fs_unlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name);
int fs_rmdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name);
int fs_rename(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name, uint32_t flags);
int fs_link(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t new_parent, const char *new_name, struct fuse_entry_out *ret_entry);
int fs_open(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, uint32_t open_flags, struct fs_open *ret_open);
int fs_create(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open);
int fs_tmpfile(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open);
int fs_read(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, const struct iovec *iov, size_t count, size_t *ret_length);
int fs_write(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_write_in *in, const struct iovec *iov, size_t count, size_t *ret_length);
int fs_statfs(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_kstatfs *ret_statfs);
int fs_release(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_release_in *in);
int fs_flush(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t lock_owner);
int fs_fsync(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only);
int fs_opendir(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, struct fs_open *ret_open);
int fs_readdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, struct fs_dir_sink *sink);
int fs_releasedir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh);
int fs_fsyncdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only);
int fs_setxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, const void *value, size_t size, uint32_t flags, uint32_t setxattr_flags);
int fs_getxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, void *value, size_t size, size_t *ret_size);
int fs_listxattr(struct fs *fs, struct fs_call *call, uint64_t node, char *list, size_t size, size_t *ret_size);
int fs_removexattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name);
int fs_getlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, struct fuse_file_lock *ret_lock);
int fs_setlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, bool wait);
int fs_access(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t mask);
int fs_fallocate(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_fallocate_in *in);
int fs_lseek(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, uint32_t whence, uint64_t *ret_offset);
int fs_copy_file_range(struct fs *fs, struct fs_call *call, const struct fs_copy *copy, uint64_t *ret_copied);
int fs_syncfs(struct fs *fs, struct fs_call *call, uint64_t node);
int fs_ioctl(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fs_ioctl *ioctl);
void fs_interrupt(struct fs *fs, uint64_t unique);

#endif
