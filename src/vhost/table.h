/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Making memory snapshots out of memory tables. The control thread's side of vhost/memory.h.
 */
#ifndef VIOFS_VHOST_TABLE_H
#define VIOFS_VHOST_TABLE_H

#include "vhost/memory.h"

/* A snapshot without regions; -ENOMEM. */
int vhost_table_new(struct vhost_memory **ret_memory);

/*
 * A snapshot of count regions, mapping fds[i] for entries[i] (descriptors stay the caller's). -EINVAL for an empty or
 * overflowing region, -EEXIST when two overlap in guest-physical addresses, -E2BIG when there are too many, -EBADF and
 * other errnos of mmap when a region can't be mapped, -EFBIG when the file ends before the region does.
 */
int vhost_table_from(const struct vhost_memory_entry *entries, const int *fds, size_t count,
		     struct vhost_memory **ret_memory);

/* A snapshot like memory with one region more, which shares all other mappings; errors as above. */
int vhost_table_add(const struct vhost_memory *memory, const struct vhost_memory_entry *entry, int fd,
		    struct vhost_memory **ret_memory);

/*
 * A snapshot like memory without the region of that guest address, user address and size (the offset is not compared,
 * QEMU sends 0). -ENOENT when there is none.
 */
int vhost_table_remove(const struct vhost_memory *memory, const struct vhost_memory_entry *entry,
		       struct vhost_memory **ret_memory);

#endif
