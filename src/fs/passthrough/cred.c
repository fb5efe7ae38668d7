/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why fsuid and fsgid only: they are what the kernel looks at when it makes a file, and unlike the effective ids they
 * do not let other processes send signals to the thread meanwhile.
 *
 * A thread may be started by one that has CAP_FSETID dropped or an own umask at that moment, and inherits both. So a
 * new thread's state counts as unknown until it has been read or set.
 */
/* #syscalls: setfsuid setfsgid setgroups capget capset prctl umask unshare openat read close */
#include "fs/passthrough/cred.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NO_ID UINT32_MAX
#define CAP_WORDS _LINUX_CAPABILITY_U32S_3

struct caps {
	struct __user_cap_data_struct word[CAP_WORDS];
};

/* What this thread was left as. Thread-local because the kernel keeps these per thread. */
static _Thread_local struct {
	bool caps_known;
	struct caps caps;
	bool own_umask; /* no longer shared with other threads */
	mode_t umask;
	/* Ids that this namespace is known to have, so that a run of creations by one user asks once. */
	uint32_t good_uid;
	uint32_t good_gid;
} thread = { .good_uid = NO_ID, .good_gid = NO_ID };

static int caps_get(struct caps *ret_caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capget, &header, ret_caps->word) < 0 ? -errno : 0;
}

static int caps_set(const struct caps *caps)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };

	return syscall(SYS_capset, &header, caps->word) < 0 ? -errno : 0;
}

