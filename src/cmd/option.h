/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Command lines read by a table: each option says how it is spelled, what it is for, and where its value goes.
 * The same table is what --help prints, so neither can forget the other.
 *
 * Spelling follows the common habits: --name value, --name=value, -x value, -xvalue, flags in a bunch (-df), "--" at
 * the end. The last of several wins, unless the option collects. Abbreviations are not taken. A value that begins with
 * a dash must be given with "=", so that a forgotten value never swallows the next option.
 */
#ifndef VIOFS_CMD_OPTION_H
#define VIOFS_CMD_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

#define OPTION_ERROR_MAX 512u

/* The sentence for the user when something was wrong: option, what was given, what is allowed. */
struct option_error {
	char text[OPTION_ERROR_MAX];
};

enum option_takes {
	OPTION_FLAG, /* --name */
	OPTION_VALUE, /* --name value or --name=value */
	OPTION_EQUALS, /* --name=value only */
	OPTION_MAYBE, /* --name or --name=value */
};

/* One of several words; the names compare without regard to case. */
struct option_choice {
	const char *name; /* NULL ends the list */
	int value;
	bool hidden; /* accepted, but not told to the user */
};

struct option {
	const char *name; /* without dashes; NULL when there is only a letter */
	char letter; /* 0: none */
	enum option_takes takes;
	const char *value_name; /* for --help: "PATH" */
	const char *group; /* heading in --help; options of a group stand together in the table */
	const char *summary; /* one line */
	const char *details; /* more paragraphs for --help, separated by "\n\n", or NULL */
	const char *standard; /* what holds without the option, for --help; or NULL */

	/*
	 * Stores value (NULL when none was given) in target. 0, a positive number to end reading in good order, or
	 * -errno with *ret_error filled.
	 */
	int (*set)(const struct option *option, const char *value, void *target, struct option_error *ret_error);
	size_t offset; /* of the field in target */
	const struct option_choice *choices; /* for option_set_choice() */
	uint64_t minimum, maximum; /* for option_set_number(), inclusive */
	int constant; /* what option_set_constant() stores, what option_set_choice() stores when no value was given */
};

/* A growing list of words, borrowed from the command line. */
struct option_list {
	const char **items;
	size_t count;
};

void option_list_fini(struct option_list *list);

/* Setters. The field is, in this order: bool, bool, const char *, uint64_t, int, int, struct option_list, uint64_t. */
int option_set_true(const struct option *, const char *value, void *target, struct option_error *ret_error);
int option_set_false(const struct option *, const char *value, void *target, struct option_error *ret_error);
int option_set_string(const struct option *, const char *value, void *target, struct option_error *ret_error);
int option_set_number(const struct option *, const char *value, void *target, struct option_error *ret_error);
int option_set_choice(const struct option *, const char *value, void *target, struct option_error *ret_error);
int option_set_constant(const struct option *, const char *value, void *target, struct option_error *ret_error);
int option_set_list(const struct option *, const char *value, void *target, struct option_error *ret_error);
/* Seconds with a fraction, kept as nanoseconds. */
int option_set_seconds(const struct option *, const char *value, void *target, struct option_error *ret_error);

/* Parses a whole number in decimal; -EINVAL for anything else, -ERANGE outside minimum to maximum. */
int option_parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *ret_number);
/* Parses "1.5" into nanoseconds; -EINVAL for anything else, -ERANGE above a hundred years. */
int option_parse_seconds(const char *text, uint64_t *ret_nanoseconds);

/*
 * Reads a command line. 0, the positive number a setter ended with, or -EINVAL or -ENOMEM with *ret_error filled. What is stored in
 * target points into arguments.
 */
int option_read(const struct option *options, size_t count, int argument_count, char *const *arguments, void *target,
		struct option_error *ret_error);

/* Fills *ret_error and returns -EINVAL. */
int option_fail(struct option_error *ret_error, const char *format, ...) PRINTF_LIKE(2, 3);

/* Words in a list, to suggest from. Returns NULL when none is near. */
const char *option_nearest(const char *word, const char *const *words, size_t count);

/* How an option is written in help and messages: "--name", or "-x" when it has no name. Returns buffer. */
#define OPTION_SPELLED_MAX 48u
const char *option_spelled(const struct option *option, char buffer[static OPTION_SPELLED_MAX]);

#endif
