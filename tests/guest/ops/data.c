/* SPDX-License-Identifier: BSD-3-Clause */
/* The bytes of files: reading, writing, holes, allocation, copying, syncing. */
#include "ops.h"

#include <linux/falloc.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define MIB (1024 * 1024)
#define TIB (1024LL * 1024 * MIB)

static void fill(char *to, size_t length, unsigned int seed)
{
	for (size_t i = 0; i < length; i++)
		to[i] = (char)((seed + i * 2654435761U) >> 13);
}

static void big_file(void)
{
	enum { SIZE = 9 * MIB + 4321 };
	char *wrote = malloc(SIZE), *found = malloc(SIZE);
	int fd = op_open("f", O_CREAT | O_RDWR);

	fill(wrote, SIZE, 1);
	for (size_t done = 0; done < SIZE;) {
		ssize_t n = write(fd, wrote + done, SIZE - done);

		OK(n);
		done += (size_t)n;
	}
	OK(fsync(fd));
	OK(close(fd));
	SAME(op_stat("f").st_size, SIZE);
	fd = op_open("f", O_RDONLY);
	for (size_t done = 0; done < SIZE;) {
		ssize_t n = read(fd, found + done, SIZE - done);

		CHECK(n > 0);
		done += (size_t)n;
	}
	SAME(read(fd, found, 0), 0);
	CHECK(!memcmp(wrote, found, SIZE));
	SAME(pread(fd, found, 100, SIZE - 10), 10);
	SAME(pread(fd, found, 100, SIZE), 0);
	SAME(pread(fd, found, 100, 100LL * SIZE), 0);
	OK(close(fd));
}

static void odd_places(void)
{
	static const off_t places[] = { 0, 1, 511, 4095, 4096, 4097, 65535, 131071, 1048575, 3000001 };
	char text[64], found[64];
	int fd = op_open("f", O_CREAT | O_RDWR);

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		fill(text, sizeof(text), (unsigned int)i);
		SAME(pwrite(fd, text, sizeof(text), places[i]), sizeof(text));
		SAME(pread(fd, found, sizeof(found), places[i]), sizeof(found));
		CHECK(!memcmp(text, found, sizeof(text)));
	}
	SAME(op_stat("f").st_size, 3000001 + 64);
	OK(close(fd));
}

static void vectors(void)
{
	char a[1000], b[5000], c[3], found[6003];
	struct iovec out[3] = { { a, sizeof(a) }, { b, sizeof(b) }, { c, sizeof(c) } };
	struct iovec in[2] = { { found, 3001 }, { found + 3001, 3002 } };
	int fd = op_open("f", O_CREAT | O_RDWR);

	fill(a, sizeof(a), 1);
	fill(b, sizeof(b), 2);
	fill(c, sizeof(c), 3);
	SAME(pwritev(fd, out, 3, 77), 6003);
	SAME(preadv(fd, in, 2, 77), 6003);
	CHECK(!memcmp(found, a, 1000) && !memcmp(found + 1000, b, 5000) && !memcmp(found + 6000, c, 3));
	OK(close(fd));
}

static void far_offset(void)
{
	off_t far = 8 * TIB;
	char text[8] = "";
	int fd = op_open("f", O_CREAT | O_RDWR);

	SAME(pwrite(fd, "far", 3, far), 3);
	SAME(pread(fd, text, 8, far), 3);
	CHECK(!strcmp(text, "far"));
	SAME(op_stat("f").st_size, far + 3);
	CHECK(op_stat("f").st_blocks < 1000);
	SAME(pread(fd, text, 8, 4 * TIB), 8);
	CHECK(!memcmp(text, "\0\0\0\0\0\0\0\0", 8));
	OK(ftruncate(fd, far - 1));
	SAME(op_stat("f").st_size, far - 1);
	OK(ftruncate(fd, 0));
	/* With a write-back cache the guest learns of this only when it writes back; memory has no such limit. */
	if (!op_have("writeback") && !op_have("memory"))
		FAILS(EFBIG, pwrite(fd, "x", 1, 0x7ffffffffffff000LL));
	OK(close(fd));
}

