/* SPDX-License-Identifier: BSD-3-Clause */
/* Mounts inside the share, in a mount namespace of the test's own. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/passthrough/nodetable.h"
#include "share.h"

static struct share share;

static void host_mount(const char *source, const char *path, const char *type, unsigned long flags)
{
	char where[256], from[256];

	snprintf(where, sizeof(where), "%s/%s", share.path, path);
	snprintf(from, sizeof(from), "%s/%s", share.path, source);
	assert_int_equal(mount(type ? type : from, where, type, flags, NULL), 0);
}

static int host_umount(const char *path)
{
	char where[256];

	snprintf(where, sizeof(where), "%s/%s", share.path, path);
	return umount2(where, 0) < 0 ? -errno : 0;
}

static void begin(enum passthrough_file_handles handles, bool announce)
{
	const struct passthrough_config config = { .file_handles = handles, .announce_submounts = announce };

	share_open(&share, "/var/tmp", &config, announce ? FUSE_SUBMOUNTS : 0);
	host_mkdir(&share, "tmp");
	host_mkdir(&share, "bind");
	host_mkdir(&share, "dir");
	host_write(&share, "dir/file", "text");
	host_write(&share, "over", "below");
	host_mount("", "tmp", "tmpfs", 0);
	host_mount("dir", "bind", NULL, MS_BIND);
	host_mount("dir/file", "over", NULL, MS_BIND);
	host_write(&share, "tmp/file", "in tmpfs");
}

static void end(void)
{
	fs_reset(share.fs);
	assert_int_equal(host_umount("tmp"), 0);
	assert_int_equal(host_umount("bind"), 0);
	assert_int_equal(host_umount("over"), 0);
	share_close(&share);
}

static uint64_t lookup_entry(uint64_t parent, const char *name, struct fuse_entry_out *ret_entry)
{
	assert_int_equal(guest_try_lookup(&share, parent, name, ret_entry), 0);
	return ret_entry->nodeid;
}

static void check_announced(enum passthrough_file_handles handles)
{
	struct fuse_entry_out entry;
	uint64_t tmp, bind, dir, file;
	struct stat st;

	begin(handles, true);
	tmp = lookup_entry(FS_ROOT, "tmp", &entry);
	assert_int_equal(entry.attr.flags, FUSE_ATTR_SUBMOUNT);
	assert_int_equal(fstatat(share.root, "tmp", &st, 0), 0);
	assert_int_equal(entry.attr.ino, st.st_ino);
	assert_int_equal(guest_getattr(&share, tmp).flags, FUSE_ATTR_SUBMOUNT);
	bind = lookup_entry(FS_ROOT, "bind", &entry);
	assert_int_equal(entry.attr.flags, FUSE_ATTR_SUBMOUNT);
	dir = lookup_entry(FS_ROOT, "dir", &entry);
	assert_int_equal(entry.attr.flags, 0);
	/* The same directory, reached over two mounts: two nodes, each in its own file system. */
	assert_int_not_equal(bind, dir);
	file = lookup_entry(tmp, "file", &entry);
	assert_int_equal(entry.attr.flags, 0);
	guest_expect(&share, file, "in tmpfs");
	guest_expect(&share, guest_lookup(&share, bind, "file"), "text");
	assert_int_not_equal(guest_lookup(&share, bind, "file"), guest_lookup(&share, dir, "file"));
	/* A mount point that is a file cannot be announced. */
	file = lookup_entry(FS_ROOT, "over", &entry);
	assert_int_equal(entry.attr.flags, 0);
	guest_expect(&share, file, "text");
	/* To the guest its parent is elsewhere. */
	assert_int_equal(fs_lookup_parent(share.fs, &share.call, tmp, &entry), 0);
	assert_int_equal(entry.nodeid, tmp);
	assert_int_equal(fs_rmdir(share.fs, &share.call, FS_ROOT, "bind"), -EBUSY);
	assert_int_equal(fs_rename(share.fs, &share.call, dir, "file", tmp, "x", 0), -EXDEV);
	assert_int_equal(fs_link(share.fs, &share.call, guest_lookup(&share, dir, "file"), tmp, "x", &entry), -EXDEV);
	end();
}

static void test_announced(void **state)
{
	check_announced(PASSTHROUGH_HANDLES_PREFER);
	check_announced(PASSTHROUGH_HANDLES_NEVER);
}

/* Inode numbers of another device are made different from those of the share, the same in listings and look-ups. */
static void check_folded(enum passthrough_file_handles handles)
{
	struct fuse_entry_out entry;
	uint64_t tmp, ino;
	struct stat st;

	begin(handles, false);
	tmp = lookup_entry(FS_ROOT, "tmp", &entry);
	assert_int_equal(entry.attr.flags, 0);
	assert_int_equal(fstatat(share.root, "tmp", &st, 0), 0);
	assert_int_not_equal(entry.attr.ino, st.st_ino);
	ino = entry.attr.ino;
	assert_int_equal(guest_getattr(&share, tmp).ino, ino);
	lookup_entry(tmp, "file", &entry);
	assert_int_equal(entry.attr.ino >> 48, ino >> 48);
	guest_list(&share, tmp, true, 4096, NULL, 0);
	/* On the same device nothing needs to be changed. */
	lookup_entry(FS_ROOT, "bind", &entry);
	assert_int_equal(fstatat(share.root, "dir", &st, 0), 0);
	assert_int_equal(entry.attr.ino, st.st_ino);
	end();
}

static void test_folded(void **state)
{
	check_folded(PASSTHROUGH_HANDLES_PREFER);
	check_folded(PASSTHROUGH_HANDLES_NEVER);
}

/* The host can unmount when the guest has forgotten all nodes there, and what is mounted next is not taken for it. */
static void check_unmounted(enum passthrough_file_handles handles)
{
	size_t descriptors;
	uint64_t first, second;

	begin(handles, true);
	descriptors = host_descriptors();
	first = guest_lookup(&share, FS_ROOT, "tmp");
	guest_expect(&share, guest_lookup(&share, first, "file"), "in tmpfs");
	assert_int_equal(host_umount("tmp"), -EBUSY);
	guest_forget(&share, guest_lookup(&share, first, "file"), 2);
	guest_forget(&share, first, 1);
	assert_int_equal(host_descriptors(), descriptors);
	assert_int_equal(host_umount("tmp"), 0);
	host_mount("", "tmp", "tmpfs", 0);
	host_write(&share, "tmp/file", "in another");
	second = guest_lookup(&share, FS_ROOT, "tmp");
	assert_int_not_equal(first, second);
	guest_expect(&share, guest_lookup(&share, second, "file"), "in another");
	end();
}

static void test_unmounted(void **state)
{
	check_unmounted(PASSTHROUGH_HANDLES_PREFER);
	check_unmounted(PASSTHROUGH_HANDLES_NEVER);
}

static void test_listing(void **state)
{
	char names[64];

	begin(PASSTHROUGH_HANDLES_PREFER, true);
	assert_int_equal(guest_list(&share, FS_ROOT, true, 4096, names, sizeof(names)), 4);
	assert_non_null(strstr(names, "tmp"));
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_announced),
		cmocka_unit_test(test_folded),
		cmocka_unit_test(test_unmounted),
		cmocka_unit_test(test_listing),
	};

	/* Mounting takes root, or what the namespaces of an unprivileged user give: meson's 77 is "skipped". */
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return 77;
	return cmocka_run_group_tests_name("passthrough/submount", tests, NULL, NULL);
}
