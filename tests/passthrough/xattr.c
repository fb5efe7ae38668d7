/* SPDX-License-Identifier: BSD-3-Clause */
/* SETXATTR, GETXATTR, LISTXATTR, REMOVEXATTR, on ext4 (or what /var/tmp is). */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "share.h"

#define ACL "system.posix_acl_access"

/* user:4711 may read; the group's rights become the mask. */
struct acl {
	uint32_t version;
	struct {
		uint16_t tag, perm;
		uint32_t id;
	} entry[5];
};
static const struct acl acl = {
	2,
	{ { 0x01, 7, UINT32_MAX },
	  { 0x02, 4, 4711 },
	  { 0x04, 5, UINT32_MAX },
	  { 0x10, 5, UINT32_MAX },
	  { 0x20, 5, UINT32_MAX } },
};

static struct share share;

static int begin(void **state)
{
	const struct passthrough_config config = { .file_handles = PASSTHROUGH_HANDLES_PREFER };

	share_open(&share, "/var/tmp", &config, 0);
	return 0;
}

static int begin_with_acl(void **state)
{
	const struct passthrough_config config = { .file_handles = PASSTHROUGH_HANDLES_NEVER };

	share_open(&share, "/var/tmp", &config, FUSE_POSIX_ACL | FUSE_DONT_MASK | FUSE_SETXATTR_EXT);
	return 0;
}

static int end(void **state)
{
	share_close(&share);
	return 0;
}

static int set(uint64_t node, const char *name, const char *value, uint32_t flags)
{
	return fs_setxattr(share.fs, &share.call, node, name, value, strlen(value), flags, 0);
}

static void check_value(uint64_t node, const char *name, const char *value)
{
	char buffer[64];
	size_t size;

	assert_int_equal(fs_getxattr(share.fs, &share.call, node, name, NULL, 0, &size), 0);
	assert_int_equal(size, strlen(value));
	assert_int_equal(fs_getxattr(share.fs, &share.call, node, name, buffer, sizeof(buffer), &size), 0);
	assert_int_equal(size, strlen(value));
	assert_memory_equal(buffer, value, size);
}

static void test_all(void **state)
{
	char list[256], host[16];
	uint64_t file;
	size_t size;

	host_write(&share, "file", "");
	file = guest_lookup(&share, FS_ROOT, "file");
	assert_int_equal(set(file, "user.one", "1", 0), 0);
	assert_int_equal(set(file, "user.two", "22", XATTR_CREATE), 0);
	assert_int_equal(set(file, "user.two", "222", XATTR_CREATE), -EEXIST);
	assert_int_equal(set(file, "user.no", "", XATTR_REPLACE), -ENODATA);
	assert_int_equal(set(file, "user.two", "2", XATTR_REPLACE), 0);
	assert_int_equal(set(file, "user.empty", "", 0), 0);
	check_value(file, "user.one", "1");
	check_value(file, "user.two", "2");
	check_value(file, "user.empty", "");
	assert_int_equal(fs_getxattr(share.fs, &share.call, file, "user.no", list, sizeof(list), &size), -ENODATA);
	assert_int_equal(set(file, "user.one", "long enough", 0), 0);
	assert_int_equal(fs_getxattr(share.fs, &share.call, file, "user.one", list, 4, &size), -ERANGE);
	/* The host sees them. */
	int fd = openat(share.root, "file", O_RDONLY);
	assert_int_equal(fgetxattr(fd, "user.two", host, sizeof(host)), 1);
	close(fd);

	assert_int_equal(fs_listxattr(share.fs, &share.call, file, NULL, 0, &size), 0);
	assert_int_equal(size, sizeof("user.one") + sizeof("user.two") + sizeof("user.empty"));
	assert_int_equal(fs_listxattr(share.fs, &share.call, file, list, sizeof(list), &size), 0);
	assert_int_equal(size, sizeof("user.one") + sizeof("user.two") + sizeof("user.empty"));
	assert_non_null(memmem(list, size, "user.two", sizeof("user.two")));
	assert_int_equal(fs_listxattr(share.fs, &share.call, file, list, 8, &size), -ERANGE);

	assert_int_equal(fs_removexattr(share.fs, &share.call, file, "user.one"), 0);
	assert_int_equal(fs_removexattr(share.fs, &share.call, file, "user.one"), -ENODATA);
	assert_int_equal(set(file, "nonsense", "", 0), -EOPNOTSUPP);
	assert_int_equal(set(12345, "user.one", "", 0), -ESTALE);
}

