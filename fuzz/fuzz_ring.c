/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The device side of a virtqueue, its memory and a script of what happens taken from the input.
 *
 * Input: flags (1 packed, 2 event index, 4 indirect, 8 tracked in flight), log2 of the size, base (4 bytes), how many
 * bytes of guest memory follow (2 bytes), these, then one byte per step, some with operands.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "ring/device.h"
#include "ring/inflight.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define GUEST_BASE 0x1000u
#define PIECE 2048u /* guest memory is two of these, apart from one another */
#define DRIVER 512u
#define DEVICE 640u
#define SIZE_LOG_MAX 5u
#define TAKEN_MAX 40u

struct fuzz {
	struct ring_memory memory; /* first */
	char *pieces[2];
	struct ring_config config;
	struct ring_device ring;
	struct ring_chain taken[TAKEN_MAX];
	unsigned int count;
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static int map(const struct ring_memory *memory, uint64_t address, uint64_t length, struct iovec *iov, size_t max)
{
	const struct fuzz *fuzz = (const struct fuzz *)memory;
	uint64_t offset = address - GUEST_BASE;
	size_t count = 0;

	require(length > 0);
	if (address < GUEST_BASE || offset > 2 * PIECE || length > 2 * PIECE - offset)
		return -EFAULT;
	while (length > 0) {
		size_t step = MIN(length, PIECE - offset % PIECE);

		if (count == max)
			return -E2BIG;
		iov[count++] = (struct iovec){ fuzz->pieces[offset / PIECE] + offset % PIECE, step };
		offset += step;
		length -= step;
	}
	return (int)count;
}

/* Counts are right, and all buffers may be accessed (the sanitizer watches). */
static void check(const struct ring_chain *chain)
{
	static volatile unsigned char sink;
	size_t bytes = 0;

	for (size_t i = 0; i < chain->readable_count; i++) {
		require(chain->iov[i].iov_len > 0);
		bytes += chain->iov[i].iov_len;
		sink = ((unsigned char *)chain->iov[i].iov_base)[chain->iov[i].iov_len - 1];
		sink = ((unsigned char *)chain->iov[i].iov_base)[0];
	}
	require(bytes == chain->readable_bytes);
	bytes = 0;
	for (size_t i = chain->readable_count; i < chain->readable_count + chain->writable_count; i++) {
		require(chain->iov[i].iov_len > 0);
		bytes += chain->iov[i].iov_len;
		((unsigned char *)chain->iov[i].iov_base)[chain->iov[i].iov_len - 1] ^= sink;
	}
	require(bytes == chain->writable_bytes);
}

static void pop(struct fuzz *fuzz)
{
	int result;

	if (fuzz->count == TAKEN_MAX)
		return;
	result = ring_device_pop(&fuzz->ring, &fuzz->memory, &fuzz->taken[fuzz->count]);
	require(result == 0 || result == 1 || result == -EBADMSG);
	if (result != 1)
		return;
	check(&fuzz->taken[fuzz->count]);
	fuzz->count++;
	/* Unless it found some when it started, no driver gets more out of the ring than it has descriptors. */
	require(fuzz->config.inflight || fuzz->config.base != 0 || fuzz->count <= fuzz->config.size);
}

static void push(struct fuzz *fuzz, uint8_t which, uint8_t written)
{
	struct ring_chain chain;

	if (fuzz->count == 0)
		return;
	which = (uint8_t)(which % fuzz->count);
	chain = fuzz->taken[which];
	ring_device_push(&fuzz->ring, &chain, written);
	fuzz->taken[which] = fuzz->taken[--fuzz->count];
	fuzz->taken[fuzz->count] = chain;
}

static void restart(struct fuzz *fuzz)
{
	ring_device_fini(&fuzz->ring);
	fuzz->count = 0;
	fuzz->config.base = ring_device_base(&fuzz->ring);
	if (ring_device_init(&fuzz->ring, &fuzz->config) < 0) {
		fuzz->ring.broken = true;
		return;
	}
	if (fuzz->config.base == 0)
		fuzz->config.base = 1u << 31 | 1u << 15;
}

static void run(struct fuzz *fuzz, const uint8_t *data, size_t size)
{
	while (size >= 3) {
		size_t used = 1;

		switch (data[0] % 8) {
		case 0:
			pop(fuzz);
			break;
		case 1:
			push(fuzz, data[1], data[2]);
			used = 3;
			break;
		case 2:
			ring_device_publish(&fuzz->ring);
			break;
		case 3:
			ring_device_needs_signal(&fuzz->ring);
			break;
		case 4:
			ring_device_enable_kick(&fuzz->ring);
			break;
		case 5:
			ring_device_disable_kick(&fuzz->ring);
			break;
		case 6: /* the driver, or a wild front-end, writes */
			if (data[0] & 8 && fuzz->config.inflight)
				((uint8_t *)fuzz->config.inflight)[data[1]] = data[2];
			else
				fuzz->pieces[0][(data[1] << 2 | data[0] >> 6) % PIECE] = (char)data[2];
			used = 3;
			break;
		case 7:
			restart(fuzz);
			break;
		}
		data += used;
		size -= used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { .memory.map = map };
	size_t length;

	if (size < 8)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		fuzz.pieces[i] = aligned_alloc(16, PIECE);
		require(fuzz.pieces[i]);
		memset(fuzz.pieces[i], 0, PIECE);
	}
	fuzz.config = (struct ring_config){ .size = 1u << data[1] % (SIZE_LOG_MAX + 1),
					    .packed = data[0] & 1,
					    .event_idx = data[0] & 2,
					    .indirect = data[0] & 4,
					    .desc = fuzz.pieces[0],
					    .driver = fuzz.pieces[0] + DRIVER,
					    .device = fuzz.pieces[0] + DEVICE };
	memcpy(&fuzz.config.base, data + 2, 4);
	if (data[0] & 8) {
		fuzz.config.inflight = calloc(1, ring_inflight_bytes(1u << SIZE_LOG_MAX, true));
		require(fuzz.config.inflight);
	}
	length = (size_t)(data[6] | data[7] << 8);
	length = MIN(length, size - 8);
	length = MIN(length, 2 * (size_t)PIECE);
	memcpy(fuzz.pieces[0], data + 8, MIN(length, PIECE));
	if (length > PIECE)
		memcpy(fuzz.pieces[1], data + 8 + PIECE, length - PIECE);
	if (ring_device_init(&fuzz.ring, &fuzz.config) == 0)
		run(&fuzz, data + 8 + length, size - 8 - length);
	ring_device_fini(&fuzz.ring);
	for (size_t i = 0; i < TAKEN_MAX; i++)
		ring_chain_fini(&fuzz.taken[i]);
	free(fuzz.config.inflight);
	free(fuzz.pieces[0]);
	free(fuzz.pieces[1]);
	return 0;
}
