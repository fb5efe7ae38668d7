/* SPDX-License-Identifier: BSD-3-Clause */
/* Construction and the life of a session. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/passthrough/handle.h"
#include "fs/passthrough/hints.h"
#include "fs/passthrough/identity.h"
#include "fs/passthrough/lock.h"
#include "fs/passthrough/mount.h"
#include "fs/passthrough/ops.h"

/* #syscalls: openat open fchdir prlimit64 close clock_gettime */

#define FD_CACHE_MIN 16u
#define FD_CACHE_MAX 65536u

static int passthrough_init(struct fs *fs, const struct fs_session_info *info)
{
	struct passthrough *pt = passthrough_from_fs(fs);

	pt->session = *info;
	cred_begin(&pt->cred, info->flags & FUSE_POSIX_ACL);
	return 0;
}

static void passthrough_reset(struct fs *fs)
{
	struct passthrough *pt = passthrough_from_fs(fs);

	/* First, for threads that wait for locks have handles in use. */
	lock_table_reset(pt->locks);
	handle_table_reset(pt);
	node_table_reset(pt);
	pt->session = (struct fs_session_info){ .flags = 0 };
}

static void passthrough_destroy(struct fs *fs)
{
	struct passthrough *pt = passthrough_from_fs(fs);

	lock_table_free(pt->locks);
	if (pt->handles)
		handle_table_reset(pt);
	handle_table_free(pt->handles);
	node_table_free(pt->nodes);
	mount_table_free(pt->mounts);
	hints_free(pt->hints);
	free(pt);
}

static const struct fs_ops ops = {
	.init = passthrough_init,
	.reset = passthrough_reset,
	.destroy = passthrough_destroy,
	.lookup = passthrough_lookup,
	.lookup_self = passthrough_lookup_self,
	.lookup_parent = passthrough_lookup_parent,
	.forget = passthrough_forget,
	.getattr = passthrough_getattr,
	.setattr = passthrough_setattr,
	.statx = passthrough_statx,
	.readlink = passthrough_readlink,
	.symlink = passthrough_symlink,
	.mknod = passthrough_mknod,
	.mkdir = passthrough_mkdir,
	.unlink = passthrough_unlink,
	.rmdir = passthrough_rmdir,
	.rename = passthrough_rename,
	.link = passthrough_link,
	.open = passthrough_open,
	.create = passthrough_create,
	.tmpfile = passthrough_tmpfile,
	.read = passthrough_read,
	.write = passthrough_write,
	.statfs = passthrough_statfs,
	.release = passthrough_release,
	.flush = passthrough_flush,
	.opendir = passthrough_opendir,
	.readdir = passthrough_readdir,
	.releasedir = passthrough_releasedir,
	.access = passthrough_access,
	.fsync = passthrough_fsync,
	.fsyncdir = passthrough_fsyncdir,
	.fallocate = passthrough_fallocate,
	.lseek = passthrough_lseek,
	.copy_file_range = passthrough_copy_file_range,
	.syncfs = passthrough_syncfs,
	.setxattr = passthrough_setxattr,
	.getxattr = passthrough_getxattr,
	.listxattr = passthrough_listxattr,
	.removexattr = passthrough_removexattr,
	.ioctl = passthrough_ioctl,
	.getlk = passthrough_getlk,
	.setlk = passthrough_setlk,
	.interrupt = passthrough_interrupt,
};

static size_t default_fd_cache(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur / 2 < FD_CACHE_MIN)
		return FD_CACHE_MIN;
	return limit.rlim_cur / 2 < FD_CACHE_MAX ? limit.rlim_cur / 2 : FD_CACHE_MAX;
}

static uint64_t new_epoch(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec << 30 ^ (uint64_t)ts.tv_nsec;
}

static int set_up(struct passthrough *pt)
{
	_cleanup_fd_ int root = -1;
	int result;

	if (!pt->config.cwd_is_proc_self_fd && fchdir(pt->config.proc_self_fd) < 0)
		return -errno;
	cred_init(&pt->cred);
	if (pt->config.all_ids)
		pt->cred.partial = false;
	result = mount_table_new(&pt->mounts);
	if (result == 0)
		result = handle_table_new(&pt->handles);
	if (result == 0)
		result = hints_new(&pt->hints);
	if (result == 0)
		result = lock_table_new(&pt->locks);
	if (result == 0)
		result = node_table_new(pt->config.fd_cache ? pt->config.fd_cache : default_fd_cache(), &pt->nodes);
	if (result < 0)
		return result;
	root = openat(pt->config.root_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return errno == ENOTDIR ? -EINVAL : -errno;
	return identity_add_root(pt, take_fd(&root));
}

int passthrough_new(const struct passthrough_config *config, struct fs **ret_fs)
{
	struct passthrough *pt = calloc(1, sizeof(*pt));
	int result;

	if (!pt)
		return -ENOMEM;
	pt->fs = (struct fs){ .ops = &ops, .name = "passthrough" };
	pt->config = *config;
	pt->epoch = new_epoch();
	result = set_up(pt);
	/* Duplicated where they are still needed; the rest of the configuration stays. */
	pt->config.root_fd = pt->config.proc_self_fd = -1;
	if (result < 0) {
		passthrough_destroy(&pt->fs);
		return result;
	}
	*ret_fs = &pt->fs;
	return 0;
}
