/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Descriptors as paths. The working directory of the process is /proc/self/fd, so open(), setxattr(), chmod() and
 * truncate() of a descriptor's number act on its file itself, also on a symbolic link's own inode.
 */
#ifndef VIOFS_FS_PASSTHROUGH_PROCFD_H
#define VIOFS_FS_PASSTHROUGH_PROCFD_H

#define PROC_FD_NAME_MAX 12u

/* Writes the number of fd, which must not be negative, and returns where it begins in buffer. */
const char *proc_fd_name(int fd, char buffer[static PROC_FD_NAME_MAX]);

#endif
