/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>

#include "conformance.h"

struct fs_call *guest_call(void)
{
	static _Thread_local struct fs_call call;

	call = (struct fs_call){ .unique = 2 };
	return &call;
}

struct fs_call guest_user(uint32_t uid, uint32_t gid)
{
	return (struct fs_call){ .unique = 4, .uid = uid, .gid = gid };
}

uint64_t guest_file(struct fs *fs, uint64_t parent, const char *name)
{
	struct fuse_entry_out entry;

	assert_int_equal(fs_mknod(fs, guest_call(), parent, name, S_IFREG | 0644, 0, 0, &entry), 0);
	return entry.nodeid;
}

uint64_t guest_mkdir(struct fs *fs, uint64_t parent, const char *name)
{
	struct fuse_entry_out entry;

	assert_int_equal(fs_mkdir(fs, guest_call(), parent, name, 0755, 0, &entry), 0);
	return entry.nodeid;
}

uint64_t guest_create(struct fs *fs, uint64_t parent, const char *name, uint32_t flags, uint64_t *ret_fh)
{
	const struct fuse_create_in in = { .flags = flags, .mode = 0644 };
	struct fuse_entry_out entry;
	struct fs_open open;

	assert_int_equal(fs_create(fs, guest_call(), parent, name, &in, &entry, &open), 0);
	*ret_fh = open.fh;
	return entry.nodeid;
}

uint64_t guest_lookup(struct fs *fs, uint64_t parent, const char *name)
{
	struct fuse_entry_out entry;

	assert_int_equal(fs_lookup(fs, guest_call(), parent, name, &entry), 0);
	return entry.nodeid;
}

/* Gives back the lookup of an entry that is of no interest. */
static int ignore_entry(struct fs *fs, int result, const struct fuse_entry_out *entry)
{
	if (result == 0)
		fs_forget(fs, entry->nodeid, 1);
	return result;
}

int guest_try_lookup(struct fs *fs, uint64_t parent, const char *name)
{
	struct fuse_entry_out entry;

	return ignore_entry(fs, fs_lookup(fs, guest_call(), parent, name, &entry), &entry);
}

bool guest_exists(struct fs *fs, uint64_t parent, const char *name)
{
	int result = guest_try_lookup(fs, parent, name);

	assert_true(result == 0 || result == -ENOENT);
	return result == 0;
}

struct fuse_attr guest_attr(struct fs *fs, uint64_t node)
{
	struct fuse_attr attr;

	assert_int_equal(fs_getattr(fs, guest_call(), node, FS_NO_HANDLE, &attr), 0);
	return attr;
}

int guest_try_attr(struct fs *fs, uint64_t node)
{
	struct fuse_attr attr;

	return fs_getattr(fs, guest_call(), node, FS_NO_HANDLE, &attr);
}

struct fuse_attr guest_setattr(struct fs *fs, uint64_t node, struct fuse_setattr_in in)
{
	struct fuse_attr attr;

	assert_int_equal(fs_setattr(fs, guest_call(), node, &in, &attr), 0);
	return attr;
}

int guest_try_setattr(struct fs *fs, uint64_t node, struct fuse_setattr_in in)
{
	struct fuse_attr attr;

	return fs_setattr(fs, guest_call(), node, &in, &attr);
}

uint64_t guest_open(struct fs *fs, uint64_t node, uint32_t flags)
{
	struct fs_open open;

	assert_int_equal(fs_open(fs, guest_call(), node, flags, 0, &open), 0);
	assert_int_not_equal(open.fh, FS_NO_HANDLE);
	return open.fh;
}

int guest_try_open(struct fs *fs, uint64_t node, uint32_t flags)
{
	struct fs_open open;
	int result = fs_open(fs, guest_call(), node, flags, 0, &open);

	if (result == 0)
		guest_release(fs, node, open.fh);
	return result;
}

int guest_release(struct fs *fs, uint64_t node, uint64_t fh)
{
	const struct fuse_release_in in = { .fh = fh };

	return fs_release(fs, guest_call(), node, &in);
}

int guest_try_write(struct fs *fs, uint64_t node, uint64_t fh, uint64_t offset, const void *data, size_t size)
{
	const struct fuse_write_in in = { .fh = fh, .offset = offset, .size = (uint32_t)size };
	union {
		const void *from;
		void *base;
	} data_of = { data };
	const struct iovec iov = { data_of.base, size };
	size_t length = 0;
	int result = fs_write(fs, guest_call(), node, &in, &iov, 1, &length);

	return result < 0 ? result : (int)length;
}

int guest_try_read(struct fs *fs, uint64_t node, uint64_t fh, uint64_t offset, void *data, size_t size)
{
	const struct iovec iov = { data, size };
	size_t length = 0;
	int result = fs_read(fs, guest_call(), node, fh, offset, &iov, 1, &length);

	return result < 0 ? result : (int)length;
}

void guest_write(struct fs *fs, uint64_t node, uint64_t fh, uint64_t offset, const char *text)
{
	assert_int_equal(guest_try_write(fs, node, fh, offset, text, strlen(text)), strlen(text));
}

void guest_expect(struct fs *fs, uint64_t node, const char *text)
{
	uint64_t fh = guest_open(fs, node, O_RDONLY);
	char buffer[256];

	assert_int_equal(guest_try_read(fs, node, fh, 0, buffer, sizeof(buffer)), strlen(text));
	assert_memory_equal(buffer, text, strlen(text));
	assert_int_equal(guest_attr(fs, node).size, strlen(text));
	assert_int_equal(guest_release(fs, node, fh), 0);
}

int guest_mknod(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev)
{
	struct fuse_entry_out entry;

	return ignore_entry(fs, fs_mknod(fs, guest_call(), parent, name, mode, rdev, 0, &entry), &entry);
}

int guest_unlink(struct fs *fs, uint64_t parent, const char *name)
{
	return fs_unlink(fs, guest_call(), parent, name);
}

int guest_rmdir(struct fs *fs, uint64_t parent, const char *name)
{
	return fs_rmdir(fs, guest_call(), parent, name);
}

int guest_rename(struct fs *fs, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
		 uint32_t flags)
{
	return fs_rename(fs, guest_call(), parent, name, new_parent, new_name, flags);
}

int guest_symlink(struct fs *fs, uint64_t parent, const char *name, const char *target)
{
	struct fuse_entry_out entry;

	return ignore_entry(fs, fs_symlink(fs, guest_call(), parent, name, target, &entry), &entry);
}

int guest_link(struct fs *fs, uint64_t node, uint64_t parent, const char *name)
{
	struct fuse_entry_out entry;

	return ignore_entry(fs, fs_link(fs, guest_call(), node, parent, name, &entry), &entry);
}

static void complete(struct fs_call *call, int result)
{
	struct guest_wait *wait = container_of(call, struct guest_wait, call);

	wait->result = result;
	sem_post(&wait->done);
}

void guest_wait_init(struct guest_wait *wait, uint64_t unique)
{
	*wait = (struct guest_wait){ .call = { .unique = unique, .complete = complete } };
	sem_init(&wait->done, 0, 0);
}

int guest_wait_for(struct guest_wait *wait)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 10;
	assert_int_equal(sem_timedwait(&wait->done, &until), 0);
	return wait->result;
}

bool guest_wait_is_done(struct guest_wait *wait)
{
	int value;

	sem_getvalue(&wait->done, &value);
	return value > 0;
}
