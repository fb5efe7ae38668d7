/* SPDX-License-Identifier: BSD-3-Clause */
/* Intrusive doubly linked list: the link lives inside the object. No locking. */
#ifndef VIOFS_BASE_LIST_H
#define VIOFS_BASE_LIST_H

#include <stdbool.h>

#include "base/util.h"

/* A link, or the head of a list; an empty head and an unlinked link point at themselves. */
struct list {
	struct list *next;
	struct list *prev;
};

static inline void list_init(struct list *list)
{
	list->next = list;
	list->prev = list;
}

static inline bool list_is_empty(const struct list *list)
{
	return list->next == list;
}

static inline void list_append(struct list *head, struct list *link)
{
	link->prev = head->prev;
	link->next = head;
	head->prev->next = link;
	head->prev = link;
}

/* Unlinks; harmless on a link that is in no list. */
static inline void list_remove(struct list *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

/* Takes the first link off, NULL when the list is empty. */
static inline struct list *list_pop(struct list *head)
{
	struct list *link = head->next;

	if (link == head)
		return NULL;
	list_remove(link);
	return link;
}

/* Moves every link of from to the end of to, leaving from empty. */
static inline void list_splice(struct list *to, struct list *from)
{
	if (list_is_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	list_init(from);
}

#define list_entry(link, type, member) container_of(link, type, member)
#define list_for_each(link, head) for (struct list *link = (head)->next; link != (head); link = link->next)
#define list_for_each_safe(link, head)                                                             \
	for (struct list *link = (head)->next, *_next = link->next; link != (head); link = _next, _next = link->next)

#endif
