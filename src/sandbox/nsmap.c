/* SPDX-License-Identifier: BSD-3-Clause */
/* #syscalls: */
#include "sandbox/nsmap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"

#define NSMAP_TEXT_MAX (NSMAP_RANGES_MAX * 33u)

/* The names that differ between users and groups. */
static const struct {
	const char *file, *program, *allowed, *option;
} kinds[] = {
	[NSMAP_UID] = { "uid_map", "newuidmap", "/etc/subuid", "--uid-map" },
	[NSMAP_GID] = { "gid_map", "newgidmap", "/etc/subgid", "--gid-map" },
};

static int parse_field(const char **at, char delimiter, uint32_t *ret_number)
{
	uint64_t number = 0;
	const char *digit = *at;

	for (; *digit >= '0' && *digit <= '9'; digit++) {
		number = number * 10 + (uint64_t)(*digit - '0');
		if (number > UINT32_MAX)
			return -EINVAL;
	}
	if (digit == *at || *digit != delimiter)
		return -EINVAL;
	*at = digit + 1;
	*ret_number = (uint32_t)number;
	return 0;
}

static bool overlap(uint32_t a, uint32_t count_a, uint32_t b, uint32_t count_b)
{
	return (uint64_t)a < (uint64_t)b + count_b && (uint64_t)b < (uint64_t)a + count_a;
}

int nsmap_add(struct nsmap *map, const char *text)
{
	struct nsmap_range range;
	char delimiter = text[0];
	const char *at = text + 1;

	if (!delimiter || (delimiter >= '0' && delimiter <= '9'))
		return -EINVAL;
	if (parse_field(&at, delimiter, &range.inside) < 0 || parse_field(&at, delimiter, &range.outside) < 0 ||
	    parse_field(&at, delimiter, &range.count) < 0 || *at)
		return -EINVAL;
	/* The last id means "none" everywhere. */
	if (range.count == 0 || range.count > UINT32_MAX - MAX(range.inside, range.outside))
		return -EINVAL;
	for (size_t i = 0; i < map->count; i++) {
		const struct nsmap_range *other = &map->ranges[i];

		if (overlap(range.inside, range.count, other->inside, other->count) ||
		    overlap(range.outside, range.count, other->outside, other->count))
			return -EEXIST;
	}
	if (map->count >= NSMAP_RANGES_MAX)
		return -E2BIG;
	struct nsmap_range *ranges = reallocarray(map->ranges, map->count + 1, sizeof(ranges[0]));
	if (!ranges)
		return -ENOMEM;
	ranges[map->count++] = range;
	map->ranges = ranges;
	return 0;
}

void nsmap_fini(struct nsmap *map)
{
	free(map->ranges);
	*map = (struct nsmap){ 0 };
}

bool nsmap_has_inside(const struct nsmap *map, uint32_t id)
{
	for (size_t i = 0; i < map->count; i++) {
		if (overlap(id, 1, map->ranges[i].inside, map->ranges[i].count))
			return true;
	}
	return false;
}

static int write_proc(pid_t pid, const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	_cleanup_fd_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* The kernel takes a map in one write only. */
	if (write(fd, text, strlen(text)) < 0)
		return -errno;
	return 0;
}

/* newuidmap PID INSIDE OUTSIDE COUNT ... */
static int run_program(pid_t pid, enum nsmap_kind kind, const struct nsmap *map)
{
	_cleanup_free_ char **arguments = calloc(map->count * 3 + 3, sizeof(arguments[0]));
	_cleanup_free_ char *numbers = calloc(map->count * 3 + 1, 12);
	size_t count = 0;
	int status;

	if (!arguments || !numbers)
		return -ENOMEM;
	char program[16];
	snprintf(program, sizeof(program), "%s", kinds[kind].program);
	snprintf(numbers, 12, "%d", (int)pid);
	arguments[count++] = program;
	arguments[count++] = numbers;
	for (size_t i = 0; i < map->count; i++) {
		const uint32_t fields[] = { map->ranges[i].inside, map->ranges[i].outside, map->ranges[i].count };

		for (size_t j = 0; j < ARRAY_SIZE(fields); j++) {
			char *text = numbers + (count - 1) * 12;
			snprintf(text, 12, "%u", fields[j]);
			arguments[count++] = text;
		}
	}

	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		execvp(program, arguments);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
		log_error("%s is not installed (Debian: apt install uidmap); it is needed for %s without root", program,
			  kinds[kind].option);
		return -ENOENT;
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		log_error("%s refused the ranges of %s; they must be granted to this user in %s", program, kinds[kind].option,
			  kinds[kind].allowed);
		return -EPERM;
	}
	return 0;
}

int nsmap_write(pid_t pid, enum nsmap_kind kind, const struct nsmap *map, uint32_t own_id)
{
	_cleanup_free_ char *text = malloc(NSMAP_TEXT_MAX);
	struct nsmap_range own = { own_id, own_id, 1 };
	const struct nsmap identity = { &own, 1 };
	size_t used = 0;
	int result;

	if (!text)
		return -ENOMEM;
	if (map->count == 0)
		map = &identity;
	bool single = map->count == 1 && map->ranges[0].count == 1 && map->ranges[0].outside == own_id;
	bool root = geteuid() == 0;

	if (!single && !root)
		return run_program(pid, kind, map);

	/* Who may not change groups could drop one that denies something; the kernel wants that ruled out. */
	if (kind == NSMAP_GID && !root) {
		result = write_proc(pid, "setgroups", "deny");
		if (result < 0 && result != -ENOENT) {
			log_error("cannot give up setgroups for the user namespace: %s", strerror(-result));
			return result;
		}
	}
	for (size_t i = 0; i < map->count; i++)
		used += (size_t)snprintf(text + used, NSMAP_TEXT_MAX - used, "%u %u %u\n", map->ranges[i].inside,
					 map->ranges[i].outside, map->ranges[i].count);
	result = write_proc(pid, kinds[kind].file, text);
	if (result < 0)
		log_error("cannot write the %s of the user namespace: %s; check %s", kinds[kind].file, strerror(-result),
			  kinds[kind].option);
	return result;
}
