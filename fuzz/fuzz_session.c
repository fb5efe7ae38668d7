/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest that sends anything: a session over the memory backend, and a script of requests taken from the input.
 *
 * Input: flags of the configuration (1 byte, see configure()), the FUSE minor version (1 byte), then one record per
 * request: opcode (1), control (1, see below), node (1: which of the nodes learnt so far), pieces (1: bytes of each
 * buffer, 0 for one buffer), total_extlen (1), room for the reply (2), length of what follows the header (2), these
 * bytes.
 *
 * Held against every reply: written is within the room and what the header says, the unique is the request's, errors
 * are what Linux accepts and 16 bytes, nothing is written behind the reply, the request's own bytes are left alone.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"
#include "fs/memory/memory.h"
#include "session/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum control {
	CONTROL_LENGTH = 1, /* the first 4 bytes that follow are the header's length */
	CONTROL_FH = 2, /* the first 8 are replaced by the handle learnt last */
	CONTROL_SHORT = 4, /* only half of the header is there */
	CONTROL_RESET = 8, /* the device is reset first */
	CONTROL_NODE = 16, /* the first 8 are replaced by the node learnt last (RENAME, LINK) */
};

#define ROOM_MAX 8192u
#define LENGTH_MAX 8192u
#define BUFFERS_MAX 1024u
#define PENDING_MAX 4u
#define NODES 8u
#define CANARY 0xc5

struct slot {
	struct session_request request; /* first */
	unsigned char in[sizeof(struct fuse_in_header) + LENGTH_MAX], copy[sizeof(struct fuse_in_header) + LENGTH_MAX];
	unsigned char out[ROOM_MAX];
	size_t in_length, room;
	struct iovec readable[BUFFERS_MAX], writable[BUFFERS_MAX];
	bool busy;
};

struct fuzz {
	struct session *session;
	struct slot slots[PENDING_MAX];
	uint64_t nodes[NODES];
	unsigned int learnt;
	uint64_t fh;
	uint64_t unique;
};

/* One set of buffers for all inputs. */
static struct fuzz fuzz;

static void require(bool condition)
{
	if (!condition)
		abort();
}

struct input {
	const uint8_t *data;
	size_t left;
};

static uint8_t take(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->data++;
}

static uint16_t take16(struct input *input)
{
	uint8_t low = take(input);

	return (uint16_t)(low | take(input) << 8);
}

static struct session_config configure(uint8_t flags)
{
	return (struct session_config){
		.cache = flags & 3,
		.entry_timeout_ns = SESSION_TIMEOUT_DEFAULT,
		.attr_timeout_ns = SESSION_TIMEOUT_DEFAULT,
		.negative_timeout_ns = flags & 4 ? 1 : 0,
		.posix_acl = flags & 8 ? SESSION_AUTO : SESSION_NEVER,
		.security_label = flags & 16 ? SESSION_AUTO : SESSION_NEVER,
		.readonly = flags & 32,
		.xattr = !(flags & 64),
		.writeback = flags & 128,
		.readdirplus = true,
		.announce_submounts = true,
		.killpriv_v2 = true,
	};
}

/* Remembers nodes and handles, so that later requests reach further than -ESTALE. */
static void learn(const struct slot *slot, uint32_t opcode)
{
	size_t length = slot->request.written - sizeof(struct fuse_out_header);
	const unsigned char *body = slot->out + sizeof(struct fuse_out_header);
	struct fuse_entry_out entry;
	struct fuse_open_out opened;
	bool has_entry = opcode == FUSE_LOOKUP || opcode == FUSE_CREATE || opcode == FUSE_MKDIR ||
			 opcode == FUSE_MKNOD || opcode == FUSE_SYMLINK || opcode == FUSE_LINK ||
			 opcode == FUSE_TMPFILE;

	if (has_entry && length >= sizeof(entry)) {
		memcpy(&entry, body, sizeof(entry));
		fuzz.nodes[1 + fuzz.learnt++ % (NODES - 1)] = entry.nodeid;
		body += sizeof(entry);
		length -= sizeof(entry);
	}
	if ((opcode == FUSE_OPEN || opcode == FUSE_OPENDIR || opcode == FUSE_CREATE || opcode == FUSE_TMPFILE) &&
	    length >= sizeof(opened)) {
		memcpy(&opened, body, sizeof(opened));
		fuzz.fh = opened.fh;
	}
}

static void check(struct slot *slot)
{
	struct fuse_in_header in;
	struct fuse_out_header out;
	size_t written = slot->request.written;

	require(memcmp(slot->in, slot->copy, slot->in_length) == 0);
	require(written <= slot->room);
	for (size_t i = written; i < slot->room; i++) {
		/* A READ may have filled more than it answers. */
		if (slot->out[i] != CANARY) {
			memcpy(&in, slot->in, sizeof(in));
			require(in.opcode == FUSE_READ || in.opcode == FUSE_READDIR || in.opcode == FUSE_READDIRPLUS);
		}
	}
	if (written == 0)
		return;
	require(written >= sizeof(out) && slot->in_length >= sizeof(in));
	memcpy(&in, slot->in, sizeof(in));
	memcpy(&out, slot->out, sizeof(out));
	require(out.unique == in.unique);
	if (in.opcode == FUSE_INIT_BSWAP)
		return;
	require(out.len == written);
	require(out.error <= 0 && out.error > -512);
	require(out.error == 0 || written == sizeof(out));
	if (out.error == 0)
		learn(slot, in.opcode);
}

