/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "sandbox/place.h"
#include "sandbox/supervise.h"

int chroot_enter(const struct sandbox_config *config, struct sandbox *ret_sandbox)
{
	struct supervise_config supervise = { config->supervisor_started, config->supervisor_ended, config->data };
	_cleanup_fd_ int root_fd = -1, proc_fd = -1;
	const char *shared = config->shared_dir ? config->shared_dir : "/proc/self/fdinfo";
	int result;

	if (config->uid_map.count || config->gid_map.count) {
		log_error("--uid-map and --gid-map need a user namespace; use them with --sandbox namespace, or use "
			  "--translate-uid and --translate-gid");
		return -EINVAL;
	}
	result = place_open_shared(shared, &root_fd);
	if (result < 0)
		return result;
	result = supervise_fork(&supervise);
	if (result < 0) {
		log_error("cannot start the daemon's process: %s", strerror(-result));
		return result;
	}

	place_drop_groups();
	/* /proc/self is another directory in each process: only the child's is of use. */
	result = place_open_proc_self_fd(false, &proc_fd);
	if (result < 0)
		return result;
	if (fchdir(root_fd) < 0 || chroot(".") < 0) {
		result = -errno;
		log_error("cannot change root to '%s': %s; --sandbox chroot needs CAP_SYS_CHROOT, without root use "
			  "--sandbox namespace", shared, strerror(-result));
		return result;
	}
	ret_sandbox->root_fd = take_fd(&root_fd);
	ret_sandbox->proc_self_fd = take_fd(&proc_fd);
	log_debug("place: '%s' is the root directory; nothing above it is reachable by name, processes and network of "
		  "the host are", shared);
	return 0;
}
