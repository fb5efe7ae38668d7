/* SPDX-License-Identifier: BSD-3-Clause */
/* A session over a file system that does as it is told and remembers what it was asked: for the tests beside it. */
#ifndef VIOFS_TESTS_SESSION_HARNESS_H
#define VIOFS_TESTS_SESSION_HARNESS_H

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "session/session.h"

#define HARNESS_BUFFER (160u * 1024)

/* Answers each operation with result, at once or later. */
struct harness_fs {
	struct fs fs;
	int result; /* of every operation: 0, -errno or FS_PENDING */
	bool complete_early; /* with FS_PENDING: complete before returning */
	unsigned int calls; /* operations asked for, without init, reset, forget and interrupt */
	unsigned int inits, resets, forgets, interrupts;
	uint64_t forgotten; /* sum of counts */
	const char *operation; /* the last one's name */
	struct fs_call *call; /* the last one's */
	struct fs_call copy; /* the last one's, as it was */
	struct fs_session_info info;

	uint64_t node, fh, offset, other; /* arguments of the last operation */
	uint32_t mode, flags, umask;
	char name[600], name2[4200];
	char data[HARNESS_BUFFER]; /* what WRITE, SETXATTR and IOCTL brought; what READ, READLINK, GETXATTR answer */
	size_t data_length;
	size_t entries; /* of a listing */
	int list_result; /* how a listing ends */
};

struct harness {
	struct harness_fs fs;
	struct session *session;
	struct session_request request;
	struct session_config config;
	struct pool *pool;
	unsigned char in[HARNESS_BUFFER], out[HARNESS_BUFFER];
	size_t in_length; /* of the message being built */
	size_t room; /* bytes of reply that the guest offers */
	size_t piece; /* split buffers into pieces of so many bytes; 0: one buffer */
	struct iovec *readable, *writable; /* while a request is pending */
	unsigned int completions; /* atomic */
	enum session_result submitted;
};

/* Starts over with the default configuration (cache auto); change config and call harness_start(). */
void harness_init(struct harness *harness);
void harness_start(struct harness *harness);
void harness_stop(struct harness *harness);

/* Builds a message: begin, add parts, send. node 1, uid 1000, gid 100, pid 42. */
void harness_begin(struct harness *harness, uint32_t opcode);
void harness_add(struct harness *harness, const void *bytes, size_t length);
void harness_add_string(struct harness *harness, const char *text);
struct fuse_in_header *harness_header(struct harness *harness);

/*
 * Sends what was built, with its length in the header or as it is there. Returns the reply's error (0 or -errno), 0
 * when there is no reply (written is 0), FS_PENDING when it comes later.
 */
int harness_send(struct harness *harness);
int harness_send_as_is(struct harness *harness);
/* After the completion of what was pending: the reply's error. */
int harness_collect(struct harness *harness);

const void *harness_body(const struct harness *harness);
size_t harness_body_length(const struct harness *harness);
/* Sends; checks that the reply is this error and that the file system was not asked. */
void harness_check_error(struct harness *harness, int error);

/* Sends INIT and returns the reply's error; the whole init_out through ret_out, which may be NULL. */
int harness_send_init(struct harness *harness, uint32_t minor, uint64_t flags, struct fuse_init_out *ret_out);
/* As the newest Linux does, with every flag; fails the test when refused. */
void harness_mount(struct harness *harness);

/* Every flag that a guest may offer. */
#define HARNESS_ALL_FLAGS (((1ull << 43) - 1) & ~FUSE_INIT_RESERVED)

#endif
