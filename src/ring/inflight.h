/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that remembers, per ring, which chains were taken and not given back, so that a new process can
 * serve them again. ring_device keeps it up to date at every pop, push and publish when ring_config.inflight
 * points to it, and reads it in ring_device_init(): chains found in flight are popped again, in the order they
 * were first taken, before any new one, and the place to go on from is computed from the region, not from the base.
 *
 * A region belongs to one life of a ring: whoever starts a ring again after the driver or the machine was reset must
 * clear it first. It survives stop and start, and the process.
 *
 * Spec: vhost-user protocol, "Inflight I/O tracking".
 */
#ifndef VIOFS_RING_INFLIGHT_H
#define VIOFS_RING_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Regions of several queues lie one behind the other, each as long as this is a multiple of. */
#define RING_INFLIGHT_ALIGN 64u

/* Bytes of the region of a queue of size descriptors, rounded up to RING_INFLIGHT_ALIGN. */
size_t ring_inflight_bytes(uint32_t size, bool packed);

/* Forgets everything; also how fresh memory looks (all zero). The region must be at least 8-byte aligned. */
void ring_inflight_clear(void *region, uint32_t size, bool packed);

#endif
