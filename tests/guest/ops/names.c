/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and directories: making, finding, renaming and removing. */
#include "ops.h"

#include <dirent.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>

#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE 1
#define RENAME_EXCHANGE 2
#define RENAME_WHITEOUT 4
#endif

static int rename2(const char *from, const char *to, unsigned int flags)
{
	return (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static void long_names(void)
{
	char name[257];

	memset(name, 'n', sizeof(name));
	name[255] = 0;
	op_write(name, "long");
	op_expect(name, "long");
	OK(unlink(name));
	OK(mkdir(name, 0755));
	OK(rmdir(name));
	name[255] = 'n';
	name[256] = 0;
	FAILS(ENAMETOOLONG, open(name, O_CREAT | O_WRONLY, 0644));
	FAILS(ENAMETOOLONG, mkdir(name, 0755));
	FAILS(ENAMETOOLONG, access(name, F_OK));
}

static void strange_names(void)
{
	static const char *const names[] = { "a b", "\n", "\\", "...", "-", "\x01\x7f\xff", "..a", "\xc3\xa9", "*?[" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		op_write(names[i], names[i]);
		op_expect(names[i], names[i]);
		OK(unlink(names[i]));
		FAILS(ENOENT, access(names[i], F_OK));
	}
}

static void deep_tree(void)
{
	char name[32];

	for (int i = 0; i < 150; i++) {
		snprintf(name, sizeof(name), "level-%d", i);
		OK(mkdir(name, 0755));
		OK(chdir(name));
	}
	op_write("bottom", "deep");
	op_expect("bottom", "deep");
	OK(unlink("bottom"));
	for (int i = 149; i >= 0; i--) {
		snprintf(name, sizeof(name), "level-%d", i);
		OK(chdir(".."));
		OK(rmdir(name));
	}
}

static void create_exclusive(void)
{
	int fd = op_open("f", O_CREAT | O_EXCL | O_RDWR);

	SAME(write(fd, "x", 1), 1);
	FAILS(EEXIST, open("f", O_CREAT | O_EXCL | O_RDWR, 0644));
	FAILS(EEXIST, mkdir("f", 0755));
	FAILS(EEXIST, symlink("x", "f"));
	FAILS(EEXIST, mknod("f", S_IFREG | 0644, 0));
	FAILS(ENOTDIR, open("f/g", O_RDONLY));
	FAILS(ENOENT, open("absent", O_RDONLY));
	OK(symlink("absent", "dangling"));
	FAILS(EEXIST, open("dangling", O_CREAT | O_EXCL | O_RDWR, 0644));
	FAILS(ELOOP, open("dangling", O_RDONLY | O_NOFOLLOW));
}

static void directories(void)
{
	OK(mkdir("d", 0755));
	SAME(op_stat("d").st_mode & 07777, 0755);
	op_write("d/f", "f");
	FAILS(ENOTEMPTY, rmdir("d"));
	FAILS(EISDIR, unlink("d"));
	FAILS(ENOTDIR, rmdir("d/f"));
	FAILS(EISDIR, open("d", O_WRONLY));
	FAILS(EINVAL, rename("d", "d/sub"));
	OK(mkdir("d/sub", 0700));
	SAME(op_stat("d").st_nlink, 3);
	OK(rmdir("d/sub"));
	SAME(op_stat("d").st_nlink, 2);
	OK(unlink("d/f"));
	OK(rmdir("d"));
	FAILS(ENOENT, chdir("d"));
}

static void links(void)
{
	struct stat a, b;

	op_write("a", "one");
	OK(link("a", "b"));
	a = op_stat("a");
	b = op_stat("b");
	SAME(a.st_ino, b.st_ino);
	SAME(a.st_nlink, 2);
	OK(unlink("a"));
	SAME(op_stat("b").st_nlink, 1);
	op_expect("b", "one");
	OK(mkdir("d", 0755));
	FAILS(EPERM, link("d", "e"));
	FAILS(EEXIST, link("b", "d"));
	OK(symlink("b", "s"));
	OK(linkat(AT_FDCWD, "s", AT_FDCWD, "t", 0));
	SAME(op_stat("t").st_mode & S_IFMT, S_IFLNK);
}

static void symlinks(void)
{
	char target[4096], found[4097] = "";

	memset(target, 't', sizeof(target));
	target[4095] = 0;
	OK(symlink(target, "long"));
	SAME(readlink("long", found, sizeof(found)), 4095);
	CHECK(!memcmp(target, found, 4095));
	SAME(op_stat("long").st_size, 4095);
	op_write("f", "through");
	OK(symlink("f", "s"));
	op_expect("s", "through");
	SAME(op_stat("s").st_size, 1);
	FAILS(EINVAL, readlink("f", found, sizeof(found)));
	OK(symlink("loop", "loop"));
	FAILS(ELOOP, open("loop", O_RDONLY));
}

static void rename_plain(void)
{
	ino_t inode;

	op_write("a", "a");
	op_write("b", "b");
	inode = op_stat("a").st_ino;
	OK(rename("a", "b"));
	op_expect("b", "a");
	SAME(op_stat("b").st_ino, inode);
	FAILS(ENOENT, access("a", F_OK));
	OK(mkdir("d", 0755));
	OK(mkdir("e", 0755));
	op_write("e/x", "x");
	OK(rename("b", "d/b"));
	FAILS(ENOTEMPTY, rename("d", "e"));
	OK(unlink("e/x"));
	OK(rename("d", "e"));
	op_expect("e/b", "a");
	op_write("x", "x");
	FAILS(EISDIR, rename("x", "e"));
	FAILS(ENOTEMPTY, rename("e/b", "e"));
	FAILS(ENOTDIR, rename("e", "e/b/c"));
	FAILS(ENOENT, rename("none", "other"));
}

static void rename_noreplace(void)
{
	op_write("a", "a");
	op_write("b", "b");
	FAILS(EEXIST, rename2("a", "b", RENAME_NOREPLACE));
	op_expect("b", "b");
	OK(rename2("a", "c", RENAME_NOREPLACE));
	op_expect("c", "a");
}

static void rename_exchange(void)
{
	op_write("a", "a");
	OK(mkdir("d", 0755));
	op_write("d/b", "b");
	OK(rename2("a", "d/b", RENAME_EXCHANGE));
	op_expect("a", "b");
	op_expect("d/b", "a");
	OK(mkdir("e", 0755));
	OK(rename2("a", "e", RENAME_EXCHANGE));
	op_expect("e", "b");
	SAME(op_stat("a").st_mode & S_IFMT, S_IFDIR);
	FAILS(ENOENT, rename2("a", "none", RENAME_EXCHANGE));
}

static void rename_whiteout(void)
{
	struct stat st;

	op_write("a", "a");
	OK(rename2("a", "b", RENAME_WHITEOUT));
	op_expect("b", "a");
	st = op_stat("a");
	SAME(st.st_mode & S_IFMT, S_IFCHR);
	SAME(st.st_rdev, 0);
}

static void list_many(void)
{
	enum { COUNT = 700 };
	static bool seen[COUNT];
	struct dirent *entry;
	int found = 0, number;
	char name[64];
	DIR *dir;

	for (int i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "entry-%04d-with-a-name-of-some-length", i);
		OK(mknod(name, S_IFREG | 0644, 0));
	}
	dir = opendir(".");
	CHECK(dir);
	for (int pass = 0; pass < 2; pass++) {
		memset(seen, 0, sizeof(seen));
		found = 0;
		while ((entry = readdir(dir))) {
			if (sscanf(entry->d_name, "entry-%d", &number) != 1)
				continue;
			CHECK(number >= 0 && number < COUNT);
			if (seen[number])
				op_fail(__FILE__, __LINE__, "%s is listed twice", entry->d_name);
			seen[number] = true;
			found++;
			SAME(entry->d_type, DT_REG);
		}
		SAME(found, COUNT);
		rewinddir(dir);
	}
	/* Removing what one has seen must not make others disappear. */
	found = 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		OK(unlink(entry->d_name));
		found++;
	}
	SAME(found, COUNT);
	closedir(dir);
	OK(chdir(".."));
	OK(rmdir("names.list_many"));
}

