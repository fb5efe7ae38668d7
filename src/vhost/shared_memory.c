/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: memfd_create ftruncate fcntl mmap munmap close */
#include "vhost/shared_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

int vhost_shared_memory_init(struct vhost_shared_memory *memory, uint64_t guest_address, uint64_t size)
{
	if (size == 0 || size > INT64_MAX || size % (uint64_t)sysconf(_SC_PAGESIZE) != 0)
		return -EINVAL;
	_cleanup_fd_ int fd = memfd_create("viofs-memory", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0 || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	void *host = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (host == MAP_FAILED)
		return -errno;
	*memory = (struct vhost_shared_memory){
		.fd = take_fd(&fd),
		.host = host,
		.size = size,
		.guest_address = guest_address,
	};
	return 0;
}

void vhost_shared_memory_fini(struct vhost_shared_memory *memory)
{
	if (!memory->host)
		return;
	munmap(memory->host, memory->size);
	close(memory->fd);
	*memory = (struct vhost_shared_memory){ .fd = -1 };
}

uint64_t vhost_shared_memory_address(const struct vhost_shared_memory *memory, const void *host)
{
	return memory->guest_address + (uint64_t)((const char *)host - memory->host);
}
