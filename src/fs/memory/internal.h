/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the memory backend share: the file system, its inodes and its open files.
 * Functions begin with the name of their file; mem_ before it keeps apart what other backends call the same.
 *
 * Everything below struct memory is guarded by its one lock; functions that are not operations themselves are called
 * with it held. An inode lives while it has a link, a lookup, or a pin (an open file, a waiting lock).
 */
#ifndef VIOFS_FS_MEMORY_INTERNAL_H
#define VIOFS_FS_MEMORY_INTERNAL_H

#include <pthread.h>
#include <sys/stat.h>
#include <time.h>

#include "base/list.h"
#include "base/util.h"
#include "fs/fs.h"
#include "fs/memory/blocks.h"
#include "fs/memory/dir.h"
#include "fs/memory/table.h"

struct memory {
	struct fs fs;
	pthread_mutex_t lock;
	struct fs_session_info info;
	struct table nodes; /* of struct inode */
	struct table files; /* of struct file */
	struct inode *root;
	struct list waiters; /* of struct waiter, in the order they came */
	uint64_t max_bytes, bytes;
	uint64_t max_inodes, inodes;
	uint64_t last_ino;
	uint32_t locks, waiting; /* both bounded, see lock.c */
};

struct inode {
	uint64_t id; /* as the guest names it, valid there only while lookups is not 0 */
	uint64_t ino;
	uint64_t lookups;
	uint64_t pins;
	uint32_t mode, nlink, uid, gid, rdev;
	bool linkable; /* made by TMPFILE: a link may raise nlink from 0 */
	struct timespec atime, mtime, ctime, btime;
	uint64_t size;
	struct blocks blocks; /* of a regular file */
	struct dir dir; /* of a directory */
	char *target; /* of a symlink */
	struct list xattrs; /* of struct xattr */
	struct list locks; /* of struct range */
};

struct file {
	uint64_t id;
	struct inode *inode;
	uint32_t flags; /* O_* */
};

static inline struct memory *memory_of(struct fs *fs)
{
	return container_of(fs, struct memory, fs);
}

/* Holds the lock to the end of the scope. */
static inline struct memory *memory_lock(struct fs *fs)
{
	pthread_mutex_lock(&memory_of(fs)->lock);
	return memory_of(fs);
}

static inline void memory_unlock(struct memory **memory)
{
	pthread_mutex_unlock(&(*memory)->lock);
}
#define _cleanup_unlock_ __attribute__((cleanup(memory_unlock)))

/* memory.c */

/* Takes bytes from the budget, -ENOSPC; and gives them back. */
int memory_charge(struct memory *memory, uint64_t bytes);
void memory_uncharge(struct memory *memory, uint64_t bytes);
struct timespec memory_now(void);

/* inode.c */

/* A new inode without links, owned as call says in this directory (NULL: as call says). mode with its type. -ENOSPC,
 * -EOVERFLOW for a caller whose ids the guest could not map. */
int inode_new(struct memory *memory, const struct fs_call *call, const struct inode *parent, uint32_t mode,
	      struct inode **ret_inode);
/* Frees it when nothing holds it any more. */
void inode_drop(struct memory *memory, struct inode *inode);
/* The node with this id, -ESTALE when the guest does not hold it. */
int inode_get(struct memory *memory, uint64_t node, struct inode **ret_inode);
/* The same for a directory, else -ENOTDIR. */
int inode_get_dir(struct memory *memory, uint64_t node, struct inode **ret_inode);
void inode_fill_attr(const struct inode *inode, struct fuse_attr *ret_attr);
/* Fills the entry and counts the lookup. */
void inode_give(struct inode *inode, struct fuse_entry_out *ret_entry);
/* Sets mtime and ctime, or ctime alone, to now. */
void inode_touch(struct inode *inode);
void inode_touch_ctime(struct inode *inode);
/* Sets atime as mount option relatime does. */
void inode_touch_atime(struct inode *inode);
/* What a write by an unprivileged caller or a change of owner takes away: set-user-id, set-group-id. */
void inode_kill_suidgid(struct inode *inode);

/* entry.c */

/* dir_add() and dir_remove() with the bytes accounted; they count no links. */
int entry_add(struct memory *memory, struct inode *parent, const char *name, struct inode *inode);
void entry_remove(struct memory *memory, struct inode *parent, struct dir_entry *entry);
/* Takes a link from an inode that has just lost its entry; it may be freed. */
void entry_unlinked(struct memory *memory, struct inode *inode);
/* Makes an inode and its entry. target for symlinks. */
int entry_make(struct memory *memory, const struct fs_call *call, struct inode *parent, const char *name, uint32_t mode,
	       uint32_t rdev, const char *target, struct inode **ret_inode);

/* file.c */

int mem_file_new(struct memory *memory, struct inode *inode, uint32_t flags, uint64_t *ret_fh);
void mem_file_free(struct memory *memory, struct file *file);
/* The open file, or NULL for FS_NO_HANDLE; -EBADF when it is not one of this inode. */
int mem_file_get(struct memory *memory, uint64_t fh, const struct inode *inode, struct file **ret_file);
/* Finds the node, checks that it is a regular file (-EISDIR, -EINVAL) and that fh is open for access: O_RDONLY to
 * read, O_WRONLY to write (-EBADF). */