/* Without any permission to open them. */
static void test_closed_files(void **state)
{
	uint64_t file, dir;

	host_write(&share, "file", "");
	host_mkdir(&share, "dir");
	assert_int_equal(fchmodat(share.root, "file", 0, 0), 0);
	assert_int_equal(fchmodat(share.root, "dir", 0, 0), 0);
	file = guest_lookup(&share, FS_ROOT, "file");
	dir = guest_lookup(&share, FS_ROOT, "dir");
	if (geteuid() != 0)
		skip();
	assert_int_equal(set(file, "user.a", "1", 0), 0);
	check_value(file, "user.a", "1");
	assert_int_equal(set(dir, "user.a", "2", 0), 0);
	check_value(dir, "user.a", "2");
	assert_int_equal(set(FS_ROOT, "user.a", "3", 0), 0);
	check_value(FS_ROOT, "user.a", "3");
}

/* On the link itself, never on what it points to; and on a FIFO, which must not be opened. */
static void test_links_and_fifos(void **state)
{
	uint64_t link, fifo;
	char value[8];
	size_t size;

	if (geteuid() != 0)
		skip();
	host_write(&share, "file", "");
	assert_int_equal(symlinkat("file", share.root, "link"), 0);
	assert_int_equal(mkfifoat(share.root, "fifo", 0644), 0);
	link = guest_lookup(&share, FS_ROOT, "link");
	fifo = guest_lookup(&share, FS_ROOT, "fifo");
	assert_int_equal(set(link, "user.a", "1", 0), -EPERM);
	assert_int_equal(set(link, "trusted.a", "1", 0), 0);
	check_value(link, "trusted.a", "1");
	assert_int_equal(fs_getxattr(share.fs, &share.call, guest_lookup(&share, FS_ROOT, "file"), "trusted.a", value,
				     sizeof(value), &size),
			 -ENODATA);
	assert_int_equal(set(fifo, "trusted.a", "2", 0), 0);
	check_value(fifo, "trusted.a", "2");
}

/* 64 KiB is the largest that Linux knows; tmpfs keeps them, ext4 keeps a block. */
static void test_large(void **state)
{
	char *value = malloc(65537), *back = malloc(65536);
	struct share shm;
	uint64_t file;
	size_t size;
	int result;

	assert_true(value && back);
	memset(value, 'v', 65537);
	share_open(&shm, "/dev/shm", NULL, 0);
	host_write(&shm, "file", "");
	file = guest_lookup(&shm, FS_ROOT, "file");
	assert_int_equal(fs_setxattr(shm.fs, &shm.call, file, "trusted.a", value, 65537, 0, 0), -E2BIG);
	result = fs_setxattr(shm.fs, &shm.call, file, "trusted.a", value, 65536, 0, 0);
	if (geteuid() == 0) {
		assert_int_equal(result, 0);
		assert_int_equal(fs_getxattr(shm.fs, &shm.call, file, "trusted.a", back, 65536, &size), 0);
		assert_int_equal(size, 65536);
		assert_memory_equal(value, back, size);
	}
	share_close(&shm);
	free(value);
	free(back);
}

static void test_hidden_acls(void **state)
{
	char list[128];
	uint64_t file;
	size_t size;

	host_write(&share, "file", "");
	file = guest_lookup(&share, FS_ROOT, "file");
	assert_int_equal(set(file, "user.a", "", 0), 0);
	int fd = openat(share.root, "file", O_RDONLY);
	if (fsetxattr(fd, ACL, &acl, sizeof(acl), 0) < 0)
		skip();
	assert_int_equal(fs_getxattr(share.fs, &share.call, file, ACL, NULL, 0, &size), -EOPNOTSUPP);
	assert_int_equal(fs_setxattr(share.fs, &share.call, file, ACL, &acl, sizeof(acl), 0, 0), -EOPNOTSUPP);
	assert_int_equal(fs_removexattr(share.fs, &share.call, file, ACL), -EOPNOTSUPP);
	assert_int_equal(fs_listxattr(share.fs, &share.call, file, list, sizeof(list), &size), 0);
	assert_int_equal(size, sizeof("user.a"));
	assert_string_equal(list, "user.a");
	assert_true(fgetxattr(fd, ACL, NULL, 0) > 0);
	close(fd);
}

