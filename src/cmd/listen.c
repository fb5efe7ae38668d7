/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: unlink unlinkat close */
#include "cmd/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* Front-ends waiting to be accepted; one at a time is served. */
#define BACKLOG 16
#define LOCK_TRIES 10

/* The path from the root, so that it can be found again after a change of directory. */
static int make_absolute(const char *path, char **ret_absolute)
{
	_cleanup_free_ char *directory = strdup(path), *real = NULL;

	if (!directory)
		return -ENOMEM;
	char *slash = strrchr(directory, '/');
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	if (!*name) {
		log_error("--socket-path: '%s' ends with a slash; it must name a socket", path);
		return -EINVAL;
	}
	if (slash)
		slash[slash == directory ? 1 : 0] = '\0';
	real = realpath(slash ? directory : ".", NULL);
	if (!real) {
		int result = -errno;
		log_error("--socket-path: the directory '%s' cannot be used: %s", slash ? directory : ".", strerror(-result));
		return result;
	}
	if (asprintf(ret_absolute, "%s/%s", strcmp(real, "/") ? real : "", name) < 0)
		return -ENOMEM;
	return 0;
}

static void report_locked(int lock_fd, const char *path)
{
	char pid[16] = "";
	ssize_t length = read(lock_fd, pid, sizeof(pid) - 1);

	pid[strcspn(pid, "\n")] = '\0';
	log_error("--socket-path: '%s' is served by another daemon already%s%s (it holds %s.pid); stop that one, or use "
		  "another path", path, length > 0 ? ", process " : "", pid, path);
}

/* Takes the lock on a file of that name that nobody removes meanwhile, and writes our pid into it. */
static int take_lock(const char *lock_path, const char *path, int *ret_fd)
{
	char pid[16];
	int result = -EBUSY;

	for (int i = 0; i < LOCK_TRIES; i++) {
		struct stat held, there;
		_cleanup_fd_ int fd = open(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

		if (fd < 0) {
			result = -errno;
			log_error("--socket-path: cannot create '%s': %s", lock_path, strerror(-result));
			return result;
		}
		if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
			result = errno == EWOULDBLOCK ? -EBUSY : -errno;
			report_locked(fd, path);
			return result;
		}
		/* The one before us may have removed the file between our open and our lock. */
		if (fstat(fd, &held) < 0 || stat(lock_path, &there) < 0 || held.st_ino != there.st_ino ||
		    held.st_dev != there.st_dev)
			continue;
		int length = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());
		if (ftruncate(fd, 0) < 0 || pwrite(fd, pid, (size_t)length, 0) != length) {
			result = errno ? -errno : -EIO;
			log_error("--socket-path: cannot write '%s': %s", lock_path, strerror(-result));
			return result;
		}
		*ret_fd = take_fd(&fd);
		return 0;
	}
	log_error("--socket-path: '%s' comes and goes; another daemon is starting", lock_path);
	return result;
}

static int find_group(const char *name, gid_t *ret_gid)
{
	const struct group *group;
	char *end;

	errno = 0;
	group = getgrnam(name);
	if (group) {
		*ret_gid = group->gr_gid;
		return 0;
	}
	unsigned long number = strtoul(name, &end, 10);
	if (!*name || *end || number >= UINT32_MAX) {
		log_error("--socket-group: there is no group '%s'", name);
		return -ENOENT;
	}
	*ret_gid = (gid_t)number;
	return 0;
}

/* A leftover socket goes; anything else that is there stays, and we fail. */
static int remove_leftover(const char *path)
{
	struct stat there;

	if (lstat(path, &there) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(there.st_mode)) {
		log_error("--socket-path: '%s' exists and is not a socket; remove it, or use another path", path);
		return -EEXIST;
	}
	return unlink(path) < 0 ? -errno : 0;
}

static int bind_and_listen(const char *path, bool group, int *ret_fd)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (strlen(path) >= sizeof(address.sun_path)) {
		log_error("--socket-path: '%s' is too long; the system allows %zu bytes", path, sizeof(address.sun_path) - 1);
		return -ENAMETOOLONG;
	}
	strcpy(address.sun_path, path);
	_cleanup_fd_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	/* The mode must be right from the start: a moment is enough to connect. */
	mode_t before = umask(group ? 0007 : 0077);
	int result = bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(before);
	if (result == 0 && listen(fd, BACKLOG) < 0)
		result = -errno;
	if (result < 0) {
		log_error("--socket-path: cannot make the socket '%s': %s", path, strerror(-result));
		return result;
	}
	*ret_fd = take_fd(&fd);
	return 0;
}

int listener_open(const char *given, const char *group, struct listener *ret_listener)
{
	_cleanup_free_ char *path = NULL, *lock_path = NULL;
	_cleanup_fd_ int lock_fd = -1, fd = -1;
	gid_t gid = 0;
	int result = make_absolute(given, &path);

	if (result == 0 && asprintf(&lock_path, "%s.pid", path) < 0)
		result = -ENOMEM;
	if (result == 0 && group)
		result = find_group(group, &gid);
	if (result == 0)
		result = take_lock(lock_path, path, &lock_fd);
	if (result == 0)
		result = remove_leftover(path);
	/* Relative when it was given so: the system's limit on the length counts what is passed. */
	if (result == 0)
		result = bind_and_listen(strlen(given) < strlen(path) ? given : path, group != NULL, &fd);
	if (result == 0 && group && chown(path, (uid_t)-1, gid) < 0) {
		result = -errno;
		log_error("--socket-group: cannot give the socket to group '%s': %s", group, strerror(-result));
		unlink(path);
	}
	if (result < 0) {
		if (lock_fd >= 0)
			unlink(lock_path);
		return result;
	}
	*ret_listener = (struct listener){ take_fd(&fd), take_fd(&lock_fd), take_pointer(path), take_pointer(lock_path) };
	return 0;
}

int listener_adopt(int fd, struct listener *ret_listener)
{
	int domain, type, listening;
	socklen_t size = sizeof(int);

	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0) {
		int result = -errno;
		log_error("--fd: descriptor %d cannot be used: %s; it must be a listening socket, left open by who starts viofsd",
			  fd, strerror(-result));
		return result;
	}
	getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size);
	getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size);
	if (domain != AF_UNIX || type != SOCK_STREAM || !listening) {
		log_error("--fd: descriptor %d is %s; it must be a listening Unix stream socket", fd,
			  domain != AF_UNIX || type != SOCK_STREAM ? "a socket of another kind" : "not listening");
		return -EINVAL;
	}
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	*ret_listener = (struct listener){ fd, -1, NULL, NULL };
	return 0;
}

void listener_unlink(const struct listener *listener)
{
	if (!listener->path)
		return;
	/* The lock file last: until then nobody else makes a socket here. */
	unlink(listener->path);
	unlink(listener->lock_path);
}

void listener_fini(struct listener *listener)
{
	cleanup_close(&listener->fd);
	cleanup_close(&listener->lock_fd);
	free(listener->path);
	free(listener->lock_path);
	*listener = (struct listener)LISTENER_INIT;
}
