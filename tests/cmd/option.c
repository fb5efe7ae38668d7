/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cmd/help.h"
#include "cmd/option.h"

struct target {
	bool flag, off;
	const char *name;
	uint64_t number, seconds;
	int color;
	struct option_list list;
	int stopped;
};

static const struct option_choice colors[] = {
	{ "red", 1, false }, { "green", 2, false }, { "ultraviolet", 3, true }, { NULL, 0, false },
};

static int set_stop(const struct option *option, const char *value, void *target, struct option_error *ret_error)
{
	((struct target *)target)->stopped++;
	return 7;
}

#define FIELD(field) .offset = offsetof(struct target, field)
static const struct option table[] = {
	{ "flag", 'f', OPTION_FLAG, NULL, "Some", "A flag", .set = option_set_true, FIELD(flag) },
	{ "no-off", 0, OPTION_FLAG, NULL, "Some", "Off", .set = option_set_false, FIELD(off) },
	{ "name", 'n', OPTION_VALUE, "NAME", "Some", "A name", "First.\n\nSecond.", "nobody", .set = option_set_string,
	  FIELD(name) },
	{ "number", 0, OPTION_VALUE, "N", "Others", "A number", .set = option_set_number, FIELD(number), .minimum = 2,
	  .maximum = 90 },
	{ "seconds", 0, OPTION_VALUE, "S", "Others", "Seconds", .set = option_set_seconds, FIELD(seconds) },
	{ "color", 0, OPTION_MAYBE, "COLOR", "Others", "A color", .set = option_set_choice, FIELD(color), .choices = colors,
	  .constant = 9 },
	{ "equals", 0, OPTION_EQUALS, "COLOR", "Others", "A color", .set = option_set_choice, FIELD(color), .choices = colors },
	{ "list", 'l', OPTION_VALUE, "X", "Others", "Words", .set = option_set_list, FIELD(list) },
	{ NULL, 's', OPTION_FLAG, NULL, "Others", "Stop", .set = set_stop },
};

/* Splits line at blanks and reads it. */
static int read_line(const char *line, struct target *target, struct option_error *error)
{
	static char copy[512];
	char *arguments[32] = { (char[]){ "test" } };
	int count = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		arguments[count++] = word;
	*target = (struct target){ .off = true };
	error->text[0] = '\0';
	int result = option_read(table, ARRAY_SIZE(table), count, arguments, target, error);
	option_list_fini(&target->list);
	return result;
}

static void test_good(void **state)
{
	struct option_error error;
	struct target target;

	assert_int_equal(read_line("", &target, &error), 0);
	assert_true(!target.flag && target.off);
	assert_int_equal(read_line("--flag --no-off --name a --number 2 --seconds 1.5 --color=GREEN", &target, &error), 0);
	assert_true(target.flag && !target.off && target.number == 2 && target.seconds == 1500000000 && target.color == 2);
	assert_string_equal(target.name, "a");
	assert_int_equal(read_line("--name=a=b", &target, &error), 0);
	assert_string_equal(target.name, "a=b");
	assert_int_equal(read_line("--name=", &target, &error), 0);
	assert_string_equal(target.name, "");
	assert_int_equal(read_line("--name=-x --name -", &target, &error), 0);
	assert_string_equal(target.name, "-");
	assert_int_equal(read_line("-fn x", &target, &error), 0);
	assert_true(target.flag);
	assert_string_equal(target.name, "x");
	assert_int_equal(read_line("-nx -n=y", &target, &error), 0);
	assert_string_equal(target.name, "y");
	assert_int_equal(read_line("--color", &target, &error), 0);
	assert_int_equal(target.color, 9);
	assert_int_equal(read_line("--color=ultraviolet --equals=red", &target, &error), 0);
	assert_int_equal(target.color, 1);
	assert_int_equal(read_line("--flag --", &target, &error), 0);
	assert_int_equal(read_line("-s --nonsense", &target, &error), 7);
	assert_int_equal(target.stopped, 1);
}

static void test_list(void **state)
{
	char *arguments[] = { (char[]){ "test" }, (char[]){ "-l" }, (char[]){ "a" }, (char[]){ "--list=b" } };
	struct option_error error;
	struct target target = { 0 };

	assert_int_equal(option_read(table, ARRAY_SIZE(table), 4, arguments, &target, &error), 0);
	assert_int_equal(target.list.count, 2);
	assert_string_equal(target.list.items[0], "a");
	assert_string_equal(target.list.items[1], "b");
	option_list_fini(&target.list);
}

