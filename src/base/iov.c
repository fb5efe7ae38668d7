/* SPDX-License-Identifier: BSD-3-Clause */
#include "base/iov.h"

#include <stdint.h>
#include <string.h>

#include "base/util.h"

size_t iov_length(const struct iovec *iov, size_t count)
{
	size_t length = 0;

	for (size_t i = 0; i < count; i++)
		length += iov[i].iov_len;
	return length;
}

void iov_cursor_init(struct iov_cursor *cursor, const struct iovec *iov, size_t count)
{
	*cursor = (struct iov_cursor){ .iov = iov, .count = count, .left = iov_length(iov, count) };
}

/* Passes length bytes, of which all are known to lie in the current buffer. */
static void advance(struct iov_cursor *cursor, size_t length)
{
	cursor->offset += length;
	cursor->left -= length;
	if (cursor->offset == cursor->iov->iov_len) {
		cursor->iov++;
		cursor->count--;
		cursor->offset = 0;
	}
}

/*
 * The guest orders what its processors and our queues do to one piece of its memory, by means that the thread sanitizer
 * does not see: it would call two uses by different threads a race.
 */
#if SANITIZE_THREAD
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

static void copy(void *to, const void *from, size_t length)
{
	AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
	AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
	memcpy(to, from, length);
	AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
	AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
}
#else
#define copy(to, from, length) memcpy(to, from, length)
#endif

enum direction { COPY_OUT, COPY_IN, COPY_NOTHING };

static inline size_t move(struct iov_cursor *cursor, char *memory, size_t length, enum direction direction)
{
	size_t wanted = MIN(length, cursor->left);
	size_t left = wanted;

	while (left > 0) {
		char *at = (char *)cursor->iov->iov_base + cursor->offset;
		size_t step = MIN(left, cursor->iov->iov_len - cursor->offset);

		if (direction == COPY_OUT && step > 0)
			copy(memory, at, step);
		else if (direction == COPY_IN && step > 0)
			copy(at, memory, step);
		if (direction != COPY_NOTHING)
			memory += step;
		left -= step;
		advance(cursor, step);
	}
	return wanted;
}

size_t iov_cursor_read(struct iov_cursor *cursor, void *to, size_t length)
{
	return move(cursor, to, length, COPY_OUT);
}

size_t iov_cursor_write(struct iov_cursor *cursor, const void *from, size_t length)
{
	return move(cursor, (char *)(uintptr_t)from, length, COPY_IN);
}

size_t iov_cursor_skip(struct iov_cursor *cursor, size_t length)
{
	return move(cursor, NULL, length, COPY_NOTHING);
}

size_t iov_cursor_slice(const struct iov_cursor *cursor, size_t length, struct iovec *slice, size_t max)
{
	struct iov_cursor walk = *cursor;
	size_t left = MIN(length, walk.left);
	size_t used = 0;

	while (left > 0 && used < max) {
		size_t step = MIN(left, walk.iov->iov_len - walk.offset);

		if (step > 0)
			slice[used++] = (struct iovec){ (char *)walk.iov->iov_base + walk.offset, step };
		left -= step;
		advance(&walk, step);
	}
	return used;
}
