/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of the session share: its state, and the handlers that serve each operation.
 *
 * Threads. Fields between the marks change only while the gate is closed (gate.h) and no call is pending; whoever is
 * inside of the gate, or completes a pending call of the current epoch, may read them.
 */
#ifndef VIOFS_SESSION_INTERNAL_H
#define VIOFS_SESSION_INTERNAL_H

#include "session/gate.h"
#include "session/policy.h"
#include "session/request.h"

struct session {
	struct session_config config;
	struct fs *fs;
	struct pool *pool; /* NULL: everything runs where it is submitted */
	struct gate gate;
	/* ---- guarded by the gate ---- */
	struct policy policy;
	struct fs_session_info info;
	/* ---- */
	pthread_mutex_t lifecycle; /* one INIT, DESTROY or reset at a time; taken before the gate is closed */
	atomic_bool active;
	atomic_uint_fast64_t epoch; /* counts sessions; changes with the gate closed */

	pthread_mutex_t waiting; /* with quiet: waiting for the two numbers below to become 0 */
	pthread_cond_t quiet;
	atomic_ulong pending; /* calls that the file system will complete */
	atomic_ulong outstanding; /* requests whose complete is still to be called */
};

/*
 * How one operation is served. start calls the file system, with what request_begin() took apart and the guest's
 * further bytes in state->input, and returns as an operation of it does. finish, where there is one, turns the
 * result (0 or -errno) into the one to answer with, and for 0 sets the reply's head and body. Both may run on any
 * thread.
 */
struct session_handler {
	int (*start)(struct session *session, struct session_private *state);
	int (*finish)(struct session *session, struct session_private *state, int result);
};

/* node.c */
extern const struct session_handler session_getattr, session_setattr, session_statx, session_readlink, session_statfs,
    session_access, session_syncfs;
/* name.c */
extern const struct session_handler session_lookup, session_symlink, session_mknod, session_mkdir, session_unlink,
    session_rmdir, session_rename, session_rename2, session_link, session_create, session_tmpfile;
/* file.c */
extern const struct session_handler session_open, session_release, session_flush, session_fsync;
/* data.c */
extern const struct session_handler session_read, session_write, session_fallocate, session_lseek,
    session_copy_file_range, session_copy_file_range_64;
/* directory.c */
extern const struct session_handler session_opendir, session_readdir, session_readdirplus, session_releasedir,
    session_fsyncdir;
/* xattr.c */
extern const struct session_handler session_setxattr, session_getxattr, session_listxattr, session_removexattr;
/* lock.c */
extern const struct session_handler session_getlk, session_setlk, session_setlkw;
/* ioctl.c */
extern const struct session_handler session_ioctl;
/* forget.c */
extern const struct session_handler session_forget, session_batch_forget, session_interrupt;

/* Finishes every operation whose reply is an entry, or an entry and an open file. */
int session_finish_entry(struct session *session, struct session_private *state, int result);
/* Finishes OPEN and, with the flags of directories, OPENDIR. */
int session_finish_open(struct session *session, struct session_private *state, int result, uint32_t open_flags);

/* INIT and DESTROY, outside of the gate; answer like start. */
int session_init(struct session *session, struct session_private *state);
int session_destroy(struct session *session, struct session_private *state);

/* Waits until every pending request is the device's again. */
void session_wait_handed_back(struct session *session);

static inline void session_reply_head(struct session_private *state, const void *head, size_t length)
{
	state->head = head;
	state->head_length = length;
}

#endif
