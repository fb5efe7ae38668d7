/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/passthrough/mount.h"
#include "share.h"

void share_open(struct share *share, const char *base, const struct passthrough_config *config, uint64_t flags)
{
	struct passthrough_config own =
	    config ? *config : (struct passthrough_config){ .file_handles = PASSTHROUGH_HANDLES_PREFER };
	const struct fs_session_info info = { .flags = flags, .minor = 38, .writeback = flags & FUSE_WRITEBACK_CACHE };

	memset(share, 0, sizeof(*share));
	snprintf(share->path, sizeof(share->path), "%s/viofs-test-XXXXXX", base);
	assert_non_null(mkdtemp(share->path));
	share->root = open(share->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(share->root >= 0);
	own.root_fd = share->root;
	own.proc_self_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(passthrough_new(&own, &share->fs), 0);
	close(own.proc_self_fd);
	share->pt = container_of(share->fs, struct passthrough, fs);
	assert_int_equal(fs_init(share->fs, &info), 0);
	share->handles = mount_at(share->pt, MOUNT_ROOT)->fd >= 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

void share_close(struct share *share)
{
	fs_reset(share->fs);
	fs_free(share->fs);
	close(share->root);
	nftw(share->path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

void host_write(struct share *share, const char *path, const char *text)
{
	int fd = openat(share->root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

void host_mkdir(struct share *share, const char *path)
{
	assert_int_equal(mkdirat(share->root, path, 0755), 0);
}

size_t host_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 3; /* "." and ".." and this one */
}

int guest_try_lookup(struct share *share, uint64_t parent, const char *name, struct fuse_entry_out *ret_entry)
{
	return fs_lookup(share->fs, &share->call, parent, name, ret_entry);
}

uint64_t guest_lookup(struct share *share, uint64_t parent, const char *name)
{
	struct fuse_entry_out entry;

	assert_int_equal(guest_try_lookup(share, parent, name, &entry), 0);
	assert_int_not_equal(entry.nodeid, 0);
	return entry.nodeid;
}

void guest_forget(struct share *share, uint64_t node, uint64_t count)
{
	fs_forget(share->fs, node, count);
}

int guest_try_getattr(struct share *share, uint64_t node)
{
	struct fuse_attr attr;

	return fs_getattr(share->fs, &share->call, node, FS_NO_HANDLE, &attr);
}

struct fuse_attr guest_getattr(struct share *share, uint64_t node)
{
	struct fuse_attr attr;

	assert_int_equal(fs_getattr(share->fs, &share->call, node, FS_NO_HANDLE, &attr), 0);
	return attr;
}

void guest_expect(struct share *share, uint64_t node, const char *text)
{
	struct fs_open open;
	char buffer[256];
	const struct iovec iov = { .iov_base = buffer, .iov_len = sizeof(buffer) };
	size_t length;

	assert_int_equal(fs_open(share->fs, &share->call, node, O_RDONLY, 0, &open), 0);
	assert_int_equal(fs_read(share->fs, &share->call, node, open.fh, 0, &iov, 1, &length), 0);
	assert_int_equal(length, strlen(text));
	assert_memory_equal(buffer, text, length);
	assert_int_equal(fs_release(share->fs, &share->call, node, &(struct fuse_release_in){ .fh = open.fh }), 0);
}

uint64_t guest_create(struct share *share, uint64_t parent, const char *name, uint64_t *ret_fh)
{
	const struct fuse_create_in in = { .flags = O_RDWR, .mode = S_IFREG | 0644 };
	struct fuse_entry_out entry;
	struct fs_open open;

	assert_int_equal(fs_create(share->fs, &share->call, parent, name, &in, &entry, &open), 0);
	*ret_fh = open.fh;
	return entry.nodeid;
}

uint64_t guest_mkdir(struct share *share, uint64_t parent, const char *name)
{
	struct fuse_entry_out entry;

	assert_int_equal(fs_mkdir(share->fs, &share->call, parent, name, 0755, 0, &entry), 0);
	return entry.nodeid;
}

int guest_pread(struct share *share, uint64_t node, uint64_t fh, char *buffer, size_t size, uint64_t offset)
{
	const struct iovec iov = { .iov_base = buffer, .iov_len = size };
	size_t length;
	int result = fs_read(share->fs, &share->call, node, fh, offset, &iov, 1, &length);

	return result < 0 ? result : (int)length;
}

int guest_pwrite(struct share *share, uint64_t node, uint64_t fh, const char *text, uint64_t offset)
{
	char copy[256];
	const struct iovec iov = { .iov_base = strcpy(copy, text), .iov_len = strlen(text) };
	const struct fuse_write_in in = { .fh = fh, .offset = offset, .size = (uint32_t)iov.iov_len };
	size_t length;
	int result = fs_write(share->fs, &share->call, node, &in, &iov, 1, &length);

	return result < 0 ? result : (int)length;
}

int guest_release(struct share *share, uint64_t node, uint64_t fh)
{
	return fs_release(share->fs, &share->call, node, &(struct fuse_release_in){ .fh = fh });
}

/* What a guest's reply buffer is: so many bytes, filled with records. */
struct list_sink {
	struct fs_dir_sink sink;
	struct share *share;
	size_t left;
	uint64_t next;
	size_t count;
	char *names;
	size_t size;
};

static size_t record_size(const struct fs_dir_sink *sink, size_t length)
{
	return ALIGN_UP((sink->plus ? sizeof(struct fuse_direntplus) : sizeof(struct fuse_dirent)) + length,
			FUSE_DIRENT_ALIGN);
}

static bool list_fits(const struct fs_dir_sink *sink, size_t length)
{
	/* sink is the first member. */
	return record_size(sink, length) <= ((const struct list_sink *)(const void *)sink)->left;
}

static int list_add(struct fs_dir_sink *sink, const char *name, size_t length, uint64_t ino, uint32_t type,
		    uint64_t next_offset, const struct fuse_entry_out *entry)
{
	struct list_sink *list = container_of(sink, struct list_sink, sink);

	if (record_size(sink, length) > list->left)
		return -ENOSPC;
	list->left -= record_size(sink, length);
	list->next = next_offset;
	list->count++;
	assert_true(!!entry == sink->plus);
	if (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.'))) {
		assert_true(!entry || entry->nodeid == 0);
		return 0;
	}
	if (entry) {
		assert_int_not_equal(entry->nodeid, 0);
		assert_int_equal(entry->attr.ino, ino);
		guest_forget(list->share, entry->nodeid, 1);
	}
	if (list->names) {
		size_t used = strlen(list->names);

		assert_true(used + length + 2 <= list->size);
		sprintf(list->names + used, "%s%.*s", used ? " " : "", (int)length, name);
	}
	return 0;
}

size_t guest_list(struct share *share, uint64_t node, bool plus, size_t sink_bytes, char *names, size_t size)
{
	struct fs_open open;
	struct list_sink list = { .sink = { .add = list_add, .fits = list_fits, .plus = plus },
				  .share = share,
				  .names = names,
				  .size = size };
	size_t before;

	if (names)
		names[0] = '\0';
	assert_int_equal(fs_opendir(share->fs, &share->call, node, O_RDONLY, &open), 0);
	do {
		before = list.count;
		list.left = sink_bytes;
		assert_int_equal(fs_readdir(share->fs, &share->call, node, open.fh, list.next, &list.sink), 0);
	} while (list.count != before);
	assert_int_equal(fs_releasedir(share->fs, &share->call, node, open.fh), 0);
	return list.count - 2;
}
