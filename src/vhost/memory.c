/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Each region is mapped from the start of its file's block, since the offset in the table need not be a multiple of
 * the page (or huge page) size. Host addresses are only ever computed here, from ranges checked against one region.
 */
/* #syscalls: mmap munmap madvise fstat newfstatat fstatfs */
#include "vhost/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/util.h"
#include "vhost/table.h"

#define HUGETLBFS_MAGIC_NUMBER 0x958458f6

struct vhost_memory_region {
	unsigned int refs; /* atomic; snapshots that name it */
	struct vhost_memory_entry entry;
	char *host; /* of the region's first byte */
	void *mapping;
	size_t mapping_size;
};

/* ---- regions ------------------------------------------------------------------------------------------------- */

static struct vhost_memory_region *region_ref(struct vhost_memory_region *region)
{
	__atomic_add_fetch(&region->refs, 1, __ATOMIC_RELAXED);
	return region;
}

static void region_unref(struct vhost_memory_region *region)
{
	if (__atomic_sub_fetch(&region->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	munmap(region->mapping, region->mapping_size);
	free(region);
}

/* What offsets and lengths of a mapping of fd must be multiples of. */
static uint64_t mapping_unit(int fd)
{
	struct statfs st;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	if (fstatfs(fd, &st) == 0 && st.f_type == HUGETLBFS_MAGIC_NUMBER && st.f_bsize > 0)
		return (uint64_t)st.f_bsize;
	return page;
}

/* Checks that the entry's bytes exist in the file: touching a mapping behind its end would kill the process. */
static int check_file(int fd, uint64_t end)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size < end)
		return -EFBIG;
	return 0;
}

static int region_new(const struct vhost_memory_entry *entry, int fd, struct vhost_memory_region **ret_region)
{
	uint64_t end;
	uint64_t unused;

	if (entry->size == 0 || !checked_add_u64(entry->guest_address, entry->size, &unused) ||
	    !checked_add_u64(entry->user_address, entry->size, &unused) ||
	    !checked_add_u64(entry->mmap_offset, entry->size, &end) || end > INT64_MAX)
		return -EINVAL;
	int error = check_file(fd, end);
	if (error)
		return error;

	uint64_t unit = mapping_unit(fd);
	uint64_t start = entry->mmap_offset / unit * unit;
	uint64_t length = ALIGN_UP(end - start, unit);
	struct vhost_memory_region *region = calloc(1, sizeof(*region));
	if (!region)
		return -ENOMEM;
	region->mapping = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, (off_t)start);
	if (region->mapping == MAP_FAILED) {
		error = -errno;
		free(region);
		return error;
	}
	region->refs = 1;
	region->entry = *entry;
	region->mapping_size = length;
	region->host = (char *)region->mapping + (entry->mmap_offset - start);
	/* Guest memory in our core dumps would be huge, and is none of our business. */
	madvise(region->mapping, length, MADV_DONTDUMP);
	*ret_region = region;
	return 0;
}

/* ---- snapshots ----------------------------------------------------------------------------------------------- */

static const struct vhost_memory_region *find_guest(const struct vhost_memory *memory, uint64_t address)
{
	size_t low = 0;
	size_t high = memory->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct vhost_memory_region *region = memory->regions[middle];

		if (address < region->entry.guest_address)
			high = middle;
		else if (address - region->entry.guest_address >= region->entry.size)
			low = middle + 1;
		else
			return region;
	}
	return NULL;
}

_Static_assert(offsetof(struct vhost_memory, ring) == 0, "map() relies on it");

static int map(const struct ring_memory *ring, uint64_t address, uint64_t length, struct iovec *iov, size_t max)
{
	const struct vhost_memory *memory = (const struct vhost_memory *)ring; /* its first member */
	size_t used = 0;

	while (length > 0) {
		const struct vhost_memory_region *region = find_guest(memory, address);

		if (!region)
			return -EFAULT;
		if (used == max)
			return -E2BIG;
		uint64_t offset = address - region->entry.guest_address;
		uint64_t step = MIN(length, region->entry.size - offset);
		iov[used++] = (struct iovec){ region->host + offset, step };
		address += step; /* does not overflow: a region's end does not */
		length -= step;
	}
	return (int)used;
}

static struct vhost_memory *memory_alloc(size_t count)
{
	struct vhost_memory *memory = calloc(1, sizeof(*memory) + count * sizeof(memory->regions[0]));

	if (memory) {
		memory->refs = 1;
		memory->ring.map = map;
	}
	return memory;
}

struct vhost_memory *vhost_memory_ref(struct vhost_memory *memory)
{
	__atomic_add_fetch(&memory->refs, 1, __ATOMIC_RELAXED);
	return memory;
}

