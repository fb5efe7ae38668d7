/* SPDX-License-Identifier: BSD-3-Clause */
/* A backend that does nothing but remember what it was asked, and answers as told, now or later. */
#ifndef VIOFS_TESTS_FILTER_FAKE_H
#define VIOFS_TESTS_FILTER_FAKE_H

#include "fs/fs.h"

struct fake {
	struct fs fs;
	/* The answer: */
	int answer;
	bool later; /* answers are pending until fake_complete() */
	uint32_t uid, gid; /* in attributes */
	const char *list; /* of listxattr, list_size bytes */
	size_t list_size;
	/* What was asked: */
	unsigned int calls;
	const char *operation; /* the last */
	struct {
		uint32_t uid, gid, group;
		char secctx[256]; /* empty when there was none */
		char name[512];
		uint32_t valid, set_uid, set_gid;
	} seen;
	unsigned int removals; /* of attributes */
	char removed[256];
	uint64_t removed_from;
	bool destroyed;
	/* Of a pending call: */
	struct fs_call *call;
	struct fuse_attr *attr;
};

void fake_init(struct fake *fake);

/* Completes the pending call with fake->answer. */
void fake_complete(struct fake *fake);

#endif
