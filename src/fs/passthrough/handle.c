/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/passthrough/handle.h"
#include "fs/passthrough/node.h"
#include "fs/passthrough/pin.h"
#include "fs/passthrough/slots.h"

/* #syscalls: close futex brk mmap munmap sched_yield */

struct handle_table {
	struct slots slots;
};

_Static_assert(offsetof(struct handle, word) == offsetof(struct slot_head, word), "slot head");
_Static_assert(offsetof(struct handle, link) == offsetof(struct slot_head, link), "slot head");

static struct handle *handle_at(struct passthrough *pt, uint64_t fh)
{
	return slots_at(&pt->handles->slots, (uint32_t)fh);
}

int handle_table_new(struct handle_table **ret_table)
{
	_cleanup_free_ struct handle_table *table = malloc(sizeof(*table));
	int result;

	if (!table)
		return -ENOMEM;
	result = slots_init(&table->slots, sizeof(struct handle));
	if (result < 0)
		return result;
	*ret_table = take_pointer(table);
	return 0;
}

void handle_table_free(struct handle_table *table)
{
	if (!table)
		return;
	slots_fini(&table->slots);
	free(table);
}

int handle_new(struct passthrough *pt, uint64_t node, int fd, int flags, bool is_dir, uint64_t *ret_fh)
{
	struct handle *handle;
	uint32_t generation, slot;
	int result = slots_take(&pt->handles->slots, &slot);

	if (result < 0) {
		close(fd);
		return result;
	}
	handle = slots_at(&pt->handles->slots, slot);
	generation = pin_generation(atomic_load(&handle->word));
	handle->node = node;
	handle->fd = fd;
	handle->flags = flags;
	handle->is_dir = is_dir;
	handle->stream = NULL;
	pthread_mutex_init(&handle->lock, NULL);
	atomic_store(&handle->word, pin_word(generation, 0));
	*ret_fh = pin_word(generation, slot);
	return 0;
}

int handle_get(struct passthrough *pt, uint64_t fh, uint64_t node, struct handle_use *ret_use)
{
	struct handle *handle = handle_at(pt, fh);

	if (!handle || !pin_get(&handle->word, pin_generation(fh)))
		return -EBADF;
	*ret_use = (struct handle_use){ .pt = pt, .handle = handle, .id = fh };
	if (handle->node != node) {
		handle_put(ret_use);
		return -EBADF;
	}
	return 0;
}

void handle_put(struct handle_use *use)
{
	struct handle *handle = use->handle;
	uint64_t word;
	int fd;

	if (!handle)
		return;
	word = pin_put(&handle->word);
	if ((word & PIN_CLOSING) && (word & PIN_COUNT) == 0) {
		/* The last user of a handle that nobody can get any more. */
		fd = handle->fd;
		free(handle->stream);
		handle->stream = NULL;
		pthread_mutex_destroy(&handle->lock);
		atomic_store(&handle->word, pin_word(pin_generation(word) + 1, PIN_FREE));
		slots_give(&use->pt->handles->slots, (uint32_t)use->id);
		close(fd);
	}
	*use = HANDLE_USE_NONE;
}

int handle_release(struct passthrough *pt, uint64_t fh, uint64_t node)
{
	_cleanup_handle_ struct handle_use use = HANDLE_USE_NONE;
	int result = handle_get(pt, fh, node, &use);

	if (result < 0)
		return result;
	atomic_fetch_or(&use.handle->word, PIN_CLOSING);
	return 0;
}

void handle_table_reset(struct passthrough *pt)
{
	for (uint32_t slot = 1; slot < atomic_load(&pt->handles->slots.end); slot++) {
		struct handle *handle = handle_at(pt, slot);
		uint64_t word = atomic_load(&handle->word);

		if (!(word & PIN_FREE))
			handle_release(pt, pin_word(pin_generation(word), slot), handle->node);
	}
}

int handle_get_file(struct passthrough *pt, uint64_t node, uint64_t fh, int flags, struct file_use *ret_use)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	int result;

	*ret_use = FILE_USE_NONE;
	if (fh != FS_NO_HANDLE) {
		result = handle_get(pt, fh, node, &ret_use->handle);
		if (result == 0)
			ret_use->fd = ret_use->handle.handle->fd;
		return result;
	}
	result = node_get(pt, node, &use);
	if (result < 0)
		return result;
	result = node_open(&use, flags);
	if (result < 0)
		return result;
	ret_use->fd = ret_use->own_fd = result;
	return 0;
}

void handle_put_file(struct file_use *use)
{
	if (use->own_fd >= 0)
		close(use->own_fd);
	handle_put(&use->handle);
	*use = FILE_USE_NONE;
}
