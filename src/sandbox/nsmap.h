/* SPDX-License-Identifier: BSD-3-Clause */
/* Which ids of the host a user namespace holds, and telling the kernel so. */
#ifndef VIOFS_SANDBOX_NSMAP_H
#define VIOFS_SANDBOX_NSMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct nsmap_range {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

/* The kernel takes 340 ranges; more than a few is a mistake. */
#define NSMAP_RANGES_MAX 340u

struct nsmap {
	struct nsmap_range *ranges;
	size_t count;
};

enum nsmap_kind {
	NSMAP_UID,
	NSMAP_GID,
};

/*
 * Adds what ":inside:outside:count:" says, any character being the delimiter. -EINVAL for another form, a count of 0 or
 * a range that leaves 32 bits; -EEXIST when it overlaps one that is there, on either side; -E2BIG, -ENOMEM.
 */
int nsmap_add(struct nsmap *map, const char *text);
void nsmap_fini(struct nsmap *map);

/* Whether id is mapped inside. */
bool nsmap_has_inside(const struct nsmap *map, uint32_t id);

/*
 * Writes the map of process pid, called from the namespace that owns the ids outside (own_id: the caller's). An empty map
 * maps own_id as itself. Uses newuidmap or newgidmap where the kernel would refuse the caller. Failure is logged.
 */
int nsmap_write(pid_t pid, enum nsmap_kind kind, const struct nsmap *map, uint32_t own_id);

#endif
