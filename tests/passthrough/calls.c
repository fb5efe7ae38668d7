/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How many system calls a request costs: a traced child makes requests between marks, its parent counts.
 *
 * A mark is a system call with a number that does not exist. What the allocator and the sanitizers call is not counted.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <linux/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "share.h"

#define MARK 0x7ead0000u
#define ENTRIES 40

enum label {
	OUTSIDE,
	GETATTR,
	READ,
	WRITE,
	APPEND,
	RELEASE,
	READLINK,
	LOOKUP_KNOWN,
	LOOKUP_NEW,
	LOOKUP_ABSENT,
	OPEN,
	CREATE_ROOT,
	CREATE_USER,
	MKDIR,
	MKNOD,
	SYMLINK,
	LINK,
	UNLINK,
	RMDIR,
	RENAME,
	READDIRPLUS_NEW,
	READDIRPLUS_KNOWN,
	FORGET,
	FORGET_BARE,
	FLUSH,
	LABELS,
};

/* Most that one may cost. */
static const struct budget {
	const char *name;
	unsigned int handles; /* nodes held by file handle */
	unsigned int descriptors; /* nodes held by descriptor */
} budgets[LABELS] = {
	[GETATTR] = { "GETATTR", 1, 1 },
	[READ] = { "READ", 1, 1 },
	[WRITE] = { "WRITE", 1, 1 },
	[APPEND] = { "WRITE O_APPEND", 1, 1 },
	[RELEASE] = { "RELEASE", 1, 1 },
	[READLINK] = { "READLINK", 1, 1 },
	[LOOKUP_KNOWN] = { "LOOKUP known", 2, 1 },
	[LOOKUP_NEW] = { "LOOKUP new", 3, 3 },
	[LOOKUP_ABSENT] = { "LOOKUP absent", 1, 1 },
	[OPEN] = { "OPEN", 1, 1 },
	[CREATE_ROOT] = { "CREATE as root", 4, 4 },
	[CREATE_USER] = { "CREATE as user", 7, 8 },
	[MKDIR] = { "MKDIR", 4, 4 },
	[MKNOD] = { "MKNOD", 4, 4 },
	[SYMLINK] = { "SYMLINK", 4, 4 },
	[LINK] = { "LINK", 4, 4 },
	[UNLINK] = { "UNLINK", 2, 1 },
	[RMDIR] = { "RMDIR", 2, 1 },
	[RENAME] = { "RENAME", 2, 1 },
	/* One getdents64 that gives all of them, and one that gives no more. */
	[READDIRPLUS_NEW] = { "READDIRPLUS new", 2 * ENTRIES + 2, 3 * ENTRIES + 2 },
	[READDIRPLUS_KNOWN] = { "READDIRPLUS known", ENTRIES + 2, ENTRIES + 2 },
	[FORGET] = { "FORGET", 1, 1 },
	[FORGET_BARE] = { "FORGET without descriptor", 0, 1 },
	[FLUSH] = { "FLUSH", 0, 0 },
};

static void mark(enum label label)
{
	syscall(MARK + label);
}

#define COUNTED(label, ...)                                                                                            \
	do {                                                                                                           \
		mark(label);                                                                                           \
		__VA_ARGS__;                                                                                           \
		mark(OUTSIDE);                                                                                         \
	} while (0)

static void must(int result)
{
	if (result < 0) {
		fprintf(stderr, "a request of the counted script failed: %s\n", strerror(-result));
		_exit(2);
	}
}

static int sink_add(struct fs_dir_sink *sink, const char *name, size_t length, uint64_t ino, uint32_t type,
		    uint64_t next_offset, const struct fuse_entry_out *entry)
{
	return 0;
}

static bool sink_fits(const struct fs_dir_sink *sink, size_t length)
{
	return true;
}

static void prepare(struct share *share)
{
	char name[16];

	host_write(share, "file", "text");
	host_write(share, "other", "text");
	host_write(share, "third", "text");
	assert_int_equal(symlinkat("file", share->root, "link"), 0);
	host_mkdir(share, "dir");
	host_mkdir(share, "empty");
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(name, sizeof(name), "dir/%d", i);
		host_write(share, name, "");
	}
	/* Younger files are compared by handle; the budget is the steady state's. */
	usleep(1200000);
}

