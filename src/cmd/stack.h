/* SPDX-License-Identifier: BSD-3-Clause */
/* The file system that a session serves: the backend with the filters that the options ask for on top. */
#ifndef VIOFS_CMD_STACK_H
#define VIOFS_CMD_STACK_H

#include "cmd/options.h"
#include "fs/filter/idmap.h"
#include "fs/filter/xattrrules.h"
#include "fs/fs.h"

/* The rules of filters, read from the command line before anything happens. */
struct stack_rules {
	struct xattrrules *xattrs; /* NULL: none */
	struct idmap *users, *groups;
};

/* 0, -EINVAL with the sentence for the user, or -ENOMEM. */
int stack_rules_read(const struct viofsd_options *options, struct stack_rules *ret_rules, struct option_error *ret_error);
void stack_rules_fini(struct stack_rules *rules);

/*
 * Opens the backend in its place, with the capabilities that the process will have, and stacks readonly on translate on
 * xattrmap on it. Takes over the rules it uses. Failure is logged.
 */
int stack_new(const struct viofsd_options *options, const struct sandbox *sandbox, struct stack_rules *rules,
	      struct fs **ret_fs);

#endif
