/* SPDX-License-Identifier: BSD-3-Clause */
/* Ownership and permissions as several users of the guest meet them. */
#include "ops.h"

static void make_things(void)
{
	umask(022);
	op_write("f", "mine");
	OK(mkdir("d", 0755));
	OK(symlink("f", "s"));
	OK(mkfifo("p", 0644));
	OK(link("f", "l"));
}

static void creates_as_self(void)
{
	static const char *const names[] = { "f", "d", "s", "p", "l" };

	op_as(1000, 1001, 0, make_things);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		SAME(op_stat(names[i]).st_uid, 1000);
		SAME(op_stat(names[i]).st_gid, 1001);
	}
	/* And root after it is root again. */
	op_write("r", "root's");
	SAME(op_stat("r").st_uid, 0);
	SAME(op_stat("r").st_gid, 0);
}

static void meet_denials(void)
{
	FAILS(EACCES, open("secret", O_RDONLY));
	FAILS(EACCES, open("readable", O_WRONLY));
	op_expect("readable", "text");
	FAILS(EACCES, open("closed/new", O_CREAT | O_WRONLY, 0644));
	FAILS(EACCES, mkdir("closed/new", 0755));
	FAILS(EACCES, unlink("closed/in"));
	FAILS(EACCES, rename("closed/in", "closed/out"));
	FAILS(EACCES, access("hidden/in", F_OK));
	FAILS(EPERM, chmod("readable", 0777));
	FAILS(EPERM, chown("readable", 1000, 1000));
	FAILS(EPERM, truncate("readable", 0) < 0 && errno == EACCES ? (errno = EPERM, -1) : 0);
}

static void denied(void)
{
	op_write("secret", "text");
	OK(chmod("secret", 0600));
	op_write("readable", "text");
	OK(mkdir("closed", 0755));
	op_write("closed/in", "x");
	OK(mkdir("hidden", 0700));
	op_write("hidden/in", "x");
	op_as(1000, 1000, 0, meet_denials);
}

static void use_group(void)
{
	op_expect("for-group", "text");
	op_write("group-dir/made", "x");
	SAME(op_stat("group-dir/made").st_uid, 1000);
}

static void lack_group(void)
{
	FAILS(EACCES, open("for-group", O_RDONLY));
	FAILS(EACCES, open("group-dir/more", O_CREAT | O_WRONLY, 0644));
}

static void supplementary_group(void)
{
	op_write("for-group", "text");
	OK(chown("for-group", 0, 5555));
	OK(chmod("for-group", 0640));
	OK(mkdir("group-dir", 0755));
	OK(chown("group-dir", 0, 5555));
	OK(chmod("group-dir", 0775));
	op_as(1000, 1000, 5555, use_group);
	op_as(1000, 1000, 0, lack_group);
	op_as(1000, 1000, 5556, lack_group);
}

static void make_in_setgid(void)
{
	umask(0);
	op_write("team/f", "x");
	OK(mkdir("team/d", 0755));
	SAME(op_stat("team/f").st_gid, 5555);
	SAME(op_stat("team/d").st_gid, 5555);
	CHECK(op_stat("team/d").st_mode & S_ISGID);
	/* Not a member of the group: the set-group-id bit of a new program must not come through. */
	OK(close(open("team/x", O_CREAT | O_WRONLY, 02775)));
	SAME(op_stat("team/x").st_mode & S_ISGID, 0);
}

static void setgid_of_others(void)
{
	OK(mkdir("team", 0755));
	OK(chown("team", 0, 5555));
	OK(chmod("team", 02777));
	op_as(1000, 1000, 0, make_in_setgid);
}

static void remove_foreign(void)
{
	FAILS(EPERM, unlink("sticky/f"));
	FAILS(EPERM, rename("sticky/f", "sticky/g"));
	FAILS(EPERM, rmdir("sticky/d"));
	op_write("sticky/own", "x");
	OK(unlink("sticky/own"));
}

static void make_sticky(void)
{
	op_write("sticky/f", "x");
	OK(mkdir("sticky/d", 0777));
}

static void sticky(void)
{
	OK(mkdir("sticky", 0777));
	OK(chmod("sticky", 01777));
	op_as(1000, 1000, 0, make_sticky);
	op_as(1001, 1001, 0, remove_foreign);
	OK(unlink("sticky/f"));
}

static void own_unreadable_body(void)
{
	int fd = open("f", O_CREAT | O_RDWR | O_EXCL, 0);
	char text[3] = "";

	/* The creator may use what it opened whatever the mode says; others need the mode. */
	OK(fd);
	SAME(pwrite(fd, "ok", 2, 0), 2);
	SAME(pread(fd, text, 2, 0), 2);
	FAILS(EACCES, open("f", O_RDONLY));
	OK(chmod("f", 0600));
	OK(close(op_open("f", O_RDWR)));
}

static void own_unreadable(void)
{
	op_as(1000, 1000, 0, own_unreadable_body);
}

static void change_own_body(void)
{
	op_write("f", "x");
	OK(chmod("f", 0640));
	OK(chown("f", (uid_t)-1, 5555));
	FAILS(EPERM, chown("f", (uid_t)-1, 5556));
	FAILS(EPERM, chown("f", 1001, (gid_t)-1));
	SAME(op_stat("f").st_gid, 5555);
}

static void change_own(void)
{
	op_as(1000, 1000, 5555, change_own_body);
}

static const struct op ops[] = {
	{ "creates_as_self", creates_as_self, "chown" },
	{ "denied", denied, "chown" },
	{ "supplementary_group", supplementary_group, "chown" },
	{ "setgid_of_others", setgid_of_others, "chown" },
	{ "sticky", sticky, "chown" },
	{ "own_unreadable", own_unreadable, "chown" },
	{ "change_own", change_own, "chown" },
	{ NULL, NULL, NULL },
};

const struct op_group users_group = { "users", ops };