static void script_nodes(struct share *share)
{
	struct fs *fs = share->fs;
	struct fs_call *call = &share->call;
	struct fuse_entry_out file, link, entry;
	struct fuse_attr attr;
	char buffer[64];
	size_t length;

	COUNTED(LOOKUP_NEW, must(fs_lookup(fs, call, FS_ROOT, "file", &file)));
	COUNTED(LOOKUP_NEW, must(fs_lookup(fs, call, FS_ROOT, "link", &link)));
	COUNTED(LOOKUP_KNOWN, must(fs_lookup(fs, call, FS_ROOT, "file", &entry)));
	COUNTED(LOOKUP_ABSENT, fs_lookup(fs, call, FS_ROOT, "none", &entry));
	must(fs_getattr(fs, call, link.nodeid, 0, &attr));
	COUNTED(READLINK, must(fs_readlink(fs, call, link.nodeid, buffer, sizeof(buffer), &length)));
	COUNTED(FORGET, fs_forget(fs, link.nodeid, 1));
	must(fs_lookup(fs, call, FS_ROOT, "other", &entry));
	COUNTED(FORGET_BARE, fs_forget(fs, entry.nodeid, 1));
}

static void script_file(struct share *share)
{
	struct fs *fs = share->fs;
	struct fs_call *call = &share->call;
	char buffer[64] = "some text";
	const struct iovec iov = { .iov_base = buffer, .iov_len = 10 };
	const struct iovec large = { .iov_base = buffer, .iov_len = sizeof(buffer) };
	struct fuse_write_in in = { .offset = 3, .size = 10 };
	struct fuse_attr attr;
	struct fs_open open;
	size_t length;
	uint64_t file = guest_lookup(share, FS_ROOT, "file");

	/* Nothing was done with it but to look it up. */
	COUNTED(OPEN, must(fs_open(fs, call, file, O_RDWR, 0, &open)));
	in.fh = open.fh;
	COUNTED(READ, must(fs_read(fs, call, file, open.fh, 0, &large, 1, &length)));
	COUNTED(WRITE, must(fs_write(fs, call, file, &in, &iov, 1, &length)));
	in.flags = O_APPEND;
	COUNTED(APPEND, must(fs_write(fs, call, file, &in, &iov, 1, &length)));
	COUNTED(GETATTR, must(fs_getattr(fs, call, file, open.fh, &attr)));
	must(fs_getattr(fs, call, file, FS_NO_HANDLE, &attr));
	COUNTED(GETATTR, must(fs_getattr(fs, call, file, FS_NO_HANDLE, &attr)));
	COUNTED(FLUSH, must(fs_flush(fs, call, file, open.fh, 1)));
	COUNTED(RELEASE, must(fs_release(fs, call, file, &(struct fuse_release_in){ .fh = open.fh })));
	COUNTED(OPEN, must(fs_open(fs, call, file, O_RDONLY, 0, &open)));
}

static void script_create(struct share *share)
{
	const struct fuse_create_in in = { .flags = O_RDWR, .mode = S_IFREG | 0644 };
	struct fs_call user = { .uid = 1234, .gid = 1234 };
	struct fs *fs = share->fs;
	struct fs_call *call = &share->call;
	struct fuse_entry_out entry, directory;
	struct fs_open open;

	COUNTED(CREATE_ROOT, must(fs_create(fs, call, FS_ROOT, "c1", &in, &entry, &open)));
	COUNTED(CREATE_USER, must(fs_create(fs, &user, FS_ROOT, "c2", &in, &entry, &open)));
	COUNTED(LINK, must(fs_link(fs, call, entry.nodeid, FS_ROOT, "c3", &entry)));
	COUNTED(MKDIR, must(fs_mkdir(fs, call, FS_ROOT, "c4", 0755, 0, &directory)));
	COUNTED(MKNOD, must(fs_mknod(fs, call, FS_ROOT, "c5", S_IFREG | 0644, 0, 0, &entry)));
	COUNTED(SYMLINK, must(fs_symlink(fs, call, FS_ROOT, "c6", "x", &entry)));
	COUNTED(RENAME, must(fs_rename(fs, call, FS_ROOT, "c1", FS_ROOT, "c7", 0)));
	COUNTED(RENAME, must(fs_rename(fs, call, FS_ROOT, "c7", FS_ROOT, "c5", 0)));
	for (const char *const *name = (const char *const[]){ "c2", "c3", "c5", "c6", NULL }; *name; name++)
		COUNTED(UNLINK, must(fs_unlink(fs, call, FS_ROOT, *name)));
	COUNTED(RMDIR, must(fs_rmdir(fs, call, FS_ROOT, "c4")));
	guest_lookup(share, FS_ROOT, "third");
	COUNTED(UNLINK, must(fs_unlink(fs, call, FS_ROOT, "third")));
	guest_lookup(share, FS_ROOT, "empty");
	COUNTED(RMDIR, must(fs_rmdir(fs, call, FS_ROOT, "empty")));
}

