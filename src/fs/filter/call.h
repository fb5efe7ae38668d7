/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A call that a filter has passed down and wants to see the end of, be it now or later. It sits first in a struct on
 *the heap that holds what the filter needs then:
 *
 *	filter_call_begin(&mine->base, call, mine_finish);
 *	return filter_call_end(&mine->base, fs_getattr(fs->next, call, node, fh, ret_attr));
 *
 * finish is called once, in this thread or in the one that completes the call; it frees the struct and returns the
 *result that goes up.
 */
#ifndef VIOFS_FS_FILTER_CALL_H
#define VIOFS_FS_FILTER_CALL_H

#include "fs/fs.h"

struct filter_call {
	struct fs_call *call;
	int (*finish)(struct filter_call *self, int result);
	/* Of the layer above: */
	void (*complete)(struct fs_call *call, int result);
	void *filter;
};

/* Puts itself between the call and its completion. */
void filter_call_begin(struct filter_call *self, struct fs_call *call,
		       int (*finish)(struct filter_call *self, int result));

/* The layer below has returned result; gives what the filter returns. self may be gone before and is gone after it. */
int filter_call_end(struct filter_call *self, int result);

#endif
