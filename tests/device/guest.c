/* SPDX-License-Identifier: BSD-3-Clause */
#include "guest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fs/memory/memory.h"
#include "vhost/channel.h"
#include "wire/virtio_ring.h"

#define MEMORY_BASE 0x40000000u
#define MEMORY_SIZE (64u << 20)

/* ---- the host ------------------------------------------------------------------------------------------------ */

static void *serve(void *argument)
{
	struct host *host = argument;
	int fd;

	while (read(host->listener[0], &fd, sizeof(fd)) == sizeof(fd) && fd >= 0)
		__atomic_store_n(&host->last_end, device_serve(host->device, fd, host->stop_fd), __ATOMIC_SEQ_CST);
	return NULL;
}

void host_init(struct host *host)
{
	struct memory_config memory = { .max_bytes = 64 << 20, .max_inodes = 10000 };
	struct session_config session = {
		.cache = SESSION_CACHE_AUTO,
		.entry_timeout_ns = SESSION_TIMEOUT_DEFAULT,
		.attr_timeout_ns = SESSION_TIMEOUT_DEFAULT,
		.readdirplus = true,
		.posix_locks = true,
		.flock_locks = true,
	};

	assert_int_equal(memory_new(&memory, &host->fs), 0);
	assert_int_equal(pool_new(4, NULL, NULL, &host->pool), 0);
	assert_int_equal(session_new(&session, host->fs, host->pool, &host->session), 0);
	struct device_config device = { .tag = "test", .request_queues = GUEST_QUEUES - 1, .session = host->session };
	assert_int_equal(device_new(&device, &host->device), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, host->listener), 0);
	host->stop_fd = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(pthread_create(&host->thread, NULL, serve, host), 0);
}

void host_fini(struct host *host)
{
	int none = -1;

	assert_int_equal(write(host->listener[1], &none, sizeof(none)), sizeof(none));
	pthread_join(host->thread, NULL);
	device_free(host->device);
	session_free(host->session);
	pool_free(host->pool);
	fs_free(host->fs);
	close(host->listener[0]);
	close(host->listener[1]);
	close(host->stop_fd);
}

/* ---- memory and rings ---------------------------------------------------------------------------------------- */

static void *take(struct guest *guest, size_t bytes)
{
	char *at = guest->memory.host + guest->used;

	guest->used += (bytes + 4095) / 4096 * 4096;
	assert_true(guest->used <= guest->memory.size);
	return at;
}