static bool caps_has(const struct caps *caps, unsigned int cap)
{
	return caps->word[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

/* The capabilities of the calling thread, read once. */
static int thread_caps(void)
{
	int result = 0;

	if (!thread.caps_known)
		result = caps_get(&thread.caps);
	if (result == 0)
		thread.caps_known = true;
	return result;
}

int cred_kill_setid(bool kill)
{
	const unsigned int index = CAP_TO_INDEX(CAP_FSETID);
	const uint32_t mask = CAP_TO_MASK(CAP_FSETID);
	struct caps wanted;
	int result = thread_caps();

	if (result < 0)
		return kill ? result : 0;
	if (kill == !(thread.caps.word[index].effective & mask))
		return 0;
	if (!kill && !(thread.caps.word[index].permitted & mask))
		return 0;

	wanted = thread.caps;
	wanted.word[index].effective ^= mask;
	result = caps_set(&wanted);
	if (result < 0) {
		/* The thread has lost capabilities since they were read: read them afresh next time. */
		thread.caps_known = false;
		return kill ? result : 0;
	}
	thread.caps = wanted;
	return 0;
}

/* Whether the file at path says that not all ids exist in this user namespace; -errno when it cannot be read. */
static int map_is_partial(const char *path)
{
	char text[256];
	unsigned int inside, outside, count;
	_cleanup_fd_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length;

	if (fd < 0)
		return -errno;
	length = read(fd, text, sizeof(text) - 1);
	if (length < 0)
		return -errno;
	text[length] = 0;
	/* Outside of user namespaces it is "0 0 4294967295". */
	return !(sscanf(text, "%u %u %u", &inside, &outside, &count) == 3 && inside == 0 && count == UINT32_MAX);
}

static bool ids_are_partial(void)
{
	static const char *const files[][2] = { { "/proc/self/uid_map", "../uid_map" },
						{ "/proc/self/gid_map", "../gid_map" } };

	for (size_t i = 0; i < 2; i++) {
		int partial = map_is_partial(files[i][0]);

		if (partial < 0)
			partial = map_is_partial(files[i][1]);
		/* Unknown counts as partial: that costs two calls a creation and no more. */
		if (partial != 0)
			return true;
	}
	return false;
}

static uint32_t set_fsuid(uint32_t uid)
{
	return (uint32_t)syscall(SYS_setfsuid, uid);
}

static uint32_t set_fsgid(uint32_t gid)
{
	return (uint32_t)syscall(SYS_setfsgid, gid);
}

static void look_at_caps(struct cred *cred)
{
	thread.caps_known = false;
	if (thread_caps() < 0)
		return;
	cred->can_switch = caps_has(&thread.caps, CAP_SETUID) && caps_has(&thread.caps, CAP_SETGID);
	cred->overrides = caps_has(&thread.caps, CAP_DAC_OVERRIDE);
}

void cred_init(struct cred *cred)
{
	int bits;

	memset(cred, 0, sizeof(*cred));
	/* An id that cannot be is refused, and the present one returned. */
	cred->uid = set_fsuid(NO_ID);
	cred->gid = set_fsgid(NO_ID);
	look_at_caps(cred);
	umask(0);
	if (!cred->can_switch)
		return;

	/* A user namespace may forbid it; then files are still made right, and has_group adds one group at most. */
	syscall(SYS_setgroups, 0, NULL);
	bits = prctl(PR_GET_SECUREBITS);
	if (bits >= 0 && !(bits & SECBIT_NO_SETUID_FIXUP) &&
	    prctl(PR_SET_SECUREBITS, (unsigned long)bits | SECBIT_NO_SETUID_FIXUP) == 0)
		bits |= SECBIT_NO_SETUID_FIXUP;
	cred->keeps_caps = bits >= 0 && bits & SECBIT_NO_SETUID_FIXUP;
	cred->partial = ids_are_partial();
}

void cred_begin(struct cred *cred, bool posix_acl)
{
	look_at_caps(cred);
	cred->use_umask = posix_acl;
}

/* The umask of this thread alone. The first time costs two system calls, an unchanged one none. */
static int thread_umask(mode_t mask)
{
	if (!thread.own_umask) {
		if (unshare(CLONE_FS) < 0)
			return -errno;
		thread.own_umask = true;
	} else if (thread.umask == mask) {
		return 0;
	}
	umask(mask);
	thread.umask = mask;
	return 0;
}

static int switch_gid(const struct cred *cred, uint32_t gid, struct cred_guard *guard)
{
	if (gid == cred->gid)
		return 0;
	if (gid == NO_ID)
		return -EOVERFLOW;
	set_fsgid(gid);
	guard->gid = true;
	if (!cred->partial || thread.good_gid == gid)
		return 0;
	if (set_fsgid(NO_ID) != gid)
		return -EOVERFLOW;
	thread.good_gid = gid;
	return 0;
}

static int switch_uid(const struct cred *cred, uint32_t uid, struct cred_guard *guard)
{
	if (uid == cred->uid)
		return 0;
	if (uid == NO_ID)
		return -EOVERFLOW;
	/* Where the kernel will drop capabilities, know first what to give back. */
	if (!cred->keeps_caps && thread_caps() < 0)
		return -EPERM;
	set_fsuid(uid);
	guard->uid = true;
	if (cred->partial && thread.good_uid != uid) {
		if (set_fsuid(NO_ID) != uid)
			return -EOVERFLOW;
		thread.good_uid = uid;
	}
	return cred->keeps_caps ? 0 : caps_set(&thread.caps);
}

/*
 * A file made with the set-group-id bit in a set-group-id directory keeps the bit only if the caller is a member of the
 * directory's group. Linux guests since 6.0 see to that themselves; for the others this host decides, and must
 * not know the daemon's CAP_FSETID then.
 */
static bool wants_setgid(uint32_t mode)
{
	return !S_ISDIR(mode) && (mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP);
}

static void add_group(uint32_t group, struct cred_guard *guard)
{
	gid_t groups[1] = { group };

	/* Where it is forbidden the creation is, at worst, refused with the right error. */
	guard->groups = group != NO_ID && syscall(SYS_setgroups, 1, groups) == 0;
}

int cred_enter(const struct cred *cred, const struct fs_call *call, uint32_t mode, uint32_t mask,
	       struct cred_guard *ret_guard)
{
	const bool setgid = wants_setgid(mode);
	int result = 0;

	*ret_guard = (struct cred_guard){ .cred = cred, .mode = mode };
	/* A link has no mode to speak of. */
	if (cred->use_umask && !S_ISLNK(mode))
		result = thread_umask(mask & 0777);
	else
		ret_guard->mode = mode & ~(mask & 0777);
	if (result == 0 && setgid)
		result = cred_kill_setid(call->uid != 0);
	if (result < 0 || !cred->can_switch)
		return result;
	if (call->has_group && (setgid || !cred->overrides))
		add_group(call->group, ret_guard);
	result = switch_gid(cred, call->gid, ret_guard);
	if (result == 0)
		result = switch_uid(cred, call->uid, ret_guard);
	if (result < 0)
		cred_leave(ret_guard);
	return result;
}

void cred_leave(struct cred_guard *guard)
{
	const struct cred *cred = guard->cred;
	const int saved = errno;

	if (guard->uid) {
		set_fsuid(cred->uid);
		/* The kernel may have given back what it thinks a root user has. */
		if (!cred->keeps_caps)
			caps_set(&thread.caps);
	}
	if (guard->gid)
		set_fsgid(cred->gid);
	if (guard->groups)
		syscall(SYS_setgroups, 0, NULL);
	errno = saved;
}
