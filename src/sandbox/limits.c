/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: prlimit64 getrlimit */
#include "sandbox/limits.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/log.h"

/* What Linux has unless somebody changed the sysctl. */
#define NR_OPEN_STANDARD (1024u * 1024u)

static uint64_t read_nr_open(void)
{
	_cleanup_fclose_ FILE *file = fopen("/proc/sys/fs/nr_open", "re");
	unsigned long long number;

	if (!file || fscanf(file, "%llu", &number) != 1)
		return NR_OPEN_STANDARD;
	return number;
}

static int set_limit(uint64_t number)
{
	struct rlimit limit = { number, number };

	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? -errno : 0;
}

int limits_set_open_files(uint64_t wanted, uint64_t *ret_limit)
{
	uint64_t nr_open = read_nr_open();
	struct rlimit current;
	int result;

	if (getrlimit(RLIMIT_NOFILE, &current) < 0)
		return -errno;
	if (wanted == 0 || (wanted == LIMITS_OPEN_FILES_AUTO && current.rlim_cur >= LIMITS_OPEN_FILES_DEFAULT)) {
		*ret_limit = current.rlim_cur;
		return 0;
	}

	if (wanted != LIMITS_OPEN_FILES_AUTO) {
		if (wanted > nr_open) {
			log_error("--rlimit-nofile: %llu is more than this system allows; at most %llu (sysctl fs.nr_open)",
				  (unsigned long long)wanted, (unsigned long long)nr_open);
			return -ERANGE;
		}
		result = set_limit(wanted);
		if (result < 0) {
			log_error("--rlimit-nofile: cannot raise the limit to %llu: %s; without CAP_SYS_RESOURCE at most %llu",
				  (unsigned long long)wanted, strerror(-result), (unsigned long long)current.rlim_max);
			return result;
		}
		*ret_limit = wanted;
		return 0;
	}

	wanted = MIN((uint64_t)LIMITS_OPEN_FILES_DEFAULT, nr_open);
	result = set_limit(wanted);
	if (result < 0) {
		log_info("the limit of open files stays at %llu, as it may not be raised to %llu (%s)",
			 (unsigned long long)current.rlim_max, (unsigned long long)wanted, strerror(-result));
		wanted = current.rlim_max;
		result = set_limit(wanted);
		if (result < 0)
			return result;
	}
	*ret_limit = wanted;
	log_debug("limits: the process may have %llu files open", (unsigned long long)wanted);
	return 0;
}
