/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A cursor over an array of buffers. Guest memory arrives scattered; headers are copied in and
 * out through a cursor, payload is sliced into sub-arrays that go straight to readv and writev.
 */
#ifndef VIOFS_BASE_IOV_H
#define VIOFS_BASE_IOV_H

#include <stddef.h>
#include <sys/uio.h>

/* A position in an array of buffers that the caller owns. Copy the struct to remember a place. */
struct iov_cursor {
	const struct iovec *iov; /* the buffer the cursor is in */
	size_t count; /* buffers left, the current one included */
	size_t offset; /* bytes of the current buffer already passed */
	size_t left; /* bytes left in all */
};

/* Bytes in count buffers; the sum must fit, as everything from the ring does. */
size_t iov_length(const struct iovec *iov, size_t count);

void iov_cursor_init(struct iov_cursor *cursor, const struct iovec *iov, size_t count);

/* Copies up to length bytes out of the buffers and advances; returns how many. */
size_t iov_cursor_read(struct iov_cursor *cursor, void *to, size_t length);

/* Copies up to length bytes into the buffers and advances; returns how many. */
size_t iov_cursor_write(struct iov_cursor *cursor, const void *from, size_t length);

/* Advances by up to length bytes; returns how many. */
size_t iov_cursor_skip(struct iov_cursor *cursor, size_t length);

/*
 * The next length bytes (fewer when fewer are left) as an array of at most max buffers; the
 * cursor does not move. Returns the number of buffers; when max is too small the slice is short.
 */
size_t iov_cursor_slice(const struct iov_cursor *cursor, size_t length, struct iovec *slice, size_t max);

#endif
