/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtqueue as the driver sees it, split or packed: offer chains of buffers, get them back.
 * Pure memory: no system calls, no locks; one thread at a time. It allocates when it is made, never after.
 *
 * The device is not trusted. What it says is read once and checked against what was offered, which is kept in private
 * memory: an id that is not with the device, more bytes than the chain can hold, an index that runs ahead yield
 * -EBADMSG and break the ring for good. Spec: virtio 1.3, 2.7 (split) and 2.8 (packed).
 */
#ifndef VIOFS_RING_DRIVER_H
#define VIOFS_RING_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A buffer, contiguous for the device. */
struct ring_buffer {
	uint64_t address; /* as the device knows it: guest-physical, or what an IOMMU makes of it */
	uint32_t length; /* bytes */
};

/* Pointers are our own addresses of memory that the device can reach; it outlives the ring. */
struct ring_driver_config {
	uint32_t size; /* descriptors, 2 to RING_SIZE_MAX; a power of two when split */
	bool packed; /* VIRTIO_F_RING_PACKED */
	bool event_idx; /* VIRTIO_F_EVENT_IDX */
	/* The three areas, as long as ring_desc_bytes(), ring_driver_bytes(), ring_device_bytes() say, zeroed by
	 * ring_driver_new(); their addresses are told to the device by the caller. */
	void *desc;
	void *driver;
	void *device;
	/* Room for an indirect table of table_entries descriptors per ring descriptor (ring_driver_tables_bytes()), or
	 * NULL: then, and for chains longer than table_entries, descriptors of the ring are used. */
	void *tables;
	uint64_t tables_address; /* of tables, as the device knows it */
	uint32_t table_entries;
};

struct ring_driver;

size_t ring_driver_tables_bytes(uint32_t size, uint32_t table_entries);

/* -EINVAL when size or alignment is not allowed, -ENOMEM. */
int ring_driver_new(const struct ring_driver_config *config, struct ring_driver **ret_ring);
/* NULL is fine. The device must not use the ring any more. */
void ring_driver_free(struct ring_driver *ring);

/*
 * Offers a chain: readable buffers that the device reads, then writable buffers that it writes. The buffers belong to
 * the device until token (not NULL) comes back. Not visible to the device before ring_driver_publish(). -ENOSPC when
 * the ring is too full now, -E2BIG when the chain is longer than the ring, -EINVAL when it has no buffers or is longer
 * than 4 GiB, -EBADMSG when the ring is broken.
 */
int ring_driver_add(struct ring_driver *ring, const struct ring_buffer *buffers, size_t readable, size_t writable,
		    void *token);

/* Shows the device all that was added; returns whether it wants a kick for that. */
bool ring_driver_publish(struct ring_driver *ring);

/*
 * Gets a chain back. Returns 1 with its token and the bytes the device says it wrote, 0 when there is none, -EBADMSG
 * when the device broke the ring.
 */
int ring_driver_get(struct ring_driver *ring, void **ret_token, uint32_t *ret_written);

/* Asks for an interrupt with the next chain that comes back; true when there is one already. */
bool ring_driver_enable_signal(struct ring_driver *ring);
/* Says that interrupts are not needed for now. */
void ring_driver_disable_signal(struct ring_driver *ring);

/* Takes back the token of some chain that is still out, once the device is stopped for good; NULL when none is left. */
void *ring_driver_detach(struct ring_driver *ring);

/* Descriptors of the ring not in use; a chain takes one when it fits a table. */
uint32_t ring_driver_room(const struct ring_driver *ring);

#endif
