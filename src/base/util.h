/* SPDX-License-Identifier: BSD-3-Clause */
/* Macros of the language that C lacks; nothing with behaviour of its own. */
#ifndef VIOFS_BASE_UTIL_H
#define VIOFS_BASE_UTIL_H

#include <stddef.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b)                          \
	({                                 \
		__typeof__(a) _a = (a);    \
		__typeof__(b) _b = (b);    \
		_a < _b ? _a : _b;         \
	})
#define MAX(a, b)                          \
	({                                 \
		__typeof__(a) _a = (a);    \
		__typeof__(b) _b = (b);    \
		_a > _b ? _a : _b;         \
	})
#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))
#define ALIGN_UP(value, alignment) (((value) + (alignment)-1) / (alignment) * (alignment))
#define UNUSED __attribute__((unused))

/* Whether this build has the address or the thread sanitizer, whose run-times do things of their own. gcc, then clang. */
#if defined(__SANITIZE_ADDRESS__)
#define SANITIZE_ADDRESS 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZE_ADDRESS 1
#endif
#endif
#if defined(__SANITIZE_THREAD__)
#define SANITIZE_THREAD 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SANITIZE_THREAD 1
#endif
#endif
#ifndef SANITIZE_ADDRESS
#define SANITIZE_ADDRESS 0
#endif
#ifndef SANITIZE_THREAD
#define SANITIZE_THREAD 0
#endif

#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))

#endif