static void completed(struct session_request *request)
{
	struct slot *slot = (struct slot *)request;

	require(slot->busy);
	slot->busy = false;
	check(slot);
}

static size_t cut(unsigned char *bytes, size_t length, size_t piece, struct iovec *iov)
{
	size_t step = MAX(piece, length / (BUFFERS_MAX - 1) + 1);
	size_t count = 0;

	if (piece == 0)
		step = MAX(length, (size_t)1);
	for (size_t at = 0; at < length; at += step)
		iov[count++] = (struct iovec){ bytes + at, MIN(step, length - at) };
	return count;
}

static struct slot *free_slot(void)
{
	for (unsigned int i = 0; i < PENDING_MAX; i++) {
		if (!fuzz.slots[i].busy)
			return &fuzz.slots[i];
	}
	session_reset(fuzz.session);
	for (unsigned int i = 0; i < PENDING_MAX; i++)
		require(!fuzz.slots[i].busy);
	return &fuzz.slots[0];
}

static void submit(struct slot *slot, uint8_t pieces)
{
	slot->request.readable = slot->readable;
	slot->request.readable_count = cut(slot->in, slot->in_length, pieces, slot->readable);
	slot->request.writable = slot->writable;
	slot->request.writable_count = cut(slot->out, slot->room, pieces, slot->writable);
	memset(slot->out, CANARY, slot->room);
	memcpy(slot->copy, slot->in, slot->in_length);
	slot->busy = true;
	if (session_submit(fuzz.session, &slot->request) == SESSION_DONE) {
		slot->busy = false;
		check(slot);
	}
}

static void send_record(struct input *input)
{
	uint8_t opcode = take(input);
	uint8_t control = take(input);
	uint8_t node = take(input);
	uint8_t pieces = take(input);
	uint8_t extensions = take(input);

	if (control & CONTROL_RESET)
		session_reset(fuzz.session);
	struct slot *slot = free_slot();

	slot->room = take16(input) % (ROOM_MAX + 1);
	size_t length = MIN((size_t)take16(input) % (LENGTH_MAX + 1), input->left);
	struct fuse_in_header header = {
		.len = (uint32_t)(sizeof(header) + length),
		/* The last number stands for a guest of the other byte order. */
		.opcode = opcode == 255 ? FUSE_INIT_BSWAP : opcode,
		.unique = ++fuzz.unique,
		.nodeid = fuzz.nodes[node % NODES],
		.uid = node,
		.total_extlen = extensions,
	};
	unsigned char *body = slot->in + sizeof(header);

	memcpy(body, input->data, length);
	input->data += length;
	input->left -= length;
	if ((control & CONTROL_LENGTH) && length >= 4)
		memcpy(&header.len, body, 4);
	if ((control & CONTROL_FH) && length >= 8)
		memcpy(body, &fuzz.fh, 8);
	if ((control & CONTROL_NODE) && length >= 8)
		memcpy(body, &fuzz.nodes[1 + fuzz.learnt % (NODES - 1)], 8);
	memcpy(slot->in, &header, sizeof(header));
	slot->in_length = control & CONTROL_SHORT ? sizeof(header) / 2 : sizeof(header) + length;
	submit(slot, pieces);
}

static void send_init(uint8_t minor)
{
	struct slot *slot = free_slot();
	struct fuse_init_in in = { .major = 7, .minor = minor, .flags = UINT32_MAX, .flags2 = UINT32_MAX };
	struct fuse_in_header header = { .len = sizeof(header) + sizeof(in),
					 .opcode = FUSE_INIT,
					 .unique = ++fuzz.unique };

	memcpy(slot->in, &header, sizeof(header));
	memcpy(slot->in + sizeof(header), &in, sizeof(in));
	slot->in_length = header.len;
	slot->room = 128;
	submit(slot, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = { data, size };
	struct memory_config limits = { .max_bytes = 1 << 20, .max_inodes = 256 };
	struct session_config config = configure(take(&input));
	struct fs *fs;

	log_setup(LOG_LEVEL_OFF, false, "fuzz");
	memset(fuzz.nodes, 0, sizeof(fuzz.nodes));
	fuzz.nodes[0] = FUSE_ROOT_ID;
	fuzz.learnt = 0;
	fuzz.fh = 0;
	fuzz.unique = 0;
	require(memory_new(&limits, &fs) == 0);
	require(session_new(&config, fs, NULL, &fuzz.session) == 0);
	for (unsigned int i = 0; i < PENDING_MAX; i++) {
		require(session_request_init(&fuzz.slots[i].request) == 0);
		fuzz.slots[i].request.complete = completed;
	}
	send_init(take(&input));
	while (input.left > 0)
		send_record(&input);
	session_reset(fuzz.session);
	for (unsigned int i = 0; i < PENDING_MAX; i++) {
		require(!fuzz.slots[i].busy);
		session_request_fini(&fuzz.slots[i].request);
	}
	session_free(fuzz.session);
	fs_free(fs);
	return 0;
}
