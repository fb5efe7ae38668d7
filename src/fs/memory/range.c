/* SPDX-License-Identifier: BSD-3-Clause */
#include "fs/memory/range.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"

struct range *range_find_conflict(const struct list *ranges, const struct range *wanted)
{
	if (wanted->type == F_UNLCK)
		return NULL;
	list_for_each (link, ranges) {
		struct range *range = list_entry(link, struct range, link);

		if (range->flock == wanted->flock && range->owner != wanted->owner && range->start <= wanted->end &&
		    wanted->start <= range->end && (range->type == F_WRLCK || wanted->type == F_WRLCK))
			return range;
	}
	return NULL;
}

static bool overlaps(const struct range *range, const struct range *other)
{
	return range->start <= other->end && other->start <= range->end;
}

/* Whether two ranges of one type make one. Ends are at most INT64_MAX. */
static bool touches(const struct range *range, const struct range *other)
{
	return range->start <= other->end + 1 && other->start <= range->end + 1;
}

/* Takes what added covers out of range; what is left behind it goes to *spare. */
static void cut(struct list *ranges, struct range *range, const struct range *added, struct range **spare,
		uint32_t *count)
{
	bool before = range->start<added->start, behind = range->end> added->end;

	if (before && behind) {
		struct range *rest = take_pointer(*spare);

		*rest = *range;
		rest->start = added->end + 1;
		list_append(ranges, &rest->link);
		++*count;
	}
	if (before) {
		range->end = added->start - 1;
	} else if (behind) {
		range->start = added->end + 1;
	} else {
		list_remove(&range->link);
		free(range);
		--*count;
	}
}

int range_apply(struct list *ranges, const struct range *wanted, uint32_t *count, uint32_t limit)
{
	_cleanup_free_ struct range *added = malloc(sizeof(*added));
	_cleanup_free_ struct range *spare = malloc(sizeof(*spare));

	/* At worst one range becomes three; an unlock of everything always works. */
	if (!added || !spare || (*count + 2 > limit && (wanted->type != F_UNLCK || wanted->start)))
		return -ENOLCK;
	*added = *wanted;
	list_for_each_safe (link, ranges) {
		struct range *range = list_entry(link, struct range, link);

		if (range->owner != wanted->owner || range->flock != wanted->flock)
			continue;
		if (range->type == wanted->type && touches(range, added)) {
			added->start = MIN(added->start, range->start);
			added->end = MAX(added->end, range->end);
			list_remove(&range->link);
			free(range);
			--*count;
		} else if (overlaps(range, added)) {
			cut(ranges, range, added, &spare, count);
		}
	}
	if (added->type != F_UNLCK) {
		list_append(ranges, &added->link);
		added = NULL;
		++*count;
	}
	return 0;
}
