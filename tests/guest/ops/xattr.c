/* SPDX-License-Identifier: BSD-3-Clause */
/* Extended attributes, and what stands in them: access control lists and capabilities. */
#include "ops.h"

#include <sys/xattr.h>

static void basic(void)
{
	char found[64] = "", list[256];
	ssize_t length;

	op_write("f", "x");
	OK(setxattr("f", "user.one", "value", 5, 0));
	SAME(getxattr("f", "user.one", found, sizeof(found)), 5);
	CHECK(!strcmp(found, "value"));
	SAME(getxattr("f", "user.one", NULL, 0), 5);
	FAILS(ERANGE, getxattr("f", "user.one", found, 3));
	FAILS(EEXIST, setxattr("f", "user.one", "v", 1, XATTR_CREATE));
	FAILS(ENODATA, setxattr("f", "user.two", "v", 1, XATTR_REPLACE));
	OK(setxattr("f", "user.one", "", 0, XATTR_REPLACE));
	SAME(getxattr("f", "user.one", found, sizeof(found)), 0);
	OK(setxattr("f", "user.two", "2", 1, XATTR_CREATE));
	length = listxattr("f", list, sizeof(list));
	OK(length);
	CHECK(memmem(list, (size_t)length, "user.one", 9) && memmem(list, (size_t)length, "user.two", 9));
	SAME(listxattr("f", NULL, 0), length);
	FAILS(ERANGE, listxattr("f", list, 3));
	OK(removexattr("f", "user.one"));
	FAILS(ENODATA, removexattr("f", "user.one"));
	FAILS(ENODATA, getxattr("f", "user.one", found, sizeof(found)));
}

static void kinds(void)
{
	int fd;

	OK(mkdir("d", 0755));
	OK(setxattr("d", "user.d", "1", 1, 0));
	SAME(getxattr("d", "user.d", NULL, 0), 1);
	fd = op_open("d", O_RDONLY | O_DIRECTORY);
	SAME(fgetxattr(fd, "user.d", NULL, 0), 1);
	OK(close(fd));
	OK(symlink("d", "s"));
	FAILS(EPERM, lsetxattr("s", "user.x", "1", 1, 0));
	OK(lsetxattr("s", "trusted.viofs", "1", 1, 0));
	SAME(lgetxattr("s", "trusted.viofs", NULL, 0), 1);
	OK(mkfifo("p", 0644));
	OK(lsetxattr("p", "trusted.viofs", "1", 1, 0));
	SAME(lgetxattr("p", "trusted.viofs", NULL, 0), 1);
}

static void large(void)
{
	char value[3000], found[3000];

	op_write("f", "x");
	for (size_t i = 0; i < sizeof(value); i++)
		value[i] = (char)(i * 7);
	OK(setxattr("f", "user.large", value, sizeof(value), 0));
	SAME(getxattr("f", "user.large", found, sizeof(found)), sizeof(value));
	CHECK(!memcmp(value, found, sizeof(value)));
}

static void capabilities_go(void)
{
	/* A version 2 capability: cap_net_raw, effective. */
	static const unsigned char capability[20] = { 1, 0, 0, 2, 0, 0x20 };
	char found[64];
	int fd;

	op_write("f", "x");
	OK(setxattr("f", "security.capability", capability, sizeof(capability), 0));
	SAME(getxattr("f", "security.capability", found, sizeof(found)), sizeof(capability));
	fd = op_open("f", O_WRONLY);
	SAME(write(fd, "y", 1), 1);
	OK(close(fd));
	FAILS(ENODATA, getxattr("f", "security.capability", found, sizeof(found)));
}

static void mapped(void)
{
	char found[16], list[256];
	ssize_t length;

	op_write("f", "x");
	OK(setxattr("f", "trusted.overlay.opaque", "y", 1, 0));
	SAME(getxattr("f", "trusted.overlay.opaque", found, sizeof(found)), 1);
	length = listxattr("f", list, sizeof(list));
	OK(length);
	CHECK(memmem(list, (size_t)length, "trusted.overlay.opaque", 23));
	for (ssize_t i = 0; i < length; i += (ssize_t)strlen(list + i) + 1)
		CHECK(strncmp(list + i, "user.virtiofs", 13));
	OK(removexattr("f", "trusted.overlay.opaque"));
}

static void acl_reader(void)
{
	op_expect("f", "shared");
	FAILS(EACCES, open("f", O_WRONLY));
}

static void acl_other(void)
{
	FAILS(EACCES, open("f", O_RDONLY));
}

static void acl(void)
{
	/* user::rw-, user:1000:r--, group::---, mask::r--, other::--- */
	static const unsigned char list[] = { 2, 0, 0, 0, 1, 0, 6, 0, 255, 255, 255, 255, 2, 0, 4, 0, 0xe8, 3, 0, 0,
		                              4, 0, 0, 0, 255, 255, 255, 255, 16, 0, 4, 0, 255, 255, 255, 255,
		                              32, 0, 0, 0, 255, 255, 255, 255 };
	/* default: user::rwx, group::r-x, other::--- */
	static const unsigned char inherit[] = { 2, 0, 0, 0, 1, 0, 7, 0, 255, 255, 255, 255, 4, 0, 5, 0, 255, 255, 255,
		                                 255, 32, 0, 0, 0, 255, 255, 255, 255 };
	char found[128];

	op_write("f", "shared");
	OK(chmod("f", 0600));
	op_as(1000, 1000, 0, acl_other);
	OK(setxattr("f", "system.posix_acl_access", list, sizeof(list), 0));
	SAME(getxattr("f", "system.posix_acl_access", found, sizeof(found)), sizeof(list));
	SAME(op_stat("f").st_mode & 07777, 0640);
	op_as(1000, 1000, 0, acl_reader);
	op_as(1001, 1001, 0, acl_other);
	OK(mkdir("d", 0755));
	OK(setxattr("d", "system.posix_acl_default", inherit, sizeof(inherit), 0));
	umask(0);
	OK(close(open("d/new", O_CREAT | O_WRONLY, 0666)));
	SAME(op_stat("d/new").st_mode & 07777, 0640);
	OK(mkdir("d/sub", 0777));
	SAME(getxattr("d/sub", "system.posix_acl_default", found, sizeof(found)), sizeof(inherit));
}

static const struct op ops[] = {
	{ "basic", basic, "xattr" },
	{ "kinds", kinds, "xattr,trusted" },
	{ "large", large, "xattr" },
	{ "capabilities_go", capabilities_go, "xattr,security" },
	{ "mapped", mapped, "xattrmap" },
	{ "acl", acl, "acl" },
	{ NULL, NULL, NULL },
};

const struct op_group xattr_group = { "xattr", ops };
