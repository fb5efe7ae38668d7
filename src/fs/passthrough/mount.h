/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The mounts of the host that lie in the share, and the devices seen there.
 *
 * A mount is known as long as a node on it is: every node holds a reference, and a node keeps its mount from going away on
 * the host (by its descriptor or the mount's), so that the kernel's mount ids are not reused under us.
 */
#ifndef VIOFS_FS_PASSTHROUGH_MOUNT_H
#define VIOFS_FS_PASSTHROUGH_MOUNT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/passthrough/state.h"

/* More than this many mounts with nodes known to the guest at one time are refused (-ENFILE). */
#define MOUNTS_MAX 4096u
/* The mount of the share itself; never goes. */
#define MOUNT_ROOT 0

struct mount {
	uint64_t kernel_id; /* STATX_MNT_ID, or the device where the kernel has none */
	_Atomic uint32_t references; /* leaves 0, and becomes 0, only under the table's lock */
	int fd; /* for open_by_handle_at(), -1: no handles here; fixed while referenced, as the rest */
	bool remote; /* a network or user-space file system: others change it, and closing a file may report errors */
};

int mount_table_new(struct mount_table **ret_table);
void mount_table_free(struct mount_table *table);

/*
 * Enters the mount that the file behind path_fd is on, if it is new, and takes a reference. Tries out whether files can
 * be opened by handle there. -EOPNOTSUPP when handles are mandatory and cannot.
 */
int mount_enter(struct passthrough *pt, int path_fd, uint64_t kernel_id, uint16_t *ret_index);

/* Takes a reference on a mount that is known; false when it is not. */
bool mount_find(struct passthrough *pt, uint64_t kernel_id, uint16_t *ret_index);

/* Takes another reference on a mount that the caller knows to be referenced, by a pinned node. */
void mount_ref(struct passthrough *pt, uint16_t index);
void mount_unref(struct passthrough *pt, uint16_t index);

/* A referenced mount. */
const struct mount *mount_at(const struct passthrough *pt, uint16_t index);

/* A small number for a device, from 1, the same as long as the process lives; UINT16_MAX when there are too many. */
uint16_t device_number(struct passthrough *pt, uint32_t dev);

#endif
