/* SPDX-License-Identifier: BSD-3-Clause */
#include "fusemsg/opcode.h"

#include <stddef.h>

#include "wire/fuse.h"

#define ARGS(type) .args = sizeof(struct type)
#define REPLY(type) .reply = sizeof(struct type)

static const struct fusemsg_opcode opcodes[FUSE_OPCODE_COUNT] = {
	[FUSE_LOOKUP] = { "LOOKUP", .names = 1, REPLY(fuse_entry_out) },
	[FUSE_FORGET] = { "FORGET", ARGS(fuse_forget_in), .flags = FUSEMSG_NO_REPLY },
	[FUSE_GETATTR] = { "GETATTR", ARGS(fuse_getattr_in), REPLY(fuse_attr_out) },
	[FUSE_SETATTR] = { "SETATTR", ARGS(fuse_setattr_in), REPLY(fuse_attr_out), .flags = FUSEMSG_MUTATES },
	[FUSE_READLINK] = { "READLINK", .args = 0 },
	/* The target of the link is a string of its own kind: the session checks the name alone. */
	[FUSE_SYMLINK] = { "SYMLINK", .names = 2, REPLY(fuse_entry_out),
			   .flags = FUSEMSG_MUTATES | FUSEMSG_EXTENSIONS | FUSEMSG_FREE_NAMES },
	[FUSE_MKNOD] = { "MKNOD", ARGS(fuse_mknod_in), .names = 1, REPLY(fuse_entry_out),
			 .flags = FUSEMSG_MUTATES | FUSEMSG_EXTENSIONS },
	[FUSE_MKDIR] = { "MKDIR", ARGS(fuse_mkdir_in), .names = 1, REPLY(fuse_entry_out),
			 .flags = FUSEMSG_MUTATES | FUSEMSG_EXTENSIONS },
	[FUSE_UNLINK] = { "UNLINK", .names = 1, .flags = FUSEMSG_MUTATES },
	[FUSE_RMDIR] = { "RMDIR", .names = 1, .flags = FUSEMSG_MUTATES },
	[FUSE_RENAME] = { "RENAME", ARGS(fuse_rename_in), .names = 2, .flags = FUSEMSG_MUTATES },
	[FUSE_LINK] = { "LINK", ARGS(fuse_link_in), .names = 1, REPLY(fuse_entry_out), .flags = FUSEMSG_MUTATES },
	[FUSE_OPEN] = { "OPEN", ARGS(fuse_open_in), REPLY(fuse_open_out) },
	[FUSE_READ] = { "READ", ARGS(fuse_read_in) },
	[FUSE_WRITE] = { "WRITE", ARGS(fuse_write_in), REPLY(fuse_write_out), .flags = FUSEMSG_MUTATES },
	[FUSE_STATFS] = { "STATFS", REPLY(fuse_statfs_out) },
	[FUSE_RELEASE] = { "RELEASE", ARGS(fuse_release_in) },
	[FUSE_FSYNC] = { "FSYNC", ARGS(fuse_fsync_in), .flags = FUSEMSG_POOL },
	[FUSE_SETXATTR] = { "SETXATTR", .args = FUSE_COMPAT_SETXATTR_IN_SIZE, .names = 1,
			    .flags = FUSEMSG_MUTATES | FUSEMSG_FREE_NAMES | FUSEMSG_PAYLOAD },
	[FUSE_GETXATTR] = { "GETXATTR", ARGS(fuse_getxattr_in), .names = 1, .flags = FUSEMSG_FREE_NAMES },
	[FUSE_LISTXATTR] = { "LISTXATTR", ARGS(fuse_getxattr_in) },
	[FUSE_REMOVEXATTR] = { "REMOVEXATTR", .names = 1, .flags = FUSEMSG_MUTATES | FUSEMSG_FREE_NAMES },
	[FUSE_FLUSH] = { "FLUSH", ARGS(fuse_flush_in) },
	[FUSE_INIT] = { "INIT", .args = FUSE_COMPAT_INIT_IN_SIZE, REPLY(fuse_init_out), .flags = FUSEMSG_SESSION },
	[FUSE_OPENDIR] = { "OPENDIR", ARGS(fuse_open_in), REPLY(fuse_open_out) },
	[FUSE_READDIR] = { "READDIR", ARGS(fuse_read_in) },
	[FUSE_RELEASEDIR] = { "RELEASEDIR", ARGS(fuse_release_in) },
	[FUSE_FSYNCDIR] = { "FSYNCDIR", ARGS(fuse_fsync_in), .flags = FUSEMSG_POOL },
	[FUSE_GETLK] = { "GETLK", ARGS(fuse_lk_in), REPLY(fuse_lk_out) },
	[FUSE_SETLK] = { "SETLK", ARGS(fuse_lk_in) },
	[FUSE_SETLKW] = { "SETLKW", ARGS(fuse_lk_in) },
	[FUSE_ACCESS] = { "ACCESS", ARGS(fuse_access_in) },
	[FUSE_CREATE] = { "CREATE", ARGS(fuse_create_in), .names = 1,
			  .reply = sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out),
			  .flags = FUSEMSG_MUTATES | FUSEMSG_EXTENSIONS },
	[FUSE_INTERRUPT] = { "INTERRUPT", ARGS(fuse_interrupt_in), .flags = FUSEMSG_NO_REPLY },
	[FUSE_BMAP] = { "BMAP", .flags = FUSEMSG_REFUSED },
	[FUSE_DESTROY] = { "DESTROY", .flags = FUSEMSG_SESSION },
	[FUSE_IOCTL] = { "IOCTL", ARGS(fuse_ioctl_in), REPLY(fuse_ioctl_out) },
	[FUSE_POLL] = { "POLL", .flags = FUSEMSG_REFUSED },
	[FUSE_NOTIFY_REPLY] = { "NOTIFY_REPLY", .flags = FUSEMSG_REFUSED },
	[FUSE_BATCH_FORGET] = { "BATCH_FORGET", ARGS(fuse_batch_forget_in), .flags = FUSEMSG_NO_REPLY },
	[FUSE_FALLOCATE] = { "FALLOCATE", ARGS(fuse_fallocate_in), .flags = FUSEMSG_MUTATES | FUSEMSG_POOL },
	[FUSE_READDIRPLUS] = { "READDIRPLUS", ARGS(fuse_read_in) },
	[FUSE_RENAME2] = { "RENAME2", ARGS(fuse_rename2_in), .names = 2, .flags = FUSEMSG_MUTATES },
	[FUSE_LSEEK] = { "LSEEK", ARGS(fuse_lseek_in), REPLY(fuse_lseek_out) },
	[FUSE_COPY_FILE_RANGE] = { "COPY_FILE_RANGE", ARGS(fuse_copy_file_range_in), REPLY(fuse_write_out),
				   .flags = FUSEMSG_MUTATES | FUSEMSG_POOL },
	[FUSE_SETUPMAPPING] = { "SETUPMAPPING", .flags = FUSEMSG_REFUSED },
	[FUSE_REMOVEMAPPING] = { "REMOVEMAPPING", .flags = FUSEMSG_REFUSED },
	[FUSE_SYNCFS] = { "SYNCFS", ARGS(fuse_syncfs_in), .flags = FUSEMSG_POOL },
	/* The one string is the guest kernel's placeholder "/", not a name. */
	[FUSE_TMPFILE] = { "TMPFILE", ARGS(fuse_create_in), .names = 1,
			   .reply = sizeof(struct fuse_entry_out) + sizeof(struct fuse_open_out),
			   .flags = FUSEMSG_MUTATES | FUSEMSG_EXTENSIONS | FUSEMSG_FREE_NAMES },
	[FUSE_STATX] = { "STATX", ARGS(fuse_statx_in), REPLY(fuse_statx_out) },
	[FUSE_COPY_FILE_RANGE_64] = { "COPY_FILE_RANGE_64", ARGS(fuse_copy_file_range_in),
				      REPLY(fuse_copy_file_range_out), .flags = FUSEMSG_MUTATES | FUSEMSG_POOL },
};

_Static_assert(sizeof(struct fuse_setattr_in) == FUSEMSG_ARGS_MAX, "the largest arguments");

const struct fusemsg_opcode *fusemsg_opcode_find(uint32_t opcode)
{
	if (opcode >= FUSE_OPCODE_COUNT || !opcodes[opcode].name)
		return NULL;
	return &opcodes[opcode];
}
