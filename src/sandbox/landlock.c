/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Landlock judges an opened file by walking from it up to the root. A file opened by handle may have no known parent
 * ("disconnected"); where the walk ends there, kernels refuse the file, and a link to it, although it lies in
 * the tree. Kernels with erratum 3 fixed go on at the root of the mount that the handle was opened through: right if that
 * mount lies in the tree, as it does when the shared directory is a mount of its own. So with file handles, files are
 * restricted only under both conditions; what has nothing to do with files always.
 *
 * Before ABI 2 a rename or link across directories could not be allowed at all: no restriction of files.
 */
/* #syscalls: */
#include "sandbox/landlock.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

/* The numbers, for headers older than the kernel. */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif
#define VERSION_FLAG (1u << 0)
#define ERRATA_FLAG (1u << 1)
#define ERRATUM_DISCONNECTED (1u << 2)
#define RULE_PATH_BENEATH 1

#define FS_EXECUTE (1ull << 0)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_ALL_ABI2 ((1ull << 14) - 1)
#define FS_TRUNCATE (1ull << 14)
#define FS_IOCTL_DEV (1ull << 15)
#define NET_BIND_CONNECT_TCP 3ull
#define SCOPE_ABSTRACT_SOCKET_SIGNAL 3ull

#define ABI_REFER 2
#define ABI_TRUNCATE 3
#define ABI_NETWORK 4
#define ABI_IOCTL 5
#define ABI_SCOPE 6

struct ruleset_attributes {
	uint64_t fs, network, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t parent_fd;
} __attribute__((packed));

static int add_path(int ruleset, int fd, uint64_t allowed)
{
	struct path_beneath rule = { allowed, fd };

	return syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0) < 0 ? -errno : 0;
}

/* Whether the rights on files can be restricted without refusing what is allowed. */
static bool files_restrictable(const struct landlock_config *config, long abi)
{
	if (abi < ABI_REFER)
		return false;
	if (!config->file_handles)
		return true;
	long errata = syscall(SYS_landlock_create_ruleset, NULL, 0, ERRATA_FLAG);
	return config->own_mount && errata > 0 && (errata & ERRATUM_DISCONNECTED);
}

static int restrict_self(const struct landlock_config *config, const struct ruleset_attributes *handled)
{
	_cleanup_fd_ int ruleset =
		(int)syscall(SYS_landlock_create_ruleset, handled, sizeof(*handled), 0);
	int result = 0;

	if (ruleset < 0)
		return -errno;
	if (handled->fs && config->root_fd >= 0)
		result = add_path(ruleset, config->root_fd, handled->fs & ~(FS_EXECUTE | FS_IOCTL_DEV));
	if (result == 0 && handled->fs && config->remove_fd >= 0)
		result = add_path(ruleset, config->remove_fd, FS_REMOVE_FILE);
	if (result < 0)
		return result;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
		return -errno;
	return 0;
}

int landlock_enter(const struct landlock_config *config)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, VERSION_FLAG);
	struct ruleset_attributes handled = { 0 };

	if (abi < 1) {
		log_debug("landlock: this kernel has none; files are held by the other stages");
		return 0;
	}
	bool files = files_restrictable(config, abi);
	if (files)
		handled.fs = FS_ALL_ABI2 | (abi >= ABI_TRUNCATE ? FS_TRUNCATE : 0) | (abi >= ABI_IOCTL ? FS_IOCTL_DEV : 0);
	if (abi >= ABI_NETWORK && !config->network)
		handled.network = NET_BIND_CONNECT_TCP;
	if (abi >= ABI_SCOPE)
		handled.scoped = SCOPE_ABSTRACT_SOCKET_SIGNAL;
	if (!handled.fs && !handled.network && !handled.scoped) {
		log_debug("landlock: version %ld of this kernel cannot be used together with file handles", abi);
		return 0;
	}

	int result = restrict_self(config, &handled);
	if (result < 0) {
		log_error("cannot restrict the process by Landlock: %s; use --no-landlock to go without", strerror(-result));
		return result;
	}
	log_debug("landlock: %s%s%s", files ? "only files below the shared directory may be opened or changed, none executed" :
					      "files are not restricted, as this kernel cannot judge files opened by handle",
		  handled.network ? "; no TCP" : "", handled.scoped ? "; no signals and abstract sockets to others" : "");
	return 0;
}
