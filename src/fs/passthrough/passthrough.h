/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A directory of the host as a file system: the backend that viofsd serves by default.
 *
 * Nodes are (mount, device, inode), referenced by file handle with a bounded cache of O_PATH descriptors, or, where the
 * host gives no handles, by one descriptor each. Every name is resolved as a single component below the
 * descriptor of its directory, so nothing a guest sends leaves the tree.
 */
#ifndef VIOFS_FS_PASSTHROUGH_PASSTHROUGH_H
#define VIOFS_FS_PASSTHROUGH_PASSTHROUGH_H

#include <stdbool.h>
#include <stddef.h>

#include "fs/fs.h"

enum passthrough_file_handles {
	PASSTHROUGH_HANDLES_NEVER, /* a descriptor for every node the guest knows */
	PASSTHROUGH_HANDLES_PREFER, /* file handles where the host file system gives them */
	PASSTHROUGH_HANDLES_MANDATORY, /* construction and lookups fail where it does not */
};

struct passthrough_config {
	int root_fd; /* the shared directory, O_PATH is enough; duplicated */
	/* /proc/self/fd opened as a directory; duplicated. The constructor makes it the working directory of the
	 * process unless that has been done (cwd_is_proc_self_fd): open("123") then means descriptor 123 anew. */
	int proc_self_fd;
	bool cwd_is_proc_self_fd;
	enum passthrough_file_handles file_handles;
	/* Descriptors kept open for nodes that have a file handle; 0 for half of RLIMIT_NOFILE, at most 65536. */
	size_t fd_cache;
	bool announce_submounts; /* mark mount points (if the guest can); else inode numbers are made unique */
	bool allow_direct_io; /* honour O_DIRECT of the guest */
	bool preserve_noatime; /* honour O_NOATIME of the guest; else it is left off */
	/* Every user and group id is known to exist here; else /proc is asked, and where that is out of sight, each new
	 * owner of a file is tried out. */
	bool all_ids;
};

/*
 * Opens the backend. On the main thread, before others start and before capabilities are dropped: it also prepares the
 * process for acting as the guest's users (see cred_init()). File handles are used if they can be opened at this moment,
 * which takes CAP_DAC_READ_SEARCH: it must be kept then. -EINVAL for a root_fd that is no directory, -EOPNOTSUPP when
 * handles are mandatory and the host gives none.
 */
int passthrough_new(const struct passthrough_config *config, struct fs **ret_fs);

#endif
