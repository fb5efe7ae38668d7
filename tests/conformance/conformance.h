/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What every file system must do, as small tests written against fs_*() alone. Each gets a fresh, empty file system
 * whose root is a directory of uid 0, and asserts with cmocka. main.c runs them on every backend and through filters.
 */
#ifndef VIOFS_TESTS_CONFORMANCE_CONFORMANCE_H
#define VIOFS_TESTS_CONFORMANCE_CONFORMANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fs/fs.h"

struct conformance_test {
	const char *name; /* NULL ends the table */
	void (*run)(struct fs *fs);
};

#define CONFORMANCE_TEST(function)                                                                                     \
	{                                                                                                              \
		.name = #function, .run = function                                                                     \
	}

/* Leaves the test as skipped when no layer has the operation. */
#define NEED(fs, operation)                                                                                            \
	do {                                                                                                           \
		if (!fs_has(fs, operation))                                                                            \
			skip();                                                                                        \
	} while (0)

/* One table a file. */
extern const struct conformance_test conformance_attr[];
extern const struct conformance_test conformance_data[];
extern const struct conformance_test conformance_file[];
extern const struct conformance_test conformance_lock[];
extern const struct conformance_test conformance_name[];
extern const struct conformance_test conformance_node[];
extern const struct conformance_test conformance_owner[];
extern const struct conformance_test conformance_parallel[];
extern const struct conformance_test conformance_readdir[];
extern const struct conformance_test conformance_rename[];
extern const struct conformance_test conformance_xattr[];

#endif