static void holes(void)
{
	char block[65536];
	int fd = op_open("f", O_CREAT | O_RDWR);

	fill(block, sizeof(block), 7);
	SAME(pwrite(fd, block, sizeof(block), 4 * MIB), sizeof(block));
	OK(ftruncate(fd, 8 * MIB));
	OK(fsync(fd));
	SAME(lseek(fd, 0, SEEK_HOLE), 0);
	SAME(lseek(fd, 0, SEEK_DATA), 4 * MIB);
	SAME(lseek(fd, 4 * MIB, SEEK_HOLE), 4 * MIB + sizeof(block));
	FAILS(ENXIO, lseek(fd, 5 * MIB, SEEK_DATA));
	FAILS(ENXIO, lseek(fd, 9 * MIB, SEEK_DATA));
	SAME(lseek(fd, 0, SEEK_END), 8 * MIB);
	OK(close(fd));
}

static void allocate(void)
{
	char block[8192], zero[8192] = { 0 }, found[8192];
	int fd = op_open("f", O_CREAT | O_RDWR);

	OK(fallocate(fd, 0, 0, MIB));
	SAME(op_stat("f").st_size, MIB);
	CHECK(op_stat("f").st_blocks >= MIB / 512);
	OK(fallocate(fd, FALLOC_FL_KEEP_SIZE, MIB, MIB));
	SAME(op_stat("f").st_size, MIB);
	fill(block, sizeof(block), 3);
	SAME(pwrite(fd, block, sizeof(block), 16384), sizeof(block));
	OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 16384, 8192));
	SAME(pread(fd, found, sizeof(found), 16384), sizeof(found));
	CHECK(!memcmp(found, zero, sizeof(zero)));
	SAME(pwrite(fd, block, sizeof(block), 16384), sizeof(block));
	OK(fallocate(fd, FALLOC_FL_ZERO_RANGE, 16384, 8192));
	SAME(pread(fd, found, sizeof(found), 16384), sizeof(found));
	CHECK(!memcmp(found, zero, sizeof(zero)));
	FAILS(EOPNOTSUPP, fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096));
	FAILS(EINVAL, fallocate(fd, 0, 0, 0));
	OK(close(fd));
}

static void truncation(void)
{
	char text[16] = "";
	int fd;

	op_write("f", "0123456789");
	OK(truncate("f", 4));
	op_expect("f", "0123");
	OK(truncate("f", 8));
	fd = op_open("f", O_RDWR);
	SAME(read(fd, text, 16), 8);
	CHECK(!memcmp(text, "0123\0\0\0\0", 8));
	OK(close(fd));
	fd = op_open("f", O_RDWR | O_TRUNC);
	SAME(op_stat("f").st_size, 0);
	OK(close(fd));
	FAILS(EINVAL, truncate("f", -1));
	fd = op_open("f", O_RDONLY);
	FAILS(EINVAL, ftruncate(fd, 1));
	FAILS(EBADF, write(fd, "x", 1));
	OK(close(fd));
}

