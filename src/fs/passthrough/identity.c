/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "fs/passthrough/attr.h"
#include "fs/passthrough/identity.h"
#include "fs/passthrough/mount.h"
#include "fs/passthrough/procfd.h"

/* #syscalls: statx name_to_handle_at openat open close clock_gettime */

/* Somebody exchanges the file behind the name all the time; then the guest is told that it went stale. */
#define RESOLVE_TRIES 8
/* How much older than its handle a file must be. The clocks of file systems tick in milliseconds. */
#define SETTLED_NS INT64_C(1000000000)

/* What is known while a name is being resolved. */
struct resolution {
	struct passthrough *pt;
	const struct node *parent;
	struct statx st;
	struct node_identity identity;
	const struct mount *mount;
	bool own_mount; /* a reference on it is ours; else the parent's holds it */
	int64_t now; /* before anything was asked */
	bool has_handle;
	struct file_handle_buffer handle;
};

static int64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME_COARSE, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static uint64_t kernel_mount_id(const struct statx *st, uint32_t dev)
{
	return st->stx_mask & STATX_MNT_ID ? st->stx_mnt_id : dev;
}

/* Whether no file that is born after now can have this number and birth time. Foreign clocks prove nothing. */
static bool is_settled(const struct resolution *r)
{
	return !r->mount->remote && r->identity.btime != NODE_NO_BTIME && r->identity.btime < r->now - SETTLED_NS;
}

/* Whether the handle itself says that it is of this inode number; for handles of the layouts that we know. */
static bool handle_names_inode(const struct resolution *r)
{
	const struct file_handle_buffer *handle = &r->handle;
	uint32_t words[3];
	uint64_t first;

	if (r->mount->remote || handle->size < 8)
		return false;
	memcpy(&first, handle->bytes, sizeof(first));
	memcpy(words, handle->bytes, handle->size < sizeof(words) ? 8 : sizeof(words));
	switch (handle->type) {
	case 0x01: /* most: inode, generation; tmpfs: generation, inode */
		if (handle->size == 8)
			return words[0] == r->identity.ino;
		return handle->size == 12 && ((uint64_t)words[2] << 32 | words[1]) == r->identity.ino;
	case 0x81: /* XFS */
	case 0x4d: /* btrfs */
		return first == r->identity.ino;
	default:
		return false;
	}
}

/* Submounts are announced, or their numbers are folded. */
static void place(struct resolution *r)
{
	struct node_identity *identity = &r->identity;
	bool announce = r->pt->config.announce_submounts && (r->pt->session.flags & FUSE_SUBMOUNTS);

	if (identity->dev == r->parent->dev && (!announce || identity->mount == r->parent->mount)) {
		identity->fold = r->parent->fold;
	} else if (announce && identity->type == S_IFDIR) {
		identity->fold = 0;
		identity->flags |= NODE_SUBMOUNT;
	} else if (identity->dev == r->parent->dev) {
		identity->fold = r->parent->fold;
	} else {
		const struct node *root = slots_at(&r->pt->nodes->slots, node_id_slot(FS_ROOT));

		identity->fold = !announce && identity->dev == root->dev ? 0 : device_number(r->pt, identity->dev);
	}
}

static void drop_mount(struct resolution *r)
{
	if (r->own_mount)
		mount_unref(r->pt, r->identity.mount);
	r->own_mount = false;
}

/* Sets identity and mount from st, holding the mount until drop_mount(); -EAGAIN when the mount is new. */
static int identify(struct resolution *r)
{
	uint64_t kernel_id;
	uint16_t index = r->parent->mount;
	bool found = false;
	struct node_identity identity;

	identity_from_statx(&r->st, &identity);
	kernel_id = kernel_mount_id(&r->st, identity.dev);
	if (mount_at(r->pt, index)->kernel_id != kernel_id) {
		found = mount_find(r->pt, kernel_id, &index);
		if (!found)
			return -EAGAIN;
	}
	/* Only now: what was held before may be the same, by its only reference. */
	drop_mount(r);
	r->own_mount = found;
	r->identity = identity;
	r->identity.mount = index;
	r->mount = mount_at(r->pt, r->identity.mount);
	place(r);
	return 0;
}

