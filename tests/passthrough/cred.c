/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Files made as somebody else. Each test runs in a child process, because it changes what the process is; those that
 * need root are skipped without it.
 */
#include "base/util.h"
#include "fs/passthrough/cred.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#define ALICE 4711u
#define STAFF 815u
#define CLUB 816u

static char directory[64];

/* Fails the child with a message; the parent sees the exit status. */
#define expect(condition)                                                                                              \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __func__, __LINE__, #condition);                                \
			_exit(1);                                                                                      \
		}                                                                                                      \
	} while (0)

static void in_child(void (*body)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		body();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void in_root_child(void (*body)(void))
{
	if (geteuid() != 0)
		skip();
	in_child(body);
}

static struct fs_call caller(uint32_t uid, uint32_t gid)
{
	return (struct fs_call){ .uid = uid, .gid = gid };
}

/* Creates name as the caller and returns its attributes. */
static struct stat create(const struct cred *cred, const struct fs_call *call, const char *name, uint32_t mode,
			  uint32_t mask)
{
	struct cred_guard guard;
	struct stat st;
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	unlink(path);
	expect(cred_enter(cred, call, S_IFREG | mode, mask, &guard) == 0);
	fd = open(path, O_CREAT | O_EXCL | O_RDWR, guard.mode & 07777);
	cred_leave(&guard);
	expect(fd >= 0);
	expect(fstat(fd, &st) == 0);
	close(fd);
	return st;
}

static void check_at_rest(const struct cred *cred)
{
	expect((uint32_t)setfsuid((uid_t)-1) == cred->uid);
	expect((uint32_t)setfsgid((gid_t)-1) == cred->gid);
}

static void owner_body(void)
{
	struct fs_call alice = caller(ALICE, STAFF), root = caller(0, 0);
	struct cred cred;
	struct stat st;

	cred_init(&cred);
	expect(cred.can_switch && cred.keeps_caps);
	cred_begin(&cred, false);
	/* The directory is root's alone: only the capabilities that were kept let alice in. */
	st = create(&cred, &alice, "a", 0666, 022);
	expect(st.st_uid == ALICE && st.st_gid == STAFF && (st.st_mode & 07777) == 0644);
	check_at_rest(&cred);
	st = create(&cred, &root, "b", 0666, 0);
	expect(st.st_uid == 0 && st.st_gid == 0 && (st.st_mode & 07777) == 0666);
}

static void test_owner(void **state)
{
	in_root_child(owner_body);
}

static void invalid_id_body(void)
{
	struct fs_call nobody = caller(FUSE_INVALID_UIDGID, 0), no_group = caller(ALICE, FUSE_INVALID_UIDGID);
	struct cred_guard guard;
	struct cred cred;

	cred_init(&cred);
	expect(cred_enter(&cred, &nobody, 0644, 0, &guard) == -EOVERFLOW);
	expect(cred_enter(&cred, &no_group, 0644, 0, &guard) == -EOVERFLOW);
	check_at_rest(&cred);
}

static void test_invalid_id(void **state)
{
	in_root_child(invalid_id_body);
}

/* In a user namespace with ids 0 to 99 alone, user 4711 does not exist. */
static void partial_body(void)
{
	struct fs_call alice = caller(ALICE, 1), staff = caller(1, STAFF), bin = caller(2, 2);
	struct cred_guard guard;
	struct cred cred;
	struct stat st;
	int ready[2], mapped[2], status;
	char path[64], byte = 0;
	pid_t pid;

	expect(pipe(ready) == 0 && pipe(mapped) == 0 && chmod(directory, 0777) == 0);
	pid = fork();
	if (pid == 0) {
		expect(unshare(CLONE_NEWUSER) == 0);
		expect(write(ready[1], &byte, 1) == 1 && read(mapped[0], &byte, 1) == 1);
		cred_init(&cred);
		expect(cred.can_switch && cred.partial);
		expect(cred_enter(&cred, &alice, 0644, 0, &guard) == -EOVERFLOW);
		expect(cred_enter(&cred, &staff, 0644, 0, &guard) == -EOVERFLOW);
		check_at_rest(&cred);
		st = create(&cred, &bin, "bin", 0600, 0);
		expect(st.st_uid == 2 && st.st_gid == 2);
		_exit(0);
	}
	expect(read(ready[0], &byte, 1) == 1);
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/proc/%d/%cid_map", (int)pid, i ? 'g' : 'u');
		int fd = open(path, O_WRONLY);
		expect(fd >= 0 && write(fd, "0 0 100", 7) == 7);
		close(fd);
	}
	expect(write(mapped[1], &byte, 1) == 1);
	expect(waitpid(pid, &status, 0) == pid && status == 0);
}

