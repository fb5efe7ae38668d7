/* SPDX-License-Identifier: BSD-3-Clause */
/* Each direction is an array of ranges, sorted by their first id and without overlaps, searched by halves. */
#include "fs/filter/idmap.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/util.h"

enum range_kind {
	RANGE_SHIFT, /* first + n is target + n */
	RANGE_SQUASH, /* all are target */
	RANGE_FORBID,
};

struct range {
	uint32_t first;
	uint32_t count; /* not 0; first + count does not overflow */
	uint32_t target;
	enum range_kind kind;
};

struct direction {
	struct range *ranges;
	size_t count;
};

struct idmap {
	struct direction to_host;
	struct direction to_guest;
};

static const struct {
	const char *name;
	bool to_host, to_guest;
	enum range_kind kind;
	unsigned int numbers;
	const char *form;
} rule_kinds[] = {
	{ "guest", true, false, RANGE_SHIFT, 3, "guest:GUEST:HOST:COUNT" },
	{ "host", false, true, RANGE_SHIFT, 3, "host:HOST:GUEST:COUNT" },
	{ "map", true, true, RANGE_SHIFT, 3, "map:GUEST:HOST:COUNT" },
	{ "squash-guest", true, false, RANGE_SQUASH, 3, "squash-guest:GUEST:HOST:COUNT" },
	{ "squash-host", false, true, RANGE_SQUASH, 3, "squash-host:HOST:GUEST:COUNT" },
	{ "forbid-guest", true, false, RANGE_FORBID, 2, "forbid-guest:GUEST:COUNT" },
};

#define NUMBERS_MAX 3u

int idmap_new(struct idmap **ret_map)
{
	struct idmap *map = calloc(1, sizeof(*map));

	if (!map)
		return -ENOMEM;
	*ret_map = map;
	return 0;
}

void idmap_free(struct idmap *map)
{
	if (!map)
		return;
	free(map->to_host.ranges);
	free(map->to_guest.ranges);
	free(map);
}

