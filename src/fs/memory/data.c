/* SPDX-License-Identifier: BSD-3-Clause */
/* The contents of regular files. What lies beyond the size in the last block is always zero. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/iov.h"
#include "fs/memory/internal.h"

#define MAX_SIZE ((uint64_t)INT64_MAX)
/* One copy holds the lock that long at most; the guest asks for the rest. */
#define COPY_MAX (16u << 20)

static const unsigned char zeros[BLOCK_SIZE];

static void remove_blocks(struct memory *memory, struct inode *inode, uint64_t first, uint64_t last)
{
	uint64_t before = inode->blocks.count;

	blocks_remove(&inode->blocks, first, last);
	memory_uncharge(memory, (before - inode->blocks.count) * BLOCK_SIZE);
}

void mem_data_free(struct memory *memory, struct inode *inode)
{
	remove_blocks(memory, inode, 0, UINT64_MAX);
}

/* A block to write to, accounted. */
static int get_block(struct memory *memory, struct inode *inode, uint64_t index, void **ret_block)
{
	int r;

	*ret_block = blocks_get(&inode->blocks, index);
	if (*ret_block)
		return 0;
	r = memory_charge(memory, BLOCK_SIZE);
	if (r < 0)
		return r;
	r = blocks_add(&inode->blocks, index, ret_block);
	if (r < 0)
		memory_uncharge(memory, BLOCK_SIZE);
	return r < 0 ? -ENOSPC : 0;
}

/* Zeroes offset to end (exclusive), both within one block. */
static void zero_part(struct inode *inode, uint64_t offset, uint64_t end)
{
	unsigned char *block = offset < end ? blocks_get(&inode->blocks, offset / BLOCK_SIZE) : NULL;

	if (block)
		memset(block + offset % BLOCK_SIZE, 0, end - offset);
}

/* Makes offset to end (exclusive) read as zero; whole blocks become holes. */
static void punch(struct memory *memory, struct inode *inode, uint64_t offset, uint64_t end)
{
	uint64_t first = ALIGN_UP(offset, BLOCK_SIZE) / BLOCK_SIZE, behind = end / BLOCK_SIZE;

	if (first > behind) {
		zero_part(inode, offset, end);
		return;
	}
	zero_part(inode, offset, first * BLOCK_SIZE);
	if (first < behind)
		remove_blocks(memory, inode, first, behind - 1);
	zero_part(inode, behind * BLOCK_SIZE, end);
}

int mem_data_resize(struct memory *memory, struct inode *inode, uint64_t size)
{
	uint64_t tail = size % BLOCK_SIZE;
	unsigned char *block;

	if (size > MAX_SIZE)
		return -EFBIG;
	if (size < inode->size) {
		remove_blocks(memory, inode, ALIGN_UP(size, BLOCK_SIZE) / BLOCK_SIZE, UINT64_MAX);
		block = tail ? blocks_get(&inode->blocks, size / BLOCK_SIZE) : NULL;
		if (block)
			memset(block + tail, 0, BLOCK_SIZE - tail);
	}
	inode->size = size;
	return 0;
}

static void read_at(const struct inode *inode, uint64_t offset, uint64_t length, struct iov_cursor *to)
{
	while (length) {
		uint64_t in_block = offset % BLOCK_SIZE, part = MIN(length, BLOCK_SIZE - in_block);
		const unsigned char *block = blocks_get(&inode->blocks, offset / BLOCK_SIZE);

		iov_cursor_write(to, (block ? block : zeros) + in_block, part);
		offset += part;
		length -= part;
	}
}

int memory_read(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		const struct iovec *iov, size_t count, size_t *ret_length)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	struct file *file = NULL;
	struct iov_cursor cursor;
	int r = mem_file_get_data(memory, node, fh, O_RDONLY, &inode, &file);

	if (r < 0)
		return r;
	iov_cursor_init(&cursor, iov, count);
	*ret_length = offset < inode->size ? MIN(cursor.left, inode->size - offset) : 0;
	read_at(inode, offset, *ret_length, &cursor);
	if (!file || !(file->flags & O_NOATIME))
		inode_touch_atime(inode);
	return 0;
}