static mode_t mode_of(uint64_t node)
{
	return guest_getattr(&share, node).mode & 07777;
}

static void test_acls(void **state)
{
	struct acl back;
	char list[128];
	uint64_t file;
	size_t size;

	host_write(&share, "file", "");
	file = guest_lookup(&share, FS_ROOT, "file");
	assert_int_equal(fs_setxattr(share.fs, &share.call, file, ACL, &acl, sizeof(acl), 0, 0), 0);
	assert_int_equal(fs_getxattr(share.fs, &share.call, file, ACL, &back, sizeof(back), &size), 0);
	assert_int_equal(size, sizeof(acl));
	assert_memory_equal(&back, &acl, sizeof(acl));
	assert_int_equal(fs_listxattr(share.fs, &share.call, file, list, sizeof(list), &size), 0);
	assert_string_equal(list, ACL);
	assert_int_equal(mode_of(file), 0755);
}

/* The guest says when the set-group-id bit goes; group 815 is not the daemon's. */
static void test_acl_kills_setgid(void **state)
{
	uint64_t file;

	if (geteuid() != 0)
		skip();
	host_write(&share, "file", "");
	assert_int_equal(fchownat(share.root, "file", 0, 815, 0), 0);
	file = guest_lookup(&share, FS_ROOT, "file");
	for (int round = 0; round < 2; round++) {
		/* The host's side is the same thread, as it was left. */
		assert_int_equal(cred_kill_setid(false), 0);
		assert_int_equal(fchmodat(share.root, "file", 02775, 0), 0);
		assert_int_equal(fs_setxattr(share.fs, &share.call, file, ACL, &acl, sizeof(acl), 0, 0), 0);
		assert_int_equal(mode_of(file), 02755);
		assert_int_equal(
		    fs_setxattr(share.fs, &share.call, file, ACL, &acl, sizeof(acl), 0, FUSE_SETXATTR_ACL_KILL_SGID),
		    0);
		assert_int_equal(mode_of(file), 0755);
	}
}

/* A label given at creation is there; where it cannot be had, so is the file. */
static void test_labels(void **state)
{
	struct fuse_entry_out entry;
	uint64_t file, fh;

	if (geteuid() != 0)
		skip();
	share.call.secctx_name = "trusted.label";
	share.call.secctx_value = "secret";
	share.call.secctx_size = 6;
	file = guest_create(&share, FS_ROOT, "file", &fh);
	check_value(file, "trusted.label", "secret");
	check_value(guest_mkdir(&share, FS_ROOT, "dir"), "trusted.label", "secret");
	assert_int_equal(fs_symlink(share.fs, &share.call, FS_ROOT, "link", "file", &entry), 0);
	check_value(entry.nodeid, "trusted.label", "secret");
	assert_int_equal(fs_mknod(share.fs, &share.call, FS_ROOT, "fifo", S_IFIFO | 0644, 0, 0, &entry), 0);
	check_value(entry.nodeid, "trusted.label", "secret");

	/* No such name space. */
	share.call.secctx_name = "unheard.of";
	guest_mkdir(&share, FS_ROOT, "plain");
	/* Refused: then nothing is made. */
	share.call.secctx_name = "user.label";
	assert_int_equal(fs_symlink(share.fs, &share.call, FS_ROOT, "none", "file", &entry), -EPERM);
	assert_int_equal(guest_try_lookup(&share, FS_ROOT, "none", &entry), -ENOENT);
	share.call.secctx_name = NULL;
	assert_int_equal(guest_release(&share, file, fh), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(test_all),
		TEST(test_closed_files),
		TEST(test_links_and_fifos),
		TEST(test_large),
		TEST(test_hidden_acls),
		TEST(test_labels),
		cmocka_unit_test_setup_teardown(test_acls, begin_with_acl, end),
		cmocka_unit_test_setup_teardown(test_acl_kills_setgid, begin_with_acl, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
