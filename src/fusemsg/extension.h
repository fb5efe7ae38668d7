/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extensions at the end of creating requests: the security context of the new file and the supplementary group that
 * permits its creation. Spec: FUSE 7.36 (security contexts alone), 7.38 (extension headers; in_header.total_extlen).
 */
#ifndef VIOFS_FUSEMSG_EXTENSION_H
#define VIOFS_FUSEMSG_EXTENSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of a security context's value: as for any extended attribute of Linux. */
#define FUSEMSG_SECCTX_MAX 65536u

struct fusemsg_extensions {
	bool has_group;
	uint32_t group;
	const char *secctx_name; /* into the parsed bytes, NUL-terminated; NULL when there is none */
	const void *secctx_value;
	uint32_t secctx_size;
};

/*
 * Parses length bytes of extensions. Both generations have the same layout for security contexts: a size, then their
 * number (7.36) or a type that is their number (7.38). -EINVAL when a size is wrong, an extension comes twice or is
 * unknown, or there are more groups or contexts than the one that Linux sends.
 */
int fusemsg_parse_extensions(const void *bytes, size_t length, struct fusemsg_extensions *ret_extensions);

#endif
