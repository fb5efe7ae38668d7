/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table and the checks. Names, meanings and defaults of everything that virtiofsd 1.14 has are its own; viofsd's
 * additions stand among them by subject.
 */
#include "cmd/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sandbox/limits.h"

static const struct option_choice cache_choices[] = {
	{ "auto", SESSION_CACHE_AUTO, false },
	{ "always", SESSION_CACHE_ALWAYS, false },
	{ "never", SESSION_CACHE_NEVER, false },
	{ "metadata", SESSION_CACHE_METADATA, false },
	{ NULL, 0, false },
};

static const struct option_choice tristate_choices[] = {
	{ "never", SESSION_NEVER, false },
	{ "auto", SESSION_AUTO, false },
	{ "always", SESSION_ALWAYS, false },
	{ NULL, 0, false },
};

static const struct option_choice sandbox_choices[] = {
	{ "namespace", SANDBOX_NAMESPACE, false },
	{ "chroot", SANDBOX_CHROOT, false },
	{ "none", SANDBOX_NONE, false },
	{ NULL, 0, false },
};

static const struct option_choice seccomp_choices[] = {
	{ "none", SECCOMP_NONE, false },
	{ "kill", SECCOMP_KILL, false },
	{ "log", SECCOMP_LOG, false },
	{ "trap", SECCOMP_TRAP, false },
	{ NULL, 0, false },
};

/* The deprecated word is told apart to warn of it. */
#define HANDLES_FALLBACK 100
static const struct option_choice file_handles_choices[] = {
	{ "never", PASSTHROUGH_HANDLES_NEVER, false },
	{ "prefer", PASSTHROUGH_HANDLES_PREFER, false },
	{ "mandatory", PASSTHROUGH_HANDLES_MANDATORY, false },
	{ "fallback", HANDLES_FALLBACK, true },
	{ NULL, 0, false },
};

static const struct option_choice log_choices[] = {
	{ "error", LOG_LEVEL_ERROR, false }, { "warn", LOG_LEVEL_WARN, false },	  { "info", LOG_LEVEL_INFO, false },
	{ "debug", LOG_LEVEL_DEBUG, false }, { "trace", LOG_LEVEL_TRACE, false }, { "off", LOG_LEVEL_OFF, false },
	{ NULL, 0, false },
};

static const struct option_choice backend_choices[] = {
	{ "passthrough", VIOFSD_BACKEND_PASSTHROUGH, false },
	{ "memory", VIOFSD_BACKEND_MEMORY, false },
	{ NULL, 0, false },
};

enum { MIGRATE_FIND_PATHS, MIGRATE_FILE_HANDLES };
static const struct option_choice migration_mode_choices[] = {
	{ "find-paths", MIGRATE_FIND_PATHS, false },
	{ "file-handles", MIGRATE_FILE_HANDLES, false },
	{ NULL, 0, false },
};

enum { MIGRATE_ABORT, MIGRATE_GUEST_ERROR };
static const struct option_choice migration_on_error_choices[] = {
	{ "abort", MIGRATE_ABORT, false },
	{ "guest-error", MIGRATE_GUEST_ERROR, false },
	{ NULL, 0, false },
};

/* Ends the reading: what follows does not matter any more. */
static int set_action(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	option_set_constant(option, value, target, ret_error);
	return 1;
}

static int set_tag(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	if (!*value || strlen(value) > TAG_MAX)
		return option_fail(ret_error, "--tag: '%.64s' is not allowed; a name of 1 to %u bytes is", value, TAG_MAX);
	return option_set_string(option, value, target, ret_error);
}

static int set_migration_choice(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	((struct viofsd_options *)target)->migration_given = true;
	return option_set_choice(option, value, target, ret_error);
}

static int set_migration_flag(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	((struct viofsd_options *)target)->migration_given = true;
	return option_set_true(option, value, target, ret_error);
}

#define FIELD(field) .offset = offsetof(struct viofsd_options, field)

#define SHARING "What is shared"
#define SOCKET "Connection"
#define CACHING "Caching in the guest"
#define FEATURES "File system features"
#define OWNERS "Owners and attributes"
#define ISOLATION "Isolation"
#define RESOURCES "Resources"
#define LOGGING "Messages"
#define MIGRATION "Migration"
#define OTHER "Other"
#define LEGACY "Deprecated"