/* Each with a part of what the user must be told. */
static void test_bad(void **state)
{
	static const struct {
		const char *line, *told;
	} lines[] = {
		{ "--flga", "'--flga'; did you mean '--flag'?" },
		{ "--nam=x", "'--nam=x'; did you mean '--name'?" },
		{ "--xyzzy", "unknown option '--xyzzy'" },
		{ "-x", "unknown option '-x'" },
		{ "-fx", "unknown option '-x' in '-fx'" },
		{ "word", "unexpected argument 'word'" },
		{ "--flag -- --flag", "unexpected argument '--flag'" },
		{ "--flag=1", "--flag takes no value, but '1' was given" },
		{ "--name", "--name needs a value: --name <NAME>" },
		{ "-n", "-" },
		{ "--name --flag", "'--flag' follows" },
		{ "--name -1", "--name=-1" },
		{ "--equals", "--equals=<COLOR>" },
		{ "--equals red", "--equals=<COLOR>" },
		{ "--number x", "--number: 'x' is not allowed; a whole number from 2 to 90 is" },
		{ "--number 1", "'1'" },
		{ "--number 91", "'91'" },
		{ "--number=", "''" },
		{ "--number=-3", "'-3'" },
		{ "--number 99999999999999999999999", "'99999999999999999999999'" },
		{ "--seconds x", "--seconds: 'x'" },
		{ "--seconds .", "'.'" },
		{ "--seconds 1s", "'1s'" },
		{ "--seconds 1.5.5", "'1.5.5'" },
		{ "--seconds 99999999999", "'99999999999'" },
		{ "--color=blue", "--color: 'blue' is not allowed; red, green are" },
		{ "--color=rde", "did you mean 'red'?" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct option_error error;
		struct target target;

		if (read_line(lines[i].line, &target, &error) != -EINVAL || !strstr(error.text, lines[i].told))
			fail_msg("'%s' gives: %s", lines[i].line, error.text);
	}
}

static void test_seconds(void **state)
{
	static const struct {
		const char *text;
		uint64_t nanoseconds;
	} texts[] = {
		{ "0", 0 }, { "1", 1000000000 }, { "0.000000001", 1 }, { ".5", 500000000 }, { "86400", 86400000000000 },
		{ "1.", 1000000000 }, { "0.0000000009", 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		uint64_t nanoseconds = 77;

		assert_int_equal(option_parse_seconds(texts[i].text, &nanoseconds), 0);
		assert_true(nanoseconds == texts[i].nanoseconds);
	}
}

static void test_nearest(void **state)
{
	static const char *const words[] = { "cache", "sandbox", "seccomp", "socket-path", "socket-group", "xattr", "xattrmap" };

	assert_string_equal(option_nearest("caches", words, ARRAY_SIZE(words)), "cache");
	assert_string_equal(option_nearest("sokcet-path", words, ARRAY_SIZE(words)), "socket-path");
	assert_string_equal(option_nearest("xatr", words, ARRAY_SIZE(words)), "xattr");
	assert_string_equal(option_nearest("socket-g", words, ARRAY_SIZE(words)), "socket-group");
	assert_null(option_nearest("elephant", words, ARRAY_SIZE(words)));
	assert_null(option_nearest("", words, ARRAY_SIZE(words)));
}

static void print(char *to, size_t size, bool full)
{
	memset(to, 0, size);
	FILE *file = fmemopen(to, size - 1, "w");
	help_print(file, table, ARRAY_SIZE(table), full);
	fclose(file);
}

static void test_help(void **state)
{
	char text[4096];

	print(text, sizeof(text), true);
	assert_non_null(strstr(text, "Some:\n  -f, --flag\n          A flag\n"));
	assert_non_null(strstr(text, "      --color[=<COLOR>]\n"));
	assert_non_null(strstr(text, "      --equals=<COLOR>\n"));
	assert_non_null(strstr(text, "          First.\n\n          Second.\n\n          [default: nobody]\n"));
	assert_non_null(strstr(text, "Others:\n      --number <N>\n"));
	assert_non_null(strstr(text, "  -s\n"));
	print(text, sizeof(text), false);
	assert_non_null(strstr(text, "A name [default: nobody]\n"));
	assert_null(strstr(text, "First."));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),	cmocka_unit_test(test_list),	cmocka_unit_test(test_bad),
		cmocka_unit_test(test_seconds), cmocka_unit_test(test_nearest), cmocka_unit_test(test_help),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
