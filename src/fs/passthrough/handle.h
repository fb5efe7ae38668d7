/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Open files and directories of the guest. A handle id (fh) is slot and generation, never 0; like nodes handles are pinned
 * while an operation uses them, and a RELEASE in the middle of one takes effect at its end.
 */
#ifndef VIOFS_FS_PASSTHROUGH_HANDLE_H
#define VIOFS_FS_PASSTHROUGH_HANDLE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "fs/passthrough/state.h"

struct dir_stream;

struct handle {
	_Atomic uint64_t word; /* see pin.h */
	uint32_t link; /* of the free list */
	bool is_dir;
	uint64_t node; /* id of the node that was opened */
	int fd;
	int flags; /* O_* with which the host file is open */
	/* Of this process alone: */
	struct dir_stream *stream; /* position and buffer of a directory, made by the first READDIR; under its lock */
	pthread_mutex_t lock; /* of stream */
};

/* A handle in use by one operation. */
struct handle_use {
	struct passthrough *pt;
	struct handle *handle;
	uint64_t id;
};
#define HANDLE_USE_NONE ((struct handle_use){ .handle = NULL })

/* Pins the handle; -EBADF when fh names none or one of another node. */
int handle_get(struct passthrough *pt, uint64_t fh, uint64_t node, struct handle_use *ret_use);

/* Unpins; harmless on HANDLE_USE_NONE. */
void handle_put(struct handle_use *use);
#define _cleanup_handle_ __attribute__((cleanup(handle_put)))

/* Makes a handle of fd, which it then owns also when it fails. */
int handle_new(struct passthrough *pt, uint64_t node, int fd, int flags, bool is_dir, uint64_t *ret_fh);

/* Ends a handle: nobody can get it any more, and its file is closed when the last user has put it. -EBADF. */
int handle_release(struct passthrough *pt, uint64_t fh, uint64_t node);

int handle_table_new(struct handle_table **ret_table);
void handle_table_free(struct handle_table *table);

/* Ends all handles; nothing may be pinned. */
void handle_table_reset(struct passthrough *pt);

/* A file to work on: the handle's when the request names one, else one opened for this call alone. */
struct file_use {
	struct handle_use handle;
	int fd;
	int own_fd; /* -1 when fd is the handle's */
};
#define FILE_USE_NONE ((struct file_use){ .handle = { .handle = NULL }, .fd = -1, .own_fd = -1 })

/* fh may be FS_NO_HANDLE: then the node is opened with flags (O_RDONLY, O_RDWR, ...). fh of a file not open for what is
 * wanted is not refused here; the system call does. */
int handle_get_file(struct passthrough *pt, uint64_t node, uint64_t fh, int flags, struct file_use *ret_use);
void handle_put_file(struct file_use *use);
#define _cleanup_file_ __attribute__((cleanup(handle_put_file)))

#endif
