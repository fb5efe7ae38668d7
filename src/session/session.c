/* SPDX-License-Identifier: BSD-3-Clause */
#include "session/internal.h"

#include <errno.h>
#include <stdlib.h>

int session_new(const struct session_config *config, struct fs *fs, struct pool *pool, struct session **ret_session)
{
	/* The gate's counters ask for whole cache lines. */
	struct session *session = aligned_alloc(_Alignof(struct session), sizeof(*session));

	if (!session)
		return -ENOMEM;
	*session = (struct session){ .config = *config, .fs = fs, .pool = pool };
	gate_init(&session->gate);
	pthread_mutex_init(&session->lifecycle, NULL);
	pthread_mutex_init(&session->waiting, NULL);
	pthread_cond_init(&session->quiet, NULL);
	*ret_session = session;
	return 0;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	/* The last completion may have told the device, but not us. */
	session_wait_handed_back(session);
	pthread_cond_destroy(&session->quiet);
	pthread_mutex_destroy(&session->waiting);
	pthread_mutex_destroy(&session->lifecycle);
	gate_fini(&session->gate);
	free(session);
}

bool session_is_active(const struct session *session)
{
	return atomic_load(&session->active);
}
