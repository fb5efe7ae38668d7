/* SPDX-License-Identifier: BSD-3-Clause */
/* Directory entries of READDIR and READDIRPLUS replies, written straight into the reply's buffers. */
#ifndef VIOFS_FUSEMSG_DIRENT_H
#define VIOFS_FUSEMSG_DIRENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/iov.h"
#include "wire/fuse.h"

/* Bytes that an entry takes, with padding. */
size_t fusemsg_dirent_bytes(size_t name_length, bool plus);

/*
 * Writes one entry at the cursor, preceded by entry where that is given (READDIRPLUS). The caller knows that
 * fusemsg_dirent_bytes() are left.
 */
void fusemsg_dirent_write(struct iov_cursor *cursor, const struct fuse_entry_out *entry,
			  const struct fuse_dirent *dirent, const char *name);

#endif
