/* SPDX-License-Identifier: BSD-3-Clause */
/* Stage "limits": how many descriptors the process may have open. */
#ifndef VIOFS_SANDBOX_LIMITS_H
#define VIOFS_SANDBOX_LIMITS_H

#include <stdint.h>

/* What is asked for when the user says nothing; as virtiofsd. */
#define LIMITS_OPEN_FILES_DEFAULT 1000000u
/* As the option's value: raise to min(LIMITS_OPEN_FILES_DEFAULT, /proc/sys/fs/nr_open) as far as permitted. */
#define LIMITS_OPEN_FILES_AUTO UINT64_MAX

/*
 * Sets RLIMIT_NOFILE to wanted; 0 leaves it. An explicit number must be reached, the automatic one is lowered to the
 * hard limit where that may not be raised. *ret_limit is what holds now. -ERANGE or -EPERM, logged with the remedy.
 */
int limits_set_open_files(uint64_t wanted, uint64_t *ret_limit);

#endif