#define MAP_DETAILS(id, translate)                                                                                     \
	"This mapping is done by the user namespace into which viofsd is placed by --sandbox=namespace, not by viofsd "  \
	"itself (see " translate "). For example, :0:100000:65536: maps the 65536 host " id                             \
	"s [100000, 165535] into the namespace as [0, 65535]. Give it several times to map several ranges. "              \
	"Without it, and not as root, the own id is mapped as itself."

const struct option viofsd_option_table[] = {
	{ "shared-dir", 0, OPTION_VALUE, "SHARED_DIR", SHARING, "Shared directory path", .set = option_set_string,
	  FIELD(shared_dir) },
	{ "tag", 0, OPTION_VALUE, "TAG", SHARING, "The tag that the virtio device advertises",
	  "The name that the guest mounts by, for front-ends that ask the daemon for it (they need "
	  "VHOST_USER_PROTOCOL_F_CONFIG). QEMU has its own tag= property instead.",
	  .set = set_tag, FIELD(tag) },
	{ "readonly", 0, OPTION_FLAG, NULL, SHARING, "Prevent the guest from making modifications to the filesystem",
	  .set = option_set_true, FIELD(readonly) },
	{ "backend", 0, OPTION_VALUE, "BACKEND", SHARING, "What holds the files (passthrough, memory)",
	  "- passthrough: the directory given by --shared-dir.\n\n"
	  "- memory: a tree in the daemon's memory, for tests. It begins as a copy of --shared-dir, or empty without one; nothing "
	  "is written back.",
	  "passthrough", .set = option_set_choice, FIELD(backend), .choices = backend_choices },

	{ "socket-path", 0, OPTION_VALUE, "SOCKET_PATH", SOCKET, "vhost-user socket path",
	  "The file SOCKET_PATH.pid beside it holds the daemon's process id and a lock, so that only one daemon serves the "
	  "socket. A socket that is left over is replaced.",
	  .set = option_set_string, FIELD(socket_path) },
	{ "socket-group", 0, OPTION_VALUE, "SOCKET_GROUP", SOCKET, "Name of group for the vhost-user socket",
	  "Members of the group may connect; without it only the user who runs viofsd.", .set = option_set_string,
	  FIELD(socket_group) },
	{ "fd", 0, OPTION_VALUE, "FD", SOCKET, "File descriptor for the listening (not yet connected) socket",
	  .set = option_set_number, FIELD(fd), .minimum = 0, .maximum = INT32_MAX },
	{ "num-request-queues", 0, OPTION_VALUE, "COUNT", SOCKET, "Request queues that the guest is told to set up",
	  "Each has a thread. It matters to front-ends that ask the daemon (as for --tag); QEMU has its own num-request-queues= "
	  "property, up to 64 whatever is said here.",
	  "1", .set = option_set_number, FIELD(request_queues), .minimum = 1, .maximum = REQUEST_QUEUES_MAX },
	{ "exit-on-disconnect", 0, OPTION_FLAG, NULL, SOCKET, "End when the front-end disconnects, as virtiofsd does",
	  "Without it viofsd cleans up and waits for the next front-end.", .set = option_set_true,
	  FIELD(exit_on_disconnect) },

	{ "cache", 0, OPTION_VALUE, "CACHE", CACHING,
	  "The caching policy the file system should use (auto, always, never, metadata)",
	  "- auto: attributes and names are trusted for a second, data as long as the file is unchanged when opened.\n\n"
	  "- always: everything is trusted for a day; only for directories that nobody else changes.\n\n"
	  "- never: nothing is cached, neither names nor data.\n\n"
	  "- metadata: attributes and names are trusted for a day, data is not cached.",
	  "auto", .set = option_set_choice, FIELD(session.cache), .choices = cache_choices },
	{ "entry-timeout", 0, OPTION_VALUE, "SECONDS", CACHING, "How long the guest trusts a name that it looked up",
	  .standard = "by --cache", .set = option_set_seconds, FIELD(session.entry_timeout_ns) },
	{ "attr-timeout", 0, OPTION_VALUE, "SECONDS", CACHING, "How long the guest trusts attributes", .standard = "by --cache",
	  .set = option_set_seconds, FIELD(session.attr_timeout_ns) },
	{ "negative-timeout", 0, OPTION_VALUE, "SECONDS", CACHING, "How long the guest trusts that a name does not exist",
	  .standard = "0", .set = option_set_seconds, FIELD(session.negative_timeout_ns) },
	{ "writeback", 0, OPTION_FLAG, NULL, CACHING, "Enable writeback cache",
	  "The guest collects writes and sends them later. Only for files that nobody else writes.", .set = option_set_true,
	  FIELD(session.writeback) },
	{ "allow-mmap", 0, OPTION_FLAG, NULL, CACHING,
	  "When used with --cache={metadata, never} will allow shared files to be mmap'd",
	  "Regardless of the selected cache policy, this option should only be enabled when the file system has exclusive access "
	  "to the directory.",
	  .set = option_set_true, FIELD(session.allow_mmap) },
	{ "no-readdirplus", 0, OPTION_FLAG, NULL, CACHING, "Disable support for READDIRPLUS operations",
	  .set = option_set_false, FIELD(session.readdirplus) },

	{ "announce-submounts", 0, OPTION_FLAG, NULL, FEATURES,
	  "Tell the guest which directories are mount points [default]", .set = option_set_true,
	  FIELD(session.announce_submounts) },
	{ "no-announce-submounts", 0, OPTION_FLAG, NULL, FEATURES,
	  "Do not tell the guest which directories are mount points", .set = option_set_false,
	  FIELD(session.announce_submounts) },
	{ "no-posix-lock", 0, OPTION_FLAG, NULL, FEATURES, "Leave fcntl() locks to the guest",
	  "They then exclude processes of that guest only, but a process that waits for one can be interrupted: Linux' virtio-fs "
	  "driver does not pass interrupts on.",
	  .set = option_set_false, FIELD(session.posix_locks) },
	{ "no-flock", 0, OPTION_FLAG, NULL, FEATURES, "Leave flock() locks to the guest", "As --no-posix-lock.",
	  .set = option_set_false, FIELD(session.flock_locks) },
	{ "inode-file-handles", 0, OPTION_EQUALS, "INODE_FILE_HANDLES", FEATURES,
	  "When to use file handles to reference inodes instead of O_PATH file descriptors (never, prefer, mandatory)",
	  "- never: Never use file handles, always use O_PATH file descriptors; every file that the guest knows costs one.\n\n"
	  "- prefer: Use file handles, but fall back to O_PATH file descriptors where the underlying filesystem does not "
	  "support them, or the right to open them is lacking. (\"fallback\" is a deprecated alias.)\n\n"
	  "- mandatory: Always use file handles, never fall back to O_PATH file descriptors.",
	  "prefer", .set = option_set_choice, FIELD(file_handles_given), .choices = file_handles_choices },
	{ "allow-direct-io", 0, OPTION_FLAG, NULL, FEATURES, "Honor the O_DIRECT flag passed down by guest applications",
	  .set = option_set_true, FIELD(session.allow_direct_io) },
	{ "preserve-noatime", 0, OPTION_FLAG, NULL, FEATURES, "Preserve O_NOATIME behavior",
	  "Otherwise the O_NOATIME flag is left off, to prevent potential permission errors when running in unprivileged mode "
	  "(e.g., when accessing files without having ownership/capability to use O_NOATIME).",
	  .set = option_set_true, FIELD(preserve_noatime) },
	{ "killpriv-v2", 0, OPTION_FLAG, NULL, FEATURES, "Enable KILLPRIV V2 support",
	  "The host, not the guest, clears set-user-ID, set-group-ID and file capabilities when a file is written.",
	  .set = option_set_true, FIELD(session.killpriv_v2) },
	{ "no-killpriv-v2", 0, OPTION_FLAG, NULL, FEATURES, "Disable KILLPRIV V2 support [default]",
	  .set = option_set_false, FIELD(session.killpriv_v2) },

	{ "xattr", 0, OPTION_FLAG, NULL, OWNERS, "Enable support for extended attributes", .set = option_set_true,
	  FIELD(session.xattr) },
	{ "xattrmap", 0, OPTION_VALUE, "XATTRMAP", OWNERS,
	  "Add custom rules for translating extended attributes between host and guest "
	  "(e.g. :map::user.virtiofs.:)",
	  "Implies --xattr. The rules are described in viofsd(1).", .set = option_set_string, FIELD(xattrmap) },
	{ "posix-acl", 0, OPTION_MAYBE, "never|auto|always", OWNERS, "Enable support for posix ACLs (implies --xattr)",
	  "- never: no ACLs.\n\n- auto: ACLs if the guest can.\n\n"
	  "- always: a guest that cannot is refused. Without a value this is meant.",
	  "never", .set = option_set_choice, FIELD(session.posix_acl), .choices = tristate_choices,
	  .constant = SESSION_ALWAYS },
	{ "security-label", 0, OPTION_MAYBE, "never|auto|always", OWNERS,
	  "Enable security label support (implies --xattr)",
	  "Expects the SELinux xattr on file creation from the client and stores it in the newly created file. The values "
	  "are as for --posix-acl.",
	  "never", .set = option_set_choice, FIELD(session.security_label), .choices = tristate_choices,
	  .constant = SESSION_ALWAYS },
	{ "translate-uid", 0, OPTION_VALUE, "TRANSLATE_UID", OWNERS,
	  "Describe how to translate UIDs between guest and host, given as "
	  "'<type>:<source base>:<target base>:<count>'",
	  "As opposed to '--uid-map', this mapping is done internally by viofsd, and does not require using a user namespace. "
	  "The type describes how to do the mapping, and in which direction:\n\n"
	  "- 'guest': 1:1 map a range of guest UIDs to host UIDs\n\n"
	  "- 'host': 1:1 map a range of host UIDs to guest UIDs\n\n"
	  "- 'squash-guest': n:1 map a range of guest UIDs all to a single host UID\n\n"
	  "- 'squash-host': n:1 map a range of host UIDs all to a single guest UID\n\n"
	  "- 'forbid-guest': Forbid guest UIDs in the given range (forbid-guest:<base>:<count>): an error is returned to "
	  "the guest whenever it tries to create a file with such a UID or make a file have such a UID\n\n"
	  "- 'map': bidirectionally 1:1 map between a range of guest UIDs and host UIDs; the order is: 'map:<guest base>:<host "
	  "base>:<count>'\n\n"
	  "Provide this argument multiple times to map multiple UID ranges. Cannot be used together with "
	  "--posix-acl=always|auto; translating UIDs (or GIDs) would break posix ACLs.",
	  .set = option_set_list, FIELD(translate_uid) },
	{ "translate-gid", 0, OPTION_VALUE, "TRANSLATE_GID", OWNERS, "Same as '--translate-uid', but for GIDs",
	  .set = option_set_list, FIELD(translate_gid) },

	{ "sandbox", 0, OPTION_VALUE, "SANDBOX", ISOLATION,
	  "Sandbox mechanism to isolate the daemon process (namespace, chroot, none)",
	  "- namespace: own mount, pid and network namespaces, without root also a user namespace; the shared directory is "
	  "all that is seen.\n\n"
	  "- chroot: the shared directory is the root directory; needs CAP_SYS_CHROOT.\n\n- none: files of the host stay in "
	  "sight; the other kinds of isolation are still done.",
	  "namespace", .set = option_set_choice, FIELD(sandbox), .choices = sandbox_choices },
	{ "uid-map", 0, OPTION_VALUE, "UID_MAP", ISOLATION,
	  "Map a range of UIDs from the host into the namespace, given as :namespace_uid:host_uid:count:",
	  MAP_DETAILS("UID", "--translate-uid"), .set = option_set_list, FIELD(uid_map_given) },
	{ "gid-map", 0, OPTION_VALUE, "GID_MAP", ISOLATION,
	  "Map a range of GIDs from the host into the namespace, given as :namespace_gid:host_gid:count:",
	  MAP_DETAILS("GID", "--translate-gid"), .set = option_set_list, FIELD(gid_map_given) },
	{ "modcaps", 0, OPTION_VALUE, "MODCAPS", ISOLATION,
	  "Modify the list of capabilities, e.g., --modcaps=+sys_admin:-chown", .set = option_set_string,
	  FIELD(modcaps_given) },
	{ "no-landlock", 0, OPTION_FLAG, NULL, ISOLATION, "Do not restrict the daemon by Landlock",
	  "Where the kernel has Landlock, the daemon gives up the right to open files outside the shared directory, to run "
	  "programs, and to use TCP.",
	  .set = option_set_false, FIELD(landlock) },
	{ "seccomp", 0, OPTION_VALUE, "SECCOMP", ISOLATION,
	  "Action to take when seccomp finds a not allowed syscall (none, kill, log, trap)", NULL, "kill",
	  .set = option_set_choice, FIELD(seccomp), .choices = seccomp_choices },

	{ "thread-pool-size", 0, OPTION_VALUE, "THREAD_POOL_SIZE", RESOURCES,
	  "Maximum thread pool size. A value of \"0\" disables the pool",
	  "With a pool, every request is served by one of its threads. Without, each queue serves its own, and only what may "
	  "block (such as fsync) goes to threads that come and go as needed.",
	  "0", .set = option_set_number, FIELD(thread_pool_size), .minimum = 0, .maximum = THREAD_POOL_MAX },
	{ "rlimit-nofile", 0, OPTION_VALUE, "RLIMIT_NOFILE", RESOURCES,
	  "Set maximum number of file descriptors (0 leaves rlimit unchanged) "
	  "[default: min(1000000, '/proc/sys/fs/nr_open')]",
	  .set = option_set_number, FIELD(rlimit_nofile), .minimum = 0, .maximum = INT64_MAX },
	{ "fd-cache", 0, OPTION_VALUE, "COUNT", RESOURCES,
	  "File descriptors kept open for files that have a file handle",
	  "More of them save the system call that opens a file handle.", "half of --rlimit-nofile, at most 65536",
	  .set = option_set_number, FIELD(fd_cache), .minimum = 1, .maximum = 10000000 },

	{ "log-level", 0, OPTION_VALUE, "LOG_LEVEL", LOGGING, "Log level (error, warn, info, debug, trace, off)", NULL,
	  "info", .set = option_set_choice, FIELD(log_level), .choices = log_choices },
	{ "syslog", 0, OPTION_FLAG, NULL, LOGGING, "Log to syslog instead of standard error", .set = option_set_true,
	  FIELD(syslog) },

	{ "migration-mode", 0, OPTION_VALUE, "MIGRATION_MODE", MIGRATION,
	  "How to represent inodes in the state for migration (find-paths, file-handles)",
	  "viofsd does not migrate yet: this option and those that follow are accepted and have no effect.", "find-paths",
	  .set = set_migration_choice, FIELD(migration_mode), .choices = migration_mode_choices },
	{ "migration-on-error", 0, OPTION_VALUE, "MIGRATION_ON_ERROR", MIGRATION,
	  "How to respond to errors during migration (abort, guest-error); without effect yet", NULL, "abort",
	  .set = set_migration_choice, FIELD(migration_on_error), .choices = migration_on_error_choices },
	{ "migration-verify-handles", 0, OPTION_FLAG, NULL, MIGRATION,
	  "Compare file handles at the destination; without effect yet", .set = set_migration_flag,
	  FIELD(migration_verify_handles) },
	{ "migration-confirm-paths", 0, OPTION_FLAG, NULL, MIGRATION,
	  "Check paths again before switching over; without effect yet", .set = set_migration_flag,
	  FIELD(migration_confirm_paths) },

	{ "print-capabilities", 0, OPTION_FLAG, NULL, OTHER,
	  "Print vhost-user.json backend program capabilities and exit", .set = option_set_constant, FIELD(action),
	  .constant = VIOFSD_CAPABILITIES },
	{ "help", 0, OPTION_FLAG, NULL, OTHER, "Print help in full (a summary with '-h')", .set = set_action, FIELD(action),
	  .constant = VIOFSD_HELP_LONG },
	{ NULL, 'h', OPTION_FLAG, NULL, OTHER, "Print a summary of help", .set = set_action, FIELD(action),
	  .constant = VIOFSD_HELP_SHORT },
	{ "version", 'V', OPTION_FLAG, NULL, OTHER, "Print version", .set = set_action, FIELD(action),
	  .constant = VIOFSD_VERSION },

	{ "socket", 0, OPTION_VALUE, "SOCKET", LEGACY, "vhost-user socket path [deprecated: --socket-path]",
	  .set = option_set_string, FIELD(socket_given) },
	{ NULL, 'o', OPTION_VALUE, "COMPAT_OPTIONS", LEGACY,
	  "Options in a format compatible with the legacy implementation [deprecated]",
	  "Words with commas between: source=DIR, cache=auto|always|none|metadata, sandbox=namespace|chroot, modcaps=..., "
	  "xattrmap=..., loglevel=err|warn|info|debug, timeout=SECONDS, and the flags xattr, writeback, "
	  "allow_direct_io, readdirplus, killpriv_v2, posix_acl, security_label (each also with no_ in front), "
	  "announce_submounts, flock and posix_lock.",
	  .set = option_set_list, FIELD(legacy) },
	{ NULL, 'd', OPTION_FLAG, NULL, LEGACY, "Set log level to \"debug\" [deprecated]", .set = option_set_true,
	  FIELD(legacy_debug) },
	{ NULL, 'f', OPTION_FLAG, NULL, LEGACY, "Compatibility option that has no effect [deprecated]",
	  .set = option_set_true, FIELD(legacy_foreground) },
};
const size_t viofsd_option_count = ARRAY_SIZE(viofsd_option_table);