static void start_queue(struct guest *guest, unsigned int index, const struct guest_kind *kind)
{
	struct guest_queue *queue = &guest->queues[index];
	struct ring_driver_config config = {
		.size = GUEST_RING_SIZE,
		.packed = kind->packed,
		.event_idx = kind->event_idx,
		.desc = take(guest, ring_desc_bytes(GUEST_RING_SIZE, kind->packed)),
		.driver = take(guest, ring_driver_bytes(GUEST_RING_SIZE, kind->packed)),
		.device = take(guest, ring_device_bytes(GUEST_RING_SIZE, kind->packed)),
	};

	ring_driver_free(queue->ring);
	assert_int_equal(ring_driver_new(&config, &queue->ring), 0);
	if (!queue->request) {
		queue->request = take(guest, GUEST_BUFFER);
		queue->reply = take(guest, GUEST_BUFFER);
		queue->setup.kick_fd = eventfd(0, EFD_CLOEXEC);
		queue->setup.call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	queue->setup.size = GUEST_RING_SIZE;
	queue->setup.base = kind->packed ? 0x80008000 : 0;
	queue->setup.desc = config.desc;
	queue->setup.driver = config.driver;
	queue->setup.device = config.device;
	guest_resume_queue(guest, index);
}

void guest_start(struct guest *guest, const struct guest_kind *kind)
{
	for (unsigned int i = 0; i < GUEST_QUEUES; i++)
		start_queue(guest, i, kind);
}

void guest_resume_queue(struct guest *guest, unsigned int index)
{
	assert_int_equal(vhost_frontend_start_ring(guest->frontend, index, &guest->queues[index].setup), 0);
}

void guest_stop_queue(struct guest *guest, unsigned int index)
{
	assert_int_equal(vhost_frontend_stop_ring(guest->frontend, index, &guest->queues[index].setup.base), 0);
}

/* Has the device make an in-flight region, and keeps it. */
static void ask_for_inflight(struct guest *guest)
{
	struct vhost_message message = {
		.header = { VHOST_USER_GET_INFLIGHT_FD, VHOST_USER_VERSION, sizeof(struct vhost_user_inflight) },
		.payload.inflight = { .num_queues = GUEST_QUEUES, .queue_size = GUEST_RING_SIZE },
	};

	assert_int_equal(vhost_message_send(vhost_frontend_fd(guest->frontend), &message), 0);
	assert_int_equal(vhost_message_receive(vhost_frontend_fd(guest->frontend), &message), 0);
	guest->inflight = message.payload.inflight;
	guest->inflight_fd = vhost_message_take_fd(&message, 0);
	assert_true(guest->inflight_fd >= 0);
}

/* Gives it back; the next message that is answered shows whether it was accepted. */
static void give_inflight(struct guest *guest)
{
	struct vhost_message message = {
		.header = { VHOST_USER_SET_INFLIGHT_FD, VHOST_USER_VERSION, sizeof(struct vhost_user_inflight) },
		.payload.inflight = guest->inflight,
		.fds = { guest->inflight_fd },
		.fd_count = 1,
	};

	assert_int_equal(vhost_message_send(vhost_frontend_fd(guest->frontend), &message), 0);
}

static void connect_to(struct guest *guest, struct host *host)
{
	uint64_t protocol = 1ull << VHOST_USER_PROTOCOL_F_MQ | 1ull << VHOST_USER_PROTOCOL_F_REPLY_ACK |
			    1ull << VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS |
			    1ull << VHOST_USER_PROTOCOL_F_RESET_DEVICE | 1ull << VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(write(host->listener[1], &pair[1], sizeof(pair[1])), sizeof(pair[1]));
	assert_int_equal(vhost_frontend_new(pair[0], &guest->frontend), 0);
	assert_int_equal(vhost_frontend_negotiate(guest->frontend, guest->features, protocol), 0);
	assert_int_equal(vhost_frontend_set_memory(guest->frontend, &guest->memory, 1), 0);
}

void guest_init(struct guest *guest, struct host *host, const struct guest_kind *kind)
{
	memset(guest, 0, sizeof(*guest));
	guest->inflight_fd = -1;
	guest->features = 1ull << VIRTIO_F_VERSION_1 | 1ull << VHOST_USER_F_PROTOCOL_FEATURES |
			  (uint64_t)kind->packed << VIRTIO_F_RING_PACKED |
			  (uint64_t)kind->event_idx << VIRTIO_F_EVENT_IDX;
	assert_int_equal(vhost_shared_memory_init(&guest->memory, MEMORY_BASE, MEMORY_SIZE), 0);
	connect_to(guest, host);
	if (kind->inflight)
		ask_for_inflight(guest);
	guest_start(guest, kind);
}

void guest_reconnect(struct guest *guest, struct host *host)
{
	vhost_frontend_free(guest->frontend);
	connect_to(guest, host);
	if (guest->inflight_fd >= 0)
		give_inflight(guest);
	for (unsigned int i = 0; i < GUEST_QUEUES; i++)
		guest_resume_queue(guest, i);
}

void guest_fini(struct guest *guest)
{
	vhost_frontend_free(guest->frontend);
	for (unsigned int i = 0; i < GUEST_QUEUES; i++) {
		ring_driver_free(guest->queues[i].ring);
		close(guest->queues[i].setup.kick_fd);
		close(guest->queues[i].setup.call_fd);
	}
	vhost_shared_memory_fini(&guest->memory);
	if (guest->inflight_fd >= 0)
		close(guest->inflight_fd);
}

/* ---- messages ------------------------------------------------------------------------------------------------ */

static void append(char **at, const void *bytes, size_t size)
{
	if (size > 0)
		memcpy(*at, bytes, size);
	*at += size;
}

void guest_send(struct guest *guest, unsigned int index, uint32_t opcode, uint64_t node, const void *args,
		size_t args_size, const void *more, size_t more_size, size_t room)
{
	struct guest_queue *queue = &guest->queues[index];
	struct fuse_in_header header = {
		.len = (uint32_t)(sizeof(header) + args_size + more_size),
		.opcode = opcode,
		.unique = __atomic_add_fetch(&guest->unique, 2, __ATOMIC_RELAXED),
		.nodeid = node,
	};
	char *at = queue->request;
	uint64_t one = 1;
	bool has_reply = opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET;

	append(&at, &header, sizeof(header));
	append(&at, args, args_size);
	append(&at, more, more_size);
	memset(queue->reply, 0, sizeof(struct fuse_out_header));
	queue->buffers[0] = (struct ring_buffer){ vhost_shared_memory_address(&guest->memory, queue->request), header.len };
	queue->buffers[1] = (struct ring_buffer){ vhost_shared_memory_address(&guest->memory, queue->reply),
						  (uint32_t)(sizeof(struct fuse_out_header) + room) };
	assert_int_equal(ring_driver_add(queue->ring, queue->buffers, 1, has_reply, queue), 0);
	if (ring_driver_publish(queue->ring))
		assert_int_equal(write(queue->setup.kick_fd, &one, sizeof(one)), sizeof(one));
}

bool guest_has_answer(struct guest *guest, unsigned int index, unsigned int milliseconds)
{
	struct guest_queue *queue = &guest->queues[index];
	struct pollfd fd = { .fd = queue->setup.call_fd, .events = POLLIN };
	uint64_t value;

	if (ring_driver_enable_signal(queue->ring))
		return true;
	poll(&fd, 1, (int)milliseconds);
	if (read(queue->setup.call_fd, &value, sizeof(value)) < 0)
		value = 0;
	return ring_driver_enable_signal(queue->ring);
}

int guest_receive(struct guest *guest, unsigned int index, const void **ret_body, size_t *ret_size)
{
	struct guest_queue *queue = &guest->queues[index];
	struct fuse_out_header header;
	void *token = NULL;
	uint32_t written = 0;

	for (int i = 0; i < 100 && !guest_has_answer(guest, index, 100); i++)
		;
	assert_int_equal(ring_driver_get(queue->ring, &token, &written), 1);
	assert_ptr_equal(token, queue);
	if (written == 0)
		return 0;
	memcpy(&header, queue->reply, sizeof(header));
	assert_int_equal(header.len, written);
	assert_true(header.error <= 0);
	*ret_body = queue->reply + sizeof(header);
	*ret_size = written - sizeof(header);
	return header.error;
}

int guest_call(struct guest *guest, unsigned int index, uint32_t opcode, uint64_t node, const void *args,
	       size_t args_size, const void *more, size_t more_size, size_t room, const void **ret_body)
{
	size_t size = 0;

	guest_send(guest, index, opcode, node, args, args_size, more, more_size, room);
	return guest_receive(guest, index, ret_body, &size);
}

int guest_begin(struct guest *guest)
{
	struct fuse_init_in init = { .major = 7, .minor = 38, .max_readahead = 1 << 20, .flags = 0x7ffffffb, .flags2 = 5 };
	const void *body;

	return guest_call(guest, 1, FUSE_INIT, 0, &init, sizeof(init), NULL, 0, sizeof(struct fuse_init_out), &body);
}

void guest_create(struct guest *guest, unsigned int index, const char *name, uint64_t *ret_node, uint64_t *ret_fh)
{
	struct fuse_create_in create = { .flags = O_RDWR, .mode = S_IFREG | 0644 };
	const void *body;
	struct fuse_entry_out entry;
	struct fuse_open_out opened;

	assert_int_equal(guest_call(guest, index, FUSE_CREATE, FUSE_ROOT_ID, &create, sizeof(create), name, strlen(name) + 1,
				    sizeof(entry) + sizeof(opened), &body), 0);
	memcpy(&entry, body, sizeof(entry));
	memcpy(&opened, (const char *)body + sizeof(entry), sizeof(opened));
	*ret_node = entry.nodeid;
	*ret_fh = opened.fh;
}

void guest_send_lock(struct guest *guest, unsigned int index, uint32_t opcode, uint64_t node, uint64_t fh, uint64_t owner,
		     uint32_t type)
{
	struct fuse_lk_in lock = { .fh = fh, .owner = owner, .lk = { .end = INT64_MAX, .type = type } };

	guest_send(guest, index, opcode, node, &lock, sizeof(lock), NULL, 0, 0);
}
