/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/filter/call.h"

static void restore(struct filter_call *self)
{
	self->call->complete = self->complete;
	self->call->filter = self->filter;
}

static void completed(struct fs_call *call, int result)
{
	struct filter_call *self = call->filter;

	restore(self);
	result = self->finish(self, result);
	call->complete(call, result);
}

void filter_call_begin(struct filter_call *self, struct fs_call *call,
		       int (*finish)(struct filter_call *self, int result))
{
	*self = (struct filter_call){
		.call = call,
		.finish = finish,
		.complete = call->complete,
		.filter = call->filter,
	};
	call->complete = completed;
	call->filter = self;
}

int filter_call_end(struct filter_call *self, int result)
{
	/* Pending: another thread may have completed the call already, and freed self. */
	if (result == FS_PENDING)
		return result;
	restore(self);
	return self->finish(self, result);
}
