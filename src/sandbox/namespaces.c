/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Own namespaces, with the shared directory as the only file system in sight.
 *
 * The calling process becomes the supervisor. It keeps the host's mounts and network, so that it can remove the socket
 * at the end; only the pid namespace for its children, and for another user than root the user namespace, are made by
 * it (a pid namespace begins with a fork, and making one takes the rights that the user namespace gives). A helper,
 * forked before, writes the id maps from outside.
 *
 * Nothing of /proc is mounted inside: the daemon gets /proc/self/fd as a detached mount of its own, whose ".." is
 * itself. This also works in containers that forbid a fresh mount of proc.
 */
/* #syscalls: */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "sandbox/place.h"
#include "sandbox/supervise.h"

/* From linux/mount.h, which cannot be had together with sys/mount.h everywhere. */
struct mount_attributes {
	uint64_t set, clear, propagation, user_namespace_fd;
};
#define ATTR_NOSUID 0x2u
#define ATTR_NODEV 0x4u
#define ATTR_NOEXEC 0x8u
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

/* The helper that writes the id maps of its parent. */
struct map_helper {
	pid_t pid;
	int go_fd; /* write end: one byte when the namespace exists */
};

static int helper_start(const struct sandbox_config *config, struct map_helper *ret_helper)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	pid_t parent = getpid();
	int go[2];
	char byte;

	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid < 0) {
		int result = -errno;
		close(go[0]);
		close(go[1]);
		return result;
	}
	if (pid > 0) {
		close(go[0]);
		*ret_helper = (struct map_helper){ pid, go[1] };
		return 0;
	}

	close(go[1]);
	if (read(go[0], &byte, 1) != 1)
		_exit(EXIT_FAILURE); /* no namespace came about; the parent says why */
	if (nsmap_write(parent, NSMAP_UID, &config->uid_map, uid) < 0 ||
	    nsmap_write(parent, NSMAP_GID, &config->gid_map, gid) < 0)
		_exit(EXIT_FAILURE);
	_exit(EXIT_SUCCESS);
}

/* Lets the helper work, or leave when go is false; 0 when the maps are written. */
static int helper_finish(struct map_helper *helper, bool go)
{
	int status = 0;

	if (go && write(helper->go_fd, "", 1) != 1)
		go = false;
	close(helper->go_fd);
	while (waitpid(helper->pid, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return go && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS ? 0 : -EPERM;
}

static int report_unshare(int error, bool user_namespace)
{
	if (user_namespace)
		log_error("cannot create a user namespace: %s; allow it (sysctl user.max_user_namespaces, "
			  "kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns, or the container's "
			  "seccomp profile), or use --sandbox none", strerror(error));
	else
		log_error("cannot create namespaces: %s; this takes CAP_SYS_ADMIN, which containers often lack: grant it, or "
			  "use --sandbox chroot or --sandbox none", strerror(error));
	return -error;
}

/* The user namespace if there shall be one, and the pid namespace for the next fork. */
static int make_outer(const struct sandbox_config *config, bool user_namespace)
{
	struct map_helper helper;
	int result;

	if (!user_namespace)
		return unshare(CLONE_NEWPID) < 0 ? report_unshare(errno, false) : 0;

	result = helper_start(config, &helper);
	if (result < 0) {
		log_error("cannot start a process to write the id maps: %s", strerror(-result));
		return result;
	}
	/* The helper must be able to open our files in /proc; a changed id makes them root's. */
	if (unshare(CLONE_NEWUSER | CLONE_NEWPID) < 0) {
		int error = errno;
		helper_finish(&helper, false);
		return report_unshare(error, true);
	}
	return helper_finish(&helper, true);
}

/* The user and group that files of guest root shall have: id 0 of the namespace, if it has one. */
static int become_root(const struct sandbox_config *config)
{
	if (nsmap_has_inside(&config->gid_map, 0) && setresgid(0, 0, 0) < 0)
		return -errno;
	place_drop_groups();
	if (nsmap_has_inside(&config->uid_map, 0) && setresuid(0, 0, 0) < 0)
		return -errno;
	return 0;
}

static uint64_t ids_in(const struct nsmap *map)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < map->count; i++)
		sum += map->ranges[i].count;
	return sum;
}

