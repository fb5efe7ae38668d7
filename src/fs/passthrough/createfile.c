/* SPDX-License-Identifier: BSD-3-Clause */
/* Making files that come open: CREATE and TMPFILE. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/passthrough/create.h"
#include "fs/passthrough/cred.h"
#include "fs/passthrough/handle.h"
#include "fs/passthrough/hints.h"
#include "fs/passthrough/identity.h"
#include "fs/passthrough/openflags.h"
#include "fs/passthrough/ops.h"

/* #syscalls: openat close unlinkat */

/* Makes the file as the caller; a descriptor or -errno. */
static int make(struct passthrough *pt, const struct fs_call *call, const struct fuse_create_in *in, int dir_fd,
		const char *name, int host)
{
	struct cred_guard guard;
	int result, fd;

	result = cred_enter(&pt->cred, call, S_IFREG | (in->mode & 07777), in->umask, &guard);
	if (result < 0)
		return result;
	do {
		fd = openat(dir_fd, name, host | O_NOFOLLOW | O_CLOEXEC, guard.mode & 07777);
		result = fd < 0 ? fd_retry(pt, errno) : fd;
	} while (fd < 0 && result == 0);
	cred_leave(&guard);
	return result;
}

/* Node and handle of a file that fd is open on; fd is used up. */
static int finish(struct node_use *use, const struct statx *st, int fd, int host, struct fuse_entry_out *ret_entry,
		  struct fs_open *ret_open)
{
	uint64_t fh;
	int result = handle_new(use->pt, use->id, fd, host, false, &fh);

	if (result < 0) {
		node_forget(use, 1);
		return result;
	}
	identity_entry(use, st, ret_entry);
	*ret_open = (struct fs_open){ .fh = fh };
	return 0;
}

/* The name is taken and the caller did not insist on a new file. */
static int open_existing(struct node_use *dir, int dir_fd, const char *name, const struct fuse_create_in *in, int host,
			 struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	struct statx st;
	int fd, result = identity_resolve(dir, dir_fd, name, true, &st, &use);

	if (result < 0)
		return result;
	hint_set(dir->pt->hints, dir->id, name, use.id);
	switch (node_type(&use)) {
	case S_IFREG:
		result = in->flags & O_TRUNC ? cred_kill_setid(in->open_flags & FUSE_OPEN_KILL_SUIDGID) : 0;
		fd = result < 0 ? result : open_for_guest(&use, host, in->flags);
		break;
	case S_IFDIR:
		fd = -EISDIR;
		break;
	case S_IFLNK:
		fd = -ELOOP;
		break;
	default:
		fd = -ENXIO;
	}
	if (fd < 0) {
		node_forget(&use, 1);
		return fd;
	}
	return finish(&use, &st, fd, host, ret_entry, ret_open);
}

int passthrough_create(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
		       const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use dir = NODE_USE_NONE, use = NODE_USE_NONE;
	int host = open_flags_for_host(pt, in->flags);
	_cleanup_fd_ int fd = -1;
	struct statx st;
	int result, dir_fd;

	dir_fd = node_get_fd(pt, parent, &dir);
	if (dir_fd < 0)
		return dir_fd;
	/* Always exclusive: without it this could open, and block on, whatever has got the name. */
	fd = make(pt, call, in, dir_fd, name, host | O_CREAT | O_EXCL);
	if (fd == -EEXIST && !(in->flags & O_EXCL))
		return open_existing(&dir, dir_fd, name, in, host, ret_entry, ret_open);
	if (fd < 0)
		return take_fd(&fd);
	result = create_label(call, fd);
	if (result < 0) {
		unlinkat(dir_fd, name, 0);
		return result;
	}
	result = identity_resolve_fd(&dir, fd, &st, &use);
	if (result < 0)
		return result;
	hint_set(pt->hints, parent, name, use.id);
	return finish(&use, &st, take_fd(&fd), host, ret_entry, ret_open);
}

int passthrough_tmpfile(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in,
			struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use dir = NODE_USE_NONE, use = NODE_USE_NONE;
	int host = open_flags_for_host(pt, in->flags);
	_cleanup_fd_ int fd = -1;
	struct statx st;
	int result, dir_fd;

	dir_fd = node_get_fd(pt, parent, &dir);
	if (dir_fd < 0)
		return dir_fd;
	/* O_EXCL: not to be given a name later. */
	fd = make(pt, call, in, dir_fd, ".", host | O_TMPFILE | (int)(in->flags & O_EXCL));
	if (fd < 0)
		return take_fd(&fd);
	result = create_label(call, fd);
	if (result == 0)
		result = identity_resolve_fd(&dir, fd, &st, &use);
	if (result < 0)
		return result;
	return finish(&use, &st, take_fd(&fd), host, ret_entry, ret_open);
}