/* Only what works is named: libvirt and others decide by it what to ask for. Migration ("migrate-precopy") is not there. */
const char viofsd_capabilities_json[] = "{\n"
					"  \"type\": \"fs\",\n"
					"  \"features\": [\n"
					"    \"posix-acl-negotiation-mode\",\n"
					"    \"security-label-negotiation-mode\",\n"
					"    \"separate-options\"\n"
					"  ]\n"
					"}\n";

void viofsd_options_init(struct viofsd_options *options)
{
	*options = (struct viofsd_options){
		.fd = UINT64_MAX,
		.request_queues = REQUEST_QUEUES_DEFAULT,
		.session = {
			.cache = SESSION_CACHE_AUTO,
			.entry_timeout_ns = SESSION_TIMEOUT_DEFAULT,
			.attr_timeout_ns = SESSION_TIMEOUT_DEFAULT,
			.readdirplus = true,
			.posix_locks = true,
			.flock_locks = true,
			.announce_submounts = true,
		},
		.file_handles_given = PASSTHROUGH_HANDLES_PREFER,
		.rlimit_nofile = LIMITS_OPEN_FILES_AUTO,
		.sandbox = SANDBOX_NAMESPACE,
		.seccomp = SECCOMP_KILL,
		.landlock = true,
		.log_level = LOG_LEVEL_INFO,
	};
}

