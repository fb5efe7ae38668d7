/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest without a kernel, for tests of the whole device: shared memory, rings and FUSE messages on our own front-end, against a
 * device that serves a memory file system in this process.
 */
#ifndef VIOFS_TESTS_DEVICE_GUEST_H
#define VIOFS_TESTS_DEVICE_GUEST_H

#include <pthread.h>
#include <stdbool.h>

#include "device/device.h"
#include "ring/device.h"
#include "ring/driver.h"
#include "vhost/frontend.h"
#include "wire/fuse.h"
#include "wire/vhost_user.h"

#define GUEST_QUEUES 5u /* hiprio and four request queues */
#define GUEST_RING_SIZE 64u
#define GUEST_BUFFER (1u << 20)

struct host {
	struct fs *fs;
	struct pool *pool;
	struct session *session;
	struct device *device;
	int listener[2]; /* a socketpair: connections are handed over through it */
	int stop_fd;
	pthread_t thread;
	enum device_end last_end;
};

void host_init(struct host *host);
void host_fini(struct host *host);

struct guest_queue {
	struct ring_driver *ring;
	struct vhost_frontend_ring setup;
	char *request; /* GUEST_BUFFER bytes each, in shared memory */
	char *reply;
	struct ring_buffer buffers[2];
};

struct guest {
	struct vhost_frontend *frontend;
	struct vhost_shared_memory memory;
	size_t used;
	uint64_t features;
	uint64_t unique;
	struct vhost_user_inflight inflight; /* what the front-end keeps for the next back-end */
	int inflight_fd; /* or -1 */
	struct guest_queue queues[GUEST_QUEUES];
};

struct guest_kind {
	bool packed;
	bool event_idx;
	bool inflight; /* track requests in an in-flight region */
};

/* Connects, starts all queues; no INIT yet. */
void guest_init(struct guest *guest, struct host *host, const struct guest_kind *kind);
void guest_fini(struct guest *guest);

/* Loses the connection and makes another one, as to a back-end that was started anew; the rings go on. */
void guest_reconnect(struct guest *guest, struct host *host);

/* Makes fresh rings and starts them, as a driver that begins anew. */
void guest_start(struct guest *guest, const struct guest_kind *kind);
void guest_stop_queue(struct guest *guest, unsigned int index);
void guest_resume_queue(struct guest *guest, unsigned int index);

/*
 * Sends one message on a queue without waiting: opcode, node, arguments in two parts (NULL and 0 for none), room bytes for the
 * reply behind its header.
 */
void guest_send(struct guest *guest, unsigned int index, uint32_t opcode, uint64_t node, const void *args, size_t args_size,
		const void *more, size_t more_size, size_t room);
/* Waits for the answer; returns its error (0 or -errno), the reply's body in *ret_body. Fails the test after ten seconds. */
int guest_receive(struct guest *guest, unsigned int index, const void **ret_body, size_t *ret_size);
/* Whether an answer has come. */
bool guest_has_answer(struct guest *guest, unsigned int index, unsigned int milliseconds);

int guest_call(struct guest *guest, unsigned int index, uint32_t opcode, uint64_t node, const void *args, size_t args_size,
	       const void *more, size_t more_size, size_t room, const void **ret_body);

/* INIT with a Linux 6.1 guest's flags; returns the error. */
int guest_begin(struct guest *guest);
/* CREATE in the root. */
void guest_create(struct guest *guest, unsigned int index, const char *name, uint64_t *ret_node, uint64_t *ret_fh);
/* SETLK or SETLKW of a whole file: sent, not waited for. */
void guest_send_lock(struct guest *guest, unsigned int index, uint32_t opcode, uint64_t node, uint64_t fh, uint64_t owner, uint32_t type);

#endif
