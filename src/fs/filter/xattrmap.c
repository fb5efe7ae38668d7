/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/filter/xattrmap.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/util.h"
#include "fs/filter/call.h"

#define CAPABILITY "security.capability"

struct xattrmap {
	struct fs fs;
	struct xattrrules *rules;
	char capability[XATTRRULES_NAME_SIZE]; /* other name of security.capability; empty when it has none */
};

static struct xattrmap *xattrmap_from_fs(struct fs *fs)
{
	return container_of(fs, struct xattrmap, fs);
}

static int xattrmap_setxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, const void *value,
			     size_t size, uint32_t flags, uint32_t setxattr_flags)
{
	char buffer[XATTRRULES_NAME_SIZE];
	int result = xattrrules_to_host(xattrmap_from_fs(fs)->rules, name, buffer, &name);

	return result < 0 ? result : fs_setxattr(fs->next, call, node, name, value, size, flags, setxattr_flags);
}

static int xattrmap_getxattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name, void *value,
			     size_t size, size_t *ret_size)
{
	char buffer[XATTRRULES_NAME_SIZE];
	int result = xattrrules_to_host(xattrmap_from_fs(fs)->rules, name, buffer, &name);

	return result < 0 ? result : fs_getxattr(fs->next, call, node, name, value, size, ret_size);
}

static int xattrmap_removexattr(struct fs *fs, struct fs_call *call, uint64_t node, const char *name)
{
	char buffer[XATTRRULES_NAME_SIZE];
	int result = xattrrules_to_host(xattrmap_from_fs(fs)->rules, name, buffer, &name);

	return result < 0 ? result : fs_removexattr(fs->next, call, node, name);
}

/* The host's names, to be turned into the guest's when they are there. */
struct listing {
	struct filter_call base;
	const struct xattrrules *rules;
	char *list;
	size_t size;
	size_t *ret_size;
	size_t host_size;
	char host_list[XATTR_LIST_MAX + 1]; /* and a NUL, should the last name lack it */
};

static int listing_finish(struct filter_call *base, int result)
{
	struct listing *listing = container_of(base, struct listing, base);
	size_t length = 0;

	if (result < 0)
		goto out;
	listing->host_list[listing->host_size] = 0;
	for (const char *name = listing->host_list; name < listing->host_list + listing->host_size;
	     name += strlen(name) + 1) {
		const char *shown = xattrrules_to_guest(listing->rules, name);
		size_t shown_size = shown ? strlen(shown) + 1 : 0;

		if (listing->size && length + shown_size > listing->size) {
			result = -ERANGE;
			goto out;
		}
		if (listing->size && shown)
			memcpy(listing->list + length, shown, shown_size);
		length += shown_size;
	}
	*listing->ret_size = length;
out:
	free(listing);
	return result;
}

static int xattrmap_listxattr(struct fs *fs, struct fs_call *call, uint64_t node, char *list, size_t size,
			      size_t *ret_size)
{
	struct listing *listing = malloc(sizeof(*listing));

	if (!listing)
		return -ENOMEM;
	listing->rules = xattrmap_from_fs(fs)->rules;
	listing->list = list;
	listing->size = size;
	listing->ret_size = ret_size;
	filter_call_begin(&listing->base, call, listing_finish);
	return filter_call_end(&listing->base, fs_listxattr(fs->next, call, node, listing->host_list, XATTR_LIST_MAX,
							    &listing->host_size));
}

/* Gives the security context of a creation its name on the host, in buffer. A context that is unsupported by rule is
 * left off, as by a file system that has none; *ret_name is what to put back afterwards. */
static int map_context(struct fs *fs, struct fs_call *call, char buffer[static XATTRRULES_NAME_SIZE],
		       const char **ret_name)
{
	int result = 0;

	*ret_name = call->secctx_name;
	if (call->secctx_name)
		result = xattrrules_to_host(xattrmap_from_fs(fs)->rules, call->secctx_name, buffer, &call->secctx_name);
	if (result == -EOPNOTSUPP) {
		call->secctx_name = NULL;
		result = 0;
	}
	return result;
}

/* operation with the context's name mapped. A pending call is left alone, it may be gone already. */
#define with_context(fs, call, operation)                                                                              \
	({                                                                                                             \
		char _buffer[XATTRRULES_NAME_SIZE];                                                                    \
		const char *_name;                                                                                     \
		int _result = map_context(fs, call, _buffer, &_name);                                                  \
                                                                                                                       \
		if (_result == 0)                                                                                      \
			_result = (operation);                                                                         \
		if (_result != FS_PENDING)                                                                             \
			(call)->secctx_name = _name;                                                                   \
		_result;                                                                                               \
	})

static int xattrmap_symlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target,
			    struct fuse_entry_out *ret_entry)
{
	return with_context(fs, call, fs_symlink(fs->next, call, parent, name, target, ret_entry));
}

