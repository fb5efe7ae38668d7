/* SPDX-License-Identifier: BSD-3-Clause */
/* Mapped files. */
#include "ops.h"

#include <sys/mman.h>
#include <sys/wait.h>

#define SIZE (256 * 1024)

static void private_map(void)
{
	char *map;
	int fd = op_open("f", O_CREAT | O_RDWR);
	char text[5] = "";

	SAME(write(fd, "file", 4), 4);
	OK(ftruncate(fd, SIZE));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	CHECK(map != MAP_FAILED);
	CHECK(!memcmp(map, "file", 4));
	memcpy(map, "mine", 4);
	SAME(pread(fd, text, 4, 0), 4);
	CHECK(!strcmp(text, "file"));
}

static void shared_map(void)
{
	char *map, text[8] = "";
	int fd = op_open("f", O_CREAT | O_RDWR), status;

	OK(ftruncate(fd, SIZE));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	memcpy(map + 70000, "mapped", 6);
	OK(msync(map, SIZE, MS_SYNC));
	SAME(pread(fd, text, 6, 70000), 6);
	CHECK(!strcmp(text, "mapped"));
	SAME(pwrite(fd, "WRITE", 5, 70000), 5);
	CHECK(!memcmp(map + 70000, "WRITEd", 6));
	if (!fork()) {
		map[5] = 'c';
		_exit(0);
	}
	wait(&status);
	SAME(map[5], 'c');
	OK(munmap(map, SIZE));
	OK(close(fd));
	fd = op_open("f", O_RDONLY);
	SAME(pread(fd, text, 1, 5), 1);
	SAME(text[0], 'c');
}

static void shared_after_close(void)
{
	char *map;
	int fd = op_open("f", O_CREAT | O_RDWR);

	OK(ftruncate(fd, SIZE));
	map = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	OK(close(fd));
	OK(unlink("f"));
	memset(map, 'z', SIZE);
	OK(msync(map, SIZE, MS_SYNC));
	SAME(map[SIZE - 1], 'z');
	OK(munmap(map, SIZE));
}

static const struct op ops[] = {
	{ "private", private_map, "mmap" },
	{ "shared", shared_map, "mmap_shared" },
	{ "shared_after_close", shared_after_close, "mmap_shared" },
	{ NULL, NULL, NULL },
};

const struct op_group map_group = { "map", ops };
