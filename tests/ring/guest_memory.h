/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Guest memory for ring tests: two regions that meet in guest addresses but not in host addresses, at a guest
 * address that is not the host's.
 */
#ifndef VIOFS_TESTS_RING_GUEST_MEMORY_H
#define VIOFS_TESTS_RING_GUEST_MEMORY_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>

#include "base/util.h"
#include "ring/device.h"

#define GUEST_BASE UINT64_C(0x100000000)

struct guest_memory {
	struct ring_memory ring; /* first */
	size_t length; /* bytes of each region */
	char *regions[2];
	unsigned int maps; /* calls of map */
};

static inline int guest_memory_map(const struct ring_memory *memory, uint64_t address, uint64_t length,
				   struct iovec *iov, size_t max)
{
	struct guest_memory *guest = (struct guest_memory *)(uintptr_t)memory;
	uint64_t offset = address - GUEST_BASE;
	size_t count = 0;

	guest->maps++;
	if (address < GUEST_BASE || offset > 2 * guest->length || length > 2 * guest->length - offset)
		return -EFAULT;
	while (length > 0) {
		size_t region = offset / guest->length;
		size_t inside = offset % guest->length;
		size_t step = MIN(length, guest->length - inside);

		if (count == max)
			return -E2BIG;
		iov[count++] = (struct iovec){ guest->regions[region] + inside, step };
		offset += step;
		length -= step;
	}
	return (int)count;
}

/* length bytes in each of the two regions, zeroed, 4096-aligned. */
static inline void guest_memory_init(struct guest_memory *guest, size_t length)
{
	*guest = (struct guest_memory){ .ring.map = guest_memory_map, .length = length };
	for (size_t i = 0; i < 2; i++) {
		guest->regions[i] = aligned_alloc(4096, length);
		if (!guest->regions[i])
			abort();
		memset(guest->regions[i], 0, length);
	}
}

static inline void guest_memory_fini(struct guest_memory *guest)
{
	for (size_t i = 0; i < 2; i++)
		free(guest->regions[i]);
}

/* Host address of an offset into guest memory. */
static inline void *guest_memory_at(const struct guest_memory *guest, size_t offset)
{
	return guest->regions[offset / guest->length] + offset % guest->length;
}

#endif