/* Where the first range stands that ends behind id. */
static size_t direction_find(const struct direction *direction, uint32_t id)
{
	size_t low = 0, high = direction->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct range *range = &direction->ranges[middle];

		if (range->first + (range->count - 1) < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The range that shares ids with the given one, or NULL. */
static const struct range *direction_overlap(const struct direction *direction, const struct range *range)
{
	size_t place = direction_find(direction, range->first);

	if (place < direction->count && direction->ranges[place].first <= range->first + (range->count - 1))
		return &direction->ranges[place];
	return NULL;
}

static int direction_reserve(struct direction *direction)
{
	struct range *ranges = reallocarray(direction->ranges, direction->count + 1, sizeof(*ranges));

	if (!ranges)
		return -ENOMEM;
	direction->ranges = ranges;
	return 0;
}

/* Room has been reserved and nothing overlaps. */
static void direction_insert(struct direction *direction, const struct range *range)
{
	size_t place = direction_find(direction, range->first);

	memmove(&direction->ranges[place + 1], &direction->ranges[place],
		(direction->count - place) * sizeof(*direction->ranges));
	direction->ranges[place] = *range;
	direction->count++;
}

static bool is_separator(char c)
{
	return c && !isalnum((unsigned char)c) && c != '-' && c != '_';
}

/* Parses decimal digits up to the separator or the end. */
static int parse_number(const char **text, char separator, uint32_t *ret_number)
{
	const char *digit = *text;
	uint64_t number = 0;

	if (*digit == '+')
		digit++;
	if (!isdigit((unsigned char)*digit))
		return -EINVAL;
	for (; isdigit((unsigned char)*digit); digit++) {
		number = number * 10 + (uint64_t)(*digit - '0');
		if (number > UINT32_MAX)
			return -ERANGE;
	}
	if (*digit && *digit != separator)
		return -EINVAL;
	*text = digit;
	*ret_number = (uint32_t)number;
	return 0;
}

static int complain(char *message, const char *format, ...) PRINTF_LIKE(2, 3);
static int complain(char *message, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(message, IDMAP_MESSAGE_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* Splits text into its kind (an index of rule_kinds) and its numbers. */
static int parse_rule(const char *text, size_t *ret_kind, uint32_t numbers[static NUMBERS_MAX], char *message)
{
	size_t length = 0, kind = 0;
	const char *rest;
	unsigned int count = 0;

	while (text[length] && !is_separator(text[length]))
		length++;
	while (kind < ARRAY_SIZE(rule_kinds) &&
	       !(strlen(rule_kinds[kind].name) == length && strncasecmp(rule_kinds[kind].name, text, length) == 0))
		kind++;
	if (kind == ARRAY_SIZE(rule_kinds))
		return complain(message,
				"\"%.60s\" begins with none of guest, host, map, squash-guest, squash-host and "
				"forbid-guest, followed by ':'.",
				text);
	for (rest = text + length; *rest; count++) {
		int result;

		rest++;
		if (count == rule_kinds[kind].numbers)
			return complain(message, "\"%.60s\" has more than the %u numbers of %s.", text, count,
					rule_kinds[kind].form);
		result = parse_number(&rest, text[length], &numbers[count]);
		if (result == -ERANGE)
			return complain(message, "Number %u of \"%.60s\" is too large: ids have 32 bits.", count + 1,
					text);
		if (result < 0)
			return complain(message, "Number %u of \"%.60s\" is not a decimal number; the form is %s.",
					count + 1, text, rule_kinds[kind].form);
	}
	if (count < rule_kinds[kind].numbers)
		return complain(message, "\"%.60s\" has %u of the %u numbers of %s.", text, count,
				rule_kinds[kind].numbers, rule_kinds[kind].form);
	*ret_kind = kind;
	return 0;
}

/* The last of a range must be below UINT32_MAX, which is no id. */
static bool range_fits(uint32_t first, uint32_t count)
{
	return (uint64_t)first + count <= UINT32_MAX;
}

static int check_overlap(const struct direction *direction, const struct range *range, const char *text,
			 const char *whose, char *message)
{
	const struct range *other = direction_overlap(direction, range);

	if (!other)
		return 0;
	return complain(message,
			"\"%.60s\" speaks of %s ids that an earlier rule (%" PRIu32 " to %" PRIu32
			") covers already; make the ranges disjoint.",
			text, whose, other->first, other->first + (other->count - 1));
}

int idmap_add(struct idmap *map, const char *text, char message[static IDMAP_MESSAGE_MAX])
{
	uint32_t numbers[NUMBERS_MAX] = { 0 };
	struct range forward, backward;
	size_t kind;
	int result = parse_rule(text, &kind, numbers, message);

	if (result < 0)
		return result;
	forward = (struct range){ .first = numbers[0], .kind = rule_kinds[kind].kind };
	forward.count = numbers[rule_kinds[kind].numbers - 1];
	forward.target = forward.kind == RANGE_FORBID ? 0 : numbers[1];
	if (!range_fits(forward.first, forward.count) ||
	    !range_fits(forward.target, forward.kind == RANGE_SHIFT ? forward.count : 1))
		return complain(message, "\"%.60s\" reaches beyond 4294967294, the largest id.", text);
	if (forward.count == 0)
		return 0;

	/* The way back, for map alone. Of the one-directional kinds the source comes first, whichever side it is on. */
	backward = forward;
	if (rule_kinds[kind].to_host && rule_kinds[kind].to_guest) {
		backward.first = forward.target;
		backward.target = forward.first;
	}
	if (rule_kinds[kind].to_host)
		result = check_overlap(&map->to_host, &forward, text, "guest", message);
	if (result == 0 && rule_kinds[kind].to_guest)
		result = check_overlap(&map->to_guest, &backward, text, "host", message);
	if (result == 0 && (direction_reserve(&map->to_host) < 0 || direction_reserve(&map->to_guest) < 0)) {
		complain(message, "There is no memory for another rule.");
		result = -ENOMEM;
	}
	if (result < 0)
		return result;
	if (rule_kinds[kind].to_host)
		direction_insert(&map->to_host, &forward);
	if (rule_kinds[kind].to_guest)
		direction_insert(&map->to_guest, &backward);
	return 0;
}

static int translate(const struct direction *direction, uint32_t id, uint32_t *ret_id)
{
	size_t place = direction_find(direction, id);
	const struct range *range;

	if (place == direction->count || direction->ranges[place].first > id) {
		*ret_id = id;
		return 0;
	}
	range = &direction->ranges[place];
	if (range->kind == RANGE_FORBID)
		return -EPERM;
	*ret_id = range->target + (range->kind == RANGE_SHIFT ? id - range->first : 0);
	return 0;
}

int idmap_to_host(const struct idmap *map, uint32_t id, uint32_t *ret_id)
{
	if (map)
		return translate(&map->to_host, id, ret_id);
	*ret_id = id;
	return 0;
}

uint32_t idmap_to_guest(const struct idmap *map, uint32_t id)
{
	uint32_t guest = id;

	/* Nothing is forbidden in this direction. */
	if (map)
		translate(&map->to_guest, id, &guest);
	return guest;
}
