/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The virtio-fs device: a vhost-user back-end whose queues feed a FUSE session.
 *
 * Each started queue has a thread of its own; the hiprio queue is one of them, so a FORGET never waits behind a read.
 * The thread that calls device_serve() is the control thread: it speaks to the front-end and tells queues to
 * start, stop and change. One front-end at a time; after it has gone the device is as new.
 *
 * Spec: virtio 1.3, 5.11.
 */
#ifndef VIOFS_DEVICE_DEVICE_H
#define VIOFS_DEVICE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "session/session.h"

#define DEVICE_TAG_MAX 36u /* bytes; a tag may fill all of them, without NUL */
/* 1 hiprio queue and up to 255 request queues: what one byte of ring index in vhost-user messages can name. */
#define DEVICE_QUEUES_MAX 256u
/* Request queues that GET_QUEUE_NUM counts at least; one that is not set up costs nothing. */
#define DEVICE_QUEUES_OFFERED 64u

struct device_config {
	const char *tag; /* what config space shows; NULL: no config space is offered (QEMU has its own) */
	/* What config space says, 1 to DEVICE_QUEUES_MAX - 1: drivers set up that many, and some cannot have many. A front-end
	 * that decides by itself may set up DEVICE_QUEUES_OFFERED, if that is more. */
	unsigned int request_queues;
	struct session *session; /* borrowed */
};

struct device;

/* -EINVAL when the tag or the number of queues is out of range; -ENOMEM. */
int device_new(const struct device_config *config, struct device **ret_device);

/* No front-end may be served. NULL is fine. */
void device_free(struct device *device);

enum device_end {
	DEVICE_END_DISCONNECT, /* the front-end closed the connection */
	DEVICE_END_ERROR, /* it broke the protocol; the reason has been logged */
	DEVICE_END_STOP, /* stop_fd became readable */
};

/*
 * Serves the front-end on the connected socket fd (taken over) until it goes or stop_fd is readable, then stops all
 * queues and ends the session. Returns why.
 */
enum device_end device_serve(struct device *device, int fd, int stop_fd);

#endif
