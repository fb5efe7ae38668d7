/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver side of a virtqueue against a device that writes anything: the input is a script.
 *
 * Input: flags (1 packed, 2 event index, 4 indirect), log2 of the size, then one byte per step, some with operands.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ring/device.h"
#include "ring/driver.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE_LOG_MAX 5u
#define OFFERS_MAX 32u
#define TABLE_ENTRIES 3u

/* Memory the device writes: the rings first. */
struct shared {
	uint8_t desc[16 << SIZE_LOG_MAX] __attribute__((aligned(16)));
	uint8_t driver[128];
	uint8_t device[512];
	uint8_t tables[(16 * TABLE_ENTRIES) << SIZE_LOG_MAX];
};

struct offer {
	bool out, published;
	uint32_t writable;
};

struct fuzz {
	struct shared *shared;
	struct ring_driver *ring;
	struct offer offers[OFFERS_MAX];
};

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void add(struct fuzz *fuzz, uint8_t readable, uint8_t writable)
{
	struct ring_buffer buffers[16];
	struct offer *offer = fuzz->offers;

	while (offer < fuzz->offers + OFFERS_MAX && offer->out)
		offer++;
	if (offer == fuzz->offers + OFFERS_MAX)
		return;
	readable %= 8;
	writable %= 8;
	for (unsigned int i = 0; i < 16; i++)
		buffers[i] = (struct ring_buffer){ 0x1000 * i, 10 };
	if (ring_driver_add(fuzz->ring, buffers, readable, writable, offer) == 0)
		*offer = (struct offer){ .out = true, .writable = 10u * writable };
}

static void publish(struct fuzz *fuzz)
{
	ring_driver_publish(fuzz->ring);
	for (unsigned int i = 0; i < OFFERS_MAX; i++)
		fuzz->offers[i].published = fuzz->offers[i].out;
}

static void get(struct fuzz *fuzz)
{
	uint32_t written;
	void *token;
	struct offer *offer;

	if (ring_driver_get(fuzz->ring, &token, &written) != 1)
		return;
	offer = token;
	require(offer >= fuzz->offers && offer < fuzz->offers + OFFERS_MAX);
	require(offer->out && offer->published && written <= offer->writable);
	offer->out = false;
}

static void run(struct fuzz *fuzz, const uint8_t *data, size_t size)
{
	while (size >= 4) {
		size_t used = 1;

		switch (data[0] % 6) {
		case 0:
			add(fuzz, data[1], data[2]);
			used = 3;
			break;
		case 1:
			publish(fuzz);
			break;
		case 2:
			get(fuzz);
			break;
		case 3:
			ring_driver_enable_signal(fuzz->ring);
			break;
		case 4:
			ring_driver_disable_signal(fuzz->ring);
			break;
		case 5: /* the device writes */
			((uint8_t *)fuzz->shared)[(data[1] | data[2] << 8) % sizeof(*fuzz->shared)] = data[3];
			used = 4;
			break;
		}
		data += used;
		size -= used;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz fuzz = { .shared = aligned_alloc(16, sizeof(*fuzz.shared)) };
	struct offer *offer;

	require(fuzz.shared != NULL);
	if (size >= 2) {
		struct ring_driver_config config = { .size = 1u << data[1] % (SIZE_LOG_MAX + 1),
						     .packed = data[0] & 1,
						     .event_idx = data[0] & 2,
						     .desc = fuzz.shared->desc,
						     .driver = fuzz.shared->driver,
						     .device = fuzz.shared->device,
						     .tables = data[0] & 4 ? fuzz.shared->tables : NULL,
						     .tables_address = 0x100000,
						     .table_entries = TABLE_ENTRIES };

		if (ring_driver_new(&config, &fuzz.ring) == 0) {
			run(&fuzz, data + 2, size - 2);
			while ((offer = ring_driver_detach(fuzz.ring))) {
				require(offer->out);
				offer->out = false;
			}
			for (unsigned int i = 0; i < OFFERS_MAX; i++)
				require(!fuzz.offers[i].out);
		}
	}
	ring_driver_free(fuzz.ring);
	free(fuzz.shared);
	return 0;
}
