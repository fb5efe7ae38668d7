/* SPDX-License-Identifier: BSD-3-Clause */
/* A temporary directory served by the passthrough backend, and short forms of its operations. */
#ifndef VIOFS_TESTS_PASSTHROUGH_SHARE_H
#define VIOFS_TESTS_PASSTHROUGH_SHARE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fs/fs.h"
#include "fs/passthrough/passthrough.h"
#include "fs/passthrough/state.h"

struct share {
	char path[128];
	int root; /* the directory, for looking at the host's side */
	struct fs *fs;
	struct passthrough *pt;
	struct fs_call call;
	bool handles; /* nodes are held by file handle */
};

/* A directory below base ("/var/tmp", "/dev/shm"), served; the session has begun with the INIT flags given. */
void share_open(struct share *share, const char *base, const struct passthrough_config *config, uint64_t flags);

/* Stops serving and removes the directory. */
void share_close(struct share *share);

/* On the host's side. */
void host_write(struct share *share, const char *path, const char *text);
void host_mkdir(struct share *share, const char *path);
/* Number of descriptors that the process has open. */
size_t host_descriptors(void);

/* LOOKUP that must succeed, its answer's node id; and one that gives the result. */
uint64_t guest_lookup(struct share *share, uint64_t parent, const char *name);
int guest_try_lookup(struct share *share, uint64_t parent, const char *name, struct fuse_entry_out *ret_entry);
void guest_forget(struct share *share, uint64_t node, uint64_t count);
struct fuse_attr guest_getattr(struct share *share, uint64_t node);
int guest_try_getattr(struct share *share, uint64_t node);

/* OPEN, READ, RELEASE: whether the file's content is text. */
void guest_expect(struct share *share, uint64_t node, const char *text);

/* CREATE of a new file, opened O_RDWR; MKDIR. The node id. */
uint64_t guest_create(struct share *share, uint64_t parent, const char *name, uint64_t *ret_fh);
uint64_t guest_mkdir(struct share *share, uint64_t parent, const char *name);
/* READ or WRITE of a text at an offset; the length or an error. */
int guest_pread(struct share *share, uint64_t node, uint64_t fh, char *buffer, size_t size, uint64_t offset);
int guest_pwrite(struct share *share, uint64_t node, uint64_t fh, const char *text, uint64_t offset);
int guest_release(struct share *share, uint64_t node, uint64_t fh);

/* The names of a directory as the guest sees them, in a buffer of its caller, joined by spaces; "." and ".." left out. Lookups
 * that READDIRPLUS counts are forgotten again. */
size_t guest_list(struct share *share, uint64_t node, bool plus, size_t sink_bytes, char *names, size_t size);

#endif
