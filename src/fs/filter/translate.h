/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * User and group ids that differ between guest and host: attributes go up with the guest's ids, files are made and
 * given away with the host's (--translate-uid, --translate-gid).
 *
 * The caller's ids are translated for the operations that make a file, which are those that need them; a forbidden
 * caller may do everything else. Ids inside extended attributes (POSIX ACLs) are not translated, so the two do not go
 * together.
 */
#ifndef VIOFS_FS_FILTER_TRANSLATE_H
#define VIOFS_FS_FILTER_TRANSLATE_H

#include "fs/filter/idmap.h"
#include "fs/fs.h"

/* Puts itself on next and owns it and the maps, of which either may be NULL. -ENOMEM leaves all three to the caller. */
int translate_new(struct fs *next, struct idmap *users, struct idmap *groups, struct fs **ret_fs);

#endif
