/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs a test on each kind of host directory: ext4 (or what /var/tmp is) and tmpfs, with file handles and without. */
#ifndef VIOFS_TESTS_PASSTHROUGH_VARIANTS_H
#define VIOFS_TESTS_PASSTHROUGH_VARIANTS_H

#include "share.h"

static const struct variant {
	const char *base;
	enum passthrough_file_handles handles;
} variants[] = {
	{ "/var/tmp", PASSTHROUGH_HANDLES_PREFER },
	{ "/var/tmp", PASSTHROUGH_HANDLES_NEVER },
	{ "/dev/shm", PASSTHROUGH_HANDLES_PREFER },
	{ "/dev/shm", PASSTHROUGH_HANDLES_NEVER },
};

static struct share share;

static bool begin(const struct variant *variant)
{
	const struct passthrough_config config = { .file_handles = variant->handles };

	share_open(&share, variant->base, &config, 0);
	return true;
}

#define FOR_EACH_VARIANT(variant)                                                                                  \
	for (const struct variant *variant = variants; variant < variants + ARRAY_SIZE(variants) && begin(variant); \
	     share_close(&share), variant++)

#endif
