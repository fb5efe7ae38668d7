/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Checks of a mounted file system, made inside a guest.
 *
 * One static program; each check runs in a process and an empty directory of its own (its working directory), so that
 * a check may change its user, its umask or its limits freely. It prints "ok NAME", "not ok NAME - why" or
 * "ok NAME # SKIP why".
 */
#ifndef VIOFS_TESTS_GUEST_OPS_H
#define VIOFS_TESTS_GUEST_OPS_H

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

struct op {
	const char *name;
	void (*run)(void);
	const char *needs; /* words of --have that must all be there, NULL: none */
};

struct op_group {
	const char *name;
	const struct op *ops; /* ends with a NULL name */
};

extern const struct op_group names_group, data_group, meta_group, locks_group, users_group, xattr_group, map_group;

/* Ends the check. */
void op_fail(const char *file, int line, const char *format, ...) __attribute__((noreturn, format(printf, 3, 4)));
void op_skip(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* Whether the caller of the program said --have WORD. */
bool op_have(const char *word);

/* Holds when the expression is true. */
#define CHECK(expression) \
	do { \
		if (!(expression)) \
			op_fail(__FILE__, __LINE__, "%s (errno %d: %s)", #expression, errno, strerror(errno)); \
	} while (0)

/* Holds when the call succeeds (is not negative). */
#define OK(call) \
	do { \
		if ((call) < 0) \
			op_fail(__FILE__, __LINE__, "%s: %s", #call, strerror(errno)); \
	} while (0)

/* Holds when the call fails with that errno. */
#define FAILS(code, call) \
	do { \
		errno = 0; \
		if ((call) >= 0) \
			op_fail(__FILE__, __LINE__, "%s succeeds, %s is expected", #call, #code); \
		if (errno != (code)) \
			op_fail(__FILE__, __LINE__, "%s: %s, %s is expected", #call, strerror(errno), #code); \
	} while (0)

/* Holds when both numbers are the same. */
#define SAME(a, b) \
	do { \
		long long op_a = (long long)(a), op_b = (long long)(b); \
		if (op_a != op_b) \
			op_fail(__FILE__, __LINE__, "%s is %lld, %s is %lld", #a, op_a, #b, op_b); \
	} while (0)

/* Makes a file with that text; returns nothing, fails the check otherwise. */
void op_write(const char *path, const char *text);
/* Holds when the file has just that text. */
void op_expect(const char *path, const char *text);
/* Opens; fails the check otherwise. The mode is 0644. */
int op_open(const char *path, int flags);
/* stat of a path that must be there, without following. */
struct stat op_stat(const char *path);
/* Runs body in a child as that user without supplementary groups but group (when not 0); fails when it fails. */
void op_as(uid_t uid, gid_t gid, gid_t group, void (*body)(void));

#endif