static void test_partial(void **state)
{
	/* A process with threads, and this sanitizer has one, may not make a user namespace. */
	if (SANITIZE_THREAD)
		skip();
	in_root_child(partial_body);
}

/* Without SECBIT_NO_SETUID_FIXUP the capabilities are put back by hand. */
static void fixup_body(void)
{
	struct fs_call alice = caller(ALICE, STAFF);
	struct cred cred;
	struct stat st;

	cred_init(&cred);
	expect(prctl(PR_SET_SECUREBITS, 0) == 0);
	cred.keeps_caps = false;
	expect(cred_kill_setid(true) == 0);
	st = create(&cred, &alice, "f", 0600, 0);
	expect(st.st_uid == ALICE);
	check_at_rest(&cred);
	/* CAP_FSETID is still off, although the kernel gave it back for a moment. */
	char path[128];
	snprintf(path, sizeof(path), "%s/f", directory);
	expect(chmod(path, 04755) == 0 && truncate(path, 1) == 0 && stat(path, &st) == 0);
	expect((st.st_mode & 07777) == 0755);
}

static void test_fixup(void **state)
{
	in_root_child(fixup_body);
}

static void setgid_directory_body(void)
{
	struct fs_call alice = caller(ALICE, STAFF);
	struct cred cred;
	struct stat st;

	expect(chown(directory, 0, CLUB) == 0 && chmod(directory, 02777) == 0);
	cred_init(&cred);
	cred_begin(&cred, false);
	st = create(&cred, &alice, "c", 0664, 0);
	expect(st.st_gid == CLUB && st.st_uid == ALICE);
	/* Not in the club: no set-group-id program of the club. */
	st = create(&cred, &alice, "d", 02775, 0);
	expect(st.st_gid == CLUB && (st.st_mode & 07777) == 0775);
	alice.has_group = true;
	alice.group = CLUB;
	st = create(&cred, &alice, "e", 02775, 0);
	expect((st.st_mode & 07777) == 02775);
	expect(getgroups(0, NULL) == 0);
	/* And root may, without. */
	alice = caller(0, 0);
	st = create(&cred, &alice, "g", 02775, 0);
	expect((st.st_mode & 07777) == 02775);
}

static void test_setgid_directory(void **state)
{
	in_root_child(setgid_directory_body);
}

static void kill_body(void)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/k", directory);
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	expect(fd >= 0);
	for (int round = 0; round < 2; round++) {
		expect(fchmod(fd, 06755) == 0);
		expect(cred_kill_setid(false) == 0 && pwrite(fd, "x", 1, 0) == 1 && fstat(fd, &st) == 0);
		expect((st.st_mode & 07777) == 06755);
		expect(cred_kill_setid(true) == 0 && pwrite(fd, "x", 1, 0) == 1 && fstat(fd, &st) == 0);
		expect((st.st_mode & 07777) == 0755);
	}
}

static void test_kill(void **state)
{
	in_root_child(kill_body);
}

static void *thread_body(void *data)
{
	int *fd = data;
	struct stat st;

	/* Born without CAP_FSETID and not knowing it. */
	expect(fchmod(*fd, 04755) == 0);
	expect(cred_kill_setid(false) == 0 && pwrite(*fd, "x", 1, 0) == 1 && fstat(*fd, &st) == 0);
	expect((st.st_mode & 07777) == 04755);
	return NULL;
}

static void inherited_body(void)
{
	char path[128];
	pthread_t thread;
	struct stat st;

	snprintf(path, sizeof(path), "%s/i", directory);
	int fd = open(path, O_CREAT | O_RDWR, 0600);
	expect(fd >= 0);
	expect(cred_kill_setid(true) == 0);
	expect(pthread_create(&thread, NULL, thread_body, &fd) == 0 && pthread_join(thread, NULL) == 0);
	/* Nor has the other thread changed ours. */
	expect(pwrite(fd, "x", 1, 0) == 1 && fstat(fd, &st) == 0);
	expect((st.st_mode & 07777) == 0755);
}

