/* SPDX-License-Identifier: BSD-3-Clause */
/* What all operations that make a file share. */
#ifndef VIOFS_FS_PASSTHROUGH_CREATE_H
#define VIOFS_FS_PASSTHROUGH_CREATE_H

#include "fs/passthrough/nodetable.h"

/*
 * Gives a new file, by descriptor, the security context that came with the request. A failure is the request's: its caller then takes
 * the file away again, as no file without its label may stay.
 */
int create_label(const struct fs_call *call, int fd);

#endif
