/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs a fuzz target on files instead of a fuzzer: each argument is a file, or a directory whose files are run. This is
 * how the corpora are tested in an ordinary build, and how a finding is looked at in a debugger.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int files;

/* Runs one file, in a buffer of exactly its size so that reading past the end is seen. */
static int run_file(const char *path)
{
	_cleanup_fclose_ FILE *file = fopen(path, "rb");
	_cleanup_free_ uint8_t *data = NULL;
	long size;

	if (!file || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0) {
		perror(path);
		return -1;
	}
	rewind(file);
	data = malloc(size > 0 ? (size_t)size : 1);
	if (!data || fread(data, 1, (size_t)size, file) != (size_t)size) {
		fprintf(stderr, "%s: cannot be read\n", path);
		return -1;
	}
	LLVMFuzzerTestOneInput(data, (size_t)size);
	files++;
	return 0;
}

static int run_directory(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort);
	int result = 0;

	if (count < 0) {
		perror(path);
		return -1;
	}
	for (int i = 0; i < count; i++) {
		char name[4096];

		if (entries[i]->d_name[0] != '.') {
			snprintf(name, sizeof(name), "%s/%s", path, entries[i]->d_name);
			if (run_file(name) < 0)
				result = -1;
		}
		free(entries[i]);
	}
	free(entries);
	return result;
}

int main(int argc, char **argv)
{
	int status = EXIT_SUCCESS;

	for (int i = 1; i < argc; i++) {
		struct stat stat_buffer;
		bool directory = stat(argv[i], &stat_buffer) == 0 && S_ISDIR(stat_buffer.st_mode);

		if ((directory ? run_directory(argv[i]) : run_file(argv[i])) < 0)
			status = EXIT_FAILURE;
	}
	printf("%u inputs\n", files);
	/* A corpus that was not found must not pass as one without findings. */
	return files > 0 ? status : EXIT_FAILURE;
}
