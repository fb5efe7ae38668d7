/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process that stays outside: it was started by somebody who knows its pid, waits for the daemon it forked, hands
 * on signals, tidies up what the daemon can no longer reach, and ends as the daemon ended.
 */
#ifndef VIOFS_SANDBOX_SUPERVISE_H
#define VIOFS_SANDBOX_SUPERVISE_H

struct supervise_config {
	void (*started)(void *data); /* in the parent, once the child exists; or NULL */
	void (*ended)(void *data); /* in the parent, when the child has ended; or NULL */
	void *data;
};

/*
 * Forks. 0 in the child, -errno in the caller when that failed; otherwise the caller does not return. The child is
 * killed when its supervisor dies. SIGTERM, SIGINT and SIGHUP must be blocked and stay so in the child.
 */
int supervise_fork(const struct supervise_config *config);

#endif
