/* SPDX-License-Identifier: BSD-3-Clause */
#include "ops.h"

#include <grp.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/wait.h>

#define CHECK_SECONDS 60
#define EXIT_FAILED 1
#define EXIT_SKIPPED 77

static const struct op_group *const groups[] = { &names_group, &data_group,  &meta_group, &locks_group,
	                                         &users_group, &xattr_group, &map_group };
static const char *have = "";
static int report = -1;

void op_fail(const char *file, int line, const char *format, ...)
{
	int saved = errno;
	va_list args;
	const char *base = strrchr(file, '/');

	dprintf(report, "%s:%d: ", base ? base + 1 : file, line);
	errno = saved;
	va_start(args, format);
	vdprintf(report, format, args);
	va_end(args);
	_exit(EXIT_FAILED);
}

void op_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vdprintf(report, format, args);
	va_end(args);
	_exit(EXIT_SKIPPED);
}

static bool has_word(const char *list, const char *word, size_t length)
{
	for (const char *at = list; *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] != 0)) {
		if (strcspn(at, ",") == length && !strncmp(at, word, length))
			return true;
	}
	return false;
}

bool op_have(const char *word)
{
	return has_word(have, word, strlen(word));
}

int op_open(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0)
		op_fail(__FILE__, __LINE__, "open %s: %s", path, strerror(errno));
	return fd;
}

void op_write(const char *path, const char *text)
{
	int fd = op_open(path, O_WRONLY | O_CREAT | O_TRUNC);

	SAME(write(fd, text, strlen(text)), strlen(text));
	OK(close(fd));
}

void op_expect(const char *path, const char *text)
{
	char found[4096] = "";
	int fd = op_open(path, O_RDONLY);
	ssize_t n = read(fd, found, sizeof(found) - 1);

	OK(n);
	OK(close(fd));
	if (strlen(text) != (size_t)n || memcmp(found, text, (size_t)n))
		op_fail(__FILE__, __LINE__, "%s holds '%s' instead of '%s'", path, found, text);
}

struct stat op_stat(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		op_fail(__FILE__, __LINE__, "stat %s: %s", path, strerror(errno));
	return st;
}

void op_as(uid_t uid, gid_t gid, gid_t group, void (*body)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		OK(setgroups(group ? 1 : 0, &group));
		OK(setresgid(gid, gid, gid));
		OK(setresuid(uid, uid, uid));
		body();
		_exit(0);
	}
	SAME(waitpid(pid, &status, 0), pid);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILED);
}

static bool needs_met(const char *needs)
{
	for (const char *at = needs; at && *at; at += strcspn(at, ",") + (at[strcspn(at, ",")] != 0)) {
		if (!has_word(have, at, strcspn(at, ",")))
			return false;
	}
	return true;
}

static void run_op(const char *group, const struct op *op, const char *directory)
{
	char path[4096], text[1024] = "";
	ssize_t length = 0, n;
	int channel[2], status = 0;
	pid_t pid;

	snprintf(path, sizeof(path), "%s/%s.%s", directory, group, op->name);
	if (mkdir(path, 0777) || chmod(path, 0777) || pipe2(channel, O_NONBLOCK)) {
		printf("not ok %s.%s - cannot make %s: %s\n", group, op->name, path, strerror(errno));
		return;
	}
	fflush(stdout);
	pid = fork();
	if (!pid) {
		setpgid(0, 0);
		close(channel[0]);
		report = channel[1];
		alarm(CHECK_SECONDS);
		umask(022);
		OK(chdir(path));
		op->run();
		_exit(0);
	}
	close(channel[1]);
	/* Not until the end of file: a child of the check that cannot even be killed may hold the other end. */
	waitpid(pid, &status, 0);
	kill(-pid, SIGKILL);
	while (length < (ssize_t)sizeof(text) - 1 &&
	       (n = read(channel[0], text + length, sizeof(text) - 1 - (size_t)length)) > 0)
		length += n;
	close(channel[0]);
	for (char *at = text; *at; at++) {
		if (*at == '\n')
			*at = ' ';
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SKIPPED)
		printf("ok %s.%s # SKIP %s\n", group, op->name, text);
	else if (WIFSIGNALED(status))
		printf("not ok %s.%s - ended by signal %d %s\n", group, op->name, WTERMSIG(status), text);
	else if (status)
		printf("not ok %s.%s - %s\n", group, op->name, text);
	else
		printf("ok %s.%s\n", group, op->name);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	int opt;

	while ((opt = getopt(argc, argv, "h:o:")) != -1) {
		if (opt == 'h')
			have = optarg;
		else if (opt == 'o')
			only = optarg;
		else
			return 2;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: fsops [-h HAVE,...] [-o GROUP|GROUP.NAME,...] DIRECTORY\n");
		return 2;
	}
	umask(0);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		for (const struct op *op = groups[i]->ops; op->name; op++) {
			char full[128];
			int length = snprintf(full, sizeof(full), "%s.%s", groups[i]->name, op->name);

			if (only && !has_word(only, groups[i]->name, strlen(groups[i]->name)) &&
			    !has_word(only, full, (size_t)length))
				continue;
			if (needs_met(op->needs))
				run_op(groups[i]->name, op, argv[optind]);
		}
	}
	return 0;
}