int mem_file_get_data(struct memory *memory, uint64_t node, uint64_t fh, int access, struct inode **ret_inode,
		      struct file **ret_file);

/* data.c */

/* -EFBIG. Cuts or extends; times are the caller's. */
int mem_data_resize(struct memory *memory, struct inode *inode, uint64_t size);
void mem_data_free(struct memory *memory, struct inode *inode);
/* Writes at offset as far as the budget goes: -ENOSPC only when nothing fits, -EFBIG. */
int mem_data_write(struct memory *memory, struct inode *inode, uint64_t offset, const struct iovec *iov, size_t count,
		   size_t *ret_length);

/* xattr.c */

int mem_xattr_set(struct memory *memory, struct inode *inode, const char *name, const void *value, size_t size,
		  uint32_t flags);
void mem_xattr_drop(struct memory *memory, struct inode *inode, const char *name);
void mem_xattr_free_all(struct memory *memory, struct inode *inode);

/* lock.c. Calls that are over are moved to completed; mem_lock_complete() is called without the lock. */

/*
 * Drops all locks that were set with an open file which goes. Processes have told of their POSIX locks before, but one
 * of the guest's F_OFD_SETLK has the open file as its owner, which nothing else names.
 */
void mem_lock_drop_file(struct memory *memory, struct inode *inode, uint64_t fh, struct list *completed);
/* Drops the POSIX locks of an owner, or the flock lock of one. */
void mem_lock_drop_owner(struct memory *memory, struct inode *inode, uint64_t owner, bool flock,
			 struct list *completed);
/* Ends every wait that came through this open file. */
void mem_lock_cancel_file(struct memory *memory, uint64_t fh, struct list *completed);
void mem_lock_cancel_all(struct memory *memory, struct list *completed);
void mem_lock_free_all(struct memory *memory, struct inode *inode);
void mem_lock_complete(struct list *completed);

/* The operations, by the file that has them. */
int memory_lookup(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		  struct fuse_entry_out *ret_entry);
int memory_lookup_self(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry);
int memory_lookup_parent(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry);
void memory_forget(struct fs *fs, uint64_t node, uint64_t count);

int memory_getattr(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fuse_attr *ret_attr);
int memory_setattr(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in,
		   struct fuse_attr *ret_attr);
int memory_statx(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint32_t flags, uint32_t mask,
		 struct fuse_statx_out *ret);
int memory_statfs(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_kstatfs *ret_statfs);
int memory_access(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t mask);

int memory_readlink(struct fs *fs, struct fs_call *call, uint64_t node, char *buffer, size_t size, size_t *ret_length);
int memory_symlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target,
		   struct fuse_entry_out *ret_entry);
int memory_mknod(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev,
		 uint32_t umask, struct fuse_entry_out *ret_entry);
int memory_mkdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode, uint32_t umask,
		 struct fuse_entry_out *ret_entry);
int memory_unlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name);
int memory_rmdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name);
int memory_link(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t new_parent, const char *new_name,
		struct fuse_entry_out *ret_entry);

int memory_rename(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint64_t new_parent,
		  const char *new_name, uint32_t flags);

int memory_open(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, uint32_t open_flags,
		struct fs_open *ret_open);
int memory_create(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		  const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open);
int memory_tmpfile(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in,
		   struct fuse_entry_out *ret_entry, struct fs_open *ret_open);
int memory_release(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_release_in *in);
int memory_flush(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t lock_owner);
int memory_fsync(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only);
int memory_opendir(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, struct fs_open *ret_open);
int memory_readdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		   struct fs_dir_sink *sink);
int memory_releasedir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh);
int memory_syncfs(struct fs *fs, struct fs_call *call, uint64_t node);
int memory_ioctl(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fs_ioctl *ioctl);

int memory_read(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		const struct iovec *iov, size_t count, size_t *ret_length);
int memory_write(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_write_in *in,
		 const struct iovec *iov, size_t count, size_t *ret_length);
int memory_fallocate(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_fallocate_in *in);
int memory_lseek(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, uint32_t whence,
		 uint64_t *ret_offset);
int memory_copy_file_range(struct fs *fs, struct fs_call *call, const struct fs_copy *copy, uint64_t *ret_copied);

int memory_setxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, const void *value,
		    size_t size, uint32_t flags, uint32_t setxattr_flags);
int memory_getxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, void *value, size_t size,
		    size_t *ret_size);
int memory_listxattr(struct fs *fs, struct fs_call *call, uint64_t node, char *list, size_t size, size_t *ret_size);
int memory_removexattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name);

int memory_getlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in,
		 struct fuse_file_lock *ret_lock);
int memory_setlk(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_lk_in *in, bool wait);
void memory_interrupt(struct fs *fs, uint64_t unique);

#endif
