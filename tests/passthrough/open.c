/* SPDX-License-Identifier: BSD-3-Clause */
/* OPEN, OPENDIR, FLUSH, RELEASE. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "fs/passthrough/handle.h"
#include "fs/passthrough/openflags.h"
#include "variants.h"

static int guest_open(uint64_t node, uint32_t flags, uint32_t open_flags, uint64_t *ret_fh)
{
	struct fs_open open;
	int result = fs_open(share.fs, &share.call, node, flags, open_flags, &open);

	*ret_fh = open.fh;
	return result;
}

/* The flags that the host file is open with. */
static int host_flags(uint64_t node, uint64_t fh)
{
	_cleanup_handle_ struct handle_use use = HANDLE_USE_NONE;

	assert_int_equal(handle_get(share.pt, fh, node, &use), 0);
	return fcntl(use.handle->fd, F_GETFL);
}

static void test_what_can_be_opened(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct fs_open open;
		uint64_t file, dir, fifo, link, fh;

		host_write(&share, "file", "text");
		host_mkdir(&share, "dir");
		assert_int_equal(mkfifoat(share.root, "fifo", 0600), 0);
		assert_int_equal(symlinkat("file", share.root, "link"), 0);
		file = guest_lookup(&share, FS_ROOT, "file");
		dir = guest_lookup(&share, FS_ROOT, "dir");
		fifo = guest_lookup(&share, FS_ROOT, "fifo");
		link = guest_lookup(&share, FS_ROOT, "link");
		assert_int_equal(guest_open(dir, O_RDONLY, 0, &fh), -EISDIR);
		assert_int_equal(guest_open(fifo, O_RDONLY, 0, &fh), -ENXIO);
		assert_int_equal(guest_open(link, O_RDONLY, 0, &fh), -ENXIO);
		assert_int_equal(fs_opendir(share.fs, &share.call, file, 0, &open), -ENOTDIR);
		assert_int_equal(fs_opendir(share.fs, &share.call, fifo, 0, &open), -ENOTDIR);
		assert_int_equal(fs_opendir(share.fs, &share.call, link, 0, &open), -ENOTDIR);
		assert_int_equal(fs_opendir(share.fs, &share.call, dir, O_WRONLY | O_TRUNC, &open), 0);
		assert_int_equal(guest_open(file, O_RDWR, 0, &fh), 0);
	}
}

static void test_flags(void **state)
{
	const uint32_t all = O_APPEND | O_CREAT | O_EXCL | O_DIRECT | O_NOATIME | O_NOCTTY | O_NONBLOCK | O_DSYNC |
			     O_ASYNC | O_PATH | O_DIRECTORY;
	const struct passthrough_config config = { .file_handles = PASSTHROUGH_HANDLES_PREFER,
						   .preserve_noatime = true };

	FOR_EACH_VARIANT(variant)
	{
		uint64_t file, fh;

		host_write(&share, "file", "text");
		file = guest_lookup(&share, FS_ROOT, "file");
		assert_int_equal(guest_open(file, O_WRONLY | all, 0, &fh), 0);
		assert_int_equal(host_flags(file, fh) & ~O_LARGEFILE & ~0100000 & ~O_NOFOLLOW, O_WRONLY | O_DSYNC);
	}
	share_open(&share, "/var/tmp", &config, 0);
	assert_int_equal(open_flags_for_host(share.pt, O_RDWR | all), O_RDWR | O_DSYNC | O_NOATIME);
	share.pt->config.allow_direct_io = true;
	assert_int_equal(open_flags_for_host(share.pt, O_RDWR | all), O_RDWR | O_DSYNC | O_NOATIME);
	share.pt->session.direct_io = true;
	assert_int_equal(open_flags_for_host(share.pt, O_RDWR | all), O_RDWR | O_DSYNC | O_NOATIME | O_DIRECT);
	share.pt->session.writeback = true;
	assert_int_equal(open_flags_for_host(share.pt, O_WRONLY), O_RDWR);
	assert_int_equal(open_flags_for_host(share.pt, O_RDONLY), O_RDONLY);
	share_close(&share);
}

