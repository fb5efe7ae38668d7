/* SPDX-License-Identifier: BSD-3-Clause */
/* What a file is besides its bytes: times, modes, owners, kinds, flags. */
#include "ops.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>

static void birth_time(void)
{
	struct statx stx;
	time_t now = time(NULL);

	op_write("f", "x");
	OK(statx(AT_FDCWD, "f", AT_STATX_FORCE_SYNC, STATX_BTIME | STATX_BASIC_STATS, &stx));
	if (!(stx.stx_mask & STATX_BTIME))
		op_skip("no birth time: this guest kernel does not ask for it (FUSE_STATX is newer)");
	CHECK(stx.stx_btime.tv_sec >= now - 3600 && stx.stx_btime.tv_sec <= now + 3600);
	SAME(stx.stx_size, 1);
}

static void times(void)
{
	struct timespec set[2] = { { 1000000001, 123456789 }, { 2000000002, 987654321 } };
	struct timespec keep[2] = { { 0, UTIME_OMIT }, { 4294967299, 5 } };
	struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	struct stat st;

	op_write("f", "x");
	OK(utimensat(AT_FDCWD, "f", set, 0));
	st = op_stat("f");
	SAME(st.st_atim.tv_sec, 1000000001);
	SAME(st.st_atim.tv_nsec, 123456789);
	SAME(st.st_mtim.tv_sec, 2000000002);
	SAME(st.st_mtim.tv_nsec, 987654321);
	OK(utimensat(AT_FDCWD, "f", keep, 0));
	st = op_stat("f");
	SAME(st.st_atim.tv_sec, 1000000001);
	SAME(st.st_mtim.tv_sec, 4294967299);
	OK(utimensat(AT_FDCWD, "f", now, 0));
	st = op_stat("f");
	CHECK(labs(st.st_mtim.tv_sec - time(NULL)) < 3600);
	OK(symlink("f", "s"));
	OK(utimensat(AT_FDCWD, "s", set, AT_SYMLINK_NOFOLLOW));
	SAME(op_stat("s").st_mtim.tv_sec, 2000000002);
	CHECK(op_stat("f").st_mtim.tv_sec != 2000000002);
}

static void time_moves(void)
{
	struct timespec set[2] = { { 1000000001, 0 }, { 1000000001, 0 } };
	int fd;

	op_write("f", "x");
	OK(utimensat(AT_FDCWD, "f", set, 0));
	fd = op_open("f", O_WRONLY);
	SAME(write(fd, "y", 1), 1);
	OK(fsync(fd));
	OK(close(fd));
	CHECK(op_stat("f").st_mtim.tv_sec > 1500000000);
	OK(mkdir("d", 0755));
	OK(utimensat(AT_FDCWD, "d", set, 0));
	op_write("d/x", "x");
	CHECK(op_stat("d").st_mtim.tv_sec > 1500000000);
}

static void modes(void)
{
	int fd;

	op_write("f", "x");
	for (mode_t mode = 0; mode <= 07777; mode += 0111) {
		OK(chmod("f", mode));
		SAME(op_stat("f").st_mode, S_IFREG | mode);
	}
	fd = op_open("f", O_RDONLY);
	OK(fchmod(fd, 0612));
	SAME(op_stat("f").st_mode & 07777, 0612);
	OK(close(fd));
	umask(027);
	OK(mkdir("d", 0777));
	SAME(op_stat("d").st_mode & 07777, 0750);
	OK(close(open("g", O_CREAT | O_WRONLY, 0666)));
	SAME(op_stat("g").st_mode & 07777, 0640);
	OK(mknod("p", S_IFIFO | 0666, 0));
	SAME(op_stat("p").st_mode, S_IFIFO | 0640);
	OK(chmod("d", 01777));
	SAME(op_stat("d").st_mode & 07777, 01777);
}

static void owners(void)
{
	struct stat st;

	op_write("f", "x");
	SAME(op_stat("f").st_uid, 0);
	OK(chown("f", 1234, 4321));
	st = op_stat("f");
	SAME(st.st_uid, 1234);
	SAME(st.st_gid, 4321);
	OK(chown("f", (uid_t)-1, 99));
	st = op_stat("f");
	SAME(st.st_uid, 1234);
	SAME(st.st_gid, 99);
	OK(symlink("f", "s"));
	OK(lchown("s", 7, 8));
	SAME(op_stat("s").st_uid, 7);
	SAME(op_stat("f").st_uid, 1234);
}

static void setgid_directory(void)
{
	OK(mkdir("d", 0755));
	OK(chown("d", 0, 4321));
	OK(chmod("d", 02775));
	op_write("d/f", "x");
	SAME(op_stat("d/f").st_gid, 4321);
	OK(mkdir("d/e", 0755));
	SAME(op_stat("d/e").st_gid, 4321);
	SAME(op_stat("d/e").st_mode & 07777, 02755);
	OK(mknod("d/p", S_IFIFO | 0644, 0));
	SAME(op_stat("d/p").st_gid, 4321);
	OK(symlink("f", "d/s"));
	SAME(op_stat("d/s").st_gid, 4321);
}

static void kill_privileges_write(void)
{
	int fd = op_open("f", O_RDWR);

	SAME(write(fd, "y", 1), 1);
	OK(close(fd));
}

