/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How user ids, or group ids, of the guest correspond to those of the host: the rules of --translate-uid and
 * --translate-gid. The two directions are apart; an id that no rule covers is the same on both sides.
 */
#ifndef VIOFS_FS_FILTER_IDMAP_H
#define VIOFS_FS_FILTER_IDMAP_H

#include <stddef.h>
#include <stdint.h>

struct idmap;

/* Room for the sentence that says what is wrong with a rule. */
#define IDMAP_MESSAGE_MAX 256u

/* An empty map; -ENOMEM. */
int idmap_new(struct idmap **ret_map);
void idmap_free(struct idmap *map);

/*
 * Adds one rule. text is one of
 *	guest:GUEST:HOST:COUNT		guest ids GUEST... become host ids HOST...
 *	host:HOST:GUEST:COUNT		host ids HOST... show as guest ids GUEST...
 *	map:GUEST:HOST:COUNT		both
 *	squash-guest:GUEST:HOST:COUNT	guest ids GUEST... all become host id HOST
 *	squash-host:HOST:GUEST:COUNT	host ids HOST... all show as guest id GUEST
 *	forbid-guest:GUEST:COUNT	no file gets these guest ids
 * with any punctuation but '-' and '_' in place of the colons. Source ranges of one direction must not overlap. -EINVAL
 *with one sentence in message, the map being unchanged; -ENOMEM.
 */
int idmap_add(struct idmap *map, const char *text, char message[static IDMAP_MESSAGE_MAX]);

/* The host's id for a guest's; -EPERM when a rule forbids it. map may be NULL: then ids are the same. */
int idmap_to_host(const struct idmap *map, uint32_t id, uint32_t *ret_id);

/* The guest's id for a host's; map may be NULL. */
uint32_t idmap_to_guest(const struct idmap *map, uint32_t id);

#endif
