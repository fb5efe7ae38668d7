/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/passthrough/procfd.h"

const char *proc_fd_name(int fd, char buffer[static PROC_FD_NAME_MAX])
{
	unsigned int value = (unsigned int)fd;
	char *place = buffer + PROC_FD_NAME_MAX - 1;

	*place = '\0';
	do {
		*--place = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	return place;
}
