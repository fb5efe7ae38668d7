/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of a back-end, shared by the files of this folder. Everything belongs to the control thread.
 */
#ifndef VIOFS_VHOST_PRIVATE_H
#define VIOFS_VHOST_PRIVATE_H

#include "base/util.h"
#include "vhost/backend.h"
#include "vhost/channel.h"
#include "vhost/inflight.h"

/* Ring indices travel in one byte. */
#define VHOST_RINGS_MAX 256u
#define VHOST_ERROR_MAX 512u

/* What the front-end said of one ring. */
struct vhost_ring {
	uint32_t size; /* 0: not said */
	uint32_t base;
	bool has_addresses;
	struct vhost_user_vring_addr addresses;
	bool has_kick; /* a kick message came, with or without a descriptor: the ring is to run */
	int kick_fd;
	int call_fd;
	int err_fd;
	bool enabled;
	bool started; /* the device runs it, with these areas of guest memory */
	const void *areas[3];
	/* How it last ran with the in-flight region in force; size 0: not on this connection. */
	uint32_t tracked_size;
	uint32_t tracked_base; /* where it stopped then */
};

struct vhost_backend {
	int fd;
	struct vhost_backend_config config;
	uint64_t features; /* accepted virtio features, transport bits included */
	uint64_t protocol_features; /* accepted */
	uint64_t status;
	int backend_fd; /* our channel for requests to the front-end, or -1 */
	struct vhost_memory *memory;
	struct vhost_log *log; /* as set; in force only with VHOST_F_LOG_ALL */
	struct vhost_inflight inflight;
	unsigned int ring_count;
	struct vhost_ring rings[VHOST_RINGS_MAX];
	char error[VHOST_ERROR_MAX];
};

/* Says why in one sentence, and returns error. */
int vhost_backend_fail(struct vhost_backend *backend, int error, const char *format, ...) PRINTF_LIKE(3, 4);

bool vhost_backend_has_feature(const struct vhost_backend *backend, unsigned int bit);

/* The log in force, NULL when nothing is logged. */
struct vhost_log *vhost_backend_active_log(const struct vhost_backend *backend);

/* ---- rings.c ---- */

void vhost_rings_init(struct vhost_backend *backend);
/* Stops all rings and closes their descriptors. */
void vhost_rings_fini(struct vhost_backend *backend);
/* Stops all rings and forgets their state, but keeps interrupt descriptors (QEMU sends them once). */
void vhost_rings_reset(struct vhost_backend *backend);
/* Enables every ring: what a front-end without F_PROTOCOL_FEATURES expects. */
void vhost_rings_enable_all(struct vhost_backend *backend);
/* Stops the running rings and starts them where they stood, for a change of what they are mapped through. */
int vhost_rings_restart(struct vhost_backend *backend, int (*change)(struct vhost_backend *backend, void *argument),
			void *argument);
/* Whether the device runs any ring. */
bool vhost_rings_is_any_started(const struct vhost_backend *backend);
/* The in-flight region was exchanged for another: what it holds is to be recovered. */
void vhost_rings_untrack(struct vhost_backend *backend);
/* Starts what was waiting for memory. */
int vhost_rings_start_wanted(struct vhost_backend *backend);

int vhost_rings_set_num(struct vhost_backend *backend, struct vhost_message *message);
int vhost_rings_set_addr(struct vhost_backend *backend, struct vhost_message *message);
int vhost_rings_set_base(struct vhost_backend *backend, struct vhost_message *message);
/* Turns message into its reply. */
int vhost_rings_get_base(struct vhost_backend *backend, struct vhost_message *message);
int vhost_rings_set_kick(struct vhost_backend *backend, struct vhost_message *message);
int vhost_rings_set_call(struct vhost_backend *backend, struct vhost_message *message);
int vhost_rings_set_err(struct vhost_backend *backend, struct vhost_message *message);
int vhost_rings_set_enable(struct vhost_backend *backend, struct vhost_message *message);

/* ---- tables.c ---- */

int vhost_tables_set(struct vhost_backend *backend, struct vhost_message *message);
int vhost_tables_add(struct vhost_backend *backend, struct vhost_message *message);
int vhost_tables_remove(struct vhost_backend *backend, struct vhost_message *message);
int vhost_tables_set_log(struct vhost_backend *backend, struct vhost_message *message);

#endif
