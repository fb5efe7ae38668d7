/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/option.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define NANOSECONDS 1000000000ull
#define SECONDS_MAX (100ull * 365 * 24 * 3600)
#define SUGGEST_MAX 64u

int option_fail(struct option_error *ret_error, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(ret_error->text, sizeof(ret_error->text), format, arguments);
	va_end(arguments);
	return -EINVAL;
}

void option_list_fini(struct option_list *list)
{
	free(list->items);
	*list = (struct option_list){ 0 };
}

const char *option_spelled(const struct option *option, char buffer[static OPTION_SPELLED_MAX])
{
	if (option->name)
		snprintf(buffer, OPTION_SPELLED_MAX, "--%s", option->name);
	else
		snprintf(buffer, OPTION_SPELLED_MAX, "-%c", option->letter);
	return buffer;
}

/* The number of letters to insert, drop, change or swap to make one word of the other. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][SUGGEST_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];
	size_t length_a = strlen(a), length_b = strlen(b);

	if (length_a > SUGGEST_MAX || length_b > SUGGEST_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= length_b; j++)
		above[j] = j;
	for (size_t i = 1; i <= length_a; i++) {
		row[0] = i;
		for (size_t j = 1; j <= length_b; j++) {
			size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);
			size_t shift = MIN(above[j], row[j - 1]) + 1;

			row[j] = MIN(shift, change);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = MIN(row[j], before[j - 2] + 1);
		}
		size_t *oldest = before;
		before = above;
		above = row;
		row = oldest;
	}
	return above[length_b];
}

const char *option_nearest(const char *word, const char *const *words, size_t count)
{
	const char *nearest = NULL;
	/* More than a third of the letters wrong is no typing mistake. */
	size_t limit = MAX(strlen(word) / 3, (size_t)1) + 1;

	for (size_t i = 0; i < count; i++) {
		size_t far = words[i] ? distance(word, words[i]) : SIZE_MAX;

		/* A word begun and not ended is near as well. */
		if (words[i] && strlen(word) >= 4 && strncmp(word, words[i], strlen(word)) == 0)
			far = MIN(far, (size_t)1);
		if (far < limit) {
			limit = far;
			nearest = words[i];
		}
	}
	return nearest;
}

int option_set_true(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	*(bool *)((char *)target + option->offset) = true;
	return 0;
}

int option_set_false(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	*(bool *)((char *)target + option->offset) = false;
	return 0;
}

int option_set_constant(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	*(int *)((char *)target + option->offset) = option->constant;
	return 0;
}

int option_set_string(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	*(const char **)((char *)target + option->offset) = value;
	return 0;
}

int option_set_list(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	struct option_list *list = (struct option_list *)(void *)((char *)target + option->offset);
	const char **items = reallocarray(list->items, list->count + 1, sizeof(items[0]));

	if (!items) {
		option_fail(ret_error, "out of memory");
		return -ENOMEM;
	}
	items[list->count++] = value;
	list->items = items;
	return 0;
}

int option_parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *ret_number)
{
	uint64_t number = 0;

	if (!*text)
		return -EINVAL;
	for (const char *at = text; *at; at++) {
		if (*at < '0' || *at > '9')
			return -EINVAL;
	}
	for (const char *at = text; *at; at++) {
		if (__builtin_mul_overflow(number, 10u, &number) ||
		    __builtin_add_overflow(number, (uint64_t)(*at - '0'), &number))
			return -ERANGE;
	}
	if (number < minimum || number > maximum)
		return -ERANGE;
	*ret_number = number;
	return 0;
}

int option_parse_seconds(const char *text, uint64_t *ret_nanoseconds)
{
	uint64_t seconds = 0, nanoseconds = 0, unit = NANOSECONDS / 10;
	const char *at = text;

	if (!strpbrk(text, "0123456789"))
		return -EINVAL;
	for (; *at >= '0' && *at <= '9'; at++) {
		seconds = seconds * 10 + (uint64_t)(*at - '0');
		if (seconds > SECONDS_MAX)
			return -ERANGE;
	}
	if (*at == '.') {
		for (at++; *at >= '0' && *at <= '9'; at++, unit /= 10)
			nanoseconds += (uint64_t)(*at - '0') * unit;
	}
	if (*at)
		return -EINVAL;
	*ret_nanoseconds = seconds * NANOSECONDS + nanoseconds;
	return 0;
}

int option_set_number(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	char spelled[OPTION_SPELLED_MAX];
	int result = option_parse_number(value, option->minimum, option->maximum,
					 (uint64_t *)(void *)((char *)target + option->offset));

	if (result < 0)
		return option_fail(ret_error, "%s: '%s' is not allowed; a whole number from %llu to %llu is",
				   option_spelled(option, spelled), value, (unsigned long long)option->minimum,
				   (unsigned long long)option->maximum);
	return 0;
}

int option_set_seconds(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	char spelled[OPTION_SPELLED_MAX];
	int result = option_parse_seconds(value, (uint64_t *)(void *)((char *)target + option->offset));

	if (result < 0)
		return option_fail(ret_error,
				   "%s: '%s' is not allowed; a number of seconds is, with or without a fraction (1, 0.5)",
				   option_spelled(option, spelled), value);
	return 0;
}

