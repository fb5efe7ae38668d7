/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scope cleanup: variables that free themselves, with an explicit take.
 *
 *	_cleanup_fd_ int fd = open(...);
 *	...
 *	*ret_fd = take_fd(&fd);
 */
#ifndef VIOFS_BASE_CLEANUP_H
#define VIOFS_BASE_CLEANUP_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;
		close(*fd);
		errno = saved;
	}
}

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline int take_fd(int *fd)
{
	int value = *fd;
	*fd = -1;
	return value;
}

#define take_pointer(pointer)                      \
	({                                         \
		__typeof__(pointer) *_from = &(pointer); \
		__typeof__(pointer) _value = *_from; \
		*_from = NULL;                     \
		_value;                            \
	})

#define _cleanup_fd_ __attribute__((cleanup(cleanup_close)))
#define _cleanup_free_ __attribute__((cleanup(cleanup_free)))
#define _cleanup_fclose_ __attribute__((cleanup(cleanup_fclose)))

#endif