int mem_data_write(struct memory *memory, struct inode *inode, uint64_t offset, const struct iovec *iov, size_t count,
		   size_t *ret_length)
{
	struct iov_cursor cursor;
	uint64_t start = offset, end;
	int r = 0;

	iov_cursor_init(&cursor, iov, count);
	if (offset > MAX_SIZE || (cursor.left && offset == MAX_SIZE))
		return -EFBIG;
	end = offset + MIN(cursor.left, MAX_SIZE - offset);
	while (offset < end) {
		uint64_t in_block = offset % BLOCK_SIZE, part = MIN(end - offset, BLOCK_SIZE - in_block);
		void *block = NULL;

		r = get_block(memory, inode, offset / BLOCK_SIZE, &block);
		if (r < 0)
			break;
		iov_cursor_read(&cursor, (char *)block + in_block, part);
		offset += part;
	}
	if (r < 0 && offset == start)
		return r;
	inode->size = MAX(inode->size, offset == start ? 0 : offset);
	*ret_length = offset - start;
	return 0;
}

int memory_write(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_write_in *in,
		 const struct iovec *iov, size_t count, size_t *ret_length)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	struct file *file = NULL;
	bool append;
	int r = mem_file_get_data(memory, node, in->fh, O_WRONLY, &inode, &file);

	if (r < 0)
		return r;
	/* Cached pages go back to where they came from. */
	append = (in->flags & O_APPEND) && !(in->write_flags & FUSE_WRITE_CACHE) && !memory->info.writeback;
	r = mem_data_write(memory, inode, append ? inode->size : in->offset, iov, count, ret_length);
	if (r < 0)
		return r;
	if (in->write_flags & FUSE_WRITE_KILL_SUIDGID)
		inode_kill_suidgid(inode);
	mem_xattr_drop(memory, inode, "security.capability");
	inode_touch(inode);
	return 0;
}

/* Makes blocks for all holes in first..last, or none: -ENOSPC. */
static int allocate(struct memory *memory, struct inode *inode, uint64_t first, uint64_t last)
{
	uint64_t wanted = last - first + 1, present = 0, left = (memory->max_bytes - memory->bytes) / BLOCK_SIZE;

	/* Before looking at each of what may be very many. */
	if (wanted > left && wanted - left > inode->blocks.count)
		return -ENOSPC;
	for (uint64_t i = first; i <= last; i++)
		present += blocks_get(&inode->blocks, i) != NULL;
	if (wanted - present > left)
		return -ENOSPC;
	for (uint64_t i = first; i <= last; i++) {
		void *block;
		int r = get_block(memory, inode, i, &block);

		if (r < 0)
			return r;
	}
	return 0;
}

static int do_fallocate(struct memory *memory, struct inode *inode, const struct fuse_fallocate_in *in, uint64_t end)
{
	uint32_t mode = in->mode & ~(uint32_t)FALLOC_FL_KEEP_SIZE;
	bool keep_size = in->mode & FALLOC_FL_KEEP_SIZE;
	uint64_t first = in->offset / BLOCK_SIZE, last = (end - 1) / BLOCK_SIZE;
	int r;

	switch (mode) {
	case FALLOC_FL_PUNCH_HOLE:
		if (!keep_size)
			return -EOPNOTSUPP;
		punch(memory, inode, in->offset, end);
		return 0;
	case FALLOC_FL_ZERO_RANGE:
	case 0:
		r = allocate(memory, inode, first, last);
		break;
	default:
		return -EOPNOTSUPP;
	}
	if (r < 0)
		return r;
	for (uint64_t i = first; mode == FALLOC_FL_ZERO_RANGE && i <= last; i++)
		zero_part(inode, MAX(in->offset, i * BLOCK_SIZE), MIN(end, (i + 1) * BLOCK_SIZE));
	if (!keep_size)
		inode->size = MAX(inode->size, end);
	return 0;
}

