/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: recvmsg recvfrom sendmsg poll ppoll close clock_gettime */
#include "vhost/channel.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

/* Milliseconds of a clock that only goes on. */
static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* Waits until the socket is ready. *deadline is for the whole message, and set by the first wait (it is 0 before). */
static int wait_for(int socket, short events, int64_t *deadline)
{
	struct pollfd fd = { .fd = socket, .events = events };
	int count;

	if (*deadline == 0)
		*deadline = now() + VHOST_CHANNEL_TIMEOUT_MS;
	do {
		int64_t left = *deadline - now();

		if (left <= 0)
			return -ETIMEDOUT;
		count = poll(&fd, 1, (int)left);
	} while (count < 0 && errno == EINTR);
	if (count < 0)
		return -errno;
	return count == 0 ? -ETIMEDOUT : 0;
}

/* Moves the descriptors of a control message into message; false when some did not fit (the kernel closed those). */
static bool collect_fds(struct msghdr *msg, struct vhost_message *message)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(int));
			if (message->fd_count < VHOST_MESSAGE_FDS_MAX)
				message->fds[message->fd_count++] = fd;
			else
				close(fd);
		}
	}
	return !(msg->msg_flags & MSG_CTRUNC);
}

/* Reads the rest of a message; length bytes, without descriptors. */
static int receive_rest(int socket, void *to, size_t length, int64_t *deadline)
{
	size_t got = 0;

	while (got < length) {
		ssize_t step = recv(socket, (char *)to + got, length - got, MSG_DONTWAIT);
		int error = 0;

		if (step > 0)
			got += (size_t)step;
		else if (step == 0)
			return -EPIPE;
		else if (errno == EAGAIN)
			error = wait_for(socket, POLLIN, deadline);
		else if (errno != EINTR)
			return errno == ECONNRESET ? -EPIPE : -errno;
		if (error)
			return error;
	}
	return 0;
}

/* Descriptors come with the first byte of the header. */
static int receive_header(int socket, struct vhost_message *message, int64_t *deadline)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * VHOST_MESSAGE_FDS_MAX)];
	} control;
	struct iovec iov = { &message->header, sizeof(message->header) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got;

	do {
		got = recvmsg(socket, &msg, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	bool complete = collect_fds(&msg, message);
	if (got == 0)
		return -ECONNRESET;
	if (!complete)
		return -ETOOMANYREFS;
	return receive_rest(socket, (char *)&message->header + got, sizeof(message->header) - (size_t)got, deadline);
}

int vhost_message_receive(int socket, struct vhost_message *message)
{
	message->fd_count = 0;
	int64_t deadline = 0;
	int error = receive_header(socket, message, &deadline);
	if (!error && (message->header.flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION)
		error = -EPROTO;
	if (!error && message->header.size > sizeof(message->payload))
		error = -EMSGSIZE;
	if (!error)
		error = receive_rest(socket, &message->payload, message->header.size, &deadline);
	if (error)
		vhost_message_close(message);
	return error;
}

/* Puts the message's descriptors into a control buffer of at least CMSG_SPACE of them. */
static void attach_fds(struct msghdr *msg, void *control, const struct vhost_message *message)
{
	size_t bytes = message->fd_count * sizeof(int);

	if (message->fd_count == 0)
		return;
	msg->msg_control = control;
	msg->msg_controllen = CMSG_SPACE(bytes);
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(bytes);
	memcpy(CMSG_DATA(cmsg), message->fds, bytes);
}

int vhost_message_send(int socket, const struct vhost_message *message)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int) * VHOST_MESSAGE_FDS_MAX)];
	} control = { 0 };
	struct vhost_user_header header = message->header;
	size_t total = sizeof(header) + header.size;
	size_t sent = 0;
	int64_t deadline = 0;

	while (sent < total) {
		/* What is left of header and payload. */
		struct iovec iov[2] = {
			{ &header, sizeof(header) },
			{ (void *)(uintptr_t)&message->payload, header.size },
		};
		struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
		int error = 0;

		if (sent == 0)
			attach_fds(&msg, &control, message);
		size_t skip = sent < sizeof(header) ? sent : sizeof(header);
		iov[0].iov_base = (char *)&header + skip;
		iov[0].iov_len -= skip;
		iov[1].iov_base = (char *)iov[1].iov_base + (sent - skip);
		iov[1].iov_len -= sent - skip;
		ssize_t step = sendmsg(socket, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (step >= 0)
			sent += (size_t)step;
		else if (errno == EAGAIN)
			error = wait_for(socket, POLLOUT, &deadline);
		else if (errno != EINTR)
			return -errno;
		if (error)
			return error;
	}
	return 0;
}

int vhost_message_take_fd(struct vhost_message *message, size_t index)
{
	if (index >= message->fd_count)
		return -1;
	int fd = message->fds[index];
	message->fds[index] = -1;
	return fd;
}

void vhost_message_close(struct vhost_message *message)
{
	for (size_t i = 0; i < message->fd_count; i++)
		if (message->fds[i] >= 0)
			close(message->fds[i]);
	message->fd_count = 0;
}
