/* SPDX-License-Identifier: BSD-3-Clause */
/* READ and WRITE: between the page cache and guest memory, nothing in between. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/uio.h>

#include "base/iov.h"
#include "fs/passthrough/cred.h"
#include "fs/passthrough/handle.h"
#include "fs/passthrough/ops.h"

/* #syscalls: preadv preadv2 pwritev pwritev2 */

/* Files end anywhere, failing devices and direct I/O stop at a multiple of this. */
#define SECTOR 512u

/* One call's worth of the buffers left: the array itself while it is whole, else a slice in the caller's array. */
static size_t next_slice(const struct iov_cursor *cursor, const struct iovec *iov, size_t count, struct iovec *slice,
			 const struct iovec **ret_iov)
{
	if (count <= IOV_MAX && cursor->iov == iov && cursor->offset == 0) {
		*ret_iov = iov;
		return count;
	}
	*ret_iov = slice;
	return iov_cursor_slice(cursor, cursor->left, slice, IOV_MAX);
}

static int check_range(uint64_t offset, size_t length)
{
	return offset > INT64_MAX || length > INT64_MAX - offset ? -EINVAL : 0;
}

/* Reads all that there is, in one call in the common case. */
static ssize_t read_all(int fd, uint64_t offset, const struct iovec *iov, size_t count)
{
	struct iovec slice[IOV_MAX];
	struct iov_cursor cursor;
	size_t wanted, done = 0;

	iov_cursor_init(&cursor, iov, count);
	wanted = cursor.left;
	while (done < wanted) {
		const struct iovec *now;
		size_t now_count = next_slice(&cursor, iov, count, slice, &now);
		size_t now_length = now == iov ? wanted : iov_length(now, now_count);
		ssize_t length = preadv(fd, now, (int)now_count, (off_t)(offset + done));

		if (length < 0)
			return done ? (ssize_t)done : -errno;
		done += (size_t)length;
		iov_cursor_skip(&cursor, (size_t)length);
		if (length == 0 || ((size_t)length < now_length && (offset + done) % SECTOR != 0))
			break;
	}
	return (ssize_t)done;
}

int passthrough_read(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		     const struct iovec *iov, size_t count, size_t *ret_length)
{
	_cleanup_file_ struct file_use file = FILE_USE_NONE;
	ssize_t length;
	int result;

	result = check_range(offset, iov_length(iov, count));
	if (result < 0)
		return result;
	result = handle_get_file(passthrough_from_fs(fs), node, fh, O_RDONLY, &file);
	if (result < 0)
		return result;
	length = read_all(file.fd, offset, iov, count);
	if (length < 0)
		return (int)length;
	*ret_length = (size_t)length;
	return 0;
}

static ssize_t write_all(int fd, uint64_t offset, const struct iovec *iov, size_t count, int flags)
{
	struct iovec slice[IOV_MAX];
	struct iov_cursor cursor;
	size_t wanted, done = 0;

	iov_cursor_init(&cursor, iov, count);
	wanted = cursor.left;
	while (done < wanted) {
		const struct iovec *now;
		size_t now_count = next_slice(&cursor, iov, count, slice, &now);
		ssize_t length = pwritev2(fd, now, (int)now_count, (off_t)(offset + done), flags);

		if (length < 0)
			return done ? (ssize_t)done : -errno;
		if (length == 0)
			break;
		done += (size_t)length;
		iov_cursor_skip(&cursor, (size_t)length);
	}
	return (ssize_t)done;
}

int passthrough_write(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_write_in *in,
		      const struct iovec *iov, size_t count, size_t *ret_length)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_file_ struct file_use file = FILE_USE_NONE;
	bool append = (in->flags & O_APPEND) && !(in->write_flags & FUSE_WRITE_CACHE) && !pt->session.writeback;
	ssize_t length;
	int result;

	result = check_range(in->offset, iov_length(iov, count));
	if (result < 0)
		return result;
	result = handle_get_file(pt, node, in->fh, O_RDWR, &file);
	if (result < 0)
		return result;
	result = cred_kill_setid(in->write_flags & FUSE_WRITE_KILL_SUIDGID);
	if (result < 0)
		return result;
	length = write_all(file.fd, in->offset, iov, count, append ? RWF_APPEND : 0);
	if (length < 0)
		return (int)length;
	*ret_length = (size_t)length;
	return 0;
}
