/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A back-end with a fake device, and the other end of its socket, in one thread: the test sends a message, lets the
 * back-end serve it, and reads what came back.
 */
#ifndef VIOFS_TESTS_VHOST_PEER_H
#define VIOFS_TESTS_VHOST_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake.h"
#include "vhost/channel.h"
#include "vhost/shared_memory.h"

#define PEER_MEMORY_SIZE (1u << 20)
#define PEER_GUEST_BASE UINT64_C(0x40000000)

struct peer {
	int socket; /* the test's end */
	struct vhost_backend *backend;
	struct fake fake;
	struct vhost_shared_memory memory;
	unsigned int fds_before; /* open in the process when the test began */
};

/* For cmocka: a fresh back-end before each test; afterwards no descriptor may be left. */
int peer_setup(void **state);
int peer_teardown(void **state);

/* Sends any bytes with any descriptors. */
void peer_send(struct peer *peer, const void *bytes, size_t length, const int *fds, size_t fd_count);
/* Sends a message; flags beside the version. */
void peer_message(struct peer *peer, uint32_t request, uint32_t flags, const void *payload, uint32_t size,
		  const int *fds, size_t fd_count);
/* Sends a message that must be served, with one descriptor (-1: none). */
void peer_say(struct peer *peer, uint32_t request, const void *payload, uint32_t size, int fd);
void peer_say_u64(struct peer *peer, uint32_t request, uint64_t value, int fd);
void peer_say_state(struct peer *peer, uint32_t request, uint32_t index, uint32_t num);
/* Sends a message, with one descriptor (-1: none), that must end the connection, with a sentence containing why. */
void peer_refused(struct peer *peer, const char *why, uint32_t request, const void *payload, uint32_t size, int fd);
void peer_refused_state(struct peer *peer, const char *why, uint32_t request, uint32_t index, uint32_t num);
/* Reads a reply, which must be one to request with size bytes of payload; descriptors are the caller's. */
void peer_reply(struct peer *peer, uint32_t request, uint32_t size, struct vhost_message *ret_message);
uint64_t peer_ask_u64(struct peer *peer, uint32_t request);
/* Fails when the back-end has sent anything. */
void peer_expect_silence(struct peer *peer);

/* Agrees on all features, with or without protocol features. */
void peer_negotiate(struct peer *peer, uint64_t virtio_features, bool protocol);
/* Gives the back-end memory. */
void peer_give_memory(struct peer *peer);
struct vhost_user_vring_addr peer_addresses(struct peer *peer, uint32_t index);
/* Stops where QEMU does: size, base, addresses, kick, call; not enabled. */
void peer_start_ring(struct peer *peer, uint32_t index, uint32_t base);

unsigned int peer_count_fds(void);
/* Makes an eventfd. */
int peer_eventfd(void);

#endif