/* The handle of a file: of name in directory fd, or, with an empty name, of fd itself. False: it has none. */
static int take_handle(struct resolution *r, int fd, const char *name)
{
	int mount_id;

	if (r->mount->fd < 0)
		return 0;
	r->handle.size = MAX_HANDLE_SZ;
	if (name_to_handle_at(fd, name, (void *)&r->handle, &mount_id, name[0] ? 0 : AT_EMPTY_PATH) < 0) {
		if (errno != EOPNOTSUPP && errno != EOVERFLOW)
			return -errno;
		return r->pt->config.file_handles == PASSTHROUGH_HANDLES_MANDATORY ? -EOPNOTSUPP : 0;
	}
	/* The name has become a mount point, or is one no more. */
	if ((r->st.stx_mask & STATX_MNT_ID) && (uint64_t)mount_id != r->st.stx_mnt_id)
		return -EAGAIN;
	r->has_handle = true;
	return 0;
}

/* Spends a call to show that the handle is of the file that was looked at: it still has the name. */
static int confirm_by_name(struct resolution *r, int dir_fd, const char *name)
{
	struct node_identity again;
	struct statx st;

	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, ATTR_MASK, &st) < 0)
		return -errno;
	identity_from_statx(&st, &again);
	if (again.ino != r->identity.ino || again.dev != r->identity.dev || again.btime != r->identity.btime ||
	    again.type != r->identity.type)
		return -EAGAIN;
	r->st = st;
	return 0;
}

/* Looks the identity up, comparing handles where needed: 1 found, pinned and counted, 0 not found. */
static int find(struct resolution *r, int fd, const char *name, struct node_use *ret_use)
{
	for (unsigned int skip = 0;; skip++) {
		enum node_match match = node_find(r->pt, &r->identity, skip, true, ret_use);
		int result = 0;

		if (match == NODE_UNKNOWN)
			return 0;
		if (match == NODE_KNOWN)
			return 1;
		if (!r->has_handle)
			result = take_handle(r, fd, name);
		if (result == 0 && r->has_handle && node_handle_equals(r->pt, ret_use->node, &r->handle)) {
			node_raise(ret_use);
			if (is_settled(r))
				atomic_fetch_or(&ret_use->node->flags, NODE_SETTLED);
			return 1;
		}
		node_put(ret_use);
		if (result < 0)
			return result;
	}
}

/* Enters a node by handle; 0 when the file has none. */
static int add_by_handle(struct resolution *r, int dir_fd, const char *name, bool open_soon, struct node_use *ret_use)
{
	int result = r->has_handle ? 0 : take_handle(r, dir_fd, name);

	if (result < 0 || !r->has_handle)
		return result;
	if (is_settled(r)) {
		r->identity.flags |= NODE_SETTLED;
		if (open_soon && (r->identity.type == S_IFREG || r->identity.type == S_IFLNK) &&
		    handle_names_inode(r)) {
			result = confirm_by_name(r, dir_fd, name);
			if (result < 0)
				return result;
			r->identity.flags |= NODE_VERIFIED;
		}
	}
	mount_ref(r->pt, r->identity.mount);
	result = node_add(r->pt, &r->identity, &r->handle, -1, ret_use);
	return result < 0 ? result : 1;
}

/* Enters a node by an O_PATH descriptor that it keeps; everything is asked anew of the descriptor. */
static int add_by_fd(struct resolution *r, int path_fd, struct node_use *ret_use)
{
	_cleanup_fd_ int fd = path_fd;
	int result;

	if (statx(fd, "", AT_EMPTY_PATH, ATTR_MASK, &r->st) < 0)
		return -errno;
	result = identify(r);
	if (result < 0)
		return result;
	if (node_find(r->pt, &r->identity, 0, true, ret_use) == NODE_KNOWN)
		return 1;
	node_put(ret_use);
	mount_ref(r->pt, r->identity.mount);
	result = node_add(r->pt, &r->identity, NULL, take_fd(&fd), ret_use);
	return result < 0 ? result : 1;
}

