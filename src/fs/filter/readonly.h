/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A file system that a guest can read and lock but not change: whatever would is -EROFS, whoever asks.
 *
 * A guest that does not mount it read-only itself still sees the errors that a read-only disk would give. What the host
 * changes by itself when a file is read (its access time) is not prevented.
 */
#ifndef VIOFS_FS_FILTER_READONLY_H
#define VIOFS_FS_FILTER_READONLY_H

#include "fs/fs.h"

/* Puts itself on next and owns it; -ENOMEM leaves next to the caller. */
int readonly_new(struct fs *next, struct fs **ret_fs);

#endif
