/* SPDX-License-Identifier: BSD-3-Clause */
#include "fusemsg/extension.h"

#include <errno.h>
#include <string.h>

#include "wire/fuse.h"

_Static_assert(sizeof(struct fuse_secctx_header) == sizeof(struct fuse_ext_header), "one layout for both");

static int parse_groups(const char *bytes, size_t length, struct fusemsg_extensions *extensions)
{
	struct fuse_supp_groups groups;

	if (extensions->has_group || length < sizeof(groups))
		return -EINVAL;
	memcpy(&groups, bytes, sizeof(groups));
	if (groups.nr_groups == 0)
		return 0;
	if (groups.nr_groups != 1 || length - sizeof(groups) < sizeof(uint32_t))
		return -EINVAL;
	memcpy(&extensions->group, bytes + sizeof(groups), sizeof(uint32_t));
	extensions->has_group = true;
	return 0;
}

static int parse_secctx(const char *bytes, size_t length, uint32_t count, struct fusemsg_extensions *extensions)
{
	struct fuse_secctx secctx;

	/* The guest has no security module that labels files. */
	if (count == 0)
		return 0;
	if (count != 1 || extensions->secctx_name || length < sizeof(secctx))
		return -EINVAL;
	memcpy(&secctx, bytes, sizeof(secctx));
	bytes += sizeof(secctx);
	length -= sizeof(secctx);

	const char *end = length > 0 ? memchr(bytes, '\0', length) : NULL;
	if (!end || end == bytes)
		return -EINVAL;
	size_t name_bytes = (size_t)(end - bytes) + 1;

	if (secctx.size == 0 || secctx.size > FUSEMSG_SECCTX_MAX || secctx.size > length - name_bytes)
		return -EINVAL;
	extensions->secctx_name = bytes;
	extensions->secctx_value = bytes + name_bytes;
	extensions->secctx_size = secctx.size;
	return 0;
}

int fusemsg_parse_extensions(const void *bytes, size_t length, struct fusemsg_extensions *ret_extensions)
{
	struct fusemsg_extensions extensions = { 0 };
	const char *at = bytes;

	while (length > 0) {
		struct fuse_ext_header header;
		int error;

		if (length < sizeof(header))
			return -EINVAL;
		memcpy(&header, at, sizeof(header));
		if (header.size < sizeof(header) || header.size > length)
			return -EINVAL;
		if (header.type <= FUSE_MAX_NR_SECCTX)
			error =
			    parse_secctx(at + sizeof(header), header.size - sizeof(header), header.type, &extensions);
		else if (header.type == FUSE_EXT_GROUPS)
			error = parse_groups(at + sizeof(header), header.size - sizeof(header), &extensions);
		else
			error = -EINVAL;
		if (error)
			return error;
		at += header.size;
		length -= header.size;
	}
	*ret_extensions = extensions;
	return 0;
}
