/* SPDX-License-Identifier: BSD-3-Clause */
/* What --help and -h print, made from the option table. */
#ifndef VIOFS_CMD_HELP_H
#define VIOFS_CMD_HELP_H

#include <stdio.h>

#include "cmd/option.h"

/* Every option under its group's heading: a line each, or in full with details. */
void help_print(FILE *to, const struct option *options, size_t count, bool full);

#endif
