/* SPDX-License-Identifier: BSD-3-Clause */
/* READDIR and READDIRPLUS. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fs/passthrough/attr.h"
#include "fs/passthrough/handle.h"
#include "fs/passthrough/hints.h"
#include "fs/passthrough/identity.h"
#include "fs/passthrough/ops.h"

/* #syscalls: getdents64 lseek brk mmap munmap futex */

/* As much as the C library reads at a time. */
#define DIR_BUFFER 32768u

/* Entries of the host that the guest has not taken yet. */
struct dir_stream {
	uint64_t next; /* offset of the entry at pos */
	size_t pos;
	size_t end;
	bool ended; /* the host had no more; the guest asks once again to hear so */
	bool moved; /* the host's position is not that of a fresh descriptor */
	_Alignas(8) char buffer[DIR_BUFFER];
};

static struct dir_stream *stream_new(void)
{
	struct dir_stream *stream = malloc(sizeof(*stream));

	if (stream) {
		stream->next = 0;
		stream->pos = stream->end = 0;
		stream->ended = stream->moved = false;
	}
	return stream;
}

/* Goes to offset, which is where the stream is already when a guest reads on. Rewinding looks at the directory anew. */
static int stream_seek(struct dir_stream *stream, int fd, uint64_t offset)
{
	if (offset == stream->next && (offset != 0 || !stream->moved))
		return 0;
	if (offset > INT64_MAX)
		return -EINVAL;
	if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
		return -errno;
	stream->next = offset;
	stream->pos = stream->end = 0;
	stream->ended = false;
	return 0;
}

/* The entry at the stream's position, NULL at the end of the directory. */
static int stream_peek(struct dir_stream *stream, int fd, const struct dirent64 **ret_entry)
{
	if (stream->ended) {
		stream->ended = false;
	} else if (stream->pos == stream->end) {
		ssize_t length = getdents64(fd, stream->buffer, sizeof(stream->buffer));

		if (length < 0)
			return -errno;
		stream->moved = true;
		stream->pos = 0;
		stream->end = (size_t)length;
		stream->ended = length == 0;
	}
	*ret_entry = stream->pos < stream->end ? (const void *)(stream->buffer + stream->pos) : NULL;
	return 0;
}

static bool is_dot(const char *name)
{
	return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Gives one entry to the sink; 1 when it has no room, and 0 also for one that has vanished. */
static int give_entry(struct node_use *dir, int fd, const struct dirent64 *entry, struct fs_dir_sink *sink)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	size_t length = strlen(entry->d_name);
	uint64_t ino = attr_fold_ino(entry->d_ino, dir->node->fold);
	struct fuse_entry_out out = { .nodeid = 0 };
	struct statx st;
	int result;

	if (!sink->fits(sink, length))
		return 1;
	if (sink->plus && !is_dot(entry->d_name)) {
		result = identity_resolve(dir, fd, entry->d_name, false, &st, &use);
		if (result == -ENOENT)
			return 0;
		/* Without attributes the guest asks by LOOKUP, and hears what is wrong there. */
		if (result == 0) {
			hint_set(dir->pt->hints, dir->id, entry->d_name, use.id);
			identity_entry(&use, &st, &out);
			ino = out.attr.ino;
		}
	}
	result = sink->add(sink, entry->d_name, length, ino, entry->d_type, (uint64_t)entry->d_off,
			   sink->plus ? &out : NULL);
	if (result == 0)
		return 0;
	if (use.node)
		node_forget(&use, 1);
	return result == -ENOSPC ? 1 : result;
}

static int read_stream(struct node_use *dir, struct dir_stream *stream, int fd, uint64_t offset,
		       struct fs_dir_sink *sink)
{
	int result = stream_seek(stream, fd, offset);

	while (result == 0) {
		const struct dirent64 *entry;

		result = stream_peek(stream, fd, &entry);
		if (result < 0 || !entry)
			break;
		result = give_entry(dir, fd, entry, sink);
		if (result == 0) {
			stream->next = (uint64_t)entry->d_off;
			stream->pos += entry->d_reclen;
		}
	}
	return result < 0 ? result : 0;
}

static int read_handle(struct node_use *dir, struct handle *handle, uint64_t offset, struct fs_dir_sink *sink)
{
	int result = -ENOMEM;

	if (!handle->is_dir)
		return -ENOTDIR;
	pthread_mutex_lock(&handle->lock);
	if (!handle->stream)
		handle->stream = stream_new();
	if (handle->stream)
		result = read_stream(dir, handle->stream, handle->fd, offset, sink);
	pthread_mutex_unlock(&handle->lock);
	return result;
}

int passthrough_readdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
			struct fs_dir_sink *sink)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use dir = NODE_USE_NONE;
	_cleanup_file_ struct file_use file = FILE_USE_NONE;
	struct dir_stream *stream;
	int result;

	result = node_get(pt, node, &dir);
	if (result < 0)
		return result;
	result = handle_get_file(pt, node, fh, O_RDONLY | O_DIRECTORY, &file);
	if (result < 0)
		return result;
	if (file.handle.handle)
		return read_handle(&dir, file.handle.handle, offset, sink);
	stream = stream_new();
	if (!stream)
		return -ENOMEM;
	result = read_stream(&dir, stream, file.fd, offset, sink);
	free(stream);
	return result;
}
