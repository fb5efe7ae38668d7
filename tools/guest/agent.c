/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Process 1 of a test guest: loads the modules, then runs what the host asks for over a serial port (agent.h).
 *
 * Linked statically, so that it goes into an initramfs as it is and works the same under User-Mode Linux and QEMU.
 * Everything it needs from outside: /modules (one path a line, in loading order) and the port, named by the kernel
 * command line as viofs.port=ttyS0. A job's output is read only after its exit when all its writers are gone, or
 * after a grace period: a daemon that a job left behind must not hold its exit status back.
 */
#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define JOBS_MAX 64
#define DRAIN_GRACE_MS 200

struct job {
	pid_t pid; /* 0: slot is free */
	int in;
	int out; /* the terminal's master when on one */
	int err;
	int status;
	bool exited;
	int grace_ms;
};

struct agent {
	int port;
	int signals;
	struct job jobs[JOBS_MAX];
};

static void say(const char *what, const char *arg)
{
	fprintf(stderr, "agent: %s %s: %s\n", what, arg, strerror(errno));
}

static void power_off(void)
{
	sync();
	reboot(RB_POWER_OFF);
	_exit(0);
}

static bool read_all(int fd, void *to, size_t length)
{
	for (size_t got = 0; got < length;) {
		ssize_t n = read(fd, (char *)to + got, length - got);

		if (n > 0)
			got += (size_t)n;
		else if (n == 0 || errno != EINTR)
			return false;
	}
	return true;
}

static bool write_all(int fd, const void *from, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = write(fd, (const char *)from + done, length - done);

		if (n > 0)
			done += (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			poll(&(struct pollfd){ .fd = fd, .events = POLLOUT }, 1, 100);
		else if (n == 0 || errno != EINTR)
			return false;
	}
	return true;
}

static void send_frame(struct agent *agent, enum agent_frame_type type, int id, const void *payload, size_t length)
{
	struct agent_frame frame = { .type = (uint8_t)type, .job = (uint16_t)id, .length = (uint32_t)length };

	if (!write_all(agent->port, &frame, sizeof(frame)) || !write_all(agent->port, payload, length))
		power_off();
}

static void send_exit(struct agent *agent, int id, int status)
{
	uint32_t code = (uint32_t)(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));

	send_frame(agent, AGENT_EXIT, id, &code, sizeof(code));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int open_terminal(uint16_t rows, uint16_t columns, int *ret_slave)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC), unlock = 0;

	if (master < 0)
		return -1;
	ioctl(master, TIOCSPTLCK, &unlock);
	ioctl(master, TIOCSWINSZ, &(struct winsize){ .ws_row = rows, .ws_col = columns });
	*ret_slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY);
	if (*ret_slave < 0)
		close_fd(&master);
	return master;
}

static void run_child(const char *command, int in, int out, int err, bool terminal)
{
	sigset_t none;

	setsid();
	if (terminal)
		ioctl(in, TIOCSCTTY, 0);
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	syscall(SYS_close_range, 3U, ~0U, 0U);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	say("cannot run", "/bin/sh");
	_exit(127);
}

static bool make_channels(bool terminal, uint16_t rows, uint16_t columns, struct job *job, int child[3])
{
	int in[2], out[2], err[2];

	if (terminal) {
		job->out = open_terminal(rows, columns, &child[0]);
		if (job->out < 0)
			return false;
		job->in = fcntl(job->out, F_DUPFD_CLOEXEC, 0);
		job->err = -1;
		child[1] = child[2] = child[0];
		return true;
	}
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		return false;
	job->in = in[1];
	job->out = out[0];
	job->err = err[0];
	child[0] = in[0];
	child[1] = out[1];
	child[2] = err[1];
	return true;
}

