/* SPDX-License-Identifier: BSD-3-Clause */
#include "cmd/help.h"

#include <string.h>

#define HELP_WIDTH 100
#define HELP_INDENT_FULL 10
#define HELP_COLUMN_SHORT 44
#define HELP_SPELLED_MAX 96

/* Prints words at indent, the first line already standing at column; ends the line. */
static void print_wrapped(FILE *to, const char *text, size_t length, int indent, int column)
{
	const char *end = text + length;

	while (text < end) {
		const char *blank = memchr(text, ' ', (size_t)(end - text));
		int word = (int)((blank ? blank : end) - text);

		if (column > indent && column + 1 + word > HELP_WIDTH) {
			fprintf(to, "\n%*s", indent, "");
			column = indent;
		} else if (column > indent) {
			fputc(' ', to);
			column++;
		} else if (column < indent) {
			fprintf(to, "%*s", indent - column, "");
			column = indent;
		}
		fprintf(to, "%.*s", word, text);
		column += word;
		text += word;
		while (text < end && *text == ' ')
			text++;
	}
	fputc('\n', to);
}

static void print_paragraphs(FILE *to, const char *text)
{
	while (*text) {
		const char *end = strstr(text, "\n\n");
		size_t length = end ? (size_t)(end - text) : strlen(text);

		fputc('\n', to);
		print_wrapped(to, text, length, HELP_INDENT_FULL, 0);
		text += length + (end ? 2 : 0);
	}
}

static int spell(const struct option *option, char buffer[static HELP_SPELLED_MAX])
{
	static const char *const forms[] = {
		[OPTION_FLAG] = "",
		[OPTION_VALUE] = " <%s>",
		[OPTION_EQUALS] = "=<%s>",
		[OPTION_MAYBE] = "[=<%s>]",
	};
	char value[HELP_SPELLED_MAX / 2] = "", letter[8] = "    ";

	if (option->takes != OPTION_FLAG) {
		/* One of the four formats above; value_name is from the table. */
		const char *form = forms[option->takes];
		const char *hole = strstr(form, "%s");
		snprintf(value, sizeof(value), "%.*s%s%s", (int)(hole - form), form, option->value_name, hole + 2);
	}
	if (option->letter)
		snprintf(letter, sizeof(letter), option->name ? "-%c, " : "-%c", option->letter);
	return snprintf(buffer, HELP_SPELLED_MAX, "  %s%s%s%s", letter, option->name ? "--" : "",
			option->name ? option->name : "", value);
}

static void print_full(FILE *to, const struct option *option)
{
	char spelled[HELP_SPELLED_MAX];

	spell(option, spelled);
	fprintf(to, "%s\n", spelled);
	print_wrapped(to, option->summary, strlen(option->summary), HELP_INDENT_FULL, 0);
	if (option->details)
		print_paragraphs(to, option->details);
	if (option->standard)
		fprintf(to, "\n%*s[default: %s]\n", HELP_INDENT_FULL, "", option->standard);
	fputc('\n', to);
}

static void print_short(FILE *to, const struct option *option)
{
	char spelled[HELP_SPELLED_MAX], text[256];
	int column = spell(option, spelled);

	fputs(spelled, to);
	if (column >= HELP_COLUMN_SHORT) {
		fputc('\n', to);
		column = 0;
	}
	int length = option->standard ? snprintf(text, sizeof(text), "%s [default: %s]", option->summary, option->standard) :
					snprintf(text, sizeof(text), "%s", option->summary);
	print_wrapped(to, text, MIN((size_t)length, sizeof(text) - 1), HELP_COLUMN_SHORT, column);
}

void help_print(FILE *to, const struct option *options, size_t count, bool full)
{
	const char *group = NULL;

	for (size_t i = 0; i < count; i++) {
		if (!group || strcmp(group, options[i].group) != 0) {
			fprintf(to, "%s%s:\n", group && !full ? "\n" : "", options[i].group);
			group = options[i].group;
		}
		if (full)
			print_full(to, &options[i]);
		else
			print_short(to, &options[i]);
	}
}