static void kill_privileges_truncate(void)
{
	OK(truncate("f", 0));
}

static void kill_privileges_open(void)
{
	OK(close(op_open("f", O_RDWR | O_TRUNC)));
}

/* A write, a truncation and a change of owner by somebody without privileges take the set-id bits away. */
static void kill_privileges(void)
{
	static void (*const ways[])(void) = { kill_privileges_write, kill_privileges_truncate, kill_privileges_open };
	/* An open that truncates is one request: only FUSE_HANDLE_KILLPRIV_V2 says what it must take away. */
	size_t count = op_have("killpriv") ? 3 : 2;

	for (size_t i = 0; i < count; i++) {
		op_write("f", "xx");
		OK(chmod("f", 06777));
		SAME(op_stat("f").st_mode & 07777, 06777);
		op_as(1000, 1000, 0, ways[i]);
		SAME(op_stat("f").st_mode & 07777, 0777);
	}
	OK(chmod("f", 06777));
	OK(chown("f", 5, 5));
	SAME(op_stat("f").st_mode & 07777, 0777);
}

static void access_checks(void)
{
	op_write("f", "x");
	OK(chmod("f", 0400));
	OK(access("f", R_OK));
	OK(access("f", W_OK));
	FAILS(EACCES, access("f", X_OK));
	FAILS(ENOENT, access("none", F_OK));
}

static void special_files(void)
{
	struct stat st;

	OK(mknod("c", S_IFCHR | 0640, makedev(1, 3)));
	st = op_stat("c");
	SAME(st.st_mode, S_IFCHR | 0640);
	SAME(st.st_rdev, makedev(1, 3));
	OK(mknod("b", S_IFBLK | 0600, makedev(259, 70000)));
	SAME(op_stat("b").st_rdev, makedev(259, 70000));
	SAME(write(op_open("c", O_WRONLY), "gone", 4), 4);
}

static void fifos(void)
{
	char text[6] = "";
	int fd, status;

	OK(mkfifo("p", 0644));
	SAME(op_stat("p").st_mode & S_IFMT, S_IFIFO);
	if (!fork()) {
		SAME(write(op_open("p", O_WRONLY), "through", 5), 5);
		_exit(0);
	}
	fd = op_open("p", O_RDONLY);
	SAME(read(fd, text, 5), 5);
	CHECK(!strcmp(text, "throu"));
	wait(&status);
	SAME(status, 0);
}

static void sockets(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "s" };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);

	OK(bind(server, (struct sockaddr *)&address, sizeof(address)));
	OK(listen(server, 1));
	SAME(op_stat("s").st_mode & S_IFMT, S_IFSOCK);
	OK(connect(client, (struct sockaddr *)&address, sizeof(address)));
	OK(unlink("s"));
}

static void file_flags(void)
{
	int fd = op_open("f", O_CREAT | O_RDWR), flags = 0, found = 0;

	OK(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	flags |= FS_NODUMP_FL | FS_NOATIME_FL;
	OK(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	OK(ioctl(fd, FS_IOC_GETFLAGS, &found));
	SAME(found & (FS_NODUMP_FL | FS_NOATIME_FL), FS_NODUMP_FL | FS_NOATIME_FL);
	flags &= ~(FS_NODUMP_FL | FS_NOATIME_FL);
	OK(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	OK(close(fd));
	OK(mkdir("d", 0755));
	fd = op_open("d", O_RDONLY | O_DIRECTORY);
	OK(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	OK(close(fd));
}

static void extended_flags(void)
{
	struct fsxattr attributes = { 0 }, found = { 0 };
	int fd = op_open("f", O_CREAT | O_RDWR);

	OK(ioctl(fd, FS_IOC_FSGETXATTR, &attributes));
	attributes.fsx_xflags |= FS_XFLAG_NODUMP;
	OK(ioctl(fd, FS_IOC_FSSETXATTR, &attributes));
	OK(ioctl(fd, FS_IOC_FSGETXATTR, &found));
	CHECK(found.fsx_xflags & FS_XFLAG_NODUMP);
	OK(close(fd));
}

static void other_ioctls(void)
{
	int fd = op_open("f", O_CREAT | O_RDWR), number = 0;

	FAILS(ENOTTY, ioctl(fd, _IOR('f', 111, int), &number));
	FAILS(ENOTTY, ioctl(fd, TCGETS, &(char[256]){ 0 }));
	OK(close(fd));
}

static const struct op ops[] = {
	{ "birth_time", birth_time, NULL },
	{ "times", times, NULL },
	{ "time_moves", time_moves, NULL },
	{ "modes", modes, NULL },
	{ "owners", owners, "chown" },
	{ "setgid_directory", setgid_directory, "chown" },
	{ "kill_privileges", kill_privileges, "chown" },
	{ "access_checks", access_checks, NULL },
	{ "special_files", special_files, "mknod" },
	{ "fifos", fifos, NULL },
	{ "sockets", sockets, NULL },
	{ "file_flags", file_flags, "ioctl" },
	{ "extended_flags", extended_flags, "ioctl" },
	{ "other_ioctls", other_ioctls, NULL },
	{ NULL, NULL, NULL },
};

const struct op_group meta_group = { "meta", ops };
