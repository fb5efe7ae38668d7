/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One request in flight: a chain of the ring, the memory it lies in, and the session's part.
 *
 * A request belongs to the queue's thread, save between session_submit() returning SESSION_PENDING and its completion, when
 * it belongs to the session; completion hands it back through the queue's list.
 */
#ifndef VIOFS_DEVICE_REQUEST_H
#define VIOFS_DEVICE_REQUEST_H

#include "base/list.h"
#include "ring/device.h"
#include "session/session.h"
#include "vhost/memory.h"

struct completions;

struct request {
	struct list link; /* in the free list, or in completions.done */
	struct list pending_link; /* in the queue's list of pending requests; the queue's thread, or control when stopped */
	struct ring_chain chain;
	struct session_request session;
	struct vhost_memory *memory; /* what the chain's buffers point into; held while in flight */
	struct completions *completions; /* where a completion goes */
	uint64_t run; /* the run of the ring it was taken in; its chain means nothing in another */
};

int request_new(struct completions *completions, struct request **ret_request);
void request_free(struct request *request);

#endif