static void script_readdir(struct share *share)
{
	struct fs_dir_sink sink = { .add = sink_add, .fits = sink_fits, .plus = true };
	struct fs *fs = share->fs;
	struct fs_call *call = &share->call;
	uint64_t dir = guest_lookup(share, FS_ROOT, "dir");
	struct fuse_attr attr;
	struct fs_open open;

	must(fs_getattr(fs, call, dir, 0, &attr));
	COUNTED(OPEN, must(fs_opendir(fs, call, dir, O_RDONLY, &open)));
	COUNTED(READDIRPLUS_NEW, must(fs_readdir(fs, call, dir, open.fh, 0, &sink)));
	COUNTED(RELEASE, must(fs_releasedir(fs, call, dir, open.fh)));
	must(fs_opendir(fs, call, dir, O_RDONLY, &open));
	COUNTED(READDIRPLUS_KNOWN, must(fs_readdir(fs, call, dir, open.fh, 0, &sink)));
	/* Never used before, known from the listing alone. */
	COUNTED(UNLINK, must(fs_unlink(fs, call, dir, "7")));
}

static void traced_child(enum passthrough_file_handles handles)
{
	const struct passthrough_config config = { .file_handles = handles };
	struct share share;

	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	share_open(&share, "/var/tmp", &config, 0);
	prepare(&share);
	script_nodes(&share);
	script_file(&share);
	script_create(&share);
	script_readdir(&share);
	share_close(&share);
	_exit(0);
}

static bool is_counted(uint64_t nr)
{
	switch (nr) {
	case SYS_mmap:
	case SYS_munmap:
	case SYS_mremap:
	case SYS_madvise:
	case SYS_brk:
	case SYS_futex:
	case SYS_sched_yield:
		return false;
	default:
		return true;
	}
}

/* Runs the child and notes the most calls between two marks of each label. False when it cannot be traced. */
static bool count_calls(enum passthrough_file_handles handles, unsigned int most[static LABELS])
{
	struct ptrace_syscall_info info;
	unsigned int label = OUTSIDE, count = 0;
	int status;
	pid_t child = fork();

	if (child == 0)
		traced_child(handles);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0) {
		kill(child, SIGKILL);
		waitpid(child, &status, 0);
		return false;
	}
	for (;;) {
		int signal = 0;

		if (WIFSTOPPED(status) && WSTOPSIG(status) != (SIGTRAP | 0x80) && WSTOPSIG(status) != SIGSTOP)
			signal = WSTOPSIG(status);
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, signal), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		if (WIFEXITED(status) || WIFSIGNALED(status))
			break;
		if (WSTOPSIG(status) != (SIGTRAP | 0x80) ||
		    ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof(info), &info) < 0 ||
		    info.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (info.entry.nr >= MARK && info.entry.nr < MARK + LABELS) {
			most[label] = count > most[label] ? count : most[label];
			label = (unsigned int)(info.entry.nr - MARK);
			count = 0;
		} else if (is_counted(info.entry.nr)) {
			count++;
		}
	}
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	return true;
}

static void check(enum passthrough_file_handles handles)
{
	unsigned int most[LABELS] = { 0 }, over = 0;

	if (geteuid() != 0 || !count_calls(handles, most))
		skip();
	for (unsigned int label = OUTSIDE + 1; label < LABELS; label++) {
		const struct budget *budget = &budgets[label];
		unsigned int limit = handles == PASSTHROUGH_HANDLES_NEVER ? budget->descriptors : budget->handles;

		printf("%-26s %3u of %3u%s\n", budget->name, most[label], limit, most[label] > limit ? "  OVER" : "");
		over += most[label] > limit;
	}
	assert_int_equal(over, 0);
}

static void test_with_handles(void **state)
{
	check(PASSTHROUGH_HANDLES_PREFER);
}

static void test_with_descriptors(void **state)
{
	check(PASSTHROUGH_HANDLES_NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_with_handles),
		cmocka_unit_test(test_with_descriptors),
	};

	return cmocka_run_group_tests_name("passthrough/calls", tests, NULL, NULL);
}