int memory_fallocate(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_fallocate_in *in)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	struct file *file = NULL;
	int r = mem_file_get_data(memory, node, in->fh, O_WRONLY, &inode, &file);

	if (r < 0)
		return r;
	if (!in->length || in->offset > MAX_SIZE || in->length > MAX_SIZE)
		return -EINVAL;
	if (in->length > MAX_SIZE - in->offset)
		return -EFBIG;
	r = do_fallocate(memory, inode, in, in->offset + in->length);
	if (r < 0)
		return r;
	mem_xattr_drop(memory, inode, "security.capability");
	inode_touch(inode);
	return 0;
}

int memory_lseek(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset, uint32_t whence,
		 uint64_t *ret_offset)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	struct file *file = NULL;
	uint64_t index = offset / BLOCK_SIZE, found;
	int r = inode_get(memory, node, &inode);

	if (r == 0)
		r = mem_file_get(memory, fh, inode, &file);
	if (r < 0)
		return r;
	if (!S_ISREG(inode->mode) || (whence != SEEK_DATA && whence != SEEK_HOLE))
		return -EINVAL;
	if (offset >= inode->size)
		return -ENXIO;
	found = whence == SEEK_DATA ? blocks_next_data(&inode->blocks, index) : blocks_next_hole(&inode->blocks, index);
	if (found == BLOCK_NONE || found * BLOCK_SIZE >= inode->size) {
		if (whence == SEEK_DATA)
			return -ENXIO;
		*ret_offset = inode->size;
		return 0;
	}
	*ret_offset = MAX(offset, found * BLOCK_SIZE);
	return 0;
}

/* Copies as much as fits; the length was clipped to the source. A file's own blocks are never read and written at once.
 */
static int copy_data(struct memory *memory, struct inode *from, uint64_t offset_in, struct inode *to,
		     uint64_t offset_out, uint64_t length, uint64_t *ret_copied)
{
	unsigned char buffer[BLOCK_SIZE];
	uint64_t copied = 0;
	int r = 0;

	while (copied < length) {
		struct iovec iov = { buffer, MIN(length - copied, BLOCK_SIZE) };
		struct iov_cursor cursor;
		size_t written = 0;

		iov_cursor_init(&cursor, &iov, 1);
		read_at(from, offset_in + copied, iov.iov_len, &cursor);
		r = mem_data_write(memory, to, offset_out + copied, &iov, 1, &written);
		if (r < 0)
			break;
		copied += written;
		if (written < iov.iov_len)
			break;
	}
	*ret_copied = copied;
	return copied ? 0 : r;
}

int memory_copy_file_range(struct fs *fs, struct fs_call *call, const struct fs_copy *copy, uint64_t *ret_copied)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *from = NULL, *to = NULL;
	struct file *file = NULL;
	uint64_t length = MIN(copy->length, COPY_MAX);
	int r = mem_file_get_data(memory, copy->node_in, copy->fh_in, O_RDONLY, &from, &file);

	if (r == 0)
		r = mem_file_get_data(memory, copy->node_out, copy->fh_out, O_WRONLY, &to, &file);
	if (r < 0)
		return r;
	if (copy->flags || copy->offset_in > MAX_SIZE || copy->offset_out > MAX_SIZE)
		return -EINVAL;
	length = copy->offset_in < from->size ? MIN(length, from->size - copy->offset_in) : 0;
	if (from == to && copy->offset_in < copy->offset_out + length && copy->offset_out < copy->offset_in + length)
		return -EINVAL;
	*ret_copied = 0;
	if (!length)
		return 0;
	r = copy_data(memory, from, copy->offset_in, to, copy->offset_out, length, ret_copied);
	if (r < 0)
		return r;
	inode_touch_atime(from);
	mem_xattr_drop(memory, to, "security.capability");
	inode_touch(to);
	return 0;
}
