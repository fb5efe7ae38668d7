/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extended attributes of nodes of any type, without opening them: the descriptor's number is a path to the inode
 * itself, also to a symbolic link's.
 *
 * Without FUSE_POSIX_ACL the guest does not heed ACLs, so it neither sees nor sets them: mode bits alone decide, and
 * what the host's ACLs mean stays with the host.
 */
#include <errno.h>
#include <string.h>
#include <sys/xattr.h>

#include "fs/passthrough/cred.h"
#include "fs/passthrough/node.h"
#include "fs/passthrough/ops.h"

/* #syscalls: setxattr getxattr listxattr removexattr */

#define ACL_ACCESS "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

static bool is_acl(const char *name)
{
	return strcmp(name, ACL_ACCESS) == 0 || strcmp(name, ACL_DEFAULT) == 0;
}

static bool acls_are_hidden(const struct passthrough *pt)
{
	return !(pt->session.flags & FUSE_POSIX_ACL);
}

/* Pins the node and writes its path, with attributes of this name allowed (NULL: of any). */
static int get_path(struct passthrough *pt, uint64_t node, const char *name, struct node_use *ret_use,
		    char path[static PROC_FD_NAME_MAX], const char **ret_path)
{
	int result, fd;

	if (name && acls_are_hidden(pt) && is_acl(name))
		return -EOPNOTSUPP;
	result = node_get(pt, node, ret_use);
	if (result < 0)
		return result;
	fd = node_fd(ret_use);
	if (fd < 0)
		return fd;
	*ret_path = proc_fd_name(fd, path);
	return 0;
}

int passthrough_setxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, const void *value,
			 size_t size, uint32_t flags, uint32_t setxattr_flags)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	char buffer[PROC_FD_NAME_MAX];
	const char *path;
	int result = get_path(passthrough_from_fs(fs), node, name, &use, buffer, &path);

	/* An ACL that takes the group's rights away takes the set-group-id bit with it, if the caller is no member. */
	if (result == 0 && strcmp(name, ACL_ACCESS) == 0)
		result = cred_kill_setid(setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID);
	if (result < 0)
		return result;
	return setxattr(path, name, value, size, (int)flags) < 0 ? -errno : 0;
}

int passthrough_getxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, void *value, size_t size,
			 size_t *ret_size)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	char buffer[PROC_FD_NAME_MAX];
	const char *path;
	ssize_t length;
	int result = get_path(passthrough_from_fs(fs), node, name, &use, buffer, &path);

	if (result < 0)
		return result;
	length = getxattr(path, name, value, size);
	if (length < 0)
		return -errno;
	*ret_size = (size_t)length;
	return 0;
}

/* Takes ACLs out of a list of names; its new length. */
static size_t remove_acls(char *list, size_t length)
{
	char *end = list + length, *out = list;

	for (char *name = list, *next; name < end; name = next) {
		size_t size = strnlen(name, (size_t)(end - name));

		next = name + size + (name + size < end);
		if (is_acl(name))
			continue;
		memmove(out, name, (size_t)(next - name));
		out += next - name;
	}
	return (size_t)(out - list);
}

int passthrough_listxattr(struct fs *fs, struct fs_call *call, uint64_t node, char *list, size_t size, size_t *ret_size)
{
	struct passthrough *pt = passthrough_from_fs(fs);
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	char buffer[PROC_FD_NAME_MAX];
	const char *path;
	ssize_t length;
	int result = get_path(pt, node, NULL, &use, buffer, &path);

	if (result < 0)
		return result;
	length = listxattr(path, list, size);
	if (length < 0)
		return -errno;
	*ret_size = (size_t)length;
	/* To who asks for the length alone it may be a little too large, as if a name had gone since. */
	if (size && acls_are_hidden(pt))
		*ret_size = remove_acls(list, *ret_size);
	return 0;
}

int passthrough_removexattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name)
{
	_cleanup_node_ struct node_use use = NODE_USE_NONE;
	char buffer[PROC_FD_NAME_MAX];
	const char *path;
	int result = get_path(passthrough_from_fs(fs), node, name, &use, buffer, &path);

	if (result < 0)
		return result;
	return removexattr(path, name) < 0 ? -errno : 0;
}
