/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ioctls that are about a file's own attributes: its flags (chattr) and its extended flags with the project id.
 * Every other one is -ENOTTY, whatever the host would do with it.
 *
 * FS_IOC_GETFLAGS and SETFLAGS are numbered as if they took a long, but take an int, on every architecture; 32-bit
 * callers number them as an int. Linux guests since 5.13 send the 64-bit number with 4 bytes, those before as much as
 * the number says.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "fs/passthrough/handle.h"
#include "fs/passthrough/ops.h"

/* #syscalls: ioctl fstat newfstatat */

/* From here on the guest's kernel has checked who may change flags (Linux 5.13; FUSE 7.34 came with 5.14). */
#define MINOR_CHECKED 34u

#define GUARDED_FLAGS ((uint32_t)(FS_IMMUTABLE_FL | FS_APPEND_FL))
#define GUARDED_XFLAGS ((uint32_t)(FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND))

/* What an older guest leaves to the file system: only the owner changes flags, and only root those that root cannot get
 * around. */
static int check_caller(const struct passthrough *pt, const struct fs_call *call, int fd, uint32_t guarded_before,
			uint32_t guarded_after)
{
	struct stat st;

	if (pt->session.minor >= MINOR_CHECKED || call->uid == 0)
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid != call->uid || guarded_before != guarded_after ? -EPERM : 0;
}

static int get_flags(int fd, struct fs_ioctl *ioc)
{
	uint32_t flags = 0;

	if (ioc->out_size < sizeof(flags))
		return -EINVAL;
	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0)
		return -errno;
	memcpy(ioc->out, &flags, sizeof(flags));
	*ioc->ret_size = sizeof(flags);
	return 0;
}

static int set_flags(const struct passthrough *pt, const struct fs_call *call, int fd, struct fs_ioctl *ioc)
{
	uint32_t flags, before = 0;
	int result;

	if (ioc->in_size < sizeof(flags))
		return -EINVAL;
	memcpy(&flags, ioc->in, sizeof(flags));
	if (pt->session.minor < MINOR_CHECKED && ioctl(fd, FS_IOC_GETFLAGS, &before) < 0)
		return -errno;
	result = check_caller(pt, call, fd, before & GUARDED_FLAGS, flags & GUARDED_FLAGS);
	if (result < 0)
		return result;
	*ioc->ret_size = 0;
	return ioctl(fd, FS_IOC_SETFLAGS, &flags) < 0 ? -errno : 0;
}

static int get_xflags(int fd, struct fs_ioctl *ioc)
{
	struct fsxattr attr = { 0 };

	if (ioc->out_size < sizeof(attr))
		return -EINVAL;
	if (ioctl(fd, FS_IOC_FSGETXATTR, &attr) < 0)
		return -errno;
	memcpy(ioc->out, &attr, sizeof(attr));
	*ioc->ret_size = sizeof(attr);
	return 0;
}

static int set_xflags(const struct passthrough *pt, const struct fs_call *call, int fd, struct fs_ioctl *ioc)
{
	struct fsxattr attr, before = { 0 };
	int result;

	if (ioc->in_size < sizeof(attr))
		return -EINVAL;
	memcpy(&attr, ioc->in, sizeof(attr));
	if (pt->session.minor < MINOR_CHECKED && ioctl(fd, FS_IOC_FSGETXATTR, &before) < 0)
		return -errno;
	result = check_caller(pt, call, fd, before.fsx_xflags & GUARDED_XFLAGS, attr.fsx_xflags & GUARDED_XFLAGS);
	if (result < 0)
		return result;
	*ioc->ret_size = 0;
	return ioctl(fd, FS_IOC_FSSETXATTR, &attr) < 0 ? -errno : 0;
}

static bool is_known(uint32_t command)
{
	switch (command) {
	case FS_IOC_GETFLAGS:
	case FS_IOC32_GETFLAGS:
	case FS_IOC_SETFLAGS:
	case FS_IOC32_SETFLAGS:
	case FS_IOC_FSGETXATTR:
	case FS_IOC_FSSETXATTR:
		return true;
	default:
		return false;
	}
}

int passthrough_ioctl(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fs_ioctl *ioc)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_file_ struct file_use file = FILE_USE_NONE;
	int result;

	if (!is_known(ioc->command))
		return -ENOTTY;
	/* To change flags a file need not be writable. Links, devices and the like have none. */
	result = handle_get_file(pt, node, fh, O_RDONLY, &file);
	if (result < 0)
		return result == -ENXIO ? -ENOTTY : result;
	switch (ioc->command) {
	case FS_IOC_GETFLAGS:
	case FS_IOC32_GETFLAGS:
		return get_flags(file.fd, ioc);
	case FS_IOC_SETFLAGS:
	case FS_IOC32_SETFLAGS:
		return set_flags(pt, call, file.fd, ioc);
	case FS_IOC_FSGETXATTR:
		return get_xflags(file.fd, ioc);
	default:
		return set_xflags(pt, call, file.fd, ioc);
	}
}
