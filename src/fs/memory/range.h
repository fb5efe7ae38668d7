/* SPDX-License-Identifier: BSD-3-Clause */
/* Locked ranges of one file, of POSIX and flock kind: who conflicts with whom, and how an owner's own ranges combine.
 */
#ifndef VIOFS_FS_MEMORY_RANGE_H
#define VIOFS_FS_MEMORY_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct range {
	struct list link;
	uint64_t owner;
	uint64_t fh; /* open file that it was set with, FS_NO_HANDLE: none */
	uint64_t start, end; /* end inclusive */
	uint32_t type; /* F_RDLCK, F_WRLCK, F_UNLCK */
	uint32_t pid;
	bool flock; /* the two kinds do not see each other */
};

/* A range of another owner that stands in the way, or NULL. */
struct range *range_find_conflict(const struct list *ranges, const struct range *wanted);

/*
 * Makes wanted so for its owner: the owner's ranges of that kind are cut, merged and removed. It is assumed that
 * nothing conflicts. *count follows the number of ranges; -ENOLCK when that would exceed limit, with nothing changed.
 */
int range_apply(struct list *ranges, const struct range *wanted, uint32_t *count, uint32_t limit);

#endif