static void start_job(struct agent *agent, int id, const uint8_t *payload, size_t length)
{
	struct job *job = &agent->jobs[id % JOBS_MAX];
	bool terminal = length > 6 && payload[0];
	const char *command = (const char *)payload + 6;
	uint16_t size[2] = { 0, 0 };
	int child[3];

	if (length < 6 || job->pid) {
		send_exit(agent, id, 126 << 8);
		return;
	}
	memcpy(size, payload + 2, sizeof(size));
	if (!make_channels(terminal, size[0], size[1], job, child)) {
		say("cannot make", "the channels of a job");
		send_exit(agent, id, 126 << 8);
		return;
	}
	job->exited = false;
	job->grace_ms = DRAIN_GRACE_MS;
	job->pid = fork();
	if (!job->pid)
		run_child(command, child[0], child[1], child[2], terminal);
	close(child[0]);
	if (!terminal) {
		close(child[1]);
		close(child[2]);
	}
}

static void end_job(struct agent *agent, int id)
{
	struct job *job = &agent->jobs[id];

	close_fd(&job->in);
	close_fd(&job->out);
	close_fd(&job->err);
	job->pid = 0;
	send_exit(agent, id, job->status);
}

/* Makes the file system mounted on path the root, the kernel's own file systems moved along. */
static int switch_root(const char *path)
{
	static const char *const kept[] = { "dev", "proc", "sys", "tmp" };
	char to[4096];

	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (snprintf(to, sizeof(to), "/%s", kept[i]) < 0 || strlen(path) + strlen(to) >= sizeof(to))
			return -ENAMETOOLONG;
		memmove(to + strlen(path), to, strlen(to) + 1);
		memcpy(to, path, strlen(path));
		if (mount(to + strlen(path), to, NULL, MS_MOVE, NULL))
			say("cannot move to", to);
	}
	if (chdir(path) || mount(".", "/", NULL, MS_MOVE, NULL) || chroot(".") || chdir("/"))
		return -errno;
	return 0;
}

static void take_frame(struct agent *agent)
{
	static uint8_t payload[AGENT_PAYLOAD_MAX + 1];
	struct agent_frame frame;
	struct job *job;

	if (!read_all(agent->port, &frame, sizeof(frame)) || frame.length > AGENT_PAYLOAD_MAX ||
	    !read_all(agent->port, payload, frame.length))
		power_off();
	payload[frame.length] = 0;
	job = &agent->jobs[frame.job % JOBS_MAX];
	switch (frame.type) {
	case AGENT_RUN:
		start_job(agent, frame.job, payload, frame.length);
		break;
	case AGENT_INPUT:
		if (!frame.length)
			close_fd(&job->in);
		else if (job->pid && job->in >= 0)
			write_all(job->in, payload, frame.length);
		break;
	case AGENT_RESIZE:
		if (job->pid && frame.length >= 4) {
			uint16_t size[2];

			memcpy(size, payload, sizeof(size));
			ioctl(job->out, TIOCSWINSZ, &(struct winsize){ .ws_row = size[0], .ws_col = size[1] });
		}
		break;
	case AGENT_SIGNAL:
		if (job->pid > 0 && frame.length)
			kill(-job->pid, payload[0]);
		break;
	case AGENT_ROOT:
		send_exit(agent, frame.job, switch_root((const char *)payload) ? 1 << 8 : 0);
		break;
	case AGENT_OFF:
		power_off();
		break;
	}
}

static void pass_output(struct agent *agent, int id, enum agent_frame_type type, int *fd)
{
	static uint8_t bytes[AGENT_PAYLOAD_MAX];
	ssize_t n = read(*fd, bytes, sizeof(bytes));

	if (n > 0)
		send_frame(agent, type, id, bytes, (size_t)n);
	else
		close_fd(fd);
}

static void reap(struct agent *agent)
{
	struct signalfd_siginfo info;
	int status;
	pid_t pid;

	if (read(agent->signals, &info, sizeof(info)) < 0)
		return;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (int i = 0; i < JOBS_MAX; i++) {
			if (agent->jobs[i].pid == pid) {
				agent->jobs[i].exited = true;
				agent->jobs[i].status = status;
			}
		}
	}
}

