/* SPDX-License-Identifier: BSD-3-Clause */
/* Filling the file system from a directory of the host, before anybody uses it. */
/* #syscalls: openat newfstatat fstat getdents64 lseek pread64 readlinkat flistxattr fgetxattr fcntl close */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/cleanup.h"
#include "fs/memory/internal.h"
#include "fs/memory/memory.h"

#define CHUNK (256u << 10)

struct loader {
	struct memory *memory;
	dev_t device; /* the walk stays on it */
	void *links; /* tree of struct link_target */
	void *chunk; /* CHUNK bytes */
};

/* Where the first name of a host's inode with several links went. */
struct link_target {
	ino_t ino;
	struct inode *inode;
};

static int load_directory(struct loader *loader, int fd, struct inode *directory);

static int compare_targets(const void *a, const void *b)
{
	const struct link_target *first = a, *second = b;

	return first->ino < second->ino ? -1 : first->ino > second->ino;
}

static void close_directory(DIR **directory)
{
	if (*directory)
		closedir(*directory);
}

static uint32_t encode_device(dev_t device)
{
	uint32_t minor_number = minor(device);

	return (minor_number & 0xff) | (major(device) & 0xfff) << 8 | (minor_number & ~0xffu) << 12;
}

/* The next part of the file that is data, as offset and end; -ENXIO when there is none. */
static int find_data(int fd, off_t offset, off_t size, off_t *ret_offset, off_t *ret_end)
{
	off_t data = lseek(fd, offset, SEEK_DATA), hole;

	if (data < 0)
		return -errno;
	hole = lseek(fd, data, SEEK_HOLE);
	*ret_offset = data;
	*ret_end = hole < 0 || hole > size ? size : hole;
	return 0;
}

static int load_extent(struct loader *loader, int fd, struct inode *inode, off_t offset, off_t end)
{
	while (offset < end) {
		ssize_t got = pread(fd, loader->chunk, (size_t)MIN(end - offset, (off_t)CHUNK), offset);
		struct iovec iov = { loader->chunk, got > 0 ? (size_t)got : 0 };
		size_t written = 0;
		int r;

		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		r = mem_data_write(loader->memory, inode, (uint64_t)offset, &iov, 1, &written);
		if (r < 0)
			return r;
		if (written < iov.iov_len)
			return -ENOSPC;
		offset += got;
	}
	return 0;
}

static int load_data(struct loader *loader, int fd, struct inode *inode, off_t size)
{
	off_t offset = 0, end = 0;
	int r = 0;

	while (r == 0 && offset < size) {
		r = find_data(fd, offset, size, &offset, &end);
		if (r == 0)
			r = load_extent(loader, fd, inode, offset, end);
		offset = end;
	}
	if (r < 0 && r != -ENXIO)
		return r;
	return mem_data_resize(loader->memory, inode, (uint64_t)size);
}

static int load_xattr(struct loader *loader, int fd, struct inode *inode, const char *name)
{
	ssize_t size = fgetxattr(fd, name, loader->chunk, CHUNK);
	int r;

	if (size < 0)
		return errno == ENODATA ? 0 : -errno;
	r = mem_xattr_set(loader->memory, inode, name, loader->chunk, (size_t)size, 0);
	return r == -EOPNOTSUPP ? 0 : r;
}

static int load_xattrs(struct loader *loader, int fd, struct inode *inode)
{
	_cleanup_free_ char *names = malloc(XATTR_LIST_MAX);
	ssize_t size = names ? flistxattr(fd, names, XATTR_LIST_MAX) : 0;
	int r = names ? 0 : -ENOMEM;

	if (size < 0)
		return errno == EOPNOTSUPP ? 0 : -errno;
	for (const char *name = names; r == 0 && name < names + size; name += strlen(name) + 1)
		r = load_xattr(loader, fd, inode, name);
	return r;
}

/* Last, as everything before it moves the times. */
static void set_attributes(struct inode *inode, const struct stat *stat)
{
	inode->mode = stat->st_mode;
	inode->uid = stat->st_uid;
	inode->gid = stat->st_gid;
	inode->atime = stat->st_atim;
	inode->mtime = stat->st_mtim;
	inode->ctime = stat->st_ctim;
}

