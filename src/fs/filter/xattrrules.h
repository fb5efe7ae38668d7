/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Under which names extended attributes of the guest are kept on the host: the rules of --xattrmap.
 *
 * A rule is TYPE, SCOPE, KEY and PREPEND, each ended by the character that the rule begins with, white space between
 *rules being ignored: :TYPE:SCOPE:KEY:PREPEND: The first rule that matches a name decides. A rule of scope "client" or
 *"all" matches names that the guest gives and that begin with KEY; one of scope "server" or "all" matches names that
 *the host has and that begin with PREPEND.
 *	prefix		PREPEND is put before the guest's name, and taken off the host's
 *	ok		the name is the same on both sides
 *	bad		the guest gets EPERM; on the host's side the attribute is hidden
 *	unsupported	the guest gets EOPNOTSUPP; likewise hidden
 * The last rule may be short, and stands for several:
 *	:map::PREPEND:		prefix everything, hide what the host has besides
 *	:map:KEY:PREPEND:	prefix names with KEY, close PREPEND to the guest and hide KEY of the host; the rest is
 *ok
 */
#ifndef VIOFS_FS_FILTER_XATTRRULES_H
#define VIOFS_FS_FILTER_XATTRRULES_H

#include <stddef.h>

struct xattrrules;

/* Room for the sentence that says what is wrong with the rules. */
#define XATTRRULES_MESSAGE_MAX 256u
/* Linux' XATTR_NAME_MAX and the NUL. */
#define XATTRRULES_NAME_SIZE 256u

/*
 * Parses rules. -EINVAL with one sentence in message, or -ENOMEM. Some rule must match every name of the guest; host
 * names without a rule are hidden.
 */
int xattrrules_parse(const char *text, struct xattrrules **ret_rules, char message[static XATTRRULES_MESSAGE_MAX]);
void xattrrules_free(struct xattrrules *rules);

/*
 * The host's name for the guest's: name itself or written to buffer. -EPERM or -EOPNOTSUPP by rule, -ERANGE when it
 * would be longer than Linux allows.
 */
int xattrrules_to_host(const struct xattrrules *rules, const char *name, char buffer[static XATTRRULES_NAME_SIZE],
		       const char **ret_name);

/* The guest's name for the host's, which is the end of it; NULL when it is hidden. */
const char *xattrrules_to_guest(const struct xattrrules *rules, const char *name);

#endif
