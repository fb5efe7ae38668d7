/* SPDX-License-Identifier: BSD-3-Clause */
/* Attributes of host files in FUSE's terms. */
#ifndef VIOFS_FS_PASSTHROUGH_ATTR_H
#define VIOFS_FS_PASSTHROUGH_ATTR_H

#include <stdint.h>
#include <sys/stat.h>

#include "fs/passthrough/nodetable.h"

/* What is asked of every file. */
#define ATTR_MASK (STATX_BASIC_STATS | STATX_BTIME | STATX_MNT_ID)

/* ino, btime, dev and type; the rest is 0. */
void identity_from_statx(const struct statx *st, struct node_identity *ret_identity);

/* The number of an inode as the guest sees it: folding keeps numbers of several devices apart. */
static inline uint64_t attr_fold_ino(uint64_t ino, uint16_t fold)
{
	return ino ^ (uint64_t)fold << 48;
}

void attr_from_statx(const struct statx *st, const struct node *node, struct fuse_attr *ret_attr);

/* Linux' new_encode_dev(), as FUSE has it, and back. */
uint32_t attr_encode_rdev(uint32_t major, uint32_t minor);
void attr_decode_rdev(uint32_t rdev, uint32_t *ret_major, uint32_t *ret_minor);

#endif
