/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The private side of a request in flight: the message taken apart, the file system's answer, and the reply. One
 * allocation for the life of the device's object; serving a request allocates only when an attribute's value or a
 * scattered payload is larger than ever before.
 *
 * Life: request_begin() takes the message apart; a handler's start function calls the file system; when that has
 * answered, at once or later, the handler's finish function builds the reply and request_reply() writes it. Guest
 * memory is read in request_begin() and by start functions through state->input, each byte once.
 */
#ifndef VIOFS_SESSION_REQUEST_H
#define VIOFS_SESSION_REQUEST_H

#include <stdatomic.h>

#include "base/iov.h"
#include "base/pool.h"
#include "fusemsg/opcode.h"
#include "session/session.h"

struct session_handler;

/* Where a call to the file system stands, between the thread that made it and the one that completes it. */
enum request_phase {
	REQUEST_RUNNING, /* the operation has not returned */
	REQUEST_WAITING, /* it returned FS_PENDING first: the completer finishes */
	REQUEST_COMPLETED, /* it completed first: the submitter finishes */
};

struct request_directory {
	struct fs_dir_sink sink; /* first: handed to the file system */
	struct session_private *state;
	struct iov_cursor output;
	size_t left; /* bytes of entries that still fit */
	size_t used;
};

struct session_private {
	struct fs_call call; /* first: what completions come with */
	struct session *session;
	struct session_request *request;
	const struct fusemsg_opcode *opcode;
	const struct session_handler *handler;
	struct pool_work work;
	uint64_t epoch; /* of the session the request belongs to */
	atomic_int phase; /* enum request_phase */
	int late_result; /* what the completion came with */
	bool deferred; /* request->complete is to be called */
	bool unanswered; /* completed with late_result; session_reply() writes the reply */

	struct fuse_in_header in; /* copied from the guest and checked */
	struct iov_cursor input; /* the message behind what has been taken */
	size_t room; /* bytes of reply that fit behind the header */
	union {
		struct fuse_forget_in forget;
		struct fuse_batch_forget_in batch_forget;
		struct fuse_getattr_in getattr;
		struct fuse_setattr_in setattr;
		struct fuse_statx_in statx;
		struct fuse_mknod_in mknod;
		struct fuse_mkdir_in mkdir;
		struct fuse_rename_in rename;
		struct fuse_rename2_in rename2;
		struct fuse_link_in link;
		struct fuse_open_in open;
		struct fuse_create_in create;
		struct fuse_release_in release;
		struct fuse_flush_in flush;
		struct fuse_read_in read;
		struct fuse_write_in write;
		struct fuse_fsync_in fsync;
		struct fuse_setxattr_in setxattr;
		struct fuse_getxattr_in getxattr;
		struct fuse_lk_in lk;
		struct fuse_access_in access;
		struct fuse_interrupt_in interrupt;
		struct fuse_ioctl_in ioctl;
		struct fuse_fallocate_in fallocate;
		struct fuse_lseek_in lseek;
		struct fuse_copy_file_range_in copy_file_range;
		unsigned char bytes[FUSEMSG_ARGS_MAX];
	} args;
	const char *names[FUSEMSG_NAMES_MAX]; /* into scratch */
	const char *rest; /* what follows the names, in scratch: the start of a payload */
	size_t rest_length;

	/* The file system's answers. */
	union {
		struct {
			struct fuse_entry_out entry;
			struct fuse_open_out open; /* behind the entry in CREATE's reply, alone in OPEN's */
		} entry_open;
		struct fuse_init_out init;
		struct fuse_attr_out attr;
		struct fuse_statx_out statx;
		struct fuse_kstatfs statfs;
		struct fuse_write_out write;
		struct fuse_copy_file_range_out copied;
		struct fuse_lseek_out lseek;
		struct fuse_lk_out lk;
		struct fuse_getxattr_out getxattr;
		struct fuse_ioctl_out ioctl;
	} out;
	struct fs_open opened;
	struct fs_copy copy;
	struct fs_ioctl ioctl;
	struct request_directory directory;
	size_t length; /* of whatever the operation counts */
	uint64_t count;
	uint32_t ioctl_length;

	/* The reply behind its header: two parts, of which body may be in guest memory already. */
	const void *head;
	size_t head_length;
	const void *body; /* NULL: body_length bytes are in place */
	size_t body_length;

	struct iovec *iov; /* slices of payload; kept */
	size_t iov_capacity;
	char *large; /* a value too large for scratch, for this request only */
	char scratch[SESSION_SCRATCH]; /* strings of the request, then what the handler puts behind them */
	size_t scratch_used;
};

/*
 * Takes the message apart up to its names. Returns 0; -errno to answer with; or -ENOMSG when the message cannot be
 * answered at all (written stays 0).
 */
int request_begin(struct session_private *state, struct session_request *request, uint64_t flags);

/*
 * length bytes of private memory that live as long as this request does: of scratch or, once in a request, of the heap
 * when scratch is too full. NULL without memory.
 */
char *request_buffer(struct session_private *state, size_t length);

/*
 * The next length bytes behind cursor as an array of buffers that lives as long as this request does. Returns 0 or
 * -ENOMEM. The caller knows that they are there.
 */
int request_slice(struct session_private *state, const struct iov_cursor *cursor, size_t length,
		  const struct iovec **ret_iov, size_t *ret_count);

/* A cursor over the reply's buffers behind the header. */
void request_output(const struct session_private *state, struct iov_cursor *cursor);

/* Writes the reply (result 0 or -errno), sets written, frees what belonged to this request alone. */
void request_reply(struct session_private *state, int result);

#endif