static int xattrmap_mknod(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
			  uint32_t rdev, uint32_t umask, struct fuse_entry_out *ret_entry)
{
	return with_context(fs, call, fs_mknod(fs->next, call, parent, name, mode, rdev, umask, ret_entry));
}

static int xattrmap_mkdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
			  uint32_t umask, struct fuse_entry_out *ret_entry)
{
	return with_context(fs, call, fs_mkdir(fs->next, call, parent, name, mode, umask, ret_entry));
}

static int xattrmap_create(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
			   const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	return with_context(fs, call, fs_create(fs->next, call, parent, name, in, ret_entry, ret_open));
}

static int xattrmap_tmpfile(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in,
			    struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	return with_context(fs, call, fs_tmpfile(fs->next, call, parent, in, ret_entry, ret_open));
}

/* A removal that completes later by itself, behind the operation it is for. */
static void removal_complete(struct fs_call *call, int result)
{
	free(call);
}

/* Takes the file's capabilities away, because it is about to be changed. */
static int drop_capability(struct fs *fs, const struct fs_call *call, uint64_t node)
{
	const struct xattrmap *map = xattrmap_from_fs(fs);
	struct fs_call *removal;
	int result;

	if (!map->capability[0])
		return 0;
	removal = calloc(1, sizeof(*removal));
	if (!removal)
		return -ENOMEM;
	removal->opcode = FUSE_REMOVEXATTR;
	removal->uid = call->uid;
	removal->gid = call->gid;
	removal->pid = call->pid;
	removal->complete = removal_complete;
	result = fs_removexattr(fs->next, removal, node, map->capability);
	if (result == FS_PENDING)
		return 0;
	free(removal);
	/* -EPERM: a file of a type that cannot have attributes of this namespace. */
	if (result == -ENODATA || result == -EOPNOTSUPP || result == -ENOSYS || result == -EPERM)
		return 0;
	return result;
}

static int xattrmap_setattr(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in,
			    struct fuse_attr *ret_attr)
{
	int result = 0;

	if (in->valid & (FATTR_SIZE | FATTR_UID | FATTR_GID))
		result = drop_capability(fs, call, node);
	return result < 0 ? result : fs_setattr(fs->next, call, node, in, ret_attr);
}

static int xattrmap_open(struct fs *fs, struct fs_call *call, uint64_t node, uint32_t flags, uint32_t open_flags,
			 struct fs_open *ret_open)
{
	int result = 0;

	if (flags & O_TRUNC)
		result = drop_capability(fs, call, node);
	return result < 0 ? result : fs_open(fs->next, call, node, flags, open_flags, ret_open);
}

static int xattrmap_write(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_write_in *in,
			  const struct iovec *iov, size_t count, size_t *ret_length)
{
	int result = 0;

	/* A page that is written back late was dirtied by a write that the guest has seen to. */
	if (!(in->write_flags & FUSE_WRITE_CACHE))
		result = drop_capability(fs, call, node);
	return result < 0 ? result : fs_write(fs->next, call, node, in, iov, count, ret_length);
}

static int xattrmap_fallocate(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_fallocate_in *in)
{
	int result = drop_capability(fs, call, node);

	return result < 0 ? result : fs_fallocate(fs->next, call, node, in);
}

static int xattrmap_copy_file_range(struct fs *fs, struct fs_call *call, const struct fs_copy *copy,
				    uint64_t *ret_copied)
{
	int result = drop_capability(fs, call, copy->node_out);

	return result < 0 ? result : fs_copy_file_range(fs->next, call, copy, ret_copied);
}

static void xattrmap_destroy(struct fs *fs)
{
	struct xattrmap *map = xattrmap_from_fs(fs);

	xattrrules_free(map->rules);
	free(map);
}

static const struct fs_ops xattrmap_ops = {
	.destroy = xattrmap_destroy,
	.setattr = xattrmap_setattr,
	.symlink = xattrmap_symlink,
	.mknod = xattrmap_mknod,
	.mkdir = xattrmap_mkdir,
	.open = xattrmap_open,
	.create = xattrmap_create,
	.tmpfile = xattrmap_tmpfile,
	.write = xattrmap_write,
	.setxattr = xattrmap_setxattr,
	.getxattr = xattrmap_getxattr,
	.listxattr = xattrmap_listxattr,
	.removexattr = xattrmap_removexattr,
	.fallocate = xattrmap_fallocate,
	.copy_file_range = xattrmap_copy_file_range,
};

int xattrmap_new(struct fs *next, struct xattrrules *rules, struct fs **ret_fs)
{
	struct xattrmap *map = calloc(1, sizeof(*map));
	const char *name = NULL;

	if (!map)
		return -ENOMEM;
	map->fs = (struct fs){ .ops = &xattrmap_ops, .next = next, .name = "xattrmap" };
	map->rules = rules;
	if (xattrrules_to_host(rules, CAPABILITY, map->capability, &name) < 0 || name != map->capability)
		map->capability[0] = 0;
	*ret_fs = &map->fs;
	return 0;
}