static int open_path(struct passthrough *pt, int dir_fd, const char *name)
{
	int result;

	do {
		int fd = openat(dir_fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

		if (fd >= 0)
			return fd;
		result = fd_retry(pt, errno);
	} while (result == 0);
	return result;
}

/* An O_PATH descriptor of what fd is open on. */
static int reopen_path(struct passthrough *pt, int fd)
{
	char name[PROC_FD_NAME_MAX];
	int result;

	do {
		int path_fd = open(proc_fd_name(fd, name), O_PATH | O_CLOEXEC);

		if (path_fd >= 0)
			return path_fd;
		result = fd_retry(pt, errno);
	} while (result == 0);
	return result;
}

/* The mount below name was not known: enters it. The reference is the caller's. */
static int enter_mount(struct passthrough *pt, int dir_fd, const char *name, uint16_t *ret_index)
{
	_cleanup_fd_ int fd = open_path(pt, dir_fd, name);
	struct node_identity identity;
	struct statx st;

	if (fd < 0)
		return fd;
	if (statx(fd, "", AT_EMPTY_PATH, ATTR_MASK, &st) < 0)
		return -errno;
	identity_from_statx(&st, &identity);
	return mount_enter(pt, fd, kernel_mount_id(&st, identity.dev), ret_index);
}

static int resolve_once(struct resolution *r, int dir_fd, const char *name, bool open_soon, struct node_use *ret_use)
{
	int result;

	r->now = now_ns();
	r->has_handle = false;
	/* Without AT_NO_AUTOMOUNT: to look a mount point up is how a guest enters it. */
	if (statx(dir_fd, name, AT_SYMLINK_NOFOLLOW, ATTR_MASK, &r->st) < 0)
		return -errno;
	result = identify(r);
	if (result == -EAGAIN) {
		uint16_t entered;

		result = enter_mount(r->pt, dir_fd, name, &entered);
		if (result < 0)
			return result;
		result = identify(r);
		mount_unref(r->pt, entered);
		if (result < 0)
			return result;
	}
	result = find(r, dir_fd, name, ret_use);
	if (result == 0)
		result = add_by_handle(r, dir_fd, name, open_soon, ret_use);
	if (result == 0) {
		int fd = open_path(r->pt, dir_fd, name);

		result = fd < 0 ? fd : add_by_fd(r, fd, ret_use);
	}
	return result < 0 ? result : 0;
}

int identity_resolve(const struct node_use *parent, int dir_fd, const char *name, bool open_soon, struct statx *ret_st,
		     struct node_use *ret_use)
{
	struct resolution r = { .pt = parent->pt, .parent = parent->node };
	int result = -EAGAIN;

	for (int i = 0; i < RESOLVE_TRIES && result == -EAGAIN; i++)
		result = resolve_once(&r, dir_fd, name, open_soon, ret_use);
	drop_mount(&r);
	if (result == -EAGAIN)
		return -ESTALE;
	if (result < 0)
		return result;
	*ret_st = r.st;
	return 0;
}

int identity_resolve_fd(const struct node_use *parent, int fd, struct statx *ret_st, struct node_use *ret_use)
{
	struct resolution r = { .pt = parent->pt, .parent = parent->node, .now = now_ns() };
	int result;

	if (statx(fd, "", AT_EMPTY_PATH, ATTR_MASK, &r.st) < 0)
		return -errno;
	result = identify(&r);
	if (result < 0)
		return -EXDEV;
	result = find(&r, fd, "", ret_use);
	if (result == 0 && !r.has_handle)
		result = take_handle(&r, fd, "");
	if (result == 0 && r.has_handle) {
		r.identity.flags |= NODE_VERIFIED | (is_settled(&r) ? NODE_SETTLED : 0);
		mount_ref(r.pt, r.identity.mount);
		result = node_add(r.pt, &r.identity, &r.handle, -1, ret_use);
	} else if (result == 0) {
		int path_fd = reopen_path(r.pt, fd);

		result = path_fd < 0 ? path_fd : add_by_fd(&r, path_fd, ret_use);
	}
	drop_mount(&r);
	if (result < 0)
		return result;
	*ret_st = r.st;
	return 0;
}

void identity_entry(const struct node_use *use, const struct statx *st, struct fuse_entry_out *ret_entry)
{
	memset(ret_entry, 0, sizeof(*ret_entry));
	ret_entry->nodeid = use->id;
	ret_entry->generation = use->pt->epoch;
	attr_from_statx(st, use->node, &ret_entry->attr);
}

int identity_add_root(struct passthrough *pt, int root_fd)
{
	_cleanup_fd_ int fd = root_fd;
	struct node_identity identity;
	struct statx st;
	int result;

	if (statx(fd, "", AT_EMPTY_PATH, ATTR_MASK, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.stx_mode))
		return -EINVAL;
	identity_from_statx(&st, &identity);
	result = mount_enter(pt, fd, kernel_mount_id(&st, identity.dev), &identity.mount);
	if (result < 0)
		return result;
	return node_add_root(pt, &identity, NULL, take_fd(&fd));
}
