/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/passthrough/mount.h"
#include "fs/passthrough/nodetable.h"
#include "fs/passthrough/procfd.h"

/* #syscalls: name_to_handle_at open_by_handle_at open openat close newfstatat fstat fstatfs brk mmap munmap */

#define DEVICES_MAX 4096u

struct mount_table {
	pthread_mutex_t lock;
	unsigned int end; /* mounts from here on were never used */
	unsigned int device_count;
	struct mount mounts[MOUNTS_MAX];
	uint32_t devices[DEVICES_MAX];
};

int mount_table_new(struct mount_table **ret_table)
{
	struct mount_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	pthread_mutex_init(&table->lock, NULL);
	*ret_table = table;
	return 0;
}

void mount_table_free(struct mount_table *table)
{
	if (!table)
		return;
	for (unsigned int i = 0; i < table->end; i++) {
		if (table->mounts[i].references && table->mounts[i].fd >= 0)
			close(table->mounts[i].fd);
	}
	pthread_mutex_destroy(&table->lock);
	free(table);
}

static bool is_remote(int path_fd)
{
	struct statfs info;

	if (fstatfs(path_fd, &info) < 0)
		return true;
	switch ((uint32_t)info.f_type) {
	case 0x6969: /* NFS */
	case 0xff534d42: /* CIFS */
	case 0xfe534d42: /* SMB2 */
	case 0x517b: /* SMB */
	case 0x65735546: /* FUSE */
	case 0x00c36400: /* Ceph */
	case 0x01021997: /* 9P */
	case 0x5346414f: /* AFS */
	case 0x6b414653: /* kAFS */
	case 0x73757245: /* Coda */
	case 0x01161970: /* GFS2 */
	case 0x7461636f: /* OCFS2 */
	case 0x0bd00bd0: /* Lustre */
	case 0x786f4256: /* VirtualBox shared folders */
		return true;
	default:
		return false;
	}
}

/* A descriptor through which handles of this mount can be opened: not O_PATH, so of a directory or regular file. */
static int open_for_handles(int path_fd)
{
	struct file_handle_buffer handle = { .size = MAX_HANDLE_SZ };
	char name[PROC_FD_NAME_MAX];
	_cleanup_fd_ int fd = -1;
	struct stat st;
	int kernel_id, probe;

	if (fstat(path_fd, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode))
		return -EOPNOTSUPP;
	if (name_to_handle_at(path_fd, "", (void *)&handle, &kernel_id, AT_EMPTY_PATH) < 0)
		return -errno;
	fd = open(proc_fd_name(path_fd, name), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	probe = open_by_handle_at(fd, (void *)&handle, O_PATH | O_CLOEXEC);
	if (probe < 0)
		return -errno;
	close(probe);
	return take_fd(&fd);
}

static int find_locked(struct mount_table *table, uint64_t kernel_id)
{
	for (unsigned int i = 0; i < table->end; i++) {
		if (table->mounts[i].references && table->mounts[i].kernel_id == kernel_id)
			return (int)i;
	}
	return -ENOENT;
}

static int add_locked(struct mount_table *table, const struct mount *mount)
{
	unsigned int index = 0;

	while (index < table->end && table->mounts[index].references)
		index++;
	if (index == MOUNTS_MAX)
		return -ENFILE;
	table->mounts[index].kernel_id = mount->kernel_id;
	table->mounts[index].fd = mount->fd;
	table->mounts[index].remote = mount->remote;
	atomic_store(&table->mounts[index].references, 1);
	if (index == table->end)
		table->end++;
	return (int)index;
}

int mount_enter(struct passthrough *pt, int path_fd, uint64_t kernel_id, uint16_t *ret_index)
{
	struct mount mount = { .kernel_id = kernel_id, .fd = -1 };
	int index;

	if (pt->config.file_handles != PASSTHROUGH_HANDLES_NEVER)
		mount.fd = open_for_handles(path_fd);
	if (mount.fd < 0) {
		if (mount.fd == -EMFILE || mount.fd == -ENFILE)
			return mount.fd;
		if (pt->config.file_handles == PASSTHROUGH_HANDLES_MANDATORY)
			return -EOPNOTSUPP;
		mount.fd = -1;
	}
	mount.remote = is_remote(path_fd);

	pthread_mutex_lock(&pt->mounts->lock);
	index = find_locked(pt->mounts, kernel_id);
	if (index >= 0) {
		pt->mounts->mounts[index].references++;
	} else {
		index = add_locked(pt->mounts, &mount);
		if (index >= 0)
			mount.fd = -1;
	}
	pthread_mutex_unlock(&pt->mounts->lock);

	if (mount.fd >= 0)
		close(mount.fd);
	if (index < 0)
		return index;
	*ret_index = (uint16_t)index;
	return 0;
}

bool mount_find(struct passthrough *pt, uint64_t kernel_id, uint16_t *ret_index)
{
	int index;

	pthread_mutex_lock(&pt->mounts->lock);
	index = find_locked(pt->mounts, kernel_id);
	if (index >= 0)
		pt->mounts->mounts[index].references++;
	pthread_mutex_unlock(&pt->mounts->lock);
	if (index < 0)
		return false;
	*ret_index = (uint16_t)index;
	return true;
}

void mount_ref(struct passthrough *pt, uint16_t index)
{
	atomic_fetch_add(&pt->mounts->mounts[index].references, 1);
}

void mount_unref(struct passthrough *pt, uint16_t index)
{
	struct mount *mount = &pt->mounts->mounts[index];
	uint32_t references = atomic_load(&mount->references);
	int fd = -1;

	while (references > 1) {
		if (atomic_compare_exchange_weak(&mount->references, &references, references - 1))
			return;
	}
	pthread_mutex_lock(&pt->mounts->lock);
	if (atomic_fetch_sub(&mount->references, 1) == 1) {
		fd = mount->fd;
		mount->fd = -1;
	}
	pthread_mutex_unlock(&pt->mounts->lock);
	if (fd >= 0)
		close(fd);
}

const struct mount *mount_at(const struct passthrough *pt, uint16_t index)
{
	return &pt->mounts->mounts[index];
}

uint16_t device_number(struct passthrough *pt, uint32_t dev)
{
	struct mount_table *table = pt->mounts;
	unsigned int i;

	pthread_mutex_lock(&table->lock);
	for (i = 0; i < table->device_count && table->devices[i] != dev; i++)
		;
	if (i == table->device_count && i < DEVICES_MAX)
		table->devices[table->device_count++] = dev;
	pthread_mutex_unlock(&table->lock);
	return i < DEVICES_MAX ? (uint16_t)(i + 1) : UINT16_MAX;
}
