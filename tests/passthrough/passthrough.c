/* SPDX-License-Identifier: BSD-3-Clause */
/* Construction, and service without privileges. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "share.h"

static int try_new(const char *path, enum passthrough_file_handles handles)
{
	struct passthrough_config config = { .file_handles = handles };
	struct fs *fs = NULL;
	int result;

	config.root_fd = open(path, O_PATH | O_CLOEXEC);
	config.proc_self_fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);
	result = passthrough_new(&config, &fs);
	assert_true(!fs == (result < 0));
	fs_free(fs);
	close(config.root_fd);
	close(config.proc_self_fd);
	return result;
}

static void test_new(void **state)
{
	size_t before = host_descriptors();

	assert_int_equal(try_new("/var/tmp", PASSTHROUGH_HANDLES_PREFER), 0);
	assert_int_equal(try_new("/var/tmp", PASSTHROUGH_HANDLES_NEVER), 0);
	assert_int_equal(try_new("/etc/passwd", PASSTHROUGH_HANDLES_PREFER), -EINVAL);
	assert_int_equal(try_new("/nonexistent", PASSTHROUGH_HANDLES_PREFER), -EBADF);
	/* No handles on procfs. */
	assert_int_equal(try_new("/proc/self", PASSTHROUGH_HANDLES_PREFER), 0);
	assert_int_equal(try_new("/proc/self", PASSTHROUGH_HANDLES_MANDATORY), -EOPNOTSUPP);
	if (geteuid() == 0)
		assert_int_equal(try_new("/var/tmp", PASSTHROUGH_HANDLES_MANDATORY), 0);
	assert_int_equal(host_descriptors(), before);
}

/* The backend has set SECBIT_NO_SETUID_FIXUP, so a change of user drops nothing. */
static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { .effective = 0 } };

	return (int)syscall(SYS_capset, &header, none);
}

/* Runs a function as a user without capabilities and says how it went. */
static int as_nobody(void (*function)(void))
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (geteuid() == 0 && (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
				       setresuid(65534, 65534, 65534) < 0 || drop_capabilities() < 0))
			_exit(2);
		function();
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

#define MUST(condition)                                                                                                \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "line %d: %s\n", __LINE__, #condition);                                        \
			_exit(1);                                                                                      \
		}                                                                                                      \
	} while (0)

static void serve_unprivileged(void)
{
	static struct share share;
	struct fs_call call = { .uid = 1000, .gid = 1000 };
	struct fuse_entry_out entry, dir, link;
	struct fs_open open;
	struct fuse_attr attr;
	char names[64];

	MUST(try_new("/var/tmp", PASSTHROUGH_HANDLES_MANDATORY) == -EOPNOTSUPP);
	share_open(&share, "/var/tmp", NULL, 0);
	MUST(!share.handles);
	/* Whoever asks, files are made as ourselves. */
	MUST(fs_mkdir(share.fs, &call, FS_ROOT, "dir", 0755, 0, &dir) == 0);
	MUST(dir.attr.uid == geteuid());
	MUST(fs_create(share.fs, &call, dir.nodeid, "a",
		       &(struct fuse_create_in){ .flags = O_RDWR, .mode = S_IFREG | 0600 }, &entry, &open) == 0);
	MUST(entry.attr.uid == geteuid());
	MUST(guest_pwrite(&share, entry.nodeid, open.fh, "text", 0) == 4);
	MUST(guest_release(&share, entry.nodeid, open.fh) == 0);
	MUST(fs_link(share.fs, &call, entry.nodeid, FS_ROOT, "b", &link) == 0);
	MUST(link.nodeid == entry.nodeid);
	MUST(fs_setattr(share.fs, &call, entry.nodeid,
			&(struct fuse_setattr_in){ .valid = FATTR_MODE | FATTR_SIZE, .mode = 0640, .size = 2 },
			&attr) == 0);
	MUST(attr.mode == (S_IFREG | 0640) && attr.size == 2);
	MUST(fs_setattr(share.fs, &call, entry.nodeid, &(struct fuse_setattr_in){ .valid = FATTR_UID, .uid = 1 },
			&attr) == -EPERM);
	MUST(guest_list(&share, FS_ROOT, true, 4096, names, sizeof(names)) == 2);
	MUST(fs_rename(share.fs, &call, FS_ROOT, "b", dir.nodeid, "c", 0) == 0);
	MUST(fs_unlink(share.fs, &call, dir.nodeid, "a") == 0);
	MUST(fs_unlink(share.fs, &call, dir.nodeid, "c") == 0);
	MUST(guest_try_getattr(&share, entry.nodeid) == 0);
	MUST(fs_rmdir(share.fs, &call, FS_ROOT, "dir") == 0);
	MUST(fs_mknod(share.fs, &call, FS_ROOT, "dev", S_IFBLK | 0600, 0x801, 0, &entry) == -EPERM);
	/* A write-only file can be opened by a guest that caches writes, as it was by one that does not. */
	host_write(&share, "w", "");
	MUST(fchmodat(share.root, "w", 0200, 0) == 0);
	share.pt->session.writeback = true;
	MUST(fs_open(share.fs, &call, guest_lookup(&share, FS_ROOT, "w"), O_WRONLY, 0, &open) == 0);
	share_close(&share);
}

static void test_unprivileged(void **state)
{
	assert_int_equal(as_nobody(serve_unprivileged), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new),
		cmocka_unit_test(test_unprivileged),
	};

	return cmocka_run_group_tests_name("passthrough/passthrough", tests, NULL, NULL);
}
