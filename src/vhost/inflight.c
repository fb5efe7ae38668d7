/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: memfd_create ftruncate fcntl mmap munmap fstat newfstatat */
#include "vhost/inflight.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "ring/device.h"
#include "ring/inflight.h"

/* More rings than one byte can name no connection has. */
#define QUEUES_MAX 256u

static bool is_valid(unsigned int queues, uint32_t size, bool packed)
{
	return queues >= 1 && queues <= QUEUES_MAX && size >= 1 && size <= RING_SIZE_MAX &&
	       (packed || (size & (size - 1)) == 0);
}

int vhost_inflight_map(struct vhost_inflight *inflight, int fd, uint64_t bytes, uint64_t offset, unsigned int queues,
		       uint32_t size, bool packed)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct stat st;

	if (!is_valid(queues, size, packed) || offset % page != 0 || offset > INT64_MAX)
		return -EINVAL;
	size_t part_bytes = ring_inflight_bytes(size, packed);
	if (bytes < part_bytes * queues)
		return -EINVAL;
	if (fstat(fd, &st) < 0)
		return -errno;
	if ((uint64_t)st.st_size < offset || (uint64_t)st.st_size - offset < part_bytes * queues)
		return -EINVAL;
	void *mapping = mmap(NULL, part_bytes * queues, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)offset);
	if (mapping == MAP_FAILED)
		return -errno;
	vhost_inflight_unmap(inflight);
	*inflight = (struct vhost_inflight){
		.parts = mapping,
		.mapping = mapping,
		.mapping_size = part_bytes * queues,
		.queues = queues,
		.size = size,
		.packed = packed,
		.part_bytes = part_bytes,
		.file_device = st.st_dev,
		.file_inode = st.st_ino,
		.file_offset = offset,
	};
	return 0;
}

int vhost_inflight_create(struct vhost_inflight *inflight, unsigned int queues, uint32_t size, bool packed, int *ret_fd)
{
	if (!is_valid(queues, size, packed))
		return -EINVAL;
	size_t bytes = ring_inflight_bytes(size, packed) * queues;
	_cleanup_fd_ int fd = memfd_create("viofs-inflight", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)bytes) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	int error = vhost_inflight_map(inflight, fd, bytes, 0, queues, size, packed);
	if (error)
		return error;
	*ret_fd = take_fd(&fd);
	return 0;
}

size_t vhost_inflight_bytes(const struct vhost_inflight *inflight)
{
	return inflight->part_bytes * inflight->queues;
}

void *vhost_inflight_part(const struct vhost_inflight *inflight, unsigned int index, uint32_t size, bool packed)
{
	if (!inflight->parts || index >= inflight->queues || size > inflight->size || packed != inflight->packed)
		return NULL;
	return inflight->parts + index * inflight->part_bytes;
}

bool vhost_inflight_is_same(const struct vhost_inflight *a, const struct vhost_inflight *b)
{
	return a->parts && b->parts && a->file_device == b->file_device && a->file_inode == b->file_inode &&
	       a->file_offset == b->file_offset && a->part_bytes == b->part_bytes && a->packed == b->packed;
}

void vhost_inflight_clear_part(struct vhost_inflight *inflight, unsigned int index)
{
	if (inflight->parts && index < inflight->queues)
		ring_inflight_clear(inflight->parts + index * inflight->part_bytes, inflight->size, inflight->packed);
}

void vhost_inflight_clear(struct vhost_inflight *inflight)
{
	for (unsigned int i = 0; i < inflight->queues; i++)
		vhost_inflight_clear_part(inflight, i);
}

void vhost_inflight_unmap(struct vhost_inflight *inflight)
{
	if (inflight->mapping)
		munmap(inflight->mapping, inflight->mapping_size);
	*inflight = (struct vhost_inflight){ 0 };
}
