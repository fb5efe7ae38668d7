/* SPDX-License-Identifier: BSD-3-Clause */
/* What of the guest's O_* flags reaches the host. */
#ifndef VIOFS_FS_PASSTHROUGH_OPENFLAGS_H
#define VIOFS_FS_PASSTHROUGH_OPENFLAGS_H

#include <stdint.h>

#include "fs/passthrough/node.h"

/*
 * Access mode, synchronous writing, and where configured O_DIRECT and O_NOATIME. O_APPEND never: where a write goes is decided
 * write by write, because a guest that maps a file writes pages back to their place.
 */
int open_flags_for_host(const struct passthrough *pt, uint32_t flags);

/* Opens a node with flags from open_flags_for_host(), and O_TRUNC if the guest's flags have it; a descriptor or -errno. */
int open_for_guest(struct node_use *use, int host, uint32_t flags);

#endif
