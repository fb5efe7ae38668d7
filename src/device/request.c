/* SPDX-License-Identifier: BSD-3-Clause */
#include "device/request.h"

#include <errno.h>
#include <stdlib.h>

#include "device/completions.h"

/* The session's callback, on any thread. */
static void complete(struct session_request *session)
{
	struct request *request = container_of(session, struct request, session);

	completions_post(request->completions, request);
}

int request_new(struct completions *completions, struct request **ret_request)
{
	struct request *request = calloc(1, sizeof(*request));

	if (!request)
		return -ENOMEM;
	list_init(&request->link);
	list_init(&request->pending_link);
	ring_chain_init(&request->chain);
	int error = session_request_init(&request->session);
	if (error) {
		free(request);
		return error;
	}
	request->session.complete = complete;
	request->completions = completions;
	*ret_request = request;
	return 0;
}

void request_free(struct request *request)
{
	if (!request)
		return;
	vhost_memory_unref(request->memory);
	session_request_fini(&request->session);
	ring_chain_fini(&request->chain);
	free(request);
}
