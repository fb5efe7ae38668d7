/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * viofsd: serves a directory to virtual machines through virtio-fs.
 *
 * The order matters: what needs the host comes before the sandbox, what needs rights before they are dropped, and what
 * needs system calls that only starting makes before the filter. Afterwards one front-end at a time is served, until a
 * signal, or --exit-on-disconnect, ends it.
 */
/* #syscalls: accept4 poll ppoll read close exit_group */
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/pool.h"
#include "cmd/help.h"
#include "cmd/listen.h"
#include "cmd/options.h"
#include "cmd/stack.h"
#include "device/device.h"
#include "sandbox/landlock.h"
#include "sandbox/limits.h"

/* As command-line programs have it. */
#define EXIT_USAGE 2
/* Threads for what may block, when --thread-pool-size does not say. */
#define POOL_DEFAULT 8u
/* Between attempts when no connection can be accepted for lack of descriptors or memory. */
#define ACCEPT_PAUSE_MS 1000

_Static_assert(TAG_MAX == DEVICE_TAG_MAX, "every tag that is accepted fits");
_Static_assert(REQUEST_QUEUES_MAX == DEVICE_QUEUES_MAX - 1, "as many queues as the device can have");

/* All that lives as long as the daemon. */
struct daemon {
	struct viofsd_options options;
	struct stack_rules rules;
	struct listener listener;
	struct sandbox sandbox;
	struct fs *fs;
	struct pool *pool;
	struct session *session;
	struct device *device;
	int signal_fd;
	int socket_directory_fd; /* --sandbox none: where the socket is to be removed; else -1 */
};

#if SANITIZE_ADDRESS
/*
 * The leak checker of a sanitized build reads /proc at the end, which is mostly out of reach by then. A hook of its run-time
 * (sanitizer/lsan_interface.h).
 */
static bool proc_is_gone;
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return proc_is_gone;
}
#endif

static void print_help(FILE *to, bool full)
{
	fputs("Serves a directory to virtual machines through virtio-fs.\n\n"
	      "Usage: viofsd --shared-dir <SHARED_DIR> --socket-path <SOCKET_PATH> [OPTIONS]\n\n", to);
	help_print(to, viofsd_option_table, viofsd_option_count, full);
}

