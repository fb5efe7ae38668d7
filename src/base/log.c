/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A message is formatted into one buffer and written with one call, so that lines of several
 * threads never mix.
 */
/* #syscalls: write sendto connect socket close clock_gettime */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_MAX 1024

static enum log_level current_level = LOG_LEVEL_INFO;
static bool use_syslog;
static char program_name[32] = "viofs";

static const char *const level_names[] = { "off", "error", "warn", "info", "debug", "trace" };
static const int syslog_priorities[] = { LOG_DEBUG, LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG, LOG_DEBUG };
_Static_assert(ARRAY_SIZE(level_names) == LOG_LEVEL_TRACE + 1, "a name per level");
_Static_assert(ARRAY_SIZE(syslog_priorities) == LOG_LEVEL_TRACE + 1, "a priority per level");

void log_setup(enum log_level level, bool to_syslog, const char *program)
{
	current_level = level;
	use_syslog = to_syslog;
	snprintf(program_name, sizeof(program_name), "%s", program);
	if (to_syslog)
		openlog(program_name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

enum log_level log_get_level(void)
{
	return current_level;
}

int log_parse_level(const char *name, enum log_level *ret_level)
{
	for (size_t i = 0; i < ARRAY_SIZE(level_names); i++) {
		if (strcmp(name, level_names[i]) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

void log_message(enum log_level level, const char *format, ...)
{
	char text[MESSAGE_MAX];
	int saved = errno;
	int used = 0;
	va_list arguments;

	if (!use_syslog)
		used = snprintf(text, sizeof(text), "%s: %s: ", program_name, level_names[level]);
	va_start(arguments, format);
	used += vsnprintf(text + used, sizeof(text) - (size_t)used - 1, format, arguments);
	va_end(arguments);

	if (use_syslog) {
		syslog(syslog_priorities[level], "%s", text);
	} else {
		size_t length = MIN((size_t)used, sizeof(text) - 2);

		text[length] = '\n';
		/* Nobody is left to be told when standard error itself fails. */
		ssize_t written UNUSED = write(STDERR_FILENO, text, length + 1);
	}
	errno = saved;
}

bool log_limit_allow(struct log_limit *limit)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	uint64_t second = (uint64_t)now.tv_sec + 1;
	uint64_t start = __atomic_load_n(&limit->window_start, __ATOMIC_RELAXED);

	if (start == 0 || second - start >= LOG_LIMIT_SECONDS) {
		if (__atomic_compare_exchange_n(&limit->window_start, &start, second, false, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED)) {
			uint32_t before = __atomic_exchange_n(&limit->count, 0, __ATOMIC_RELAXED);
			if (before > LOG_LIMIT_BURST)
				log_message(LOG_LEVEL_WARN, "left out %u similar messages", before - LOG_LIMIT_BURST);
		}
	}
	return __atomic_add_fetch(&limit->count, 1, __ATOMIC_RELAXED) <= LOG_LIMIT_BURST;
}

const char *log_quote(const char *text, size_t length, char buffer[static LOG_QUOTE_MAX])
{
	static const char digits[] = "0123456789abcdef";
	size_t at = 0;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		bool plain = c >= 0x20 && c < 0x7f && c != '\\';
		size_t need = plain ? 1 : 4;

		/* Keep room for "..." and NUL. */
		if (at + need + 4 > LOG_QUOTE_MAX) {
			memcpy(buffer + at, "...", 3);
			at += 3;
			break;
		}
		if (plain) {
			buffer[at++] = (char)c;
		} else {
			buffer[at++] = '\\';
			buffer[at++] = 'x';
			buffer[at++] = digits[c >> 4];
			buffer[at++] = digits[c & 15];
		}
	}
	buffer[at] = '\0';
	return buffer;
}
