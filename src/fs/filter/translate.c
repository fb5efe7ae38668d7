/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/filter/translate.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "fs/filter/call.h"

struct translate {
	struct fs fs;
	struct idmap *users;
	struct idmap *groups;
};

/* One operation on its way down and up again. */
struct translated {
	struct filter_call base;
	const struct translate *translate;
	/* The ids to translate in the answer, or NULL. */
	uint32_t *uid;
	uint32_t *gid;
	/* The caller as the guest named it; the backend sees its host ids meanwhile. */
	struct {
		uint32_t uid, gid, group;
	} caller;
	struct fuse_setattr_in setattr;
	struct fs_dir_sink sink;
	struct fs_dir_sink *outer_sink;
};

static struct translate *translate_from_fs(struct fs *fs)
{
	return container_of(fs, struct translate, fs);
}

static void show_to_guest(const struct translate *translate, uint32_t *uid, uint32_t *gid)
{
	*uid = idmap_to_guest(translate->users, *uid);
	*gid = idmap_to_guest(translate->groups, *gid);
}

static int translated_finish(struct filter_call *base, int result)
{
	struct translated *translated = container_of(base, struct translated, base);
	struct fs_call *call = base->call;

	if (result == 0 && translated->uid)
		show_to_guest(translated->translate, translated->uid, translated->gid);
	call->uid = translated->caller.uid;
	call->gid = translated->caller.gid;
	call->group = translated->caller.group;
	free(translated);
	return result;
}

/* An operation whose answer has ids at uid and gid, if they are not NULL. */
static int translated_new(struct fs *fs, struct fs_call *call, uint32_t *uid, uint32_t *gid,
			  struct translated **ret_translated)
{
	struct translated *translated = malloc(sizeof(*translated));

	if (!translated)
		return -ENOMEM;
	translated->translate = translate_from_fs(fs);
	translated->uid = uid;
	translated->gid = gid;
	translated->caller.uid = call->uid;
	translated->caller.gid = call->gid;
	translated->caller.group = call->group;
	filter_call_begin(&translated->base, call, translated_finish);
	*ret_translated = translated;
	return 0;
}

/* Such an operation that also makes a file: down there the caller has its host ids. */
static int creating_new(struct fs *fs, struct fs_call *call, struct fuse_entry_out *entry,
			struct translated **ret_translated)
{
	const struct translate *translate = translate_from_fs(fs);
	uint32_t uid, gid, group = call->group;
	int result = idmap_to_host(translate->users, call->uid, &uid);

	if (result == 0)
		result = idmap_to_host(translate->groups, call->gid, &gid);
	/* Membership of a forbidden group is of no use. */
	if (result == 0 && call->has_group && idmap_to_host(translate->groups, call->group, &group) < 0)
		group = FUSE_INVALID_UIDGID;
	if (result == 0)
		result = translated_new(fs, call, &entry->attr.uid, &entry->attr.gid, ret_translated);
	if (result < 0)
		return result;
	call->uid = uid;
	call->gid = gid;
	call->group = group;
	return 0;
}

static int end(struct translated *translated, int result)
{
	return filter_call_end(&translated->base, result);
}

static int translate_lookup(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
			    struct fuse_entry_out *ret_entry)
{
	struct translated *translated;
	int result = translated_new(fs, call, &ret_entry->attr.uid, &ret_entry->attr.gid, &translated);

	return result < 0 ? result : end(translated, fs_lookup(fs->next, call, parent, name, ret_entry));
}

static int translate_lookup_self(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry)
{
	struct translated *translated;
	int result = translated_new(fs, call, &ret_entry->attr.uid, &ret_entry->attr.gid, &translated);

	return result < 0 ? result : end(translated, fs_lookup_self(fs->next, call, node, ret_entry));
}

static int translate_lookup_parent(struct fs *fs, struct fs_call *call, uint64_t node, struct fuse_entry_out *ret_entry)
{
	struct translated *translated;
	int result = translated_new(fs, call, &ret_entry->attr.uid, &ret_entry->attr.gid, &translated);

	return result < 0 ? result : end(translated, fs_lookup_parent(fs->next, call, node, ret_entry));
}

static int translate_getattr(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh,
			     struct fuse_attr *ret_attr)
{
	struct translated *translated;
	int result = translated_new(fs, call, &ret_attr->uid, &ret_attr->gid, &translated);

	return result < 0 ? result : end(translated, fs_getattr(fs->next, call, node, fh, ret_attr));
}

static int translate_setattr(struct fs *fs, struct fs_call *call, uint64_t node, const struct fuse_setattr_in *in,
			     struct fuse_attr *ret_attr)
{
	const struct translate *translate = translate_from_fs(fs);
	struct translated *translated;
	uint32_t uid = in->uid, gid = in->gid;
	int result = 0;

	if (in->valid & FATTR_UID)
		result = idmap_to_host(translate->users, in->uid, &uid);
	if (result == 0 && in->valid & FATTR_GID)
		result = idmap_to_host(translate->groups, in->gid, &gid);
	if (result == 0)
		result = translated_new(fs, call, &ret_attr->uid, &ret_attr->gid, &translated);
	if (result < 0)
		return result;
	translated->setattr = *in;
	translated->setattr.uid = uid;
	translated->setattr.gid = gid;
	return end(translated, fs_setattr(fs->next, call, node, &translated->setattr, ret_attr));
}