static int print_and_exit(enum viofsd_action action)
{
	switch (action) {
	case VIOFSD_HELP_SHORT:
	case VIOFSD_HELP_LONG:
		print_help(stdout, action == VIOFSD_HELP_LONG);
		break;
	case VIOFSD_VERSION:
		printf("viofsd %s\n", VIOFS_VERSION);
		break;
	case VIOFSD_CAPABILITIES:
		fputs(viofsd_capabilities_json, stdout);
		break;
	case VIOFSD_SERVE:
		break;
	}
	return fflush(stdout) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The signals that end the daemon arrive at a descriptor, in this process and in the sandbox's child. */
static int block_signals(sigset_t *ret_signals)
{
	sigemptyset(ret_signals);
	sigaddset(ret_signals, SIGTERM);
	sigaddset(ret_signals, SIGINT);
	sigaddset(ret_signals, SIGHUP);
	signal(SIGPIPE, SIG_IGN);
	return sigprocmask(SIG_BLOCK, ret_signals, NULL) < 0 ? -errno : 0;
}

static int set_limits(const struct viofsd_options *options)
{
	uint64_t limit, needed = OPEN_FILES_MINIMUM + options->thread_pool_size;
	int result = limits_set_open_files(options->rlimit_nofile, &limit);

	if (result < 0)
		return result;
	if (limit < needed) {
		log_error("the limit of %llu open files is too low, at least %llu are needed; raise it (ulimit -n, --rlimit-nofile)",
			  (unsigned long long)limit, (unsigned long long)needed);
		return -EMFILE;
	}
	return 0;
}

static int open_listener(const struct viofsd_options *options, struct listener *ret_listener)
{
	if (options->fd != UINT64_MAX)
		return listener_adopt((int)options->fd, ret_listener);
	return listener_open(options->socket_path, options->socket_group, ret_listener);
}

static void supervisor_started(void *data)
{
	struct daemon *daemon = data;

	/* Otherwise front-ends could still connect when the daemon is gone, and wait forever. The lock stays held. */
	close(daemon->listener.fd);
	daemon->listener.fd = -1;
	capabilities_drop_supervisor();
}

static void supervisor_ended(void *data)
{
	struct daemon *daemon = data;

	listener_unlink(&daemon->listener);
}

static int enter_place(struct daemon *daemon)
{
	struct sandbox_config config = {
		.mode = daemon->options.sandbox,
		.shared_dir = daemon->options.shared_dir,
		.uid_map = daemon->options.uid_map,
		.gid_map = daemon->options.gid_map,
		.supervisor_started = supervisor_started,
		.supervisor_ended = supervisor_ended,
		.data = daemon,
	};
	int result = sandbox_enter(&config, &daemon->sandbox);

	if (result < 0 || daemon->options.sandbox == SANDBOX_NONE)
		return result;
	/* The supervisor keeps the lock, and removes the socket. */
	cleanup_close(&daemon->listener.lock_fd);
	daemon->listener.lock_fd = -1;
	free(take_pointer(daemon->listener.path));
	return 0;
}

/* Whether files may be opened by handle; ends with an error when the options contradict each other. */
static int settle_file_handles(struct viofsd_options *options)
{
	const capabilities_t read_search = (capabilities_t)1 << CAP_DAC_READ_SEARCH;

	if (!(options->modcaps.removed & read_search) || options->file_handles == PASSTHROUGH_HANDLES_NEVER)
		return 0;
	if (options->file_handles == PASSTHROUGH_HANDLES_MANDATORY) {
		log_error("--modcaps=-dac_read_search cannot be used with --inode-file-handles=mandatory: opening by handle needs it");
		return -EINVAL;
	}
	log_info("without the capability dac_read_search files are held by descriptors, as with --inode-file-handles=never");
	options->file_handles = PASSTHROUGH_HANDLES_NEVER;
	return 0;
}

/* Gives up what root could do and the daemon need not, and opens the backend with what is left. */
static int open_and_drop(struct daemon *daemon)
{
	const capabilities_t read_search = (capabilities_t)1 << CAP_DAC_READ_SEARCH;
	struct capabilities_config config = {
		.changes = daemon->options.modcaps,
		.one_user = daemon->sandbox.one_user,
	};
	capabilities_t kept;
	int result = settle_file_handles(&daemon->options);

	if (result < 0)
		return result;
	config.file_handles = daemon->options.file_handles != PASSTHROUGH_HANDLES_NEVER;
	result = capabilities_drop(&config, &kept);
	if (result == 0)
		result = stack_new(&daemon->options, &daemon->sandbox, &daemon->rules, &daemon->fs);
	if (result < 0 || !daemon->options.landlock)
		return result;

	struct landlock_config landlock = {
		.root_fd = daemon->sandbox.root_fd,
		.remove_fd = daemon->socket_directory_fd,
		.file_handles = config.file_handles && (kept & read_search),
		.own_mount = daemon->sandbox.own_mount,
	};
	return landlock_enter(&landlock);
}

static int start_serving(struct daemon *daemon)
{
	struct seccomp_config seccomp = { daemon->options.seccomp, daemon->options.syslog };
	struct device_config device = { .tag = daemon->options.tag,
					.request_queues = (unsigned int)daemon->options.request_queues };
	unsigned int threads = daemon->options.thread_pool_size ? (unsigned int)daemon->options.thread_pool_size : POOL_DEFAULT;
	int result = pool_new(threads, NULL, NULL, &daemon->pool);

	if (result == 0)
		result = session_new(&daemon->options.session, daemon->fs, daemon->pool, &daemon->session);
	device.session = daemon->session;
	if (result == 0)
		result = device_new(&device, &daemon->device);
	if (result < 0) {
		log_error("cannot set up the device: %s", strerror(-result));
		return result;
	}
	return seccomp_enter(&seccomp);
}

static int start(struct daemon *daemon)
{
	sigset_t signals;
	int result = block_signals(&signals);

	if (result == 0)
		result = set_limits(&daemon->options);
	if (result == 0)
		result = open_listener(&daemon->options, &daemon->listener);
	if (result < 0)
		return result;
	if (daemon->options.sandbox == SANDBOX_NONE && daemon->listener.path) {
		_cleanup_free_ char *path = strdup(daemon->listener.path);
		daemon->socket_directory_fd = path ? open(dirname(path), O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	}
	result = enter_place(daemon);
	if (result < 0)
		return result;
	daemon->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (daemon->signal_fd < 0)
		return -errno;
#if SANITIZE_ADDRESS
	proc_is_gone = daemon->options.sandbox != SANDBOX_NONE || daemon->options.landlock;
#endif
	result = open_and_drop(daemon);
	return result < 0 ? result : start_serving(daemon);
}

/* Waits for a front-end. 0; -EINTR when a signal asks to end. */
static int wait_for_front_end(const struct daemon *daemon, int *ret_fd)
{
	for (;;) {
		struct pollfd waits[] = {
			{ .fd = daemon->signal_fd, .events = POLLIN },
			{ .fd = daemon->listener.fd, .events = POLLIN },
		};

		if (poll(waits, ARRAY_SIZE(waits), -1) < 0)
			continue;
		if (waits[0].revents)
			return -EINTR;
		int fd = accept4(daemon->listener.fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0) {
			*ret_fd = fd;
			return 0;
		}
		if (errno == EINTR || errno == EAGAIN || errno == ECONNABORTED)
			continue;
		log_warn_limited("cannot accept a front-end: %s", strerror(errno));
		if (errno != EMFILE && errno != ENFILE && errno != ENOBUFS && errno != ENOMEM)
			return -errno;
		poll(waits, 1, ACCEPT_PAUSE_MS);
	}
}

/* Serves front-ends until told to stop; the exit status. */
static int serve(struct daemon *daemon)
{
	for (;;) {
		int fd = -1, result;

		log_info("Waiting for vhost-user socket connection...");
		result = wait_for_front_end(daemon, &fd);
		if (result < 0)
			return result == -EINTR ? EXIT_SUCCESS : EXIT_FAILURE;
		log_info("Client connected, servicing requests");
		switch (device_serve(daemon->device, fd, daemon->signal_fd)) {
		case DEVICE_END_STOP:
			return EXIT_SUCCESS;
		case DEVICE_END_DISCONNECT:
			log_info("Client disconnected%s", daemon->options.exit_on_disconnect ? ", shutting down" : "");
			if (daemon->options.exit_on_disconnect)
				return EXIT_SUCCESS;
			break;
		case DEVICE_END_ERROR:
			if (daemon->options.exit_on_disconnect)
				return EXIT_FAILURE;
			break;
		}
	}
}

static void daemon_fini(struct daemon *daemon)
{
	device_free(daemon->device);
	session_free(daemon->session);
	pool_free(daemon->pool);
	fs_free(daemon->fs);
	stack_rules_fini(&daemon->rules);
	sandbox_fini(&daemon->sandbox);
	listener_unlink(&daemon->listener);
	listener_fini(&daemon->listener);
	cleanup_close(&daemon->signal_fd);
	cleanup_close(&daemon->socket_directory_fd);
	viofsd_options_fini(&daemon->options);
}

int main(int argument_count, char **arguments)
{
	struct daemon daemon = {
		.listener = LISTENER_INIT,
		.sandbox = { .root_fd = -1, .proc_self_fd = -1 },
		.signal_fd = -1,
		.socket_directory_fd = -1,
	};
	struct option_error error;
	int status = EXIT_FAILURE;

	viofsd_options_init(&daemon.options);
	if (argument_count < 2) {
		print_help(stderr, false);
		return EXIT_USAGE;
	}
	int result = viofsd_options_read(&daemon.options, argument_count, arguments, &error);
	if (result == 0 && daemon.options.action != VIOFSD_SERVE) {
		status = print_and_exit(daemon.options.action);
	} else if (result < 0 || stack_rules_read(&daemon.options, &daemon.rules, &error) < 0) {
		fprintf(stderr, "viofsd: error: %s\nTry 'viofsd --help'.\n", error.text);
		status = EXIT_USAGE;
	} else {
		log_setup(daemon.options.log_level, daemon.options.syslog, "viofsd");
		viofsd_options_warn(&daemon.options);
		if (start(&daemon) == 0)
			status = serve(&daemon);
	}
	daemon_fini(&daemon);
	return status;
}