static void list_seek(void)
{
	char second[256] = "";
	struct dirent *entry;
	long place;
	DIR *dir;

	for (char name[2] = "a"; name[0] <= 'z'; name[0]++)
		op_write(name, name);
	dir = opendir(".");
	CHECK(dir);
	CHECK(readdir(dir));
	place = telldir(dir);
	entry = readdir(dir);
	CHECK(entry);
	strcpy(second, entry->d_name);
	while (readdir(dir))
		;
	seekdir(dir, place);
	entry = readdir(dir);
	CHECK(entry && !strcmp(entry->d_name, second));
	closedir(dir);
}

static void list_inodes(void)
{
	struct dirent *entry;
	DIR *dir;

	OK(mkdir("sub", 0755));
	op_write("file", "x");
	OK(symlink("file", "link"));
	dir = opendir(".");
	CHECK(dir);
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, "..") && strcmp(entry->d_name, "."))
			SAME(entry->d_ino, op_stat(entry->d_name).st_ino);
	}
	closedir(dir);
}

static void unlinked_open(void)
{
	int fd = op_open("f", O_CREAT | O_RDWR), dir;
	char text[8] = "";

	SAME(write(fd, "before", 6), 6);
	OK(unlink("f"));
	FAILS(ENOENT, access("f", F_OK));
	SAME(pwrite(fd, "after!", 6, 0), 6);
	SAME(pread(fd, text, 6, 0), 6);
	CHECK(!strcmp(text, "after!"));
	OK(ftruncate(fd, 3));
	OK(fchmod(fd, 0600));
	struct stat st;
	OK(fstat(fd, &st));
	SAME(st.st_nlink, 0);
	SAME(st.st_size, 3);
	SAME(st.st_mode & 07777, 0600);
	op_write("f", "new");
	OK(fstat(fd, &st));
	SAME(st.st_size, 3);
	OK(close(fd));
	op_expect("f", "new");
	OK(mkdir("d", 0755));
	dir = op_open("d", O_RDONLY | O_DIRECTORY);
	OK(rmdir("d"));
	FAILS(ENOENT, openat(dir, "x", O_CREAT | O_WRONLY, 0644));
	OK(close(dir));
}

