/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file system held in memory: the second backend, for tests, and small enough to read as the meaning of fs/fs.h.
 *
 * It keeps everything a Linux guest can ask for: all types of node, hard links, sparse files, extended attributes,
 * POSIX and flock locks that wait. It checks no permissions, as the guest has done so (default_permissions). One mutex
 * guards all of it: clarity before speed. Not kept: POSIX ACLs (system.* attributes are -EOPNOTSUPP), file flags (ioctl
 * is -ENOTTY); deadlocks of POSIX locks are not detected.
 */
#ifndef VIOFS_FS_MEMORY_MEMORY_H
#define VIOFS_FS_MEMORY_MEMORY_H

#include <stdint.h>

#include "fs/fs.h"

struct memory_config {
	uint64_t max_bytes; /* of data, names, symlinks and extended attributes; 0 for half of the machine's memory */
	uint64_t max_inodes; /* 0 for as many as max_bytes has blocks of 4 KiB */
};

/* Makes an empty file system whose root belongs to uid 0 and gid 0, mode 0755. Beyond a limit: -ENOSPC. -ENOMEM. */
int memory_new(const struct memory_config *config, struct fs **ret_fs);

/*
 * Copies the tree below a directory of the host into the root of an empty fs made by memory_new(): types, modes,
 * owners, times, hard links, holes, and those extended attributes the backend keeps. Mount points below are copied as
 * empty directories. directory_fd is open for reading. -errno of what could not be read, -ENOSPC when it does not fit;
 * the part copied so far stays.
 */
int memory_load(struct fs *fs, int directory_fd);

#endif