static int fail_mount(const char *what)
{
	int error = errno;

	log_error("cannot %s in the mount namespace: %s; use --sandbox chroot or --sandbox none", what, strerror(error));
	return -error;
}

/*
 * Makes the shared directory, with what is mounted below it, the root of the mount namespace. The calls name things by
 * descriptor after the first, so that the tree that was cloned is the one that becomes the root.
 */
static int pivot(const char *shared, int *ret_root)
{
	const struct mount_attributes harmless = { .set = ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC };

	/* What is mounted on the host later shows up below the shared directory, nothing goes back. */
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return fail_mount("stop propagation");
	_cleanup_fd_ int root = (int)syscall(SYS_open_tree, AT_FDCWD, shared,
					     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
	if (root < 0)
		return fail_mount("clone the mount of the shared directory");
	/* The daemon opens no devices and runs no programs. Old kernels cannot say so for a tree. */
	if (syscall(SYS_mount_setattr, root, "", AT_EMPTY_PATH | AT_RECURSIVE, &harmless, sizeof(harmless)) < 0)
		log_debug("place: mounts keep their flags: %s", strerror(errno));

	_cleanup_fd_ int old_root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (old_root < 0)
		return fail_mount("open the old root");
	if (syscall(SYS_move_mount, root, "", AT_FDCWD, shared, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return fail_mount("attach the shared directory");
	if (fchdir(root) < 0 || syscall(SYS_pivot_root, ".", ".") < 0)
		return fail_mount("change root");
	/* The old root lies on top of the new one now; its mounts are the host's slaves since above. */
	if (fchdir(old_root) < 0 || umount2(".", MNT_DETACH) < 0)
		return fail_mount("leave the old root");
	if (fchdir(root) < 0)
		return fail_mount("enter the shared directory");
	*ret_root = take_fd(&root);
	return 0;
}

static int enter_child(const struct sandbox_config *config, bool user_namespace, struct sandbox *ret_sandbox)
{
	_cleanup_fd_ int root_fd = -1, proc_fd = -1;
	int result;

	if (unshare(CLONE_NEWNS | CLONE_NEWNET) < 0)
		return report_unshare(errno, false);
	result = place_open_proc_self_fd(true, &proc_fd);
	if (result < 0) {
		log_error("cannot take /proc/self/fd into the mount namespace: %s; /proc must be mounted, and the kernel "
			  "be 5.2 or newer", strerror(-result));
		return result;
	}
	/* The path is walked with the rights of who started us, who may see more than id 0 of the namespace. */
	result = pivot(config->shared_dir ? config->shared_dir : "/proc/self/fdinfo", &root_fd);
	if (result < 0)
		return result;
	if (user_namespace)
		result = become_root(config);
	else
		place_drop_groups();
	if (result < 0) {
		log_error("cannot become id 0 of the user namespace: %s", strerror(-result));
		return result;
	}
	ret_sandbox->root_fd = take_fd(&root_fd);
	ret_sandbox->proc_self_fd = take_fd(&proc_fd);
	ret_sandbox->own_mount = true;
	ret_sandbox->one_user = user_namespace && ids_in(&config->uid_map) <= 1;
	log_debug("place: '%s' is the root of an own mount namespace; no other file, no other process and no network is in "
		  "reach%s", config->shared_dir ? config->shared_dir : "nothing",
		  user_namespace ? ", and rights count in an own user namespace only" : "");
	return 0;
}

int namespaces_enter(const struct sandbox_config *config, struct sandbox *ret_sandbox)
{
	struct supervise_config supervise = { config->supervisor_started, config->supervisor_ended, config->data };
	bool user_namespace = geteuid() != 0 || config->uid_map.count || config->gid_map.count;
	int result;

	if (config->shared_dir) {
		/* Said early, and from the process that the user started. */
		_cleanup_fd_ int check = -1;
		result = place_open_shared(config->shared_dir, &check);
		if (result < 0)
			return result;
	}
	result = make_outer(config, user_namespace);
	if (result < 0)
		return result;
	result = supervise_fork(&supervise);
	if (result < 0) {
		log_error("cannot start the daemon's process: %s", strerror(-result));
		return result;
	}
	return enter_child(config, user_namespace, ret_sandbox);
}
