/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extended attributes under other names on the host (--xattrmap); xattrrules.h has the rules.
 *
 * File capabilities that are kept under another name are an attribute like any other to the host's kernel: it does not
 * take them away when the file is written to, truncated or given away. So this filter does, which costs one more
 * operation each time.
 */
#ifndef VIOFS_FS_FILTER_XATTRMAP_H
#define VIOFS_FS_FILTER_XATTRMAP_H

#include "fs/filter/xattrrules.h"
#include "fs/fs.h"

/* Puts itself on next and owns it and the rules. -ENOMEM leaves both to the caller. */
int xattrmap_new(struct fs *next, struct xattrrules *rules, struct fs **ret_fs);

#endif