static void append(void)
{
	enum { WRITERS = 4, LINES = 50 };
	int fd, status;
	struct stat st;

	for (int i = 0; i < WRITERS; i++) {
		if (!fork()) {
			fd = op_open("f", O_CREAT | O_WRONLY | O_APPEND);
			for (int j = 0; j < LINES; j++)
				SAME(write(fd, "0123456789", 10), 10);
			_exit(0);
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		wait(&status);
		SAME(status, 0);
	}
	st = op_stat("f");
	SAME(st.st_size, WRITERS * LINES * 10);
	fd = op_open("f", O_RDWR | O_APPEND);
	OK(lseek(fd, 0, SEEK_SET));
	SAME(write(fd, "end", 3), 3);
	SAME(lseek(fd, 0, SEEK_CUR), WRITERS * LINES * 10 + 3);
	OK(close(fd));
}

static void copy_range(void)
{
	enum { SIZE = 3 * MIB };
	char *wrote = malloc(SIZE), *found = malloc(SIZE);
	int from = op_open("from", O_CREAT | O_RDWR), to = op_open("to", O_CREAT | O_RDWR);
	off_t in = 0, out = 0;

	fill(wrote, SIZE, 9);
	SAME(write(from, wrote, SIZE), SIZE);
	while (in < SIZE) {
		ssize_t n = copy_file_range(from, &in, to, &out, (size_t)(SIZE - in), 0);

		CHECK(n > 0);
	}
	SAME(op_stat("to").st_size, SIZE);
	SAME(pread(to, found, SIZE, 0), SIZE);
	CHECK(!memcmp(wrote, found, SIZE));
	in = SIZE;
	SAME(copy_file_range(from, &in, to, NULL, 10, 0), 0);
	in = 5;
	out = 1000001;
	SAME(copy_file_range(from, &in, to, &out, 1000, 0), 1000);
	SAME(pread(to, found, 1000, 1000001), 1000);
	CHECK(!memcmp(found, wrote + 5, 1000));
	OK(close(from));
	OK(close(to));
}

static void send_file(void)
{
	enum { SIZE = 300000 };
	char *wrote = malloc(SIZE), *found = malloc(SIZE);
	int from = op_open("from", O_CREAT | O_RDWR), to = op_open("to", O_CREAT | O_RDWR);
	off_t place = 0;

	fill(wrote, SIZE, 11);
	SAME(write(from, wrote, SIZE), SIZE);
	while (place < SIZE)
		CHECK(sendfile(to, from, &place, (size_t)(SIZE - place)) > 0);
	SAME(pread(to, found, SIZE, 0), SIZE);
	CHECK(!memcmp(wrote, found, SIZE));
	OK(close(from));
	OK(close(to));
}

static void direct(void)
{
	void *block;
	char found[4096];
	int fd = open("f", O_CREAT | O_RDWR | O_DIRECT, 0644), plain;

	OK(fd);
	CHECK(!posix_memalign(&block, 4096, 65536));
	fill(block, 65536, 13);
	SAME(pwrite(fd, block, 65536, 0), 65536);
	plain = op_open("f", O_RDWR);
	SAME(pread(plain, found, 4096, 8192), 4096);
	CHECK(!memcmp(found, (char *)block + 8192, 4096));
	fill(found, 4096, 17);
	SAME(pwrite(plain, found, 4096, 8192), 4096);
	SAME(pread(fd, block, 4096, 8192), 4096);
	CHECK(!memcmp(found, block, 4096));
	SAME(pread(fd, block, 65536, 65536), 0);
	OK(close(fd));
	OK(close(plain));
}

static void syncing(void)
{
	int fd = op_open("f", O_CREAT | O_RDWR), dir = op_open(".", O_RDONLY | O_DIRECTORY);

	SAME(write(fd, "synced", 6), 6);
	OK(fdatasync(fd));
	OK(fsync(fd));
	OK(fsync(dir));
	OK(syncfs(fd));
	OK(close(fd));
	OK(close(dir));
	fd = op_open("f", O_RDWR | O_SYNC);
	SAME(write(fd, "SYNC", 4), 4);
	OK(close(fd));
	op_expect("f", "SYNCed");
}

static void advice(void)
{
	int fd = op_open("f", O_CREAT | O_RDWR);

	OK(ftruncate(fd, MIB));
	SAME(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	SAME(posix_fadvise(fd, 0, 0, POSIX_FADV_WILLNEED), 0);
	OK(readahead(fd, 0, 65536));
	OK(close(fd));
}

static void execute(void)
{
	char buffer[65536];
	ssize_t n;
	int in = op_open("/proc/self/exe", O_RDONLY), out = op_open("program", O_CREAT | O_WRONLY), status;
	pid_t pid;

	while ((n = read(in, buffer, sizeof(buffer))) > 0)
		SAME(write(out, buffer, (size_t)n), n);
	OK(fchmod(out, 0755));
	OK(close(out));
	OK(close(in));
	pid = fork();
	if (!pid) {
		OK(close(2));
		execl("./program", "program", (char *)NULL);
		_exit(99);
	}
	SAME(waitpid(pid, &status, 0), pid);
	SAME(WEXITSTATUS(status), 2);
}

static const struct op ops[] = {
	{ "big_file", big_file, NULL },
	{ "odd_places", odd_places, NULL },
	{ "vectors", vectors, NULL },
	{ "far_offset", far_offset, NULL },
	{ "holes", holes, NULL },
	{ "allocate", allocate, NULL },
	{ "truncation", truncation, NULL },
	{ "append", append, NULL },
	{ "copy_range", copy_range, NULL },
	{ "send_file", send_file, NULL },
	{ "direct", direct, "direct" },
	{ "syncing", syncing, NULL },
	{ "advice", advice, NULL },
	{ "execute", execute, "mmap" },
	{ NULL, NULL, NULL },
};

const struct op_group data_group = { "data", ops };
