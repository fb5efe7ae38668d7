/* SPDX-License-Identifier: BSD-3-Clause */
#include "fusemsg/name.h"

#include <errno.h>
#include <string.h>

int fusemsg_split_strings(const char *text, size_t length, unsigned int count, const char **ret_strings,
			  size_t *ret_used)
{
	size_t used = 0;

	for (unsigned int i = 0; i < count; i++) {
		const char *end = used < length ? memchr(text + used, '\0', length - used) : NULL;

		if (!end)
			return -EINVAL;
		ret_strings[i] = text + used;
		used = (size_t)(end - text) + 1;
	}
	*ret_used = used;
	return 0;
}

int fusemsg_check_name(const char *name)
{
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strchr(name, '/'))
		return -EINVAL;
	return strlen(name) > FUSEMSG_NAME_MAX ? -ENAMETOOLONG : 0;
}
