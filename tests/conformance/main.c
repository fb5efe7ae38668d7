/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs the conformance tests: conformance BACKEND [FILTER...], the filters from the lowest up.
 *
 * BACKEND is memory, or passthrough:DIRECTORY or nohandles:DIRECTORY, which serve a temporary directory there with
 * file handles and without. FILTER is translate (ids the other way round on the host) or xattrmap.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "conformance.h"
#include "fs/filter/translate.h"
#include "fs/filter/xattrmap.h"
#include "fs/memory/memory.h"
#include "fs/passthrough/passthrough.h"

/* What Meson takes for a skipped test. */
#define EXIT_SKIP 77

static const struct {
	const char *name;
	const struct conformance_test *tests;
} tables[] = {
	{ "attr", conformance_attr },     { "data", conformance_data },         { "file", conformance_file },
	{ "lock", conformance_lock },     { "name", conformance_name },         { "node", conformance_node },
	{ "owner", conformance_owner },   { "parallel", conformance_parallel }, { "readdir", conformance_readdir },
	{ "rename", conformance_rename }, { "xattr", conformance_xattr },
};

static const char *backend;
static char **filters;
static char directory[256]; /* the one that is served, or empty */

static int new_memory(struct fs **ret_fs)
{
	const struct memory_config config = { .max_bytes = 64u << 20 };

	return memory_new(&config, ret_fs);
}

static int new_passthrough(const char *parent, enum passthrough_file_handles file_handles, struct fs **ret_fs)
{
	_cleanup_fd_ int root_fd = -1, proc_fd = -1;
	struct passthrough_config config = { .file_handles = file_handles };

	if (snprintf(directory, sizeof(directory), "%s/conformance-XXXXXX", parent) >= (int)sizeof(directory))
		return -ENAMETOOLONG;
	if (!mkdtemp(directory) || chmod(directory, 0755) < 0)
		return -errno;
	root_fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	proc_fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0 || proc_fd < 0)
		return -errno;
	config.root_fd = root_fd;
	config.proc_self_fd = proc_fd;
	return passthrough_new(&config, ret_fs);
}

static int new_backend(struct fs **ret_fs)
{
	const char *colon = strchr(backend, ':');

	if (strcmp(backend, "memory") == 0)
		return new_memory(ret_fs);
	if (strncmp(backend, "passthrough:", 12) == 0)
		return new_passthrough(colon + 1, PASSTHROUGH_HANDLES_PREFER, ret_fs);
	if (strncmp(backend, "nohandles:", 10) == 0)
		return new_passthrough(colon + 1, PASSTHROUGH_HANDLES_NEVER, ret_fs);
	return -EINVAL;
}

static int add_translate(struct fs *next, struct fs **ret_fs)
{
	/* The guest's root stays; its users 1 to 9999 are elsewhere on the host. */
	static const char rule[] = "map:1:100001:9999";
	char message[IDMAP_MESSAGE_MAX];
	struct idmap *users = NULL, *groups = NULL;
	int r = idmap_new(&users);

	if (r == 0)
		r = idmap_new(&groups);
	if (r == 0)
		r = idmap_add(users, rule, message);
	if (r == 0)
		r = idmap_add(groups, rule, message);
	return r < 0 ? r : translate_new(next, users, groups, ret_fs);
}

static int add_xattrmap(struct fs *next, struct fs **ret_fs)
{
	char message[XATTRRULES_MESSAGE_MAX];
	struct xattrrules *rules = NULL;
	int r = xattrrules_parse(":map::trusted.guest.:", &rules, message);

	return r < 0 ? r : xattrmap_new(next, rules, ret_fs);
}

static int add_filter(const char *name, struct fs *next, struct fs **ret_fs)
{
	if (strcmp(name, "translate") == 0)
		return add_translate(next, ret_fs);
	if (strcmp(name, "xattrmap") == 0)
		return add_xattrmap(next, ret_fs);
	return -EINVAL;
}

static int remove_one(const char *path, const struct stat *stat, int type, struct FTW *ftw)
{
	return remove(path);
}

/* nftw() follows no deeper than a path is long; what is left is moved up and removed again. */
static void remove_directory(void)
{
	if (*directory && nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS) < 0)
		fprintf(stderr, "%s cannot be removed: %s\n", directory, strerror(errno));
	*directory = '\0';
}

static int setup(void **state)
{
	const struct fs_session_info info = { .minor = FUSE_KERNEL_MINOR_VERSION };
	struct fs *fs = NULL;
	int r = new_backend(&fs);

	for (char **filter = filters; r == 0 && *filter; filter++)
		r = add_filter(*filter, fs, &fs);
	if (r == 0)
		r = fs_init(fs, &info);
	if (r < 0)
		fprintf(stderr, "%s: %s\n", backend, strerror(-r));
	*state = fs;
	return r;
}

static int teardown(void **state)
{
	struct fs *fs = *state;

	fs_reset(fs);
	fs_free(fs);
	remove_directory();
	return 0;
}

/* cmocka hands each test its initial state, which setup replaces by the file system; so the test comes by itself. */
static const struct conformance_test *current;

static int choose(void **state)
{
	current = *state;
	return setup(state);
}

static void run(void **state)
{
	current->run(*state);
}

/* Runs the tests of one table; returns how many failed. */
static int run_table(size_t index)
{
	const struct conformance_test *tests = tables[index].tests;
	struct CMUnitTest units[64];
	size_t count = 0;

	for (; tests[count].name; count++) {
		union {
			const struct conformance_test *test;
			void *state;
		} initial = { &tests[count] };

		if (count == ARRAY_SIZE(units))
			abort();
		units[count] = (struct CMUnitTest){
			.name = tests[count].name,
			.test_func = run,
			.setup_func = choose,
			.teardown_func = teardown,
			.initial_state = initial.state,
		};
	}
	return _cmocka_run_group_tests(tables[index].name, units, count, NULL, NULL);
}

int main(int argc, char **argv)
{
	int failed = 0;

	if (argc < 2) {
		fprintf(stderr, "usage: conformance BACKEND [FILTER...]\n");
		return EXIT_FAILURE;
	}
	backend = argv[1];
	filters = argv + 2;
	umask(0);
	if (strcmp(backend, "memory") != 0 && geteuid() != 0) {
		fprintf(stderr, "only root can make files as other users\n");
		return EXIT_SKIP;
	}
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++)
		if (!getenv("CONFORMANCE_TABLE") || strcmp(getenv("CONFORMANCE_TABLE"), tables[i].name) == 0)
			failed += run_table(i);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