void viofsd_options_fini(struct viofsd_options *options)
{
	option_list_fini(&options->translate_uid);
	option_list_fini(&options->translate_gid);
	option_list_fini(&options->uid_map_given);
	option_list_fini(&options->gid_map_given);
	option_list_fini(&options->legacy);
	for (size_t i = 0; i < options->legacy_words.count; i++) {
		free((void *)(uintptr_t)options->legacy_words.items[i]); /* not the command line's, as other lists' */
	}
	option_list_fini(&options->legacy_words);
	nsmap_fini(&options->uid_map);
	nsmap_fini(&options->gid_map);
}

static int read_maps(const struct option_list *given, const char *option, struct nsmap *map, struct option_error *ret_error)
{
	for (size_t i = 0; i < given->count; i++) {
		int result = nsmap_add(map, given->items[i]);

		if (result == -ENOMEM) {
			option_fail(ret_error, "out of memory");
			return result;
		}
		if (result == -EEXIST)
			return option_fail(ret_error, "%s: '%s' overlaps a range that was given before", option, given->items[i]);
		if (result == -E2BIG)
			return option_fail(ret_error, "%s: more than %u ranges are given", option, NSMAP_RANGES_MAX);
		if (result < 0)
			return option_fail(ret_error,
					   "%s: '%s' is not allowed; three numbers are, each within delimiters, as in "
					   ":0:100000:65536: (id in the namespace, id on the host, count from 1)",
					   option, given->items[i]);
	}
	return 0;
}

