/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The options of -o, as the implementation that came with QEMU had them and virtiofsd still takes them. They are applied
 * behind all others, in their order. Beyond virtiofsd's we take those of the old one that do no harm.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "cmd/options.h"

struct legacy_word {
	const char *name;
	int (*apply)(struct viofsd_options *options, const char *value);
};

static int set_source(struct viofsd_options *options, const char *value)
{
	options->shared_dir = value;
	return 0;
}

static int set_modcaps(struct viofsd_options *options, const char *value)
{
	options->modcaps_given = value;
	return 0;
}

static int set_xattrmap(struct viofsd_options *options, const char *value)
{
	options->xattrmap = value;
	return 0;
}

static int set_timeout(struct viofsd_options *options, const char *value)
{
	int result = option_parse_seconds(value, &options->session.entry_timeout_ns);

	options->session.attr_timeout_ns = options->session.entry_timeout_ns;
	return result;
}

/* Words with a value that is one of some; the old spelling of "never" is "none". */
struct legacy_choice {
	const char *option, *word;
	size_t offset;
	int value;
};
#define CHOICE(option, word, field, value) { option, word, offsetof(struct viofsd_options, field), value }
static const struct legacy_choice choices[] = {
	CHOICE("cache", "auto", session.cache, SESSION_CACHE_AUTO),
	CHOICE("cache", "always", session.cache, SESSION_CACHE_ALWAYS),
	CHOICE("cache", "none", session.cache, SESSION_CACHE_NEVER),
	CHOICE("cache", "metadata", session.cache, SESSION_CACHE_METADATA),
	CHOICE("sandbox", "namespace", sandbox, SANDBOX_NAMESPACE),
	CHOICE("sandbox", "chroot", sandbox, SANDBOX_CHROOT),
	CHOICE("loglevel", "err", log_level, LOG_LEVEL_ERROR),
	CHOICE("loglevel", "warn", log_level, LOG_LEVEL_WARN),
	CHOICE("loglevel", "info", log_level, LOG_LEVEL_INFO),
	CHOICE("loglevel", "debug", log_level, LOG_LEVEL_DEBUG),
	CHOICE("log_level", "err", log_level, LOG_LEVEL_ERROR),
	CHOICE("log_level", "warn", log_level, LOG_LEVEL_WARN),
	CHOICE("log_level", "info", log_level, LOG_LEVEL_INFO),
	CHOICE("log_level", "debug", log_level, LOG_LEVEL_DEBUG),
};

static const struct legacy_word values[] = {
	{ "source", set_source },
	{ "modcaps", set_modcaps },
	{ "xattrmap", set_xattrmap },
	{ "timeout", set_timeout },
};

/* Flags, each with its "no_" form when it has one. */
struct legacy_flag {
	const char *name;
	bool negatable;
	size_t offset; /* of a bool */
};
#define FLAG(name, field) { name, true, offsetof(struct viofsd_options, field) }
static const struct legacy_flag flags[] = {
	FLAG("xattr", session.xattr),
	FLAG("readdirplus", session.readdirplus),
	FLAG("writeback", session.writeback),
	FLAG("allow_direct_io", session.allow_direct_io),
	FLAG("killpriv_v2", session.killpriv_v2),
	FLAG("announce_submounts", session.announce_submounts),
	FLAG("flock", session.flock_locks),
	FLAG("posix_lock", session.posix_locks),
};

static int apply_flag(struct viofsd_options *options, const char *word)
{
	bool on = strncmp(word, "no_", 3) != 0;
	const char *name = on ? word : word + 3;

	if (strcmp(name, "posix_acl") == 0) {
		options->session.posix_acl = on ? SESSION_ALWAYS : SESSION_NEVER;
		return 0;
	}
	if (strcmp(name, "security_label") == 0) {
		options->session.security_label = on ? SESSION_ALWAYS : SESSION_NEVER;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (strcmp(flags[i].name, name) != 0 || (!on && !flags[i].negatable))
			continue;
		*(bool *)((char *)options + flags[i].offset) = on;
		return 0;
	}
	return -ENOENT;
}

static int fail_word(const char *word, struct option_error *ret_error)
{
	const char *names[ARRAY_SIZE(flags) + ARRAY_SIZE(values) + 4] = { "cache", "sandbox", "loglevel", "posix_acl" };
	size_t count = 4;

	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		names[count++] = flags[i].name;
	for (size_t i = 0; i < ARRAY_SIZE(values); i++)
		names[count++] = values[i].name;
	const char *nearest = option_nearest(word, names, count);
	return option_fail(ret_error, "-o: unknown option '%.128s'%s%s%s", word, nearest ? "; did you mean '" : "",
			   nearest ? nearest : "", nearest ? "'?" : "");
}

static int apply_value(struct viofsd_options *options, const char *name, const char *value, struct option_error *ret_error)
{
	char allowed[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		if (strcmp(values[i].name, name) != 0)
			continue;
		if (values[i].apply(options, value) < 0)
			return option_fail(ret_error, "-o %s: '%.128s' is not allowed; a number of seconds is", name, value);
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(choices); i++) {
		if (strcmp(choices[i].option, name) != 0)
			continue;
		if (strcmp(choices[i].word, value) == 0) {
			*(int *)(void *)((char *)options + choices[i].offset) = choices[i].value;
			return 0;
		}
		used += (size_t)snprintf(allowed + used, sizeof(allowed) - used, "%s%s", used ? ", " : "", choices[i].word);
	}
	if (used)
		return option_fail(ret_error, "-o %s: '%.128s' is not allowed; %s are", name, value, allowed);
	return fail_word(name, ret_error);
}

/* One word, which this may cut at its '='. */
static int apply_word(struct viofsd_options *options, char *word, struct option_error *ret_error)
{
	char *equals = strchr(word, '=');

	if (!equals) {
		if (apply_flag(options, word) < 0)
			return fail_word(word, ret_error);
		return 0;
	}
	*equals = '\0';
	return apply_value(options, word, equals + 1, ret_error);
}

/* Where the words go, so that values taken from them live as long as the options. */
static const struct option owned_words = { .offset = offsetof(struct viofsd_options, legacy_words) };

static int apply_line(struct viofsd_options *options, const char *line, struct option_error *ret_error)
{
	for (;;) {
		size_t length = strcspn(line, ",");
		_cleanup_free_ char *copy = strndup(line, length);

		if (!copy || option_set_list(&owned_words, copy, options, ret_error) < 0) {
			option_fail(ret_error, "out of memory");
			return -ENOMEM;
		}
		int result = apply_word(options, take_pointer(copy), ret_error);
		if (result < 0 || !line[length])
			return result;
		line += length + 1;
	}
}

int viofsd_legacy_apply(struct viofsd_options *options, struct option_error *ret_error)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < options->legacy.count; i++)
		result = apply_line(options, options->legacy.items[i], ret_error);
	return result;
}
