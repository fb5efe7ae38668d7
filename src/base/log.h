/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Logging, for programs and for the threads they run. Libraries return errors and
 * do not log, with one exception: what only the daemon's operator can see (a guest
 * that breaks the protocol, a descriptor limit reached) is logged where it is met,
 * rate-limited, because nobody is there to return it to.
 *
 * A message is one sentence: the cause and, where there is one, the remedy. Text that a
 * guest chose goes through log_quote(). All functions may be called from any thread.
 */
#ifndef VIOFS_BASE_LOG_H
#define VIOFS_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/util.h"

enum log_level {
	LOG_LEVEL_OFF,
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARN,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
	LOG_LEVEL_TRACE,
};

/* Where messages go, for the whole process. Call before threads start. */
void log_setup(enum log_level level, bool to_syslog, const char *program);

/* The most verbose level that is written. */
enum log_level log_get_level(void);

/* Parses "off", "error", "warn", "info", "debug" or "trace"; -EINVAL otherwise. */
int log_parse_level(const char *name, enum log_level *ret_level);

void log_message(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

/* At most burst messages per call site and ten seconds, then a count of what was left out. */
struct log_limit {
	uint64_t window_start; /* seconds, CLOCK_MONOTONIC_COARSE; atomic */
	uint32_t count; /* messages in this window; atomic */
};
#define LOG_LIMIT_BURST 10u
#define LOG_LIMIT_SECONDS 10u
bool log_limit_allow(struct log_limit *limit);

#define log_enabled(level) ((level) <= log_get_level())
#define log_at(level, ...)                              \
	do {                                            \
		if (log_enabled(level))                 \
			log_message(level, __VA_ARGS__); \
	} while (0)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_trace(...) log_at(LOG_LEVEL_TRACE, __VA_ARGS__)

/* For what a guest can cause as often as it likes. */
#define log_warn_limited(...)                                                           \
	do {                                                                            \
		static struct log_limit _limit;                                         \
		if (log_enabled(LOG_LEVEL_WARN) && log_limit_allow(&_limit))            \
			log_message(LOG_LEVEL_WARN, __VA_ARGS__);                       \
	} while (0)

/*
 * Quotes length bytes of untrusted text for a message: printable ASCII as it is, the rest as
 * \xNN, cut with "..." at LOG_QUOTE_MAX. Returns buffer.
 */
#define LOG_QUOTE_MAX 128u
const char *log_quote(const char *text, size_t length, char buffer[static LOG_QUOTE_MAX]);

#endif
