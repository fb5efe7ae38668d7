/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that a front-end without a virtual machine gives its device: a memory file, mapped. */
#ifndef VIOFS_VHOST_SHARED_MEMORY_H
#define VIOFS_VHOST_SHARED_MEMORY_H

#include <stdint.h>

struct vhost_shared_memory {
	int fd;
	char *host; /* zeroed, page-aligned */
	uint64_t size; /* bytes */
	uint64_t guest_address; /* where the device finds it; the owner's choice */
};

/*
 * Makes size bytes (a multiple of the page size) at that guest address. The file can't be resized any more, so that no
 * side can kill the other by it. -EINVAL; errnos of memfd_create, ftruncate and mmap.
 */
int vhost_shared_memory_init(struct vhost_shared_memory *memory, uint64_t guest_address, uint64_t size);

/* The other side must not use it any more, or keep a mapping of its own. */
void vhost_shared_memory_fini(struct vhost_shared_memory *memory);

/* The guest address of a host address inside. */
uint64_t vhost_shared_memory_address(const struct vhost_shared_memory *memory, const void *host);

#endif
