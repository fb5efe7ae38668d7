/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: mmap munmap fstat newfstatat */
#include "vhost/log.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/util.h"
#include "vhost/log_map.h"

struct vhost_log {
	unsigned int refs; /* atomic */
	uint8_t *bits;
	uint64_t bytes;
	void *mapping;
	size_t mapping_size;
};

int vhost_log_map(int fd, uint64_t size, uint64_t offset, struct vhost_log **ret_log)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t start = offset / page * page;
	uint64_t end;
	struct stat st;

	if (size == 0 || !checked_add_u64(offset, size, &end) || end > INT64_MAX)
		return -EINVAL;
	if (fstat(fd, &st) < 0)
		return -errno;
	/* Touching a mapping behind the end of its file would kill the process. */
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < end)
		return -EFBIG;
	struct vhost_log *log = calloc(1, sizeof(*log));
	if (!log)
		return -ENOMEM;
	log->mapping_size = end - start;
	log->mapping = mmap(NULL, log->mapping_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)start);
	if (log->mapping == MAP_FAILED) {
		int error = -errno;

		free(log);
		return error;
	}
	log->refs = 1;
	log->bits = (uint8_t *)log->mapping + (offset - start);
	log->bytes = size;
	*ret_log = log;
	return 0;
}

struct vhost_log *vhost_log_ref(struct vhost_log *log)
{
	__atomic_add_fetch(&log->refs, 1, __ATOMIC_RELAXED);
	return log;
}

void vhost_log_unref(struct vhost_log *log)
{
	if (!log || __atomic_sub_fetch(&log->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	munmap(log->mapping, log->mapping_size);
	free(log);
}

void vhost_log_mark(struct vhost_log *log, uint64_t address, uint64_t length)
{
	uint64_t last;

	if (length == 0 || !checked_add_u64(address, length - 1, &last))
		return;
	for (uint64_t page = address / VHOST_LOG_PAGE; page <= last / VHOST_LOG_PAGE && page / 8 < log->bytes; page++)
		/* Release: the write to the page comes before its bit. */
		__atomic_fetch_or(&log->bits[page / 8], (uint8_t)(1u << page % 8), __ATOMIC_RELEASE);
}

void vhost_log_mark_iov(struct vhost_log *log, const struct vhost_memory *memory, const struct iovec *iov, size_t count,
			size_t length)
{
	for (size_t i = 0; i < count && length > 0; i++) {
		size_t step = MIN(length, iov[i].iov_len);
		/* Merged buffers are neighbours on the host, but their regions need not be neighbours in the guest. */
		const char *at = iov[i].iov_base;

		for (size_t done = 0; done < step;) {
			size_t chunk = MIN(step - done, VHOST_LOG_PAGE - (uintptr_t)(at + done) % VHOST_LOG_PAGE);
			uint64_t address = vhost_memory_guest_address(memory, at + done);

			if (address != UINT64_MAX)
				vhost_log_mark(log, address, chunk);
			done += chunk;
		}
		length -= step;
	}
}
