/* SPDX-License-Identifier: BSD-3-Clause */
/* Strings of requests: taking them apart, and what is a name. Works on private copies only, never on guest memory. */
#ifndef VIOFS_FUSEMSG_NAME_H
#define VIOFS_FUSEMSG_NAME_H

#include <stddef.h>

/* Bytes of a name, without NUL, as Linux file systems have it. */
#define FUSEMSG_NAME_MAX 255u
/* Bytes of a symbolic link's target or of a path, without NUL: PATH_MAX of Linux less one. */
#define FUSEMSG_PATH_MAX 4095u

/*
 * Takes count NUL-terminated strings off the start of text (length bytes). Returns 0 with pointers into text and the
 * bytes used, NULs included; -EINVAL when one has no NUL.
 */
int fusemsg_split_strings(const char *text, size_t length, unsigned int count, const char **ret_strings,
			  size_t *ret_used);

/* 0 when name is a single component: not empty (-EINVAL), "." or ".." or with a slash (-EINVAL), or long
 * (-ENAMETOOLONG). */
int fusemsg_check_name(const char *name);

#endif
