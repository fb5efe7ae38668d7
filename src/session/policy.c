/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/policy.h"

#include <string.h>

#define SECOND 1000000000ull
#define DAY (86400 * SECOND)

/* How long attributes and names are valid where no option says otherwise. */
static const uint64_t mode_timeouts[] = {
	[SESSION_CACHE_NEVER] = 0,
	[SESSION_CACHE_METADATA] = DAY,
	[SESSION_CACHE_AUTO] = SECOND,
	[SESSION_CACHE_ALWAYS] = DAY,
};

static uint64_t choose(uint64_t option, enum session_cache cache)
{
	return option == SESSION_TIMEOUT_DEFAULT ? mode_timeouts[cache] : option;
}

static struct policy_timeout timeout(uint64_t nanoseconds)
{
	return (struct policy_timeout){ nanoseconds / SECOND, (uint32_t)(nanoseconds % SECOND) };
}

uint64_t policy_entry_timeout_ns(const struct session_config *config)
{
	return choose(config->entry_timeout_ns, config->cache);
}

void policy_init(struct policy *policy, const struct session_config *config, uint64_t flags, uint32_t minor)
{
	uint64_t negative = config->negative_timeout_ns == SESSION_TIMEOUT_DEFAULT ? 0 : config->negative_timeout_ns;
	/*
	 * Files that bypass the page cache cannot be mapped shared, unless the guest has FUSE_DIRECT_IO_ALLOW_MMAP
	 * (Linux 6.6). A guest without it that shall be able to map gets cached files, which it revalidates at each
	 * open.
	 */
	bool direct = !config->allow_mmap || (flags & FUSE_DIRECT_IO_ALLOW_MMAP);

	*policy = (struct policy){
		.entry = timeout(policy_entry_timeout_ns(config)),
		.attr = timeout(choose(config->attr_timeout_ns, config->cache)),
		.negative = timeout(negative),
	};
	switch (config->cache) {
	case SESSION_CACHE_METADATA:
		policy->directory_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR;
		/* fall through */
	case SESSION_CACHE_NEVER:
		if (direct)
			policy->file_flags = FOPEN_DIRECT_IO;
		/* The host's file system orders writes; the guest need not. */
		if (direct && minor >= 38)
			policy->file_flags |= FOPEN_PARALLEL_DIRECT_WRITES;
		break;
	case SESSION_CACHE_ALWAYS:
		policy->file_flags = FOPEN_KEEP_CACHE;
		policy->directory_flags = FOPEN_KEEP_CACHE | FOPEN_CACHE_DIR;
		break;
	case SESSION_CACHE_AUTO:
		break;
	}
}

static void set_entry(struct fuse_entry_out *entry, const struct policy_timeout *name,
		      const struct policy_timeout *attr)
{
	entry->entry_valid = name->seconds;
	entry->entry_valid_nsec = name->nanoseconds;
	entry->attr_valid = attr->seconds;
	entry->attr_valid_nsec = attr->nanoseconds;
}

void policy_apply_entry(const struct policy *policy, struct fuse_entry_out *entry)
{
	static const struct policy_timeout none;

	if (entry->nodeid == 0)
		set_entry(entry, &none, &none);
	else
		set_entry(entry, &policy->entry, &policy->attr);
}

void policy_negative_entry(const struct policy *policy, struct fuse_entry_out *entry)
{
	static const struct policy_timeout none;

	memset(entry, 0, sizeof(*entry));
	set_entry(entry, &policy->negative, &none);
}

bool policy_caches_negative(const struct policy *policy)
{
	return policy->negative.seconds > 0 || policy->negative.nanoseconds > 0;
}
