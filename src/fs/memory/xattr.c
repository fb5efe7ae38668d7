/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes: a list per inode. Namespaces other than user, trusted and security are -EOPNOTSUPP. */
#include <errno.h>
#include <linux/limits.h>
#include <linux/xattr.h>
#include <stdlib.h>
#include <string.h>

#include "fs/memory/internal.h"

struct xattr {
	struct list link;
	size_t size;
	void *value; /* behind the name */
	char name[];
};

static uint64_t xattr_bytes(const struct xattr *xattr)
{
	return sizeof(*xattr) + strlen(xattr->name) + 1 + xattr->size;
}

static bool has_prefix(const char *name, const char *prefix)
{
	size_t length = strlen(prefix);

	return strncmp(name, prefix, length) == 0 && name[length];
}

static int check_name(const struct inode *inode, const char *name, bool write)
{
	if (strlen(name) > XATTR_NAME_MAX)
		return -ERANGE;
	if (has_prefix(name, XATTR_TRUSTED_PREFIX) || has_prefix(name, XATTR_SECURITY_PREFIX))
		return 0;
	if (!has_prefix(name, XATTR_USER_PREFIX))
		return -EOPNOTSUPP;
	/* Of other nodes everybody may write to they would be storage without an owner. */
	if (S_ISREG(inode->mode) || S_ISDIR(inode->mode))
		return 0;
	return write ? -EPERM : -ENODATA;
}

static struct xattr *find(const struct inode *inode, const char *name)
{
	list_for_each (link, &inode->xattrs) {
		struct xattr *xattr = list_entry(link, struct xattr, link);

		if (strcmp(xattr->name, name) == 0)
			return xattr;
	}
	return NULL;
}

static size_t list_size(const struct inode *inode)
{
	size_t size = 0;

	list_for_each (link, &inode->xattrs)
		size += strlen(list_entry(link, struct xattr, link)->name) + 1;
	return size;
}

static void drop(struct memory *memory, struct xattr *xattr)
{
	memory_uncharge(memory, xattr_bytes(xattr));
	list_remove(&xattr->link);
	free(xattr);
}

static int xattr_new(struct memory *memory, const char *name, const void *value, size_t size, struct xattr **ret_xattr)
{
	size_t length = strlen(name);
	struct xattr *xattr = malloc(sizeof(*xattr) + length + 1 + size);

	if (!xattr)
		return -ENOMEM;
	list_init(&xattr->link);
	memcpy(xattr->name, name, length + 1);
	xattr->value = xattr->name + length + 1;
	xattr->size = size;
	if (size)
		memcpy(xattr->value, value, size);
	if (memory_charge(memory, xattr_bytes(xattr)) < 0) {
		free(xattr);
		return -ENOSPC;
	}
	*ret_xattr = xattr;
	return 0;
}

int mem_xattr_set(struct memory *memory, struct inode *inode, const char *name, const void *value, size_t size,
		  uint32_t flags)
{
	struct xattr *old, *xattr = NULL;
	int r = check_name(inode, name, true);

	if (r < 0)
		return r;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	if (flags & ~(uint32_t)(XATTR_CREATE | XATTR_REPLACE))
		return -EINVAL;
	old = find(inode, name);
	if (old && (flags & XATTR_CREATE))
		return -EEXIST;
	if (!old && (flags & XATTR_REPLACE))
		return -ENODATA;
	/* So that everything set can be listed. */
	if (!old && list_size(inode) + strlen(name) + 1 > XATTR_LIST_MAX)
		return -ENOSPC;
	r = xattr_new(memory, name, value, size, &xattr);
	if (r < 0)
		return r;
	if (old)
		drop(memory, old);
	list_append(&inode->xattrs, &xattr->link);
	return 0;
}

void mem_xattr_drop(struct memory *memory, struct inode *inode, const char *name)
{
	struct xattr *xattr = find(inode, name);

	if (xattr)
		drop(memory, xattr);
}

void mem_xattr_free_all(struct memory *memory, struct inode *inode)
{
	list_for_each_safe (link, &inode->xattrs)
		drop(memory, list_entry(link, struct xattr, link));
}

int memory_setxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, const void *value,
		    size_t size, uint32_t flags, uint32_t setxattr_flags)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	int r = inode_get(memory, node, &inode);

	if (r == 0)
		r = mem_xattr_set(memory, inode, name, value, size, flags);
	if (r == 0)
		inode_touch_ctime(inode);
	return r;
}

int memory_getxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, void *value, size_t size,
		    size_t *ret_size)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	struct xattr *xattr;
	int r = inode_get(memory, node, &inode);

	if (r == 0)
		r = check_name(inode, name, false);
	if (r < 0)
		return r;
	xattr = find(inode, name);
	if (!xattr)
		return -ENODATA;
	if (size && size < xattr->size)
		return -ERANGE;
	if (size && xattr->size)
		memcpy(value, xattr->value, xattr->size);
	*ret_size = xattr->size;
	return 0;
}

int memory_listxattr(struct fs *fs, struct fs_call *call, uint64_t node, char *list, size_t size, size_t *ret_size)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	size_t total;
	int r = inode_get(memory, node, &inode);

	if (r < 0)
		return r;
	total = list_size(inode);
	if (size && size < total)
		return -ERANGE;
	*ret_size = total;
	if (!size)
		return 0;
	list_for_each (link, &inode->xattrs) {
		const struct xattr *xattr = list_entry(link, struct xattr, link);

		list = stpcpy(list, xattr->name) + 1;
	}
	return 0;
}

int memory_removexattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);
	struct inode *inode = NULL;
	struct xattr *xattr;
	int r = inode_get(memory, node, &inode);

	if (r == 0)
		r = check_name(inode, name, true);
	if (r < 0)
		return r;
	xattr = find(inode, name);
	if (!xattr)
		return -ENODATA;
	drop(memory, xattr);
	inode_touch_ctime(inode);
	return 0;
}
