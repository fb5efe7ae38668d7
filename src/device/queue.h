/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One virtqueue of the device and its thread.
 *
 * All functions are called from the control thread and return when the queue's thread has done what was asked: the
 * control thread never touches a running ring, it sends a command. Nothing here is shared between queues.
 */
#ifndef VIOFS_DEVICE_QUEUE_H
#define VIOFS_DEVICE_QUEUE_H

#include "session/session.h"
#include "vhost/backend.h"

struct queue;

int queue_new(unsigned int index, struct session *session, struct queue **ret_queue);

/* The queue must be stopped and the session reset. NULL is fine. */
void queue_free(struct queue *queue);

/* Starts the thread. 0, or -errno when it can't be. */
int queue_start(struct queue *queue, const struct vhost_ring_setup *setup);

/*
 * Ends the thread once every request it took is answered, save those that wait without bound. Returns the ring's
 * base. A stopped queue answers with the base it stopped at.
 */
uint32_t queue_stop(struct queue *queue);

bool queue_is_running(const struct queue *queue);

/* Forgets requests that still wait: their chains belong to a ring that is no more. The queue is stopped. */
void queue_abandon(struct queue *queue);

void queue_enable(struct queue *queue, bool enabled);
void queue_set_call(struct queue *queue, int call_fd);
void queue_kick(struct queue *queue);
void queue_set_memory(struct queue *queue, struct vhost_memory *memory);
void queue_set_log(struct queue *queue, struct vhost_log *log);

#endif
