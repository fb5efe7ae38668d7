/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: */
#include "cmd/stack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "fs/filter/readonly.h"
#include "fs/filter/translate.h"
#include "fs/filter/xattrmap.h"
#include "fs/memory/memory.h"
#include "fs/passthrough/passthrough.h"

static int read_idmap(const struct option_list *given, const char *option, struct idmap **ret_map,
		      struct option_error *ret_error)
{
	char reason[IDMAP_MESSAGE_MAX];
	struct idmap *map;

	if (given->count == 0)
		return 0;
	int result = idmap_new(&map);
	for (size_t i = 0; result == 0 && i < given->count; i++) {
		result = idmap_add(map, given->items[i], reason);
		if (result == -EINVAL)
			option_fail(ret_error, "%s: '%.128s' is not allowed: %s", option, given->items[i], reason);
		if (result < 0)
			idmap_free(map);
	}
	if (result == 0)
		*ret_map = map;
	return result;
}

int stack_rules_read(const struct viofsd_options *options, struct stack_rules *ret_rules, struct option_error *ret_error)
{
	char reason[XATTRRULES_MESSAGE_MAX];
	struct stack_rules rules = { 0 };
	int result = 0;

	option_fail(ret_error, "out of memory");
	if (options->xattrmap) {
		result = xattrrules_parse(options->xattrmap, &rules.xattrs, reason);
		if (result == -EINVAL)
			option_fail(ret_error, "--xattrmap: the rules are not allowed: %s", reason);
	}
	if (result == 0)
		result = read_idmap(&options->translate_uid, "--translate-uid", &rules.users, ret_error);
	if (result == 0)
		result = read_idmap(&options->translate_gid, "--translate-gid", &rules.groups, ret_error);
	if (result < 0) {
		stack_rules_fini(&rules);
		return result;
	}
	*ret_rules = rules;
	return 0;
}

void stack_rules_fini(struct stack_rules *rules)
{
	xattrrules_free(rules->xattrs);
	idmap_free(rules->users);
	idmap_free(rules->groups);
	*rules = (struct stack_rules){ 0 };
}

static int open_passthrough(const struct viofsd_options *options, const struct sandbox *sandbox, struct fs **ret_fs)
{
	struct passthrough_config config = {
		.root_fd = sandbox->root_fd,
		.proc_self_fd = sandbox->proc_self_fd,
		.file_handles = options->file_handles,
		.fd_cache = options->fd_cache,
		.announce_submounts = options->session.announce_submounts,
		.allow_direct_io = options->session.allow_direct_io,
		.preserve_noatime = options->preserve_noatime,
		.all_ids = sandbox->all_ids,
	};
	int result = passthrough_new(&config, ret_fs);

	if (result == -EOPNOTSUPP)
		log_error("--inode-file-handles=mandatory: the file system of '%s' has no file handles, or CAP_DAC_READ_SEARCH is "
			  "lacking; use --inode-file-handles=prefer", options->shared_dir);
	else if (result < 0)
		log_error("cannot share '%s': %s", options->shared_dir, strerror(-result));
	return result;
}

static int open_memory(const struct viofsd_options *options, const struct sandbox *sandbox, struct fs **ret_fs)
{
	struct memory_config config = { 0 };
	struct fs *fs;
	int result = memory_new(&config, &fs);

	if (result < 0 || sandbox->root_fd < 0) {
		*ret_fs = fs;
		return result;
	}
	_cleanup_fd_ int directory = openat(sandbox->root_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	result = directory < 0 ? -errno : memory_load(fs, directory);
	if (result < 0) {
		log_error("cannot copy '%s' into memory: %s", options->shared_dir, strerror(-result));
		fs_free(fs);
		return result;
	}
	*ret_fs = fs;
	return 0;
}

static int add_filters(const struct viofsd_options *options, struct stack_rules *rules, struct fs **fs)
{
	int result = 0;

	if (rules->xattrs) {
		result = xattrmap_new(*fs, rules->xattrs, fs);
		if (result == 0)
			rules->xattrs = NULL;
	}
	if (result == 0 && (rules->users || rules->groups)) {
		result = translate_new(*fs, rules->users, rules->groups, fs);
		if (result == 0)
			rules->users = rules->groups = NULL;
	}
	if (result == 0 && options->readonly)
		result = readonly_new(*fs, fs);
	if (result < 0)
		log_error("cannot stack the filters: %s", strerror(-result));
	return result;
}

int stack_new(const struct viofsd_options *options, const struct sandbox *sandbox, struct stack_rules *rules,
	      struct fs **ret_fs)
{
	struct fs *fs = NULL;
	int result = options->backend == VIOFSD_BACKEND_MEMORY ?
			     open_memory(options, sandbox, &fs) :
			     open_passthrough(options, sandbox, &fs);

	if (result < 0)
		return result;
	result = add_filters(options, rules, &fs);
	if (result < 0) {
		fs_free(fs);
		return result;
	}
	*ret_fs = fs;
	return 0;
}
