/* SPDX-License-Identifier: BSD-3-Clause */
/* Which ids of the host a user namespace holds, and telling the kernel so. */
#ifndef VIOFS_SANDBOX_IDMAP_H
#define VIOFS_SANDBOX_IDMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct idmap_range {
	uint32_t inside;
	uint32_t outside;
	uint32_t count;
};

/* The kernel takes 340 ranges; more than a few is a mistake. */
#define IDMAP_RANGES_MAX 340u

struct idmap {
	struct idmap_range *ranges;
	size_t count;
};

enum idmap_kind {
	IDMAP_UID,
	IDMAP_GID,
};

/*
 * Adds what ":inside:outside:count:" says, any character being the delimiter. -EINVAL for another form, a count of 0 or
 * a range that leaves 32 bits; -EEXIST when it overlaps one that is there, on either side; -E2BIG, -ENOMEM.
 */
int idmap_add(struct idmap *map, const char *text);
void idmap_fini(struct idmap *map);

/* Whether id is mapped inside. */
bool idmap_has_inside(const struct idmap *map, uint32_t id);

/*
 * Writes the map of process pid, called from the namespace that owns the ids outside (own_id: the caller's). An empty map
 * maps own_id as itself. Uses newuidmap or newgidmap where the kernel would refuse the caller. Failure is logged.
 */
int idmap_write(pid_t pid, enum idmap_kind kind, const struct idmap *map, uint32_t own_id);

#endif
