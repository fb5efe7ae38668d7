/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What concerns stretches of files, or all of them: FALLOCATE, LSEEK, COPY_FILE_RANGE, FSYNC, FSYNCDIR, SYNCFS. All but
 * LSEEK may take long, and run where that holds up nobody.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/passthrough/cred.h"
#include "fs/passthrough/handle.h"
#include "fs/passthrough/node.h"
#include "fs/passthrough/ops.h"

/* #syscalls: fallocate lseek copy_file_range fsync fdatasync syncfs */

static int sync_file(struct fs *fs, uint64_t node, uint64_t fh, int flags, bool data_only)
{
	_cleanup_file_ struct file_use file = FILE_USE_NONE;
	int result = handle_get_file(passthrough_from_fs(fs), node, fh, flags, &file);

	if (result < 0)
		return result;
	return (data_only ? fdatasync(file.fd) : fsync(file.fd)) < 0 ? -errno : 0;
}

int passthrough_fsync(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only)
{
	return sync_file(fs, node, fh, O_RDONLY, data_only);
}

int passthrough_fsyncdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, bool data_only)
{
	return sync_file(fs, node, fh, O_RDONLY | O_DIRECTORY, data_only);
}

/* The guest asks for its whole mount, by the root of it or of a submount. */
int passthrough_syncfs(struct fs *fs, struct fs_call *call, uint64_t node)
{
	_cleanup_file_ struct file_use file = FILE_USE_NONE;
	int result = handle_get_file(passthrough_from_fs(fs), node, FS_NO_HANDLE, O_RDONLY | O_DIRECTORY, &file);

	if (result < 0)
		return result;
	return syncfs(file.fd) < 0 ? -errno : 0;
}

/*
 * These requests have no flag to say whether the caller may keep set-user-id bits of a file that it changes. root may,
 * and nobody else.
 */
static int kill_setid_for(const struct fs_call *call)
{
	return cred_kill_setid(call->uid != 0);
}

int passthrough_fallocate(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_fallocate_in *in)
{
	_cleanup_file_ struct file_use file = FILE_USE_NONE;
	int result;

	if (in->offset > INT64_MAX || in->length > INT64_MAX - in->offset)
		return -EFBIG;
	result = handle_get_file(passthrough_from_fs(fs), node, in->fh, O_RDWR, &file);
	if (result == 0)
		result = kill_setid_for(call);
	if (result < 0)
		return result;
	return fallocate(file.fd, (int)in->mode, (off_t)in->offset, (off_t)in->length) < 0 ? -errno : 0;
}

/* Data and holes only: positions are the guest's, and that of the host's open directory is in use. */
int passthrough_lseek(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, uint32_t whence,
		      uint64_t *ret_offset)
{
	_cleanup_file_ struct file_use file = FILE_USE_NONE;
	off_t found;
	int result;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	if (offset > INT64_MAX)
		return -ENXIO;
	result = handle_get_file(passthrough_from_fs(fs), node, fh, O_RDONLY, &file);
	if (result < 0)
		return result;
	if (file.handle.handle && file.handle.handle->is_dir)
		return -EINVAL;
	found = lseek(file.fd, (off_t)offset, (int)whence);
	if (found < 0)
		return -errno;
	*ret_offset = (uint64_t)found;
	return 0;
}

int passthrough_copy_file_range(struct fs *fs, struct fs_call *call, const struct fs_copy *copy, uint64_t *ret_copied)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_file_ struct file_use in = FILE_USE_NONE, out = FILE_USE_NONE;
	off64_t offset_in = (off64_t)copy->offset_in, offset_out = (off64_t)copy->offset_out;
	ssize_t copied;
	int result;

	if (copy->flags)
		return -EINVAL;
	if (copy->offset_in > INT64_MAX || copy->offset_out > INT64_MAX)
		return -EINVAL;
	result = handle_get_file(pt, copy->node_in, copy->fh_in, O_RDONLY, &in);
	if (result == 0)
		result = handle_get_file(pt, copy->node_out, copy->fh_out, O_RDWR, &out);
	if (result == 0)
		result = kill_setid_for(call);
	if (result < 0)
		return result;
	copied = copy_file_range(in.fd, &offset_in, out.fd, &offset_out, copy->length, 0);
	if (copied < 0)
		return -errno;
	*ret_copied = (uint64_t)copied;
	return 0;
}