static void test_truncate(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		uint64_t file, fh;

		host_write(&share, "file", "text");
		file = guest_lookup(&share, FS_ROOT, "file");
		assert_int_equal(guest_open(file, O_RDWR, 0, &fh), 0);
		assert_int_equal(guest_getattr(&share, file).size, 4);
		assert_int_equal(fchmodat(share.root, "file", 04755, 0), 0);
		assert_int_equal(guest_open(file, O_RDWR | O_TRUNC, geteuid() ? 0 : FUSE_OPEN_KILL_SUIDGID, &fh), 0);
		assert_int_equal(guest_getattr(&share, file).size, 0);
		assert_int_equal(guest_getattr(&share, file).mode, S_IFREG | 0755);
	}
}

static void test_release(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		uint64_t file, dir, fh, other;
		struct fs_open open;
		size_t before;

		host_write(&share, "file", "text");
		host_mkdir(&share, "dir");
		file = guest_lookup(&share, FS_ROOT, "file");
		dir = guest_lookup(&share, FS_ROOT, "dir");
		guest_getattr(&share, file);
		guest_getattr(&share, dir);
		before = host_descriptors();
		assert_int_equal(guest_open(file, O_RDONLY, 0, &fh), 0);
		assert_int_not_equal(fh, FS_NO_HANDLE);
		assert_int_equal(fs_flush(share.fs, &share.call, file, fh, 1), 0);
		assert_int_equal(guest_release(&share, file, fh), 0);
		assert_int_equal(fs_flush(share.fs, &share.call, file, fh, 1), -EBADF);
		assert_int_equal(guest_open(file, O_RDONLY, 0, &other), 0);
		assert_int_not_equal(fh, other);
		assert_int_equal(guest_release(&share, file, fh), -EBADF);
		assert_int_equal(guest_release(&share, file, other), 0);
		assert_int_equal(fs_opendir(share.fs, &share.call, dir, 0, &open), 0);
		assert_int_equal(fs_releasedir(share.fs, &share.call, dir, open.fh), 0);
		assert_int_equal(fs_releasedir(share.fs, &share.call, dir, open.fh), -EBADF);
		assert_int_equal(host_descriptors(), before);
	}
}

/* A RELEASE while the handle is in use takes effect at the end of that use. */
static void test_release_in_use(void **state)
{
	FOR_EACH_VARIANT(variant)
	{
		struct handle_use use, again;
		uint64_t file, fh;

		host_write(&share, "file", "text");
		file = guest_lookup(&share, FS_ROOT, "file");
		assert_int_equal(guest_open(file, O_RDONLY, 0, &fh), 0);
		assert_int_equal(handle_get(share.pt, fh, file, &use), 0);
		assert_int_equal(guest_release(&share, file, fh), 0);
		assert_int_equal(handle_get(share.pt, fh, file, &again), -EBADF);
		assert_true(fcntl(use.handle->fd, F_GETFD) >= 0);
		handle_put(&use);
	}
}

static void test_descriptors_run_out(void **state)
{
	struct rlimit limit, few;
	const struct passthrough_config config = { .file_handles = PASSTHROUGH_HANDLES_NEVER };
	struct fuse_entry_out entry;
	uint64_t nodes[64], fh;
	size_t opened = 0;

	share_open(&share, "/var/tmp", &config, 0);
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		const char name[] = { (char)('A' + i), '\0' };

		host_write(&share, name, name);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	few = limit;
	few.rlim_cur = host_descriptors() + 24;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
		const char name[] = { (char)('A' + i), '\0' };
		int result = guest_try_lookup(&share, FS_ROOT, name, &entry);

		assert_true(result == 0 || result == -EMFILE);
		if (result == 0)
			nodes[opened++] = entry.nodeid;
	}
	assert_in_range(opened, 10, 40);
	assert_int_equal(guest_open(nodes[0], O_RDONLY, 0, &fh), -EMFILE);
	/* Those that are known go on working, and room that is made is used. */
	assert_int_equal(guest_try_getattr(&share, nodes[0]), 0);
	guest_forget(&share, nodes[--opened], 1);
	assert_int_equal(guest_open(nodes[0], O_RDONLY, 0, &fh), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	share_close(&share);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_can_be_opened), cmocka_unit_test(test_flags),
		cmocka_unit_test(test_truncate),           cmocka_unit_test(test_release),
		cmocka_unit_test(test_release_in_use),     cmocka_unit_test(test_descriptors_run_out),
	};

	/* The message about descriptors is wanted, but not here. */
	log_setup(LOG_LEVEL_OFF, false, "test");
	return cmocka_run_group_tests_name("passthrough/open", tests, NULL, NULL);
}
