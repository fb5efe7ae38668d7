/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keeps the end of a session apart from its operations. Every operation passes the gate for as long as it runs; whoever
 * ends the session closes the gate, which waits until nobody is inside, and opens it again.
 *
 * Passing costs two atomic additions to a counter that few threads share: no queue waits for another, nor moves
 * the other's cache line about.
 */
#ifndef VIOFS_SESSION_GATE_H
#define VIOFS_SESSION_GATE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#define GATE_SHARDS 32u

struct gate {
	struct {
		_Alignas(64) atomic_ulong inside;
	} shards[GATE_SHARDS];
	_Alignas(64) atomic_bool closed;
	pthread_mutex_t lock; /* for waiting only */
	pthread_cond_t changed;
};

void gate_init(struct gate *gate);
void gate_fini(struct gate *gate);

/* Waits while the gate is closed. A thread enters once at a time, and leaves on the same thread. */
void gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);

/* Closes the gate and waits until everybody has left. One thread at a time, and not from inside. */
void gate_close(struct gate *gate);
void gate_open(struct gate *gate);

#endif
