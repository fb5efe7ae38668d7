/* SPDX-License-Identifier: BSD-3-Clause */
/* Private to the stage "place": how each mode is entered, see sandbox.h. */
#ifndef VIOFS_SANDBOX_PLACE_H
#define VIOFS_SANDBOX_PLACE_H

#include "sandbox/sandbox.h"

int namespaces_enter(const struct sandbox_config *config, struct sandbox *ret_sandbox);
int chroot_enter(const struct sandbox_config *config, struct sandbox *ret_sandbox);

/*
 * /proc/self/fd as a directory descriptor. isolated: as a mount of its own, from which ".." leads nowhere; needs
 * CAP_SYS_ADMIN. Otherwise, or where that is refused and must is false, plainly opened.
 */
int place_open_proc_self_fd(bool must_isolate, int *ret_fd);

/* The shared directory, O_PATH; logs why not. */
int place_open_shared(const char *path, int *ret_fd);

/* Leaves all supplementary groups, where that is permitted. */
void place_drop_groups(void);

#endif
