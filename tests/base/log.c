/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "base/log.h"

static void quotes_what_is_not_plain(void **state UNUSED)
{
	char buffer[LOG_QUOTE_MAX];

	assert_string_equal(log_quote("a\n\x1b[31m\\\xff", 9, buffer), "a\\x0a\\x1b[31m\\x5c\\xff");
}

static void cuts_long_text(void **state UNUSED)
{
	char buffer[LOG_QUOTE_MAX];
	char text[1000];

	memset(text, '\1', sizeof(text));
	log_quote(text, sizeof(text), buffer);
	assert_true(strlen(buffer) < LOG_QUOTE_MAX);
	assert_string_equal(buffer + strlen(buffer) - 3, "...");
}

static void limits_repetition(void **state UNUSED)
{
	struct log_limit limit = { 0 };
	unsigned int allowed = 0;

	for (int i = 0; i < 1000; i++)
		allowed += log_limit_allow(&limit);
	assert_int_equal(allowed, LOG_LIMIT_BURST);
}

static void parses_levels(void **state UNUSED)
{
	enum log_level level = LOG_LEVEL_OFF;

	assert_int_equal(log_parse_level("warn", &level), 0);
	assert_int_equal(level, LOG_LEVEL_WARN);
	assert_int_equal(log_parse_level("WARN", &level), -EINVAL);
	assert_int_equal(level, LOG_LEVEL_WARN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_what_is_not_plain),
		cmocka_unit_test(cuts_long_text),
		cmocka_unit_test(limits_repetition),
		cmocka_unit_test(parses_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
