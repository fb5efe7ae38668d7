/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/filter/xattrrules.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"

enum rule_type {
	RULE_PREFIX,
	RULE_OK,
	RULE_BAD,
	RULE_UNSUPPORTED,
	RULE_MAP, /* as written; never in a parsed set */
};
static const char *const type_names[] = { "prefix", "ok", "bad", "unsupported", "map" };

enum rule_scope {
	SCOPE_CLIENT = 1,
	SCOPE_SERVER = 2,
	SCOPE_ALL = SCOPE_CLIENT | SCOPE_SERVER,
};

/* A part of the rules' text. */
struct slice {
	const char *text;
	size_t length;
};

struct rule {
	enum rule_type type;
	enum rule_scope scope;
	struct slice key;
	struct slice prepend;
};

struct xattrrules {
	char *text; /* what the slices point into */
	struct rule *rules;
	size_t count;
};

static bool slice_is(struct slice slice, const char *text)
{
	return slice.length == strlen(text) && memcmp(slice.text, text, slice.length) == 0;
}

static bool begins_with(const char *name, struct slice prefix)
{
	return strncmp(name, prefix.text, prefix.length) == 0;
}

static int complain(char *message, const char *format, ...) PRINTF_LIKE(2, 3);
static int complain(char *message, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, XATTRRULES_MESSAGE_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* Appends a rule; -ENOMEM. */
static int add(struct xattrrules *set, enum rule_type type, enum rule_scope scope, struct slice key,
	       struct slice prepend)
{
	struct rule *rules = reallocarray(set->rules, set->count + 1, sizeof(*rules));

	if (!rules)
		return -ENOMEM;
	rules[set->count++] = (struct rule){ .type = type, .scope = scope, .key = key, .prepend = prepend };
	set->rules = rules;
	return 0;
}

static int add_map(struct xattrrules *set, struct slice key, struct slice prepend)
{
	const struct slice any = { "", 0 };
	int result = add(set, RULE_PREFIX, SCOPE_ALL, key, prepend);

	if (key.length == 0)
		return result < 0 ? result : add(set, RULE_BAD, SCOPE_ALL, any, any);
	/* Crosswise: the guest must not name what it could reach by another name, nor see what it could not. */
	if (result == 0)
		result = add(set, RULE_BAD, SCOPE_ALL, prepend, key);
	return result < 0 ? result : add(set, RULE_OK, SCOPE_ALL, any, any);
}

/* Takes one field and its separator off *text. */
static int take_field(const char **text, char separator, struct slice *ret_field)
{
	const char *end = strchr(*text, separator);

	if (!end)
		return -EINVAL;
	*ret_field = (struct slice){ *text, (size_t)(end - *text) };
	*text = end + 1;
	return 0;
}

static int parse_type(struct slice field, enum rule_type *ret_type)
{
	for (size_t i = 0; i < ARRAY_SIZE(type_names); i++) {
		if (slice_is(field, type_names[i])) {
			*ret_type = (enum rule_type)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int parse_scope(struct slice field, enum rule_scope *ret_scope)
{
	if (slice_is(field, "all"))
		*ret_scope = SCOPE_ALL;
	else if (slice_is(field, "client"))
		*ret_scope = SCOPE_CLIENT;
	else if (slice_is(field, "server"))
		*ret_scope = SCOPE_SERVER;
	else
		return -EINVAL;
	return 0;
}

static int incomplete(unsigned int number, const char *field, char separator, char *message)
{
	return complain(message,
			"Rule %u lacks its %s or the '%c' that ends it; a rule is %cTYPE%cSCOPE%cKEY%cPREPEND%c or "
			"%cmap%cKEY%cPREPEND%c.",
			number, field, separator, separator, separator, separator, separator, separator, separator,
			separator, separator, separator);
}

/* Parses the rule at *text, which is its separator, and moves on behind it. */
static int parse_rule(struct xattrrules *set, unsigned int number, const char **text, char *message)
{
	const char separator = *(*text)++;
	struct slice field, key, prepend;
	enum rule_type type;
	enum rule_scope scope = SCOPE_ALL;

	if (take_field(text, separator, &field) < 0)
		return incomplete(number, "type", separator, message);
	if (parse_type(field, &type) < 0)
		return complain(message, "Rule %u has type \"%.*s\"; it must be prefix, ok, bad, unsupported or map.",
				number, (int)MIN(field.length, (size_t)40), field.text);
	if (type != RULE_MAP) {
		if (take_field(text, separator, &field) < 0)
			return incomplete(number, "scope", separator, message);
		if (parse_scope(field, &scope) < 0)
			return complain(message, "Rule %u has scope \"%.*s\"; it must be client, server or all.",
					number, (int)MIN(field.length, (size_t)40), field.text);
	}
	if (take_field(text, separator, &key) < 0)
		return incomplete(number, "key", separator, message);
	if (take_field(text, separator, &prepend) < 0)
		return incomplete(number, "prepend", separator, message);
	if (type != RULE_MAP)
		return add(set, type, scope, key, prepend);
	if (**text)
		return complain(message,
				"Rule %u is of type map and is not the last; it must be, for it matches everything.",
				number);
	return add_map(set, key, prepend);
}

/* Whether some rule decides about every name of the guest. */
static bool is_complete(const struct xattrrules *set)
{
	for (size_t i = 0; i < set->count; i++) {
		if (set->rules[i].scope & SCOPE_CLIENT && set->rules[i].key.length == 0)
			return true;
	}
	return false;
}

static void skip_space(const char **text)
{
	while (isspace((unsigned char)**text))
		(*text)++;
}

static int parse(struct xattrrules *set, char *message)
{
	const char *text = set->text;

	for (unsigned int number = 1; skip_space(&text), *text; number++) {
		int result = parse_rule(set, number, &text, message);

		if (result < 0)
			return result;
	}
	if (set->count == 0)
		return complain(message,
				"There is no rule; \":ok:all:::\" changes nothing, \":map::user.virtiofs.:\" keeps "
				"all attributes under user.virtiofs.");
	if (!is_complete(set))
		return complain(message, "The rules say nothing about some names that the guest may give; end them "
					 "with \":bad:all:::\" or \":ok:all:::\".");
	return 0;
}

int xattrrules_parse(const char *text, struct xattrrules **ret_rules, char message[static XATTRRULES_MESSAGE_MAX])
{
	struct xattrrules *set = calloc(1, sizeof(*set));
	int result = -ENOMEM;

	complain(message, "There is no memory for the rules.");
	if (set)
		set->text = strdup(text);
	if (set && set->text) {
		/* White space at the end would make a map rule look as if something followed it. */
		for (size_t length = strlen(text); length && isspace((unsigned char)text[length - 1]); length--)
			set->text[length - 1] = 0;
		result = parse(set, message);
	}
	if (result < 0)
		xattrrules_free(set);
	else
		*ret_rules = set;
	return result;
}

void xattrrules_free(struct xattrrules *set)
{
	if (!set)
		return;
	free(set->rules);
	free(set->text);
	free(set);
}

int xattrrules_to_host(const struct xattrrules *set, const char *name, char buffer[static XATTRRULES_NAME_SIZE],
		       const char **ret_name)
{
	const struct rule *rule = set->rules;
	size_t length = strlen(name);

	while (!(rule->scope & SCOPE_CLIENT && begins_with(name, rule->key)))
		rule++; /* to the one that matches everything, at the latest */
	switch (rule->type) {
	case RULE_BAD:
		return -EPERM;
	case RULE_UNSUPPORTED:
		return -EOPNOTSUPP;
	case RULE_PREFIX:
		if (rule->prepend.length + length >= XATTRRULES_NAME_SIZE)
			return -ERANGE;
		memcpy(buffer, rule->prepend.text, rule->prepend.length);
		memcpy(buffer + rule->prepend.length, name, length + 1);
		*ret_name = buffer;
		return 0;
	default:
		*ret_name = name;
		return 0;
	}
}

const char *xattrrules_to_guest(const struct xattrrules *set, const char *name)
{
	for (size_t i = 0; i < set->count; i++) {
		const struct rule *rule = &set->rules[i];

		if (!(rule->scope & SCOPE_SERVER && begins_with(name, rule->prepend)))
			continue;
		if (rule->type == RULE_OK)
			return name;
		if (rule->type == RULE_PREFIX && name[rule->prepend.length])
			return name + rule->prepend.length;
		return NULL;
	}
	return NULL;
}
