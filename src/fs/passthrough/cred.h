/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Acting as the guest user who asked.
 *
 * The guest kernel has checked permissions, so most operations run as the daemon itself. Those that make a new file run
 *with the caller's fsuid and fsgid, so that owner, group, quota and a network server's idea of the user come out as if
 *the guest user had made it here. SECBIT_NO_SETUID_FIXUP keeps the capabilities meanwhile.
 *
 *	struct cred_guard guard;
 *	int result = cred_enter(&cred, call, mode, umask, &guard);
 *	if (result < 0)
 *		return result;
 *	fd = openat(parent, name, flags, guard.mode);
 *	cred_leave(&guard);	(keeps errno)
 *
 * All of it concerns the calling thread only: raw system calls, because the C library's wrappers change every thread.
 * What a run of equal requests would switch to and fro (CAP_FSETID, the umask) stays as it was left, remembered
 * per thread; who needs a certain state asks for it each time, which costs nothing when it is so already.
 *
 * A daemon without CAP_SETUID and CAP_SETGID makes files as itself.
 */
#ifndef VIOFS_FS_PASSTHROUGH_CRED_H
#define VIOFS_FS_PASSTHROUGH_CRED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "fs/fs.h"

/* What the process may do about identities; written by cred_init and cred_begin, read by all threads in between. */
struct cred {
	uint32_t uid; /* fsuid and fsgid of every thread at rest */
	uint32_t gid;
	bool can_switch; /* CAP_SETUID and CAP_SETGID */
	bool keeps_caps; /* SECBIT_NO_SETUID_FIXUP is in force */
	bool overrides;  /* CAP_DAC_OVERRIDE: the host's permission checks pass anyway */
	bool partial;    /* a user namespace in which not every id exists */
	bool use_umask;  /* the host's kernel applies the guest's umask, because a default ACL comes before it */
};

/* Between cred_enter and cred_leave. */
struct cred_guard {
	const struct cred *cred;
	mode_t mode; /* what to create with: the umask is taken off, or in force */
	bool uid;
	bool gid;
	bool groups;
};

/*
 * Finds out what is possible and prepares the process: umask 0, no supplementary groups and SECBIT_NO_SETUID_FIXUP
 * where allowed. Call on the main thread, before other threads start and before capabilities (CAP_SETPCAP) are dropped.
 * Reads /proc/self/uid_map, or ../uid_map where the working directory is /proc/self/fd.
 */
void cred_init(struct cred *cred);

/*
 * A session begins: looks again at the capabilities of the calling thread (they may have been dropped since) and
 * notes whether POSIX ACLs were negotiated. No request runs meanwhile.
 */
void cred_begin(struct cred *cred, bool posix_acl);

/*
 * Makes the calling thread create files as the caller. mode and umask are those of the request (S_IFLNK | 0777 for a symlink);
 * create with guard->mode. Without system calls when the caller is who the thread is anyhow. -EOVERFLOW: the
 * host knows no such user or group; else -errno of capset or unshare. On failure nothing is to be left.
 */
int cred_enter(const struct cred *cred, const struct fs_call *call, uint32_t mode, uint32_t umask,
	       struct cred_guard *ret_guard);

/* Back to the thread's own identity. Keeps errno. */
void cred_leave(struct cred_guard *guard);

/*
 * Whether the calling thread has CAP_FSETID in effect from here on. Without it (kill is true) the kernel clears
 * set-user-id and set-group-id bits as a file's data, size or ACL changes: FUSE_WRITE_KILL_SUIDGID,
 * FUSE_OPEN_KILL_SUIDGID, FATTR_KILL_SUIDGID, FUSE_SETXATTR_ACL_KILL_SGID. Every operation that changes data, size,
 * mode or ACL calls it with what its request says; a change costs one system call. -errno when the capability could not
 * be dropped.
 */
int cred_kill_setid(bool kill);

#endif