static void renamed_open(void)
{
	int fd = op_open("f", O_CREAT | O_RDWR);

	OK(mkdir("d", 0755));
	OK(rename("f", "d/g"));
	op_write("f", "other");
	SAME(write(fd, "mine", 4), 4);
	OK(close(fd));
	op_expect("d/g", "mine");
	op_expect("f", "other");
}

static void tmpfile_link(void)
{
	int fd = open(".", O_TMPFILE | O_RDWR, 0640);
	char path[64];

	if (fd < 0 && errno == EOPNOTSUPP)
		op_skip("O_TMPFILE is not supported by this kernel's FUSE");
	OK(fd);
	SAME(write(fd, "made without a name", 19), 19);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	OK(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	op_expect("named", "made without a name");
	SAME(op_stat("named").st_mode & 07777, 0640);
	OK(close(fd));
	fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0640);
	OK(fd);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	FAILS(ENOENT, linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
	OK(close(fd));
}

static void stat_fs(void)
{
	struct statfs fs;

	OK(statfs(".", &fs));
	CHECK(fs.f_blocks > 0 && fs.f_bfree <= fs.f_blocks && fs.f_files > 0);
	SAME(fs.f_namelen, 255);
	SAME(fs.f_type, 0x65735546);
}

static const struct op ops[] = {
	{ "long_names", long_names, NULL },
	{ "strange_names", strange_names, NULL },
	{ "deep_tree", deep_tree, NULL },
	{ "create_exclusive", create_exclusive, NULL },
	{ "directories", directories, NULL },
	{ "links", links, NULL },
	{ "symlinks", symlinks, NULL },
	{ "rename_plain", rename_plain, NULL },
	{ "rename_noreplace", rename_noreplace, NULL },
	{ "rename_exchange", rename_exchange, NULL },
	{ "rename_whiteout", rename_whiteout, "mknod" },
	{ "list_many", list_many, NULL },
	{ "list_seek", list_seek, NULL },
	{ "list_inodes", list_inodes, NULL },
	{ "unlinked_open", unlinked_open, NULL },
	{ "renamed_open", renamed_open, NULL },
	{ "tmpfile_link", tmpfile_link, NULL },
	{ "stat_fs", stat_fs, NULL },
	{ NULL, NULL, NULL },
};

const struct op_group names_group = { "names", ops };
