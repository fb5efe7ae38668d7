/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which node was last seen under a name: a hint, in bounded memory, that may be missing or wrong. Removing a name uses it
 * to keep hold of the file without asking the host which one it is.
 */
#ifndef VIOFS_FS_PASSTHROUGH_HINTS_H
#define VIOFS_FS_PASSTHROUGH_HINTS_H

#include <stdint.h>

struct name_hints;

int hints_new(struct name_hints **ret_hints);
void hints_free(struct name_hints *hints);
void hint_set(struct name_hints *hints, uint64_t parent, const char *name, uint64_t node);

/* A node id that may be stale, or 0. */
uint64_t hint_get(struct name_hints *hints, uint64_t parent, const char *name);

#endif
