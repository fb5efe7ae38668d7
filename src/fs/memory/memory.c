/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system as a whole: its making, sessions beginning and ending, its budget. */
/* #syscalls: clock_gettime sysinfo */
#include "fs/memory/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "fs/memory/internal.h"

int memory_charge(struct memory *memory, uint64_t bytes)
{
	if (bytes > memory->max_bytes - memory->bytes)
		return -ENOSPC;
	memory->bytes += bytes;
	return 0;
}

void memory_uncharge(struct memory *memory, uint64_t bytes)
{
	memory->bytes -= bytes;
}

struct timespec memory_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

static int memory_init(struct fs *fs, const struct fs_session_info *info)
{
	_cleanup_unlock_ struct memory *memory = memory_lock(fs);

	memory->info = *info;
	return 0;
}

static void memory_reset(struct fs *fs)
{
	struct list completed;
	struct inode *inode;
	struct file *file;
	uint32_t slot;

	list_init(&completed);
	{
		_cleanup_unlock_ struct memory *memory = memory_lock(fs);

		mem_lock_cancel_all(memory, &completed);
		slot = 0;
		while ((file = table_next(&memory->files, &slot)))
			mem_file_free(memory, file);
		slot = 0;
		while ((inode = table_next(&memory->nodes, &slot))) {
			mem_lock_free_all(memory, inode);
			inode->lookups = 0;
			inode_drop(memory, inode);
		}
		memory->info = (struct fs_session_info){ 0 };
	}
	mem_lock_complete(&completed);
}

/* Takes every link at once; then reset finds nothing that holds an inode. */
static void memory_destroy(struct fs *fs)
{
	struct memory *memory = memory_of(fs);
	struct inode *inode;
	uint32_t slot = 0;

	while ((inode = table_next(&memory->nodes, &slot)))
		inode->nlink = 0;
	memory->root = NULL;
	memory_reset(fs);
	table_fini(&memory->nodes);
	table_fini(&memory->files);
	pthread_mutex_destroy(&memory->lock);
	free(memory);
}

static const struct fs_ops memory_ops = {
	.init = memory_init,
	.reset = memory_reset,
	.destroy = memory_destroy,
	.lookup = memory_lookup,
	.lookup_self = memory_lookup_self,
	.lookup_parent = memory_lookup_parent,
	.forget = memory_forget,
	.getattr = memory_getattr,
	.setattr = memory_setattr,
	.statx = memory_statx,
	.readlink = memory_readlink,
	.symlink = memory_symlink,
	.mknod = memory_mknod,
	.mkdir = memory_mkdir,
	.unlink = memory_unlink,
	.rmdir = memory_rmdir,
	.rename = memory_rename,
	.link = memory_link,
	.open = memory_open,
	.create = memory_create,
	.tmpfile = memory_tmpfile,
	.read = memory_read,
	.write = memory_write,
	.statfs = memory_statfs,
	.release = memory_release,
	.flush = memory_flush,
	.fsync = memory_fsync,
	.opendir = memory_opendir,
	.readdir = memory_readdir,
	.releasedir = memory_releasedir,
	.fsyncdir = memory_fsync,
	.setxattr = memory_setxattr,
	.getxattr = memory_getxattr,
	.listxattr = memory_listxattr,
	.removexattr = memory_removexattr,
	.getlk = memory_getlk,
	.setlk = memory_setlk,
	.access = memory_access,
	.fallocate = memory_fallocate,
	.lseek = memory_lseek,
	.copy_file_range = memory_copy_file_range,
	.syncfs = memory_syncfs,
	.ioctl = memory_ioctl,
	.interrupt = memory_interrupt,
};

static uint64_t half_of_memory(void)
{
	long pages = sysconf(_SC_PHYS_PAGES), page_size = sysconf(_SC_PAGESIZE);

	return pages > 0 && page_size > 0 ? (uint64_t)pages / 2 * (uint64_t)page_size : 1ull << 30;
}

int memory_new(const struct memory_config *config, struct fs **ret_fs)
{
	static const struct fs_call root_call;
	struct memory *memory = calloc(1, sizeof(*memory));
	int r;

	if (!memory)
		return -ENOMEM;
	memory->fs = (struct fs){ .ops = &memory_ops, .name = "memory" };
	pthread_mutex_init(&memory->lock, NULL);
	list_init(&memory->waiters);
	memory->max_bytes = config->max_bytes ? config->max_bytes : half_of_memory();
	memory->max_inodes = config->max_inodes ? config->max_inodes : MAX(memory->max_bytes / BLOCK_SIZE, 1u);

	/* The first node of an empty table is FS_ROOT. */
	r = inode_new(memory, &root_call, NULL, S_IFDIR | 0755, &memory->root);
	if (r < 0) {
		memory_destroy(&memory->fs);
		return r;
	}
	memory->root->dir.parent = memory->root;
	memory->root->nlink = 2;
	*ret_fs = &memory->fs;
	return 0;
}
