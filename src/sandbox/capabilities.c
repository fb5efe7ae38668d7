/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The identity changes of single operations (fs/passthrough/cred.c) rely on SECBIT_NO_SETUID_FIXUP: taking another user's
 * file system id must not take the capabilities away. Setting it needs CAP_SETPCAP, so it is done here, before that goes.
 */
/* #syscalls: */
#include "sandbox/capabilities.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/securebits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>

#include "base/log.h"
#include "base/util.h"

#define BIT(capability) ((capabilities_t)1 << (capability))

/* What serving files as many users takes; the same set as virtiofsd's. */
#define NEEDED                                                                                                         \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_SETGID) | BIT(CAP_SETUID) | \
	 BIT(CAP_MKNOD) | BIT(CAP_SETFCAP))

#define NAMES_MAX 512u

static int fail(char error[static CAPABILITIES_ERROR_MAX], const char *format, ...) PRINTF_LIKE(2, 3);
static int fail(char error[static CAPABILITIES_ERROR_MAX], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(error, CAPABILITIES_ERROR_MAX, format, arguments);
	va_end(arguments);
	return -EINVAL;
}

int capabilities_parse(const char *text, struct capabilities_changes *ret_changes, char error[static CAPABILITIES_ERROR_MAX])
{
	struct capabilities_changes changes = { 0 };

	for (;;) {
		size_t length = strcspn(text, ":");
		char name[32];

		if (length == 0)
			return fail(error, "a capability is missing; written are +name or -name, with ':' between");
		if (text[0] != '+' && text[0] != '-')
			return fail(error, "'%.*s' does not begin with '+' or '-'", (int)MIN(length, (size_t)64), text);
		const char *bare = text + 1;
		size_t bare_length = length - 1;
		if (bare_length > 4 && strncasecmp(bare, "cap_", 4) == 0) {
			bare += 4;
			bare_length -= 4;
		}
		snprintf(name, sizeof(name), "%.*s", (int)bare_length, bare);
		int capability = bare_length < sizeof(name) ? capng_name_to_capability(name) : -1;
		if (capability < 0)
			return fail(error, "there is no capability '%.*s'; see capabilities(7)", (int)MIN(bare_length, (size_t)64),
				    bare);
		if (text[0] == '+') {
			changes.added |= BIT(capability);
			changes.removed &= ~BIT(capability);
		} else {
			changes.removed |= BIT(capability);
			changes.added &= ~BIT(capability);
		}
		if (!text[length])
			break;
		text += length + 1;
	}
	*ret_changes = changes;
	return 0;
}

static const char *names_of(capabilities_t set, char buffer[static NAMES_MAX])
{
	size_t used = 0;

	snprintf(buffer, NAMES_MAX, "none");
	for (int i = 0; i <= CAP_LAST_CAP && used < NAMES_MAX; i++) {
		if (set & BIT(i))
			used += (size_t)snprintf(buffer + used, NAMES_MAX - used, "%s%s", used ? "," : "",
						 capng_capability_to_name((unsigned int)i));
	}
	return buffer;
}

static capabilities_t permitted_now(void)
{
	capabilities_t set = 0;

	if (capng_get_caps_process() < 0)
		return 0;
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++) {
		if (capng_have_capability(CAPNG_PERMITTED, i))
			set |= BIT(i);
	}
	return set;
}

static int apply(capabilities_t keep, bool can_bound)
{
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned int i = 0; i <= CAP_LAST_CAP; i++) {
		if (keep & BIT(i))
			capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, i);
	}
	/* The bounding set first, as long as there is the right to change it. */
	if (can_bound && capng_apply(CAPNG_SELECT_BOUNDS) != 0)
		return -EPERM;
	return capng_apply(CAPNG_SELECT_CAPS) != 0 ? -EPERM : 0;
}

int capabilities_drop(const struct capabilities_config *config, capabilities_t *ret_kept)
{
	capabilities_t had = permitted_now(), wanted = NEEDED;
	char names[NAMES_MAX];

	if (config->file_handles)
		wanted |= BIT(CAP_DAC_READ_SEARCH);
	if (config->one_user)
		wanted &= ~(BIT(CAP_SETUID) | BIT(CAP_SETGID));
	wanted = (wanted | config->changes.added) & ~config->changes.removed;
	if (config->changes.added & ~had)
		log_warn("--modcaps: cannot add what the process does not have: %s",
			 names_of(config->changes.added & ~had, names));

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		int result = -errno;
		log_error("cannot renounce new privileges: %s", strerror(-result));
		return result;
	}
	bool can_bound = had & BIT(CAP_SETPCAP);
	if (can_bound && prctl(PR_SET_SECUREBITS, prctl(PR_GET_SECUREBITS) | SECBIT_NO_SETUID_FIXUP) < 0)
		log_debug("capabilities: a change of user id will drop them: %s", strerror(errno));

	int result = apply(wanted & had, can_bound);
	if (result < 0) {
		log_error("cannot reduce the capabilities to %s", names_of(wanted & had, names));
		return result;
	}
	*ret_kept = wanted & had;
	log_debug("capabilities: kept are %s", names_of(*ret_kept, names));
	if (wanted & ~had)
		log_debug("capabilities: not there, so that files of other users are handled as far as the own id permits: %s",
			  names_of(wanted & ~had, names));
	return 0;
}

void capabilities_drop_supervisor(void)
{
	capabilities_t had = permitted_now();

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	/* DAC_OVERRIDE: the socket's directory may belong to another user than root. */
	apply(had & BIT(CAP_DAC_OVERRIDE), had & BIT(CAP_SETPCAP));
}