/* What was said must fit together. */
static int check(struct viofsd_options *options, struct option_error *ret_error)
{
	bool translates = options->translate_uid.count || options->translate_gid.count;

	if (!options->shared_dir && options->backend == VIOFSD_BACKEND_PASSTHROUGH)
		return option_fail(ret_error, "--shared-dir <SHARED_DIR> is missing: which directory shall be shared?");
	if (options->fd != UINT64_MAX && (options->socket_path || options->socket_given))
		return option_fail(ret_error, "%s cannot be used with --fd: the one makes a socket, the other brings it",
				   options->socket_path ? "--socket-path" : "--socket");
	if (options->fd != UINT64_MAX && options->socket_group)
		return option_fail(ret_error, "--socket-group cannot be used with --fd: whoever made the socket sets its group");
	if (!options->socket_path && options->socket_given) {
		options->socket_path = options->socket_given;
		options->socket_deprecated = true;
	}
	if (options->fd == UINT64_MAX && !options->socket_path)
		return option_fail(ret_error, "--socket-path <SOCKET_PATH> or --fd <FD> is missing: where shall the "
					      "virtual machine connect?");
	if (options->session.posix_acl != SESSION_NEVER && translates)
		return option_fail(ret_error, "--translate-uid and --translate-gid cannot be used with --posix-acl=%s: ACLs hold "
					      "ids that would stay untranslated",
				   options->session.posix_acl == SESSION_AUTO ? "auto" : "always");
	if (options->migration_mode == MIGRATE_FILE_HANDLES && options->migration_confirm_paths)
		return option_fail(ret_error, "--migration-confirm-paths cannot be used with --migration-mode=file-handles: "
					      "there are no paths");
	if (options->migration_mode == MIGRATE_FILE_HANDLES && options->migration_verify_handles)
		return option_fail(ret_error, "--migration-verify-handles cannot be used with --migration-mode=file-handles: "
					      "handles need no check");
	if (options->sandbox != SANDBOX_NAMESPACE && (options->uid_map.count || options->gid_map.count))
		return option_fail(ret_error, "--uid-map and --gid-map need --sandbox=namespace: they are made by a user namespace");
	return 0;
}