static void test_inherited(void **state)
{
	in_root_child(inherited_body);
}

/* A default ACL that grants the group everything wins over the umask; without one the umask counts. */
static void umask_body(void)
{
	static const struct {
		uint32_t version;
		struct {
			uint16_t tag, perm;
			uint32_t id;
		} entry[3];
	} acl = { 2, { { 0x01, 7, UINT32_MAX }, { 0x04, 6, UINT32_MAX }, { 0x20, 0, UINT32_MAX } } };
	struct fs_call alice = caller(ALICE, STAFF);
	struct cred cred;
	struct stat st;

	cred_init(&cred);
	cred_begin(&cred, true);
	st = create(&cred, &alice, "m", 0666, 027);
	expect((st.st_mode & 07777) == 0640);
	st = create(&cred, &alice, "n", 0666, 0);
	expect((st.st_mode & 07777) == 0666);
	if (setxattr(directory, "system.posix_acl_default", &acl, sizeof(acl), 0) < 0) {
		expect(errno == EOPNOTSUPP);
		return;
	}
	st = create(&cred, &alice, "o", 0666, 077);
	expect((st.st_mode & 07777) == 0660);
}

static void test_umask(void **state)
{
	in_root_child(umask_body);
}

static void *umask_thread(void *data)
{
	const struct cred *cred = data;
	struct fs_call root = caller(cred->uid, cred->gid);
	struct cred_guard guard;

	expect(cred_enter(cred, &root, 0666, 077, &guard) == 0);
	cred_leave(&guard);
	return NULL;
}

static void umask_thread_body(void)
{
	struct fs_call self;
	struct cred cred;
	pthread_t thread;
	struct stat st;

	cred_init(&cred);
	cred_begin(&cred, true);
	self = caller(cred.uid, cred.gid);
	expect(pthread_create(&thread, NULL, umask_thread, &cred) == 0 && pthread_join(thread, NULL) == 0);
	/* Nothing shows in a thread that has made no files. */
	expect(umask(0) == 0);
	st = create(&cred, &self, "q", 0666, 0);
	expect((st.st_mode & 07777) == 0666);
}

static void test_umask_thread(void **state)
{
	in_child(umask_thread_body);
}

/* No privileges: files are the daemon's own, and nothing fails. */
static void unprivileged_body(void)
{
	struct fs_call root = caller(0, 0);
	struct cred cred;
	struct stat st;

	if (geteuid() == 0) {
		expect(chmod(directory, 0777) == 0);
		expect(setresgid(ALICE, ALICE, ALICE) == 0 && setresuid(ALICE, ALICE, ALICE) == 0);
	}
	cred_init(&cred);
	expect(!cred.can_switch && !cred.overrides);
	cred_begin(&cred, false);
	st = create(&cred, &root, "u", 0666, 022);
	expect(st.st_uid == geteuid() && st.st_gid == getegid() && (st.st_mode & 07777) == 0644);
	expect(cred_kill_setid(true) == 0 && cred_kill_setid(false) == 0);
}

static void test_unprivileged(void **state)
{
	in_child(unprivileged_body);
}

/* errno of the creation survives the way back. */
static void errno_body(void)
{
	struct fs_call alice = caller(ALICE, STAFF);
	struct cred_guard guard;
	struct cred cred;

	cred_init(&cred);
	expect(cred_enter(&cred, &alice, 0644, 0, &guard) == 0);
	errno = ENOSPC;
	cred_leave(&guard);
	expect(errno == ENOSPC);
}

static void test_errno(void **state)
{
	in_root_child(errno_body);
}

static int setup(void **state)
{
	snprintf(directory, sizeof(directory), "/var/tmp/viofs-cred-XXXXXX");
	return mkdtemp(directory) && chmod(directory, 0700) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	return system(command);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_owner),
		TEST(test_invalid_id),
		TEST(test_partial),
		TEST(test_fixup),
		TEST(test_setgid_directory),
		TEST(test_kill),
		TEST(test_inherited),
		TEST(test_umask),
		TEST(test_umask_thread),
		TEST(test_unprivileged),
		TEST(test_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
