/* SPDX-License-Identifier: BSD-3-Clause */
/* Short forms of what a guest asks. Those that return no errno assert that it worked. */
#ifndef VIOFS_TESTS_CONFORMANCE_GUEST_H
#define VIOFS_TESTS_CONFORMANCE_GUEST_H

#include <semaphore.h>
#include <stdbool.h>
#include <sys/stat.h>

#include "base/util.h"
#include "fs/fs.h"

/* A call by uid 0 for operations that are over when they return; one per thread. */
struct fs_call *guest_call(void);
struct fs_call guest_user(uint32_t uid, uint32_t gid);

/* Makes a regular file of mode 0644, or a directory of 0755. The node, with one lookup. */
uint64_t guest_file(struct fs *fs, uint64_t parent, const char *name);
uint64_t guest_mkdir(struct fs *fs, uint64_t parent, const char *name);
/* CREATE with these flags, mode 0644. */
uint64_t guest_create(struct fs *fs, uint64_t parent, const char *name, uint32_t flags, uint64_t *ret_fh);

uint64_t guest_lookup(struct fs *fs, uint64_t parent, const char *name);
/* The result; the lookup is forgotten again. */
int guest_try_lookup(struct fs *fs, uint64_t parent, const char *name);
bool guest_exists(struct fs *fs, uint64_t parent, const char *name);

struct fuse_attr guest_attr(struct fs *fs, uint64_t node);
int guest_try_attr(struct fs *fs, uint64_t node);
struct fuse_attr guest_setattr(struct fs *fs, uint64_t node, struct fuse_setattr_in in);
int guest_try_setattr(struct fs *fs, uint64_t node, struct fuse_setattr_in in);

uint64_t guest_open(struct fs *fs, uint64_t node, uint32_t flags);
int guest_try_open(struct fs *fs, uint64_t node, uint32_t flags);
int guest_release(struct fs *fs, uint64_t node, uint64_t fh);

/* The length or -errno. */
int guest_try_write(struct fs *fs, uint64_t node, uint64_t fh, uint64_t offset, const void *data, size_t size);
int guest_try_read(struct fs *fs, uint64_t node, uint64_t fh, uint64_t offset, void *data, size_t size);
void guest_write(struct fs *fs, uint64_t node, uint64_t fh, uint64_t offset, const char *text);
/* Opens the file and compares all of it with text. */
void guest_expect(struct fs *fs, uint64_t node, const char *text);

int guest_mknod(struct fs *fs, uint64_t parent, const char *name, uint32_t mode, uint32_t rdev);
int guest_unlink(struct fs *fs, uint64_t parent, const char *name);
int guest_rmdir(struct fs *fs, uint64_t parent, const char *name);
int guest_rename(struct fs *fs, uint64_t parent, const char *name, uint64_t new_parent, const char *new_name,
		 uint32_t flags);
int guest_symlink(struct fs *fs, uint64_t parent, const char *name, const char *target);
int guest_link(struct fs *fs, uint64_t node, uint64_t parent, const char *name);

/* A call that may wait. Static, as it may complete after a test has failed. */
struct guest_wait {
	struct fs_call call;
	sem_t done;
	int result;
};
void guest_wait_init(struct guest_wait *wait, uint64_t unique);
/* The call's result; fails the test when it does not come within ten seconds. */
int guest_wait_for(struct guest_wait *wait);
bool guest_wait_is_done(struct guest_wait *wait);

#endif