static void serve(struct agent *agent)
{
	struct pollfd polls[2 + 2 * JOBS_MAX];
	bool draining = false;

	for (int i = 0; i < JOBS_MAX; i++) {
		struct job *job = &agent->jobs[i];
		bool open = job->pid && (job->out >= 0 || job->err >= 0);

		polls[2 + 2 * i] = (struct pollfd){ .fd = job->pid ? job->out : -1, .events = POLLIN };
		polls[3 + 2 * i] = (struct pollfd){ .fd = job->pid ? job->err : -1, .events = POLLIN };
		if (job->pid && job->exited && (!open || job->grace_ms <= 0)) {
			end_job(agent, i);
			polls[2 + 2 * i].fd = polls[3 + 2 * i].fd = -1;
		} else if (job->pid && job->exited) {
			draining = true;
		}
	}
	polls[0] = (struct pollfd){ .fd = agent->port, .events = POLLIN };
	polls[1] = (struct pollfd){ .fd = agent->signals, .events = POLLIN };
	if (poll(polls, 2 + 2 * JOBS_MAX, draining ? 20 : -1) < 0)
		return;
	for (int i = 0; i < JOBS_MAX; i++) {
		struct job *job = &agent->jobs[i];
		bool heard = false;

		if (polls[2 + 2 * i].fd >= 0 && polls[2 + 2 * i].revents) {
			pass_output(agent, i, AGENT_OUTPUT, &job->out);
			heard = true;
		}
		if (polls[3 + 2 * i].fd >= 0 && polls[3 + 2 * i].revents) {
			pass_output(agent, i, AGENT_ERROR, &job->err);
			heard = true;
		}
		if (job->pid && job->exited && !heard)
			job->grace_ms -= 20;
	}
	if (polls[1].revents)
		reap(agent);
	if (polls[0].revents)
		take_frame(agent);
}

static void load_modules(void)
{
	FILE *list = fopen("/modules", "re");
	char path[512];

	while (list && fgets(path, sizeof(path), list)) {
		int fd;

		path[strcspn(path, "\n")] = 0;
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST))
			say("cannot load", path);
		close_fd(&fd);
	}
	if (list)
		fclose(list);
}

static void mount_kernel(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL) && errno != EBUSY)
		say("cannot mount", path);
}

static int open_port(void)
{
	char line[4096] = "", path[64];
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	struct termios raw;
	const char *name;

	if (fd >= 0 && read(fd, line, sizeof(line) - 1) < 0)
		say("cannot read", "/proc/cmdline");
	close_fd(&fd);
	name = strstr(line, "viofs.port=");
	if (!name) {
		say("no viofs.port= in", line);
		return -1;
	}
	snprintf(path, sizeof(path), "/dev/%.*s", (int)strcspn(name + 11, " \n"), name + 11);
	fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || tcgetattr(fd, &raw)) {
		say("cannot open", path);
		return -1;
	}
	cfmakeraw(&raw);
	raw.c_cflag |= CLOCAL;
	tcsetattr(fd, TCSANOW, &raw);
	return fd;
}

int main(void)
{
	static struct agent agent;
	sigset_t child;

	mount_kernel("proc", "/proc");
	mount_kernel("sysfs", "/sys");
	mount_kernel("devtmpfs", "/dev");
	mount_kernel("devpts", "/dev/pts");
	mount_kernel("tmpfs", "/dev/shm");
	mount_kernel("tmpfs", "/tmp");
	if (symlink("/proc/self/fd", "/dev/fd") && errno != EEXIST)
		say("cannot make", "/dev/fd");
	chmod("/tmp", 01777);
	umask(022);
	load_modules();
	setenv("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", 1);
	setenv("HOME", "/root", 1);
	setenv("PS1", "guest:\\w\\$ ", 1);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	signal(SIGPIPE, SIG_IGN);
	agent.signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	agent.port = open_port();
	if (agent.port < 0)
		power_off();
	if (!write_all(agent.port, AGENT_HELLO, strlen(AGENT_HELLO)))
		power_off();
	for (;;)
		serve(&agent);
}
