/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef VIOFS_TESTS_SESSION_HARNESS_FS_H
#define VIOFS_TESTS_SESSION_HARNESS_FS_H

#include "fs/fs.h"

/* The operations of a struct harness_fs. */
extern const struct fs_ops harness_ops;

#endif
