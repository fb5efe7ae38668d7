/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The virtio-fs device: identity, configuration space, queues.
 *
 * Layouts only, freestanding. Fields are little-endian. Spec: virtio 1.3, 5.11.
 */
#ifndef VIOFS_WIRE_VIRTIO_FS_H
#define VIOFS_WIRE_VIRTIO_FS_H

#include <stdint.h>

#define VIRTIO_ID_FS 26

/* Feature bit, by number: a notification queue exists and notify_buf_size is valid. */
#define VIRTIO_FS_F_NOTIFICATION 0

#define VIRTIO_FS_TAG_MAX 36u /* bytes; a shorter tag is padded with NUL, a full one is not terminated */

/* Queue numbers. With VIRTIO_FS_F_NOTIFICATION queue 1 is the notification queue and requests begin at 2. */
#define VIRTIO_FS_QUEUE_HIPRIO 0
#define VIRTIO_FS_QUEUE_REQUEST 1

/* The shared memory region that is the DAX window. */
#define VIRTIO_FS_SHMID_DAX 0

struct virtio_fs_config {
	char tag[VIRTIO_FS_TAG_MAX];
	uint32_t num_request_queues;
	uint32_t notify_buf_size; /* bytes; only with VIRTIO_FS_F_NOTIFICATION */
};

/* Bytes of configuration space without the notification feature. */
#define VIRTIO_FS_CONFIG_BYTES 40u

_Static_assert(sizeof(struct virtio_fs_config) == 44, "virtio-fs configuration space");

#endif
