/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The FUSE server: takes one request as buffers, gives one reply as buffers.
 *
 * It negotiates INIT, validates and dispatches every message, applies the cache policy, and hands operations that may
 * block to the pool. It knows no virtqueue: the device lends it the buffers of a chain and is told when the reply has been
 * written. A request belongs to the session from session_submit() until it is done, exactly once.
 *
 * Sessions begin with INIT. A second INIT, DESTROY and session_reset() end the one before: nodes, handles and locks are
 * dropped, and requests still pending complete without effect (their epoch is over).
 */
#ifndef VIOFS_SESSION_SESSION_H
#define VIOFS_SESSION_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/pool.h"
#include "fs/fs.h"

enum session_cache {
	SESSION_CACHE_NEVER,
	SESSION_CACHE_METADATA,
	SESSION_CACHE_AUTO,
	SESSION_CACHE_ALWAYS,
};

/* For what a guest may or may not support: refuse INIT when it does not (always), use it when it does (auto). */
enum session_tristate {
	SESSION_NEVER,
	SESSION_AUTO,
	SESSION_ALWAYS,
};

#define SESSION_TIMEOUT_DEFAULT UINT64_MAX /* as the cache mode says */

struct session_config {
	enum session_cache cache;
	uint64_t entry_timeout_ns; /* or SESSION_TIMEOUT_DEFAULT */
	uint64_t attr_timeout_ns;
	uint64_t negative_timeout_ns; /* default 0: absent names are asked for each time */
	bool writeback;
	bool allow_direct_io;
	bool allow_mmap; /* FUSE_DIRECT_IO_ALLOW_MMAP and no FOPEN_DIRECT_IO-only files */
	bool readdirplus;
	bool announce_submounts;
	bool killpriv_v2;
	bool posix_locks; /* fcntl() locks reach the host and other guests; else they are the guest's own */
	bool flock_locks; /* the same for flock() */
	bool xattr; /* false: xattr operations are -ENOSYS */
	bool readonly; /* mutating operations are -EROFS in a filter; here it only permits no_open with cache always */
	enum session_tristate posix_acl;
	enum session_tristate security_label;
	uint32_t max_write; /* bytes, 0 for the default of 1 MiB */
	bool pool_all; /* every operation goes to the pool (--thread-pool-size) */
};

#define SESSION_SCRATCH 8192u

/*
 * A request in flight, embedded in an object of the device's. The fields above the line are set by the device before each
 * submit; written is the result.
 */
struct session_request {
	const struct iovec *readable;
	size_t readable_count;
	const struct iovec *writable;
	size_t writable_count;
	/* Called once, from any thread, when session_submit() returns SESSION_PENDING; it may come before that return, and when no
	 * pool thread can be started even from inside of it. */
	void (*complete)(struct session_request *request);
	size_t written; /* bytes of reply; 0 for messages that have none */
	/* Set before session_submit() returns SESSION_PENDING: the request waits without bound (a blocking lock), so that a queue
	 * that stops does not wait for it. Its reply is written by session_reply() only. False for everything else, which
	 * the device waits for, and whose reply is in place when complete is called. */
	bool unbounded;
	/* ---- private to the session ---- */
	struct session_private *state; /* see session/request.h */
};

enum session_result {
	SESSION_DONE, /* answered; written is valid */
	SESSION_PENDING, /* complete will be called */
};

struct session;

/* Neither fs nor pool is owned; both outlive the session. -ENOMEM. */
int session_new(const struct session_config *config, struct fs *fs, struct pool *pool, struct session **ret_session);

/* All requests must be done or abandoned through session_reset(). NULL is fine. */
void session_free(struct session *session);

/* Prepares a request for any number of submits; frees what it holds. -ENOMEM. */
int session_request_init(struct session_request *request);
void session_request_fini(struct session_request *request);

/*
 * Serves one request. Any thread; different requests in parallel. Never fails: a bad message is answered with an errno, or, when it
 * has no room for an answer, dropped with written 0.
 */
enum session_result session_submit(struct session *session, struct session_request *request);

/*
 * Writes the reply of a request that has waited without bound, after its complete was called: by the thread that may touch guest
 * memory then, or never when the guest that asked is gone. Does nothing for other requests.
 */
void session_reply(struct session_request *request);

/*
 * Ends the session: returns when no operation runs any more. Pending requests complete with -EINTR (their complete is called before
 * this returns). The caller submits nothing meanwhile.
 */
void session_reset(struct session *session);

/* Whether INIT was served since the last reset. */
bool session_is_active(const struct session *session);

#endif
