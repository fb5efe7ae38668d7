/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening and closing. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/passthrough/cred.h"
#include "fs/passthrough/handle.h"
#include "fs/passthrough/lock.h"
#include "fs/passthrough/mount.h"
#include "fs/passthrough/nodetable.h"
#include "fs/passthrough/openflags.h"
#include "fs/passthrough/ops.h"

/* #syscalls: open_by_handle_at open openat fcntl close */

int open_flags_for_host(const struct passthrough *pt, uint32_t flags)
{
	int host = (int)(flags & (O_ACCMODE | O_SYNC | O_DSYNC));

	/* A guest that caches writes fills up pages that it writes only in part. */
	if (pt->session.writeback && (host & O_ACCMODE) == O_WRONLY)
		host = (host & ~O_ACCMODE) | O_RDWR;
	if (pt->config.preserve_noatime)
		host |= (int)(flags & O_NOATIME);
	if (pt->config.allow_direct_io && pt->session.direct_io)
		host |= (int)(flags & O_DIRECT);
	return host;
}

int open_for_guest(struct node_use *use, int host, uint32_t flags)
{
	int fd;

	if ((flags & O_TRUNC) && node_type(use) == S_IFREG)
		host |= O_TRUNC;
	fd = node_open(use, host);
	/* To leave access times alone takes the owner or CAP_FOWNER, which the daemon may lack where the caller does not. */
	if (fd == -EPERM && (host & O_NOATIME))
		fd = node_open(use, host &= ~O_NOATIME);
	/* Write-only files are opened for reading too only to please the cache. */
	if (fd == -EACCES && (flags & O_ACCMODE) == O_WRONLY && (host & O_ACCMODE) == O_RDWR)
		fd = node_open(use, (host & ~O_ACCMODE) | O_WRONLY);
	return fd;
}

int passthrough_open(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, uint32_t open_flags,
		     struct fs_open *ret_open)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	int host = open_flags_for_host(pt, flags);
	uint64_t fh;
	int result, fd;

	result = node_get(pt, node, &use);
	if (result < 0)
		return result;
	if (node_type(&use) == S_IFDIR)
		return -EISDIR;
	if (flags & O_TRUNC) {
		result = cred_kill_setid(open_flags & FUSE_OPEN_KILL_SUIDGID);
		if (result < 0)
			return result;
	}
	fd = open_for_guest(&use, host, flags);
	if (fd < 0)
		return fd;
	result = handle_new(pt, node, fd, host, false, &fh);
	if (result < 0)
		return result;
	*ret_open = (struct fs_open){ .fh = fh };
	return 0;
}

int passthrough_opendir(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, struct fs_open *ret_open)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	uint64_t fh;
	int result, fd;

	result = node_get(pt, node, &use);
	if (result < 0)
		return result;
	if (node_type(&use) != S_IFDIR)
		return -ENOTDIR;
	fd = open_for_guest(&use, O_RDONLY | O_DIRECTORY | (open_flags_for_host(pt, flags) & O_NOATIME), 0);
	if (fd < 0)
		return fd;
	result = handle_new(pt, node, fd, O_RDONLY, true, &fh);
	if (result < 0)
		return result;
	*ret_open = (struct fs_open){ .fh = fh };
	return 0;
}

int passthrough_release(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_release_in *in)
{
	struct passthrough *pt = passthrough_from_fs(fs);

	if (in->release_flags & FUSE_RELEASE_FLUSH)
		lock_owner_drop(pt->locks, node, in->lock_owner);
	if (in->fh == FS_NO_HANDLE)
		return 0;
	lock_owner_drop_handle(pt->locks, node, in->fh);
	/* With its last user the host's file is closed, and loses its flock. */
	return handle_release(pt, in->fh, node);
}

int passthrough_releasedir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh)
{
	if (fh == FS_NO_HANDLE)
		return 0;
	return handle_release(passthrough_from_fs(fs), fh, node);
}

/* On a local file system there is nothing to hear from close(); a network's may report writes that failed. */
static int flush_remote(struct passthrough *pt, uint64_t node, int fd)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	int copy;

	if (node_get(pt, node, &use) < 0 || !mount_at(pt, use.node->mount)->remote)
		return 0;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return -errno;
	return close(copy) < 0 ? -errno : 0;
}

int passthrough_flush(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t lock_owner)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_handle_ struct handle_use handle = HANDLE_USE_NONE;
	int result;

	/* Whichever of its open files of this node a process closes, its POSIX locks on it are gone. */
	lock_owner_drop(pt->locks, node, lock_owner);
	if (fh == FS_NO_HANDLE)
		return 0;
	result = handle_get(pt, fh, node, &handle);
	if (result < 0)
		return result;
	return flush_remote(pt, node, handle.handle->fd);
}
