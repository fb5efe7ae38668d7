/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/util.h"

static void PRINTF_LIKE(2, 3) tell(struct fake *fake, const char *format, ...)
{
	va_list arguments;
	size_t room = sizeof(fake->told) - fake->length;

	va_start(arguments, format);
	int count = vsnprintf(fake->told + fake->length, room, format, arguments);
	va_end(arguments);
	if (count > 0 && (size_t)count < room)
		fake->length += (size_t)count;
}

const char *fake_told(struct fake *fake)
{
	/* From now on what is told starts anew, over this text. */
	fake->told[fake->length > 0 ? fake->length - 1 : 0] = '\0';
	fake->length = 0;
	return fake->told;
}

static int ring_start(void *device, unsigned int index, const struct vhost_ring_setup *setup)
{
	struct fake *fake = device;

	if (fake->start_error)
		return fake->start_error;
	fake->setup = *setup;
	tell(fake, "start%u@%x ", index, setup->ring.base);
	return 0;
}

static uint32_t ring_stop(void *device, unsigned int index)
{
	struct fake *fake = device;

	tell(fake, "stop%u ", index);
	return fake->base;
}

static void ring_enable(void *device, unsigned int index, bool enabled)
{
	tell(device, "%sable%u ", enabled ? "en" : "dis", index);
}

static void ring_set_call(void *device, unsigned int index, int call_fd)
{
	struct fake *fake = device;

	fake->call_fd = call_fd;
	tell(fake, "call%u ", index);
}

static void ring_kick(void *device, unsigned int index)
{
	tell(device, "kick%u ", index);
}

static void memory_changed(void *device, struct vhost_memory *memory)
{
	struct fake *fake = device;

	fake->memory = memory;
	tell(fake, "memory=%zu ", memory->count);
}

static void log_changed(void *device, struct vhost_log *log)
{
	struct fake *fake = device;

	fake->log = log;
	tell(fake, "log=%s ", log ? "on" : "off");
}

static int get_config(void *device UNUSED, uint32_t offset, void *to, uint32_t size)
{
	if (offset > FAKE_CONFIG_SIZE || size > FAKE_CONFIG_SIZE - offset)
		return -EINVAL;
	for (uint32_t i = 0; i < size; i++)
		((uint8_t *)to)[i] = (uint8_t)(offset + i + 1);
	return 0;
}

static void features_set(void *device, uint64_t features)
{
	((struct fake *)device)->features = features;
}

static void reset(void *device)
{
	tell(device, "reset ");
}

const struct vhost_backend_ops fake_ops = {
	.ring_start = ring_start,
	.ring_stop = ring_stop,
	.ring_enable = ring_enable,
	.ring_set_call = ring_set_call,
	.ring_kick = ring_kick,
	.memory_changed = memory_changed,
	.log_changed = log_changed,
	.get_config = get_config,
	.features_set = features_set,
	.reset = reset,
};
