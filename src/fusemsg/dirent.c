/* SPDX-License-Identifier: BSD-3-Clause */
#include "fusemsg/dirent.h"

#include "base/util.h"

size_t fusemsg_dirent_bytes(size_t name_length, bool plus)
{
	return ALIGN_UP((plus ? sizeof(struct fuse_direntplus) : sizeof(struct fuse_dirent)) + name_length,
			FUSE_DIRENT_ALIGN);
}

void fusemsg_dirent_write(struct iov_cursor *cursor, const struct fuse_entry_out *entry,
			  const struct fuse_dirent *dirent, const char *name)
{
	static const char zeros[FUSE_DIRENT_ALIGN];
	size_t padding = fusemsg_dirent_bytes(dirent->namelen, false) - sizeof(*dirent) - dirent->namelen;

	if (entry)
		iov_cursor_write(cursor, entry, sizeof(*entry));
	iov_cursor_write(cursor, dirent, sizeof(*dirent));
	iov_cursor_write(cursor, name, dirent->namelen);
	iov_cursor_write(cursor, zeros, padding);
}
