/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Theory of operation. Who enters adds itself, then looks whether the gate is closed; who closes marks it closed, then
 * looks who is inside. Both in sequentially consistent order, so at least one of them sees the other: either the closer
 * waits for the enterer, or the enterer turns back.
 */
/* #syscalls: futex */
#include "session/gate.h"

/* Which counter a thread uses: handed out once per thread, so that queues do not share one until there are many. */
static atomic_uint next_shard;
static _Thread_local unsigned int own_shard;

static atomic_ulong *counter(struct gate *gate)
{
	if (own_shard == 0)
		own_shard = atomic_fetch_add_explicit(&next_shard, 1, memory_order_relaxed) % GATE_SHARDS + 1;
	return &gate->shards[own_shard - 1].inside;
}

void gate_init(struct gate *gate)
{
	for (unsigned int i = 0; i < GATE_SHARDS; i++)
		atomic_init(&gate->shards[i].inside, 0);
	atomic_init(&gate->closed, false);
	pthread_mutex_init(&gate->lock, NULL);
	pthread_cond_init(&gate->changed, NULL);
}

void gate_fini(struct gate *gate)
{
	pthread_cond_destroy(&gate->changed);
	pthread_mutex_destroy(&gate->lock);
}

static void wake(struct gate *gate)
{
	pthread_mutex_lock(&gate->lock);
	pthread_cond_broadcast(&gate->changed);
	pthread_mutex_unlock(&gate->lock);
}

void gate_leave(struct gate *gate)
{
	atomic_fetch_sub(counter(gate), 1);
	if (atomic_load(&gate->closed))
		wake(gate);
}

void gate_enter(struct gate *gate)
{
	for (;;) {
		atomic_fetch_add(counter(gate), 1);
		if (!atomic_load(&gate->closed))
			return;
		gate_leave(gate);
		pthread_mutex_lock(&gate->lock);
		while (atomic_load(&gate->closed))
			pthread_cond_wait(&gate->changed, &gate->lock);
		pthread_mutex_unlock(&gate->lock);
	}
}

static bool is_empty(struct gate *gate)
{
	for (unsigned int i = 0; i < GATE_SHARDS; i++) {
		if (atomic_load(&gate->shards[i].inside) > 0)
			return false;
	}
	return true;
}

void gate_close(struct gate *gate)
{
	atomic_store(&gate->closed, true);
	pthread_mutex_lock(&gate->lock);
	while (!is_empty(gate))
		pthread_cond_wait(&gate->changed, &gate->lock);
	pthread_mutex_unlock(&gate->lock);
}

void gate_open(struct gate *gate)
{
	atomic_store(&gate->closed, false);
	wake(gate);
}
