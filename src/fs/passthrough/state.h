/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the passthrough backend share. Private to this folder. */
#ifndef VIOFS_FS_PASSTHROUGH_STATE_H
#define VIOFS_FS_PASSTHROUGH_STATE_H

#include "base/util.h"
#include "fs/fs.h"
#include "fs/passthrough/cred.h"
#include "fs/passthrough/passthrough.h"

struct node_table;
struct handle_table;
struct mount_table;
struct name_hints;
struct lock_table;

/* One instance. Set up by passthrough_new() and init; read by any thread. */
struct passthrough {
	struct fs fs;
	struct passthrough_config config; /* descriptors in it are our own */
	struct fs_session_info session; /* of the last init; changes only while no operation runs */
	struct cred cred;
	uint64_t epoch; /* differs between instances: the generation number that guests export */
	struct node_table *nodes;
	struct handle_table *handles;
	struct mount_table *mounts;
	struct name_hints *hints;
	struct lock_table *locks;
};

static inline struct passthrough *passthrough_from_fs(struct fs *fs)
{
	return container_of(fs, struct passthrough, fs);
}

#endif
