/* SPDX-License-Identifier: BSD-3-Clause */
/* A device that does nothing but remember what it was told, as words in a line. */
#ifndef VIOFS_TESTS_VHOST_FAKE_H
#define VIOFS_TESTS_VHOST_FAKE_H

#include "vhost/backend.h"

#define FAKE_QUEUES 4u
#define FAKE_CONFIG_SIZE 40u

struct fake {
	char told[4096];
	size_t length;
	struct vhost_ring_setup setup; /* of the ring started last */
	uint32_t base; /* what a stopped ring says */
	int start_error; /* what ring_start returns */
	int call_fd; /* of ring_set_call */
	struct vhost_memory *memory; /* of memory_changed; borrowed */
	struct vhost_log *log; /* of log_changed; borrowed */
	uint64_t features;
};

extern const struct vhost_backend_ops fake_ops;

/* What was told since last asked. */
const char *fake_told(struct fake *fake);

#endif
