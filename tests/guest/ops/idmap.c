/* SPDX-License-Identifier: BSD-3-Clause */
/* idmap FROM TO FILE_ID USER_ID COUNT: mounts FROM on TO as well, where what belongs to FILE_ID belongs to USER_ID. */
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

static void must(int good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

static void write_map(pid_t pid, const char *which, char **ids)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, which);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0 && dprintf(fd, "%s %s %s\n", ids[0], ids[1], ids[2]) > 0, path);
	close(fd);
}

/* A user namespace with that map of ids, held by a child that waits for its end. */
static int make_namespace(char **ids, pid_t *ret_child)
{
	int ready[2];
	char path[64], byte = 0;

	must(pipe(ready) == 0, "pipe");
	*ret_child = fork();
	if (*ret_child == 0) {
		must(unshare(CLONE_NEWUSER) == 0 && write(ready[1], &byte, 1) == 1, "unshare");
		for (;;)
			pause();
	}
	close(ready[1]);
	must(read(ready[0], &byte, 1) == 1, "user namespace");
	write_map(*ret_child, "uid_map", ids);
	write_map(*ret_child, "gid_map", ids);
	snprintf(path, sizeof(path), "/proc/%d/ns/user", *ret_child);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int main(int argc, char **argv)
{
	struct mount_attr attributes = { .attr_set = MOUNT_ATTR_IDMAP };
	pid_t child;

	if (argc != 6)
		return 2;
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, argv[1], OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	must(tree >= 0, "open_tree");
	attributes.userns_fd = (__u64)make_namespace(argv + 3, &child);
	long mapped = syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes));
	kill(child, SIGKILL);
	must(mapped == 0, "mount_setattr");
	must(syscall(SYS_move_mount, tree, "", AT_FDCWD, argv[2], MOVE_MOUNT_F_EMPTY_PATH) == 0, "move_mount");
	return 0;
}
