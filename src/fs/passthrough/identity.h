/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which node a name means.
 *
 * A file is its mount, device, inode number and, since numbers are used again, birth time or file handle. A name is looked at
 * with statx first. That alone settles it for a node whose descriptor is open, and for one that was born well before its
 * handle was taken: whatever gets the number later is younger. Other known nodes are compared by handle. For a
 * new file the handle is taken by name in a second call; in between the name may have got another file. Such a
 * node stays unverified, and its first use compares (see node_fd()), unless a third call
 * shows the same file still there.
 */
#ifndef VIOFS_FS_PASSTHROUGH_IDENTITY_H
#define VIOFS_FS_PASSTHROUGH_IDENTITY_H

#include <sys/stat.h>

#include "fs/passthrough/nodetable.h"

/*
 * Finds or makes the node of name in the directory dir_fd of node parent, pins it and raises its lookup count; ret_st gets
 * its attributes. open_soon: spend the third call on regular files so that opening them costs one.
 */
int identity_resolve(const struct node_use *parent, int dir_fd, const char *name, bool open_soon, struct statx *ret_st,
		     struct node_use *ret_use);

/* The same for a file that is open as fd, which stays the caller's; it was made in, or below, the directory parent. */
int identity_resolve_fd(const struct node_use *parent, int fd, struct statx *ret_st, struct node_use *ret_use);

/* The answer to a look-up. */
void identity_entry(const struct node_use *use, const struct statx *st, struct fuse_entry_out *ret_entry);

/* The first node, of the shared directory; root_fd becomes the table's. */
int identity_add_root(struct passthrough *pt, int root_fd);

#endif
