/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "sandbox/place.h"

#ifndef OPEN_TREE_CLONE
#define OPEN_TREE_CLONE 1
#define OPEN_TREE_CLOEXEC O_CLOEXEC
#endif

int place_open_proc_self_fd(bool must_isolate, int *ret_fd)
{
	int fd = (int)syscall(SYS_open_tree, AT_FDCWD, "/proc/self/fd", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (fd < 0 && must_isolate)
		return -errno;
	if (fd < 0) {
		fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) {
			int result = -errno;
			log_error("cannot open /proc/self/fd: %s; viofsd needs /proc to be mounted", strerror(-result));
			return result;
		}
		log_debug("place: /proc stays reachable through /proc/self/fd, for lack of CAP_SYS_ADMIN");
	}
	*ret_fd = fd;
	return 0;
}

int place_open_shared(const char *path, int *ret_fd)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		int result = -errno;
		if (result == -ENOENT)
			log_error("--shared-dir: '%s' does not exist", path);
		else if (result == -ENOTDIR)
			log_error("--shared-dir: '%s' is not a directory; share the directory that the file is in", path);
		else
			log_error("--shared-dir: cannot open '%s': %s", path, strerror(-result));
		return result;
	}
	*ret_fd = fd;
	return 0;
}

void place_drop_groups(void)
{
	if (setgroups(0, NULL) < 0 && geteuid() == 0)
		log_debug("place: supplementary groups stay as they are: %s", strerror(errno));
}

static int none_enter(const struct sandbox_config *config, struct sandbox *ret_sandbox)
{
	_cleanup_fd_ int root_fd = -1;

	if (config->uid_map.count || config->gid_map.count) {
		log_error("--uid-map and --gid-map need a user namespace; use them with --sandbox namespace, or use "
			  "--translate-uid and --translate-gid");
		return -EINVAL;
	}
	int result = config->shared_dir ? place_open_shared(config->shared_dir, &root_fd) : 0;
	if (result < 0)
		return result;
	result = place_open_proc_self_fd(false, &ret_sandbox->proc_self_fd);
	if (result < 0)
		return result;
	ret_sandbox->root_fd = take_fd(&root_fd);
	log_debug("place: not isolated (--sandbox none); every file, process and network of the host is in reach");
	return 0;
}

static bool map_is_whole(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	unsigned int inside, outside, count;

	return file && fscanf(file, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 && outside == 0 &&
	       count == UINT32_MAX;
}

int sandbox_enter(const struct sandbox_config *config, struct sandbox *ret_sandbox)
{
	bool user_namespace = config->mode == SANDBOX_NAMESPACE &&
			      (geteuid() != 0 || config->uid_map.count || config->gid_map.count);

	/* Asked here, as /proc is out of sight later. */
	*ret_sandbox = (struct sandbox){
		.root_fd = -1,
		.proc_self_fd = -1,
		.all_ids = !user_namespace && map_is_whole("/proc/self/uid_map") && map_is_whole("/proc/self/gid_map"),
	};
	switch (config->mode) {
	case SANDBOX_NAMESPACE:
		return namespaces_enter(config, ret_sandbox);
	case SANDBOX_CHROOT:
		return chroot_enter(config, ret_sandbox);
	case SANDBOX_NONE:
		return none_enter(config, ret_sandbox);
	}
	return -EINVAL;
}

void sandbox_fini(struct sandbox *sandbox)
{
	cleanup_close(&sandbox->root_fd);
	cleanup_close(&sandbox->proc_self_fd);
	sandbox->root_fd = sandbox->proc_self_fd = -1;
}
