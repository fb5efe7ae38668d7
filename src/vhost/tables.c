/* SPDX-License-Identifier: BSD-3-Clause */
/* The messages that bring memory: the guest's, and the log of a migration. */
#include "vhost/private.h"

#include <errno.h>
#include <string.h>

#include "vhost/log_map.h"
#include "vhost/table.h"

static struct vhost_memory_entry entry_of(const struct vhost_user_region *region)
{
	return (struct vhost_memory_entry){
		.guest_address = region->guest_address,
		.size = region->size,
		.user_address = region->user_address,
		.mmap_offset = region->mmap_offset,
	};
}

static int fail_mapping(struct vhost_backend *backend, int error)
{
	switch (error) {
	case -EINVAL:
		return vhost_backend_fail(backend, error, "the memory table has an empty or impossible region");
	case -EEXIST:
		return vhost_backend_fail(backend, error, "the memory table has regions that overlap");
	case -E2BIG:
		return vhost_backend_fail(backend, error, "the front-end has more than %u memory regions",
					  VHOST_MEMORY_REGIONS_MAX);
	case -EFBIG:
		return vhost_backend_fail(backend, error, "a file of guest memory ends before its region does");
	default:
		return vhost_backend_fail(backend, error, "guest memory can't be mapped: %s", strerror(-error));
	}
}

static int fail_not_shared(struct vhost_backend *backend)
{
	return vhost_backend_fail(
	    backend, -EBADF,
	    "guest memory is not shared: add <memoryBacking><source type='memfd'/><access mode='shared'/>"
	    "</memoryBacking> to the domain, or -object memory-backend-memfd,id=mem,size=…,share=on and "
	    "-numa node,memdev=mem to QEMU's command line");
}

static int replace_memory(struct vhost_backend *backend, void *memory)
{
	vhost_memory_unref(backend->memory);
	backend->memory = memory;
	return 0;
}

int vhost_tables_set(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_memory_entry entries[VHOST_MESSAGE_FDS_MAX];
	uint32_t count = message->payload.memory.count;
	struct vhost_memory *memory;

	/* User-Mode Linux sends room for two regions and fills one. */
	if (count > VHOST_MESSAGE_FDS_MAX ||
	    message->header.size < sizeof(struct vhost_user_memory) + count * sizeof(struct vhost_user_region))
		return vhost_backend_fail(backend, -EBADMSG, "a memory table of %u regions came in %u bytes", count,
					  message->header.size);
	if (message->fd_count < count)
		return fail_not_shared(backend);
	if (message->fd_count > count)
		return vhost_backend_fail(backend, -EBADMSG, "a memory table of %u regions came with %zu descriptors",
					  count, message->fd_count);
	for (uint32_t i = 0; i < count; i++) {
		struct vhost_user_region region;

		memcpy(&region, message->payload.bytes + sizeof(struct vhost_user_memory) + i * sizeof(region),
		       sizeof(region));
		entries[i] = entry_of(&region);
	}
	int error = vhost_table_from(entries, message->fds, count, &memory);
	if (error)
		return fail_mapping(backend, error);
	return vhost_rings_restart(backend, replace_memory, memory);
}

/* Puts a table in force that has all that running rings use. */
static void use_memory(struct vhost_backend *backend, struct vhost_memory *memory)
{
	struct vhost_memory *old = backend->memory;

	backend->memory = memory;
	backend->config.ops->memory_changed(backend->config.device, memory);
	vhost_memory_unref(old);
}

int vhost_tables_add(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_memory_entry entry = entry_of(&message->payload.region.region);
	struct vhost_memory *memory;

	if (message->fd_count == 0)
		return fail_not_shared(backend);
	if (message->fd_count != 1)
		return vhost_backend_fail(backend, -EBADMSG, "one memory region came with %zu descriptors",
					  message->fd_count);
	int error = vhost_table_add(backend->memory, &entry, message->fds[0], &memory);
	if (error)
		return fail_mapping(backend, error);
	use_memory(backend, memory);
	return vhost_rings_start_wanted(backend);
}

/* Whether a running ring would lose its areas with this table. */
static bool is_needed(const struct vhost_backend *backend, const struct vhost_memory *memory)
{
	for (unsigned int i = 0; i < backend->ring_count; i++) {
		const struct vhost_ring *ring = &backend->rings[i];

		/* By host address: what the front-end calls user addresses may be ambiguous. */
		for (size_t area = 0; ring->started && area < ARRAY_SIZE(ring->areas); area++)
			if (vhost_memory_guest_address(memory, ring->areas[area]) == UINT64_MAX)
				return true;
	}
	return false;
}

int vhost_tables_remove(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_memory_entry entry = entry_of(&message->payload.region.region);
	struct vhost_memory *memory;
	int error = vhost_table_remove(backend->memory, &entry, &memory);

	if (error == -ENOENT)
		return vhost_backend_fail(backend, error, "the front-end removed a memory region it had not added");
	if (error)
		return fail_mapping(backend, error);
	if (is_needed(backend, memory)) {
		vhost_memory_unref(memory);
		return vhost_backend_fail(backend, -EBUSY, "the front-end removed memory that a running ring lies in");
	}
	use_memory(backend, memory);
	return 0;
}

int vhost_tables_set_log(struct vhost_backend *backend, struct vhost_message *message)
{
	struct vhost_log *log;

	if (message->fd_count != 1)
		return vhost_backend_fail(
		    backend, -EBADMSG, "the migration log came with %zu descriptors instead of one", message->fd_count);
	int error = vhost_log_map(message->fds[0], message->payload.log.size, message->payload.log.offset, &log);
	if (error)
		return vhost_backend_fail(backend, error, "the migration log can't be mapped: %s", strerror(-error));
	struct vhost_log *old = backend->log;
	backend->log = log;
	if (vhost_backend_active_log(backend))
		backend->config.ops->log_changed(backend->config.device, log);
	vhost_log_unref(old);
	message->payload.u64 = 0;
	return 0;
}