int viofsd_options_read(struct viofsd_options *options, int argument_count, char *const *arguments,
			struct option_error *ret_error)
{
	char reason[CAPABILITIES_ERROR_MAX];
	int result = option_read(viofsd_option_table, viofsd_option_count, argument_count, arguments, options, ret_error);

	if (result != 0)
		return result < 0 ? result : 0;
	result = viofsd_legacy_apply(options, ret_error);
	if (result < 0 || options->action != VIOFSD_SERVE)
		return result;

	result = read_maps(&options->uid_map_given, "--uid-map", &options->uid_map, ret_error);
	if (result == 0)
		result = read_maps(&options->gid_map_given, "--gid-map", &options->gid_map, ret_error);
	if (result < 0)
		return result;
	if (options->modcaps_given && capabilities_parse(options->modcaps_given, &options->modcaps, reason) < 0)
		return option_fail(ret_error, "--modcaps: '%.128s' is not allowed: %s", options->modcaps_given, reason);

	options->file_handles = options->file_handles_given == HANDLES_FALLBACK ?
					PASSTHROUGH_HANDLES_PREFER :
					(enum passthrough_file_handles)options->file_handles_given;
	if (options->xattrmap || options->session.posix_acl != SESSION_NEVER ||
	    options->session.security_label != SESSION_NEVER)
		options->session.xattr = true;
	if (options->legacy_debug)
		options->log_level = LOG_LEVEL_DEBUG;
	options->session.readonly = options->readonly;
	options->session.pool_all = options->thread_pool_size > 0;
	return check(options, ret_error);
}

void viofsd_options_warn(const struct viofsd_options *options)
{
	if (options->legacy_foreground)
		log_warn("-f has no effect; please leave it out");
	if (options->legacy_debug)
		log_warn("-d is deprecated; please use --log-level debug");
	if (options->legacy.count)
		log_warn("-o is deprecated; please use the options that begin with '--', as --cache auto instead of -o cache=auto");
	if (options->socket_deprecated)
		log_warn("--socket is deprecated; please use --socket-path");
	if (options->file_handles_given == HANDLES_FALLBACK)
		log_warn("--inode-file-handles=fallback is deprecated; please use --inode-file-handles=prefer");
	if (options->migration_given)
		log_warn("the --migration-... options have no effect: viofsd does not migrate yet");
}