static void list_choices(const struct option_choice *choices, char *to, size_t size)
{
	size_t used = 0;

	to[0] = '\0';
	for (const struct option_choice *choice = choices; choice->name && used < size; choice++) {
		if (!choice->hidden)
			used += (size_t)snprintf(to + used, size - used, "%s%s", used ? ", " : "", choice->name);
	}
}

int option_set_choice(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	int *field = (int *)(void *)((char *)target + option->offset);
	const char *names[16];
	char spelled[OPTION_SPELLED_MAX], allowed[160];
	size_t count = 0;

	if (!value) {
		*field = option->constant;
		return 0;
	}
	for (const struct option_choice *choice = option->choices; choice->name; choice++) {
		if (strcasecmp(choice->name, value) == 0) {
			*field = choice->value;
			return 0;
		}
		if (count < ARRAY_SIZE(names))
			names[count++] = choice->name;
	}
	list_choices(option->choices, allowed, sizeof(allowed));
	const char *nearest = option_nearest(value, names, count);
	return option_fail(ret_error, "%s: '%s' is not allowed; %s are%s%s%s", option_spelled(option, spelled), value, allowed,
			   nearest ? " (did you mean '" : "", nearest ? nearest : "", nearest ? "'?)" : "");
}

static int fail_unknown(const struct option *options, size_t count, const char *given, struct option_error *ret_error)
{
	const char *names[128];
	char word[SUGGEST_MAX + 1];
	size_t names_count = 0;

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(given + 2, "="), given + 2);
	for (size_t i = 0; i < count && names_count < ARRAY_SIZE(names); i++) {
		if (options[i].name)
			names[names_count++] = options[i].name;
	}
	const char *nearest = option_nearest(word, names, names_count);
	if (nearest)
		return option_fail(ret_error, "unknown option '%.128s'; did you mean '--%s'?", given, nearest);
	return option_fail(ret_error, "unknown option '%.128s'", given);
}

/* Where reading stands. */
struct reading {
	const struct option *options;
	size_t count;
	char *const *arguments;
	int argument_count;
	int at; /* the next argument */
	void *target;
	struct option_error *error;
};

/* Takes the next argument as the value of option. */
static int take_value(struct reading *reading, const struct option *option, const char **ret_value)
{
	char spelled[OPTION_SPELLED_MAX];

	option_spelled(option, spelled);
	if (reading->at >= reading->argument_count)
		return option_fail(reading->error, "%s needs a value: %s <%s>", spelled, spelled, option->value_name);

	const char *value = reading->arguments[reading->at];
	if (value[0] == '-' && value[1])
		return option_fail(reading->error, "%s needs a value, but '%s' follows; a value that begins with a dash is written %s%s%s",
				   spelled, value, spelled, option->name ? "=" : "", value);
	reading->at++;
	*ret_value = value;
	return 0;
}

static int read_long(struct reading *reading, const char *argument)
{
	const char *equals = strchr(argument, '=');
	size_t length = equals ? (size_t)(equals - argument - 2) : strlen(argument + 2);
	const char *value = equals ? equals + 1 : NULL;
	const struct option *option = NULL;

	for (size_t i = 0; i < reading->count && !option; i++) {
		const char *name = reading->options[i].name;
		if (name && strlen(name) == length && strncmp(name, argument + 2, length) == 0)
			option = &reading->options[i];
	}
	if (!option)
		return fail_unknown(reading->options, reading->count, argument, reading->error);
	if (value && option->takes == OPTION_FLAG)
		return option_fail(reading->error, "--%s takes no value, but '%s' was given", option->name, value);
	if (!value && option->takes == OPTION_EQUALS)
		return option_fail(reading->error, "--%s needs a value behind an equals sign: --%s=<%s>", option->name,
				   option->name, option->value_name);
	if (!value && option->takes == OPTION_VALUE) {
		int result = take_value(reading, option, &value);
		if (result < 0)
			return result;
	}
	return option->set(option, value, reading->target, reading->error);
}

static int read_letters(struct reading *reading, const char *argument)
{
	for (const char *at = argument + 1; *at; at++) {
		const struct option *option = NULL;
		const char *value = NULL;

		for (size_t i = 0; i < reading->count && !option; i++) {
			if (reading->options[i].letter == *at)
				option = &reading->options[i];
		}
		if (!option)
			return option_fail(reading->error, "unknown option '-%c' in '%.128s'", *at, argument);
		if (option->takes != OPTION_FLAG) {
			value = at + 1;
			if (*value == '=')
				value++;
			if (!*value) {
				int result = take_value(reading, option, &value);
				if (result < 0)
					return result;
			}
		}
		int result = option->set(option, value, reading->target, reading->error);
		if (result != 0 || value)
			return result;
	}
	return 0;
}

int option_read(const struct option *options, size_t count, int argument_count, char *const *arguments, void *target,
		struct option_error *ret_error)
{
	struct reading reading = { options, count, arguments, argument_count, 1, target, ret_error };
	bool ended = false;

	while (reading.at < argument_count) {
		const char *argument = arguments[reading.at++];
		int result;

		if (ended || argument[0] != '-' || !argument[1])
			return option_fail(ret_error, "unexpected argument '%.256s'", argument);
		if (strcmp(argument, "--") == 0) {
			ended = true;
			continue;
		}
		result = argument[1] == '-' ? read_long(&reading, argument) : read_letters(&reading, argument);
		if (result != 0)
			return result;
	}
	return 0;
}
