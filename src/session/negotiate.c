/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/negotiate.h"

#include <errno.h>

#include "base/log.h"
#include "base/util.h"
#include "session/policy.h"

#define PAGE_BYTES 4096u

/* Flags that every guest that knows them gets, whatever is configured. HAS_EXPIRE_ONLY says nothing to a guest without
 * notifications, and does no harm. */
#define FLAGS_ALWAYS                                                                                                   \
	(FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ASYNC_DIO | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES |                  \
	 FUSE_CACHE_SYMLINKS | FUSE_INIT_EXT | FUSE_SETXATTR_EXT | FUSE_CREATE_SUPP_GROUP | FUSE_ALLOW_IDMAP |         \
	 FUSE_HAS_EXPIRE_ONLY)

#define FLAGS_ACL (FUSE_POSIX_ACL | FUSE_DONT_MASK | FUSE_SETXATTR_EXT)

/* Decides about flags that a guest must have (always), may have (auto) or shall not use; -EPROTO when it must and does
 * not. */
static int choose(enum session_tristate wish, uint64_t offered, uint64_t flags, const char *what, uint64_t *agreed)
{
	if (wish == SESSION_NEVER)
		return 0;
	if ((offered & flags) == flags) {
		*agreed |= flags;
		return 0;
	}
	if (wish == SESSION_AUTO) {
		log_info("The guest's kernel does not support %s, so this session goes without.", what);
		return 0;
	}
	log_warn_limited("Refused a guest whose kernel does not support %s: use a newer kernel, or \"auto\" here.",
			 what);
	return -EPROTO;
}

static uint64_t choose_caching(const struct session_config *config, uint64_t offered)
{
	uint64_t flags = 0;

	/*
	 * Where the guest owns the files it need not drop pages because a modification time moved (its own writes move
	 * it, too). Otherwise it must.
	 */
	if (config->cache == SESSION_CACHE_ALWAYS && (offered & FUSE_EXPLICIT_INVAL_DATA))
		flags |= FUSE_EXPLICIT_INVAL_DATA;
	else
		flags |= FUSE_AUTO_INVAL_DATA;
	/* Entries that are not cached are not worth looking up in advance. */
	if (config->readdirplus && policy_entry_timeout_ns(config) > 0)
		flags |= FUSE_DO_READDIRPLUS | FUSE_READDIRPLUS_AUTO;
	if (config->writeback)
		flags |= FUSE_WRITEBACK_CACHE;
	if (config->allow_mmap)
		flags |= FUSE_DIRECT_IO_ALLOW_MMAP;
	/*
	 * A guest that does not open cannot tell the host when to keep a removed file, nor have an open checked: only
	 * where nothing changes. Directories are read whole into its cache once.
	 */
	if (config->cache == SESSION_CACHE_ALWAYS) {
		flags |= FUSE_NO_OPENDIR_SUPPORT;
		if (config->readonly)
			flags |= FUSE_NO_OPEN_SUPPORT;
	}
	return flags;
}

static int choose_flags(const struct session_config *config, const struct negotiate_abilities *abilities,
			uint64_t offered, uint64_t *ret_flags)
{
	uint64_t flags = FLAGS_ALWAYS | choose_caching(config, offered);
	int error;

	if (abilities->locks && config->posix_locks)
		flags |= FUSE_POSIX_LOCKS;
	if (abilities->locks && config->flock_locks)
		flags |= FUSE_FLOCK_LOCKS;
	if (abilities->ioctl)
		flags |= FUSE_HAS_IOCTL_DIR;
	if (abilities->lookup_self)
		flags |= FUSE_EXPORT_SUPPORT;
	if (config->announce_submounts)
		flags |= FUSE_SUBMOUNTS;
	if (config->killpriv_v2)
		flags |= FUSE_HANDLE_KILLPRIV_V2;
	/* Without OPEN truncation is a request of its own, and there is nothing that could hold a lock. */
	if (flags & offered & FUSE_NO_OPEN_SUPPORT)
		flags &= ~(FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS);
	else
		flags |= FUSE_ATOMIC_O_TRUNC;
	flags &= offered;

	error = choose(config->posix_acl, offered, FLAGS_ACL, "POSIX access control lists", &flags);
	if (!error)
		error = choose(config->security_label, offered, FUSE_SECURITY_CTX, "security contexts", &flags);
	if (!error)
		*ret_flags = flags;
	return error;
}

static uint32_t choose_max_write(const struct session_config *config, uint64_t flags)
{
	uint32_t wish = config->max_write ? config->max_write : NEGOTIATE_MAX_WRITE_DEFAULT;
	uint32_t limit = (flags & FUSE_MAX_PAGES) ? NEGOTIATE_MAX_WRITE_MAX : NEGOTIATE_PAGES_DEFAULT * PAGE_BYTES;

	wish = MAX(wish, NEGOTIATE_MAX_WRITE_MIN);
	return MIN(wish, limit);
}

int negotiate(const struct session_config *config, const struct negotiate_abilities *abilities,
	      const struct fuse_init_in *in, struct fuse_init_out *ret_out, struct fs_session_info *ret_info)
{
	uint64_t offered = in->flags;
	uint64_t flags;
	int error;

	if (in->minor < FUSE_MIN_MINOR_VERSION) {
		log_warn_limited("Refused a guest that speaks FUSE 7.%u: 7.%u (Linux 5.4) is the oldest that works.",
				 in->minor, FUSE_MIN_MINOR_VERSION);
		return -EPROTO;
	}
	if (offered & FUSE_INIT_EXT)
		offered |= (uint64_t)in->flags2 << 32;
	error = choose_flags(config, abilities, offered, &flags);
	if (error)
		return error;

	uint32_t minor = MIN(in->minor, (uint32_t)FUSE_KERNEL_MINOR_VERSION);
	uint32_t max_write = choose_max_write(config, flags);

	*ret_out = (struct fuse_init_out){
		.major = FUSE_KERNEL_VERSION,
		.minor = minor,
		.max_readahead = in->max_readahead,
		.flags = (uint32_t)flags,
		.flags2 = (uint32_t)(flags >> 32),
		/* No limit of ours: the queue's size is one already. */
		.max_background = UINT16_MAX,
		.congestion_threshold = UINT16_MAX / 4 * 3,
		.max_write = max_write,
		.time_gran = 1,
		.max_pages = (flags & FUSE_MAX_PAGES) ? (uint16_t)(ALIGN_UP(max_write, PAGE_BYTES) / PAGE_BYTES) : 0,
	};
	*ret_info = (struct fs_session_info){
		.flags = flags,
		.minor = minor,
		.writeback = flags & FUSE_WRITEBACK_CACHE,
		.direct_io = config->allow_direct_io,
		.no_open = flags & FUSE_NO_OPEN_SUPPORT,
		.no_opendir = flags & FUSE_NO_OPENDIR_SUPPORT,
	};
	return 0;
}
