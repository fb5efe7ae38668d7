/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The in-flight region of a connection: one memory file that the front-end keeps for a back-end that comes after this
 * one. Queue i's part lies at i times the part's size; what is in a part is the ring's business (ring/inflight.h).
 */
#ifndef VIOFS_VHOST_INFLIGHT_H
#define VIOFS_VHOST_INFLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct vhost_inflight {
	char *parts; /* NULL when there is no region */
	void *mapping;
	size_t mapping_size;
	unsigned int queues;
	uint32_t size; /* descriptors a part has room for */
	bool packed;
	size_t part_bytes;
	dev_t file_device; /* which file, and where in it: to know a region again */
	ino_t file_inode;
	uint64_t file_offset;
};

/*
 * Makes a fresh region for queues rings of at most size descriptors and maps it; the descriptor is the caller's.
 * -EINVAL when a number is out of range; errnos of memfd_create and mmap.
 */
int vhost_inflight_create(struct vhost_inflight *inflight, unsigned int queues, uint32_t size, bool packed,
			  int *ret_fd);

/* Maps a region made before; -EINVAL when bytes at offset are too few for what it claims to hold. */
int vhost_inflight_map(struct vhost_inflight *inflight, int fd, uint64_t bytes, uint64_t offset, unsigned int queues,
		       uint32_t size, bool packed);

/* Bytes of the whole region. */
size_t vhost_inflight_bytes(const struct vhost_inflight *inflight);

/* The part of a ring of size descriptors, NULL when there is none or it doesn't fit. */
void *vhost_inflight_part(const struct vhost_inflight *inflight, unsigned int index, uint32_t size, bool packed);

/* Whether both are the same bytes, laid out alike. */
bool vhost_inflight_is_same(const struct vhost_inflight *a, const struct vhost_inflight *b);

/* Forgets the requests of one ring; nothing when it has no part. */
void vhost_inflight_clear_part(struct vhost_inflight *inflight, unsigned int index);

/* Forgets the requests of all rings: their chains mean nothing any more. */
void vhost_inflight_clear(struct vhost_inflight *inflight);

void vhost_inflight_unmap(struct vhost_inflight *inflight);

#endif
