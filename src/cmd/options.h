/* SPDX-License-Identifier: BSD-3-Clause */
/* What viofsd can be told on its command line. */
#ifndef VIOFS_CMD_OPTIONS_H
#define VIOFS_CMD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "cmd/option.h"
#include "fs/passthrough/passthrough.h"
#include "sandbox/capabilities.h"
#include "sandbox/nsmap.h"
#include "sandbox/sandbox.h"
#include "sandbox/seccomp.h"
#include "session/session.h"

/* Request queues that drivers are told of unless said otherwise, as virtiofsd does. */
#define REQUEST_QUEUES_DEFAULT 1u
#define REQUEST_QUEUES_MAX 255u
/* Bytes of config space's tag. */
#define TAG_MAX 36u
#define THREAD_POOL_MAX 4096u
/* Descriptors the daemon needs for itself: sockets, rings, memory regions. Below this, starting is pointless. */
#define OPEN_FILES_MINIMUM 256u

enum viofsd_action {
	VIOFSD_SERVE,
	VIOFSD_HELP_SHORT,
	VIOFSD_HELP_LONG,
	VIOFSD_VERSION,
	VIOFSD_CAPABILITIES,
};

enum viofsd_backend {
	VIOFSD_BACKEND_PASSTHROUGH,
	VIOFSD_BACKEND_MEMORY,
};

struct viofsd_options {
	enum viofsd_action action;

	const char *shared_dir;
	const char *tag; /* NULL: none told */
	enum viofsd_backend backend;
	bool readonly;

	const char *socket_path; /* also what the deprecated --socket gave */
	bool socket_deprecated;
	const char *socket_given; /* --socket */
	const char *socket_group;
	uint64_t fd; /* UINT64_MAX: none */
	uint64_t request_queues;
	bool exit_on_disconnect;

	struct session_config session;
	const char *xattrmap;
	struct option_list translate_uid, translate_gid;

	enum passthrough_file_handles file_handles;
	int file_handles_given; /* as the option stores it, with the deprecated word apart */
	uint64_t fd_cache;
	bool preserve_noatime;
	uint64_t thread_pool_size;
	uint64_t rlimit_nofile; /* LIMITS_OPEN_FILES_AUTO: not given */

	enum sandbox_mode sandbox;
	struct option_list uid_map_given, gid_map_given;
	struct nsmap uid_map, gid_map;
	enum seccomp_on_other seccomp;
	const char *modcaps_given;
	struct capabilities_changes modcaps;
	bool landlock;

	enum log_level log_level;
	bool syslog;

	struct option_list legacy; /* the value of each -o */
	struct option_list legacy_words; /* cut at the commas; owned */
	bool legacy_debug, legacy_foreground;
	int migration_mode, migration_on_error;
	bool migration_verify_handles, migration_confirm_paths;
	bool migration_given;
};

/* The table, for --help. */
extern const struct option viofsd_option_table[];
extern const size_t viofsd_option_count;

/* What holds when nothing is said. */
void viofsd_options_init(struct viofsd_options *options);
void viofsd_options_fini(struct viofsd_options *options);

/*
 * Reads the command line, -o included, and checks that what was said fits together. 0, or -EINVAL or -ENOMEM with the sentence
 * for the user in *ret_error. When options->action is not VIOFSD_SERVE nothing has been checked.
 */
int viofsd_options_read(struct viofsd_options *options, int argument_count, char *const *arguments,
			struct option_error *ret_error);

/* Says what was deprecated or has no effect, through the log. */
void viofsd_options_warn(const struct viofsd_options *options);

/* Applies the options that -o had (legacy.c). */
int viofsd_legacy_apply(struct viofsd_options *options, struct option_error *ret_error);

/* What --print-capabilities says: JSON as QEMU's docs/interop/vhost-user.json has it. */
extern const char viofsd_capabilities_json[];

#endif