static int translate_statx(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint32_t flags,
			   uint32_t mask, struct fuse_statx_out *ret)
{
	struct translated *translated;
	int result = translated_new(fs, call, &ret->stat.uid, &ret->stat.gid, &translated);

	return result < 0 ? result : end(translated, fs_statx(fs->next, call, node, fh, flags, mask, ret));
}

static int translate_symlink(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, const char *target,
			     struct fuse_entry_out *ret_entry)
{
	struct translated *translated;
	int result = creating_new(fs, call, ret_entry, &translated);

	return result < 0 ? result : end(translated, fs_symlink(fs->next, call, parent, name, target, ret_entry));
}

static int translate_mknod(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
			   uint32_t rdev, uint32_t umask, struct fuse_entry_out *ret_entry)
{
	struct translated *translated;
	int result = creating_new(fs, call, ret_entry, &translated);

	return result < 0 ? result
			  : end(translated, fs_mknod(fs->next, call, parent, name, mode, rdev, umask, ret_entry));
}

static int translate_mkdir(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name, uint32_t mode,
			   uint32_t umask, struct fuse_entry_out *ret_entry)
{
	struct translated *translated;
	int result = creating_new(fs, call, ret_entry, &translated);

	return result < 0 ? result : end(translated, fs_mkdir(fs->next, call, parent, name, mode, umask, ret_entry));
}

static int translate_link(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t new_parent, const char *new_name,
			  struct fuse_entry_out *ret_entry)
{
	struct translated *translated;
	int result = translated_new(fs, call, &ret_entry->attr.uid, &ret_entry->attr.gid, &translated);

	return result < 0 ? result : end(translated, fs_link(fs->next, call, node, new_parent, new_name, ret_entry));
}

static int translate_create(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
			    const struct fuse_create_in *in, struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	struct translated *translated;
	int result = creating_new(fs, call, ret_entry, &translated);

	return result < 0 ? result : end(translated, fs_create(fs->next, call, parent, name, in, ret_entry, ret_open));
}

static int translate_tmpfile(struct fs *fs, struct fs_call *call, uint64_t parent, const struct fuse_create_in *in,
			     struct fuse_entry_out *ret_entry, struct fs_open *ret_open)
{
	struct translated *translated;
	int result = creating_new(fs, call, ret_entry, &translated);

	return result < 0 ? result : end(translated, fs_tmpfile(fs->next, call, parent, in, ret_entry, ret_open));
}

static int sink_add(struct fs_dir_sink *sink, const char *name, size_t length, uint64_t ino, uint32_t type,
		    uint64_t next_offset, const struct fuse_entry_out *entry)
{
	struct translated *translated = container_of(sink, struct translated, sink);
	struct fs_dir_sink *outer = translated->outer_sink;
	struct fuse_entry_out shown;

	if (!entry)
		return outer->add(outer, name, length, ino, type, next_offset, NULL);
	shown = *entry;
	/* Without attributes there is nothing to translate, and 0 must stay 0. */
	if (shown.nodeid != 0)
		show_to_guest(translated->translate, &shown.attr.uid, &shown.attr.gid);
	return outer->add(outer, name, length, ino, type, next_offset, &shown);
}

static bool sink_fits(const struct fs_dir_sink *sink, size_t length)
{
	/* container_of() would take the const away. */
	const struct translated *translated = (const void *)((const char *)sink - offsetof(struct translated, sink));

	return translated->outer_sink->fits(translated->outer_sink, length);
}

static int translate_readdir(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
			     struct fs_dir_sink *sink)
{
	struct translated *translated;
	int result;

	if (!sink->plus)
		return fs_readdir(fs->next, call, node, fh, offset, sink);
	result = translated_new(fs, call, NULL, NULL, &translated);
	if (result < 0)
		return result;
	translated->sink = (struct fs_dir_sink){ .add = sink_add, .fits = sink_fits, .plus = true };
	translated->outer_sink = sink;
	return end(translated, fs_readdir(fs->next, call, node, fh, offset, &translated->sink));
}

static void translate_destroy(struct fs *fs)
{
	struct translate *translate = translate_from_fs(fs);

	idmap_free(translate->users);
	idmap_free(translate->groups);
	free(translate);
}

static const struct fs_ops translate_ops = {
	.destroy = translate_destroy,
	.lookup = translate_lookup,
	.lookup_self = translate_lookup_self,
	.lookup_parent = translate_lookup_parent,
	.getattr = translate_getattr,
	.setattr = translate_setattr,
	.statx = translate_statx,
	.symlink = translate_symlink,
	.mknod = translate_mknod,
	.mkdir = translate_mkdir,
	.link = translate_link,
	.create = translate_create,
	.tmpfile = translate_tmpfile,
	.readdir = translate_readdir,
};

int translate_new(struct fs *next, struct idmap *users, struct idmap *groups, struct fs **ret_fs)
{
	struct translate *translate = malloc(sizeof(*translate));

	if (!translate)
		return -ENOMEM;
	*translate = (struct translate){
		.fs = { .ops = &translate_ops, .next = next, .name = "translate" },
		.users = users,
		.groups = groups,
	};
	*ret_fs = &translate->fs;
	return 0;
}