/* What lies in a file or a directory. */
static int load_contents(struct loader *loader, int parent_fd, const char *name, struct inode *inode,
			 const struct stat *stat)
{
	bool is_directory = S_ISDIR(stat->st_mode);
	_cleanup_fd_ int fd = -1;
	int r;

	if ((!is_directory && !S_ISREG(stat->st_mode)) || stat->st_dev != loader->device)
		return 0;
	fd = openat(parent_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | (is_directory ? O_DIRECTORY : 0));
	if (fd < 0)
		return -errno;
	r = load_xattrs(loader, fd, inode);
	if (r < 0)
		return r;
	return is_directory ? load_directory(loader, fd, inode) : load_data(loader, fd, inode, stat->st_size);
}

/* Adds another name of what is there already; 0 when it is not there yet. */
static int load_link(struct loader *loader, struct inode *parent, const char *name, const struct stat *stat)
{
	struct link_target key = { .ino = stat->st_ino }, **found;
	int r;

	if (S_ISDIR(stat->st_mode) || stat->st_nlink < 2)
		return 0;
	found = tfind(&key, &loader->links, compare_targets);
	if (!found)
		return 0;
	r = entry_add(loader->memory, parent, name, (*found)->inode);
	if (r < 0)
		return r;
	(*found)->inode->nlink++;
	return 1;
}

static int remember_link(struct loader *loader, struct inode *inode, const struct stat *stat)
{
	struct link_target *target;

	if (S_ISDIR(stat->st_mode) || stat->st_nlink < 2)
		return 0;
	target = malloc(sizeof(*target));
	if (!target)
		return -ENOMEM;
	*target = (struct link_target){ stat->st_ino, inode };
	if (!tsearch(target, &loader->links, compare_targets)) {
		free(target);
		return -ENOMEM;
	}
	return 0;
}

static int load_entry(struct loader *loader, int parent_fd, const char *name, struct inode *parent)
{
	struct fs_call call = { 0 };
	struct inode *inode = NULL;
	char target[PATH_MAX] = "";
	struct stat stat;
	int r;

	if (fstatat(parent_fd, name, &stat, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	r = load_link(loader, parent, name, &stat);
	if (r != 0)
		return MIN(r, 0);
	if (S_ISLNK(stat.st_mode) && readlinkat(parent_fd, name, target, sizeof(target) - 1) < 0)
		return -errno;
	r = entry_make(loader->memory, &call, parent, name, stat.st_mode, encode_device(stat.st_rdev),
		       S_ISLNK(stat.st_mode) ? target : NULL, &inode);
	if (r == 0)
		r = remember_link(loader, inode, &stat);
	if (r == 0)
		r = load_contents(loader, parent_fd, name, inode, &stat);
	if (r == 0)
		set_attributes(inode, &stat);
	return r;
}

static int load_directory(struct loader *loader, int fd, struct inode *directory)
{
	__attribute__((cleanup(close_directory))) DIR *stream = NULL;
	const struct dirent *entry;
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0), r = 0;

	if (copy < 0)
		return -errno;
	stream = fdopendir(copy);
	if (!stream) {
		r = -errno;
		close(copy);
		return r;
	}
	rewinddir(stream);
	while (r == 0 && (errno = 0, entry = readdir(stream)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			r = load_entry(loader, fd, entry->d_name, directory);
	return r < 0 ? r : -errno;
}

int memory_load(struct fs *fs, int directory_fd)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct loader loader = { .memory = memory };
	struct stat stat;
	int r;

	if (fstat(directory_fd, &stat) < 0)
		return -errno;
	loader.device = stat.st_dev;
	loader.chunk = malloc(CHUNK);
	r = loader.chunk ? load_xattrs(&loader, directory_fd, memory->root) : -ENOMEM;
	if (r == 0)
		r = load_directory(&loader, directory_fd, memory->root);
	if (r == 0)
		set_attributes(memory->root, &stat);
	tdestroy(loader.links, free);
	free(loader.chunk);
	return r;
}
