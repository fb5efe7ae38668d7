/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the guest may cache and for how long: the cache mode and the options beside it, turned into the timeouts and
 * FOPEN_* flags that go into replies. Computed once per session, read on every reply.
 */
#ifndef VIOFS_SESSION_POLICY_H
#define VIOFS_SESSION_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "session/session.h"

struct policy_timeout {
	uint64_t seconds;
	uint32_t nanoseconds;
};

struct policy {
	struct policy_timeout entry;
	struct policy_timeout attr;
	struct policy_timeout negative; /* zero: absent names are answered with -ENOENT */
	uint32_t file_flags; /* FOPEN_* for files */
	uint32_t directory_flags;
};

/* For a session with these INIT flags (FUSE_*) and this minor version. */
void policy_init(struct policy *policy, const struct session_config *config, uint64_t flags, uint32_t minor);

/* How long names are cached by this configuration, in nanoseconds. */
uint64_t policy_entry_timeout_ns(const struct session_config *config);

/* Sets the timeouts of an entry; without a node (as "." in READDIRPLUS) they are zero. */
void policy_apply_entry(const struct policy *policy, struct fuse_entry_out *entry);

/* Makes entry say that the name is absent. */
void policy_negative_entry(const struct policy *policy, struct fuse_entry_out *entry);

bool policy_caches_negative(const struct policy *policy);

#endif
