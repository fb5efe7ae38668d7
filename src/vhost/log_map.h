/* SPDX-License-Identifier: BSD-3-Clause */
/* Making a dirty-page log out of what SET_LOG_BASE brings. */
#ifndef VIOFS_VHOST_LOG_MAP_H
#define VIOFS_VHOST_LOG_MAP_H

#include "vhost/log.h"

/* Maps size bytes of bits at offset of fd (which stays the caller's). -EINVAL when that overflows, -EFBIG when
 * the file is shorter; errnos of mmap. */
int vhost_log_map(int fd, uint64_t size, uint64_t offset, struct vhost_log **ret_log);

#endif
