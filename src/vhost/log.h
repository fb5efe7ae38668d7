/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dirty-page log of a migration: one bit per 4096-byte page of guest-physical memory, set atomically
 * after the page was written. Counted, immutable once made; a resized log is a new object.
 *
 * Spec: vhost-user, "Migration". WIRE facts: log base is guest-physical for data, an offset from the ring's log
 * address for used rings.
 */
#ifndef VIOFS_VHOST_LOG_H
#define VIOFS_VHOST_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "vhost/memory.h"

#define VHOST_LOG_PAGE 4096u

struct vhost_log;

struct vhost_log *vhost_log_ref(struct vhost_log *log);
void vhost_log_unref(struct vhost_log *log);

/* Marks [address, address + length), guest-physical bytes; what lies behind the log's end is ignored. */
void vhost_log_mark(struct vhost_log *log, uint64_t address, uint64_t length);

/* Marks the first length bytes of count host buffers that lie in memory. */
void vhost_log_mark_iov(struct vhost_log *log, const struct vhost_memory *memory, const struct iovec *iov, size_t count,
			size_t length);

#endif