void vhost_memory_unref(struct vhost_memory *memory)
{
	if (!memory || __atomic_sub_fetch(&memory->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (size_t i = 0; i < memory->count; i++)
		region_unref(memory->regions[i]);
	free(memory);
}

/* Puts a region (its reference) into its place; -EEXIST when it overlaps another. */
static int insert(struct vhost_memory *memory, struct vhost_memory_region *region)
{
	size_t at = memory->count;

	while (at > 0 && memory->regions[at - 1]->entry.guest_address > region->entry.guest_address)
		at--;
	if (at > 0) {
		const struct vhost_memory_entry *before = &memory->regions[at - 1]->entry;

		if (region->entry.guest_address - before->guest_address < before->size)
			return -EEXIST;
	}
	if (at < memory->count &&
	    memory->regions[at]->entry.guest_address - region->entry.guest_address < region->entry.size)
		return -EEXIST;
	memmove(&memory->regions[at + 1], &memory->regions[at], (memory->count - at) * sizeof(memory->regions[0]));
	memory->regions[at] = region;
	memory->count++;
	return 0;
}

/* ---- tables -------------------------------------------------------------------------------------------------- */

int vhost_table_new(struct vhost_memory **ret_memory)
{
	struct vhost_memory *memory = memory_alloc(0);

	if (!memory)
		return -ENOMEM;
	*ret_memory = memory;
	return 0;
}

/* Maps an entry into memory, which has room for it. */
static int append(struct vhost_memory *memory, const struct vhost_memory_entry *entry, int fd)
{
	struct vhost_memory_region *region;
	int error = region_new(entry, fd, &region);

	if (error)
		return error;
	error = insert(memory, region);
	if (error)
		region_unref(region);
	return error;
}

int vhost_table_from(const struct vhost_memory_entry *entries, const int *fds, size_t count,
		     struct vhost_memory **ret_memory)
{
	if (count > VHOST_MEMORY_REGIONS_MAX)
		return -E2BIG;
	struct vhost_memory *memory = memory_alloc(count);
	if (!memory)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int error = append(memory, &entries[i], fds[i]);

		if (error) {
			vhost_memory_unref(memory);
			return error;
		}
	}
	*ret_memory = memory;
	return 0;
}

int vhost_table_add(const struct vhost_memory *memory, const struct vhost_memory_entry *entry, int fd,
		    struct vhost_memory **ret_memory)
{
	if (memory->count >= VHOST_MEMORY_REGIONS_MAX)
		return -E2BIG;
	struct vhost_memory *grown = memory_alloc(memory->count + 1);
	if (!grown)
		return -ENOMEM;
	for (size_t i = 0; i < memory->count; i++)
		grown->regions[i] = region_ref(memory->regions[i]);
	grown->count = memory->count;
	int error = append(grown, entry, fd);
	if (error) {
		vhost_memory_unref(grown);
		return error;
	}
	*ret_memory = grown;
	return 0;
}

static bool is_same(const struct vhost_memory_entry *a, const struct vhost_memory_entry *b)
{
	return a->guest_address == b->guest_address && a->user_address == b->user_address && a->size == b->size;
}

int vhost_table_remove(const struct vhost_memory *memory, const struct vhost_memory_entry *entry,
		       struct vhost_memory **ret_memory)
{
	struct vhost_memory *shrunk = memory_alloc(memory->count);

	if (!shrunk)
		return -ENOMEM;
	for (size_t i = 0; i < memory->count; i++)
		if (!is_same(&memory->regions[i]->entry, entry))
			shrunk->regions[shrunk->count++] = region_ref(memory->regions[i]);
	if (shrunk->count == memory->count) {
		vhost_memory_unref(shrunk);
		return -ENOENT;
	}
	*ret_memory = shrunk;
	return 0;
}

/* ---- addresses ----------------------------------------------------------------------------------------------- */

void *vhost_memory_at_guest(const struct vhost_memory *memory, uint64_t address, uint64_t length)
{
	const struct vhost_memory_region *region = find_guest(memory, address);

	if (!region)
		return NULL;
	uint64_t offset = address - region->entry.guest_address;
	return length <= region->entry.size - offset ? region->host + offset : NULL;
}

void *vhost_memory_at_user(const struct vhost_memory *memory, uint64_t address, uint64_t length)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct vhost_memory_entry *entry = &memory->regions[i]->entry;
		uint64_t offset = address - entry->user_address;

		if (address >= entry->user_address && offset < entry->size)
			return length <= entry->size - offset ? memory->regions[i]->host + offset : NULL;
	}
	return NULL;
}

uint64_t vhost_memory_guest_address(const struct vhost_memory *memory, const void *host)
{
	for (size_t i = 0; i < memory->count; i++) {
		const struct vhost_memory_region *region = memory->regions[i];
		uintptr_t offset = (uintptr_t)host - (uintptr_t)region->host;

		if ((uintptr_t)host >= (uintptr_t)region->host && offset < region->entry.size)
			return region->entry.guest_address + offset;
	}
	return UINT64_MAX;
}

/* Looked at for signs of life: a PC's firmware and a kernel's first pages leave their traces well inside. */
#define BLANK_BYTES (1u << 20)

bool vhost_memory_is_blank(const struct vhost_memory *memory)
{
	const struct vhost_memory_region *lowest = memory->count > 0 ? memory->regions[0] : NULL;

	if (!lowest)
		return false;
	for (uint64_t at = 0; at < MIN(lowest->entry.size, BLANK_BYTES); at++)
		/* The guest and other queues write here. */
		if (__atomic_load_n(&lowest->host[at], __ATOMIC_RELAXED))
			return false;
	return true;
}
