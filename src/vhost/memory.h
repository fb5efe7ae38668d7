/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest memory as a back-end sees it: an immutable snapshot of the front-end's memory table, with every
 * region mapped. A change of the table makes a new snapshot that shares the mappings it keeps;
 * whoever uses guest memory holds a reference to the snapshot it took the addresses from, and a region
 * is unmapped when the last snapshot that names it goes.
 *
 * Reference counts are atomic; a snapshot may be used from any thread. Spec: vhost-user, "Memory
 * regions description".
 */
#ifndef VIOFS_VHOST_MEMORY_H
#define VIOFS_VHOST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "ring/device.h"

/* Regions one front-end may have; the answer to GET_MAX_MEM_SLOTS. QEMU's own limit is 512. */
#define VHOST_MEMORY_REGIONS_MAX 509u

struct vhost_memory_region; /* one counted mapping */

struct vhost_memory {
	struct ring_memory ring; /* first: a snapshot is a ring's view of memory */
	unsigned int refs; /* atomic */
	size_t count;
	struct vhost_memory_region *regions[]; /* sorted by guest-physical address */
};

/* One entry of a memory table. Addresses and sizes in bytes. */
struct vhost_memory_entry {
	uint64_t guest_address; /* guest-physical */
	uint64_t size;
	uint64_t user_address; /* in the front-end's address space */
	uint64_t mmap_offset;
};

struct vhost_memory *vhost_memory_ref(struct vhost_memory *memory);
void vhost_memory_unref(struct vhost_memory *memory);

/*
 * The host address of [address, address + length) when it lies in one region, NULL otherwise; address is
 * guest-physical, or in the front-end's address space. Memory stays valid while the snapshot is held.
 */
void *vhost_memory_at_guest(const struct vhost_memory *memory, uint64_t address, uint64_t length);
void *vhost_memory_at_user(const struct vhost_memory *memory, uint64_t address, uint64_t length);

/* The guest-physical address of a host address inside the snapshot; UINT64_MAX when it is not. */
uint64_t vhost_memory_guest_address(const struct vhost_memory *memory, const void *host);

/*
 * Whether the lowest memory holds nothing but zeros. A guest that has got as far as its drivers has written there, so
 * then what we see is not what it sees: the front-end has mapped its memory privately.
 */
bool vhost_memory_is_blank(const struct vhost_memory *memory);

#endif
