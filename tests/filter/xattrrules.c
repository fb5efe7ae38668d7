/* SPDX-License-Identifier: BSD-3-Clause */
/* The rule language, as a table: what rules do to a name of the guest and to one of the host. */
#include "fs/filter/xattrrules.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DENIED "(denied)"
#define UNSUPPORTED "(unsupported)"
#define HIDDEN "(hidden)"

static const char selective[] = "/prefix/all/trusted./user.virtiofs./\n"
				"  /bad/server//trusted./\n"
				"\t/bad/client/user.virtiofs.//\r\n"
				"/ok/all///";

static const struct {
	const char *rules;
	const char *name;
	const char *to_host;
	const char *to_guest;
} table[] = {
	{ ":ok:all:::", "user.a", "user.a", "user.a" },
	{ ":bad:all:::", "user.a", DENIED, HIDDEN },
	{ ":unsupported:all:::", "user.a", UNSUPPORTED, HIDDEN },
	{ ":prefix:all::user.v.:", "user.a", "user.v.user.a", HIDDEN },
	{ ":prefix:all::user.v.:", "user.v.trusted.a", "user.v.user.v.trusted.a", "trusted.a" },
	/* The first that matches decides. */
	{ ":ok:all:user.a:user.a::bad:all:::", "user.ab", "user.ab", "user.ab" },
	{ ":ok:all:user.a:user.a::bad:all:::", "user.b", DENIED, HIDDEN },
	{ ":bad:all:user.a:user.a::ok:all:::", "user.ab", DENIED, HIDDEN },
	{ ":bad:all:user.a:user.a::ok:all:::", "user.b", "user.b", "user.b" },
	/* The longer name does not match a prefix that is longer still. */
	{ ":bad:all:user.abc:user.abc::ok:all:::", "user.ab", "user.ab", "user.ab" },
	/* Scopes: client looks at the key, server at the prepend. */
	{ ":bad:client:user.:: :ok:all:::", "user.a", DENIED, "user.a" },
	{ ":bad:server::user.::ok:all:::", "user.a", "user.a", HIDDEN },
	{ ":bad:client::user.:", "trusted.a", DENIED, HIDDEN },
	{ ":ok:server::::bad:client:::", "user.a", DENIED, "user.a" },
	{ ":prefix:client:trusted.:user.v.::ok:all:::", "trusted.a", "user.v.trusted.a", "trusted.a" },
	{ ":prefix:server::user.v.::ok:all:::", "user.v.trusted.a", "user.v.trusted.a", "trusted.a" },
	/* A name of the host that no rule speaks of. */
	{ ":ok:client:::", "user.a", "user.a", HIDDEN },
	{ ":unsupported:all:system.posix_acl:system.posix_acl::ok:all:::", "system.posix_acl_access", UNSUPPORTED,
	  HIDDEN },
	/* Each rule has its own separator, and any will do. */
	{ ":bad:all:user.:user.: /ok/all///", "trusted.a", "trusted.a", "trusted.a" },
	{ ",ok,all,,,", "user.a", "user.a", "user.a" },
	{ "xokxallxxx", "user.a", "user.a", "user.a" },
	/* The documented example of a selective mapping, and the short form of it. */
	{ selective, "trusted.a", "user.virtiofs.trusted.a", HIDDEN },
	{ selective, "user.virtiofs.trusted.a", DENIED, "trusted.a" },
	{ selective, "user.a", "user.a", "user.a" },
	{ ":map:trusted.:user.virtiofs.:", "trusted.a", "user.virtiofs.trusted.a", HIDDEN },
	{ ":map:trusted.:user.virtiofs.:", "user.virtiofs.trusted.a", DENIED, "trusted.a" },
	{ ":map:trusted.:user.virtiofs.:", "user.a", "user.a", "user.a" },
	{ " :map::user.virtiofs.: \n", "trusted.a", "user.virtiofs.trusted.a", HIDDEN },
	{ ":map::user.virtiofs.:", "user.virtiofs.x", "user.virtiofs.user.virtiofs.x", "x" },
	/* Before the last rule others may come. */
	{ ":ok:all:user.:user.: :map::user.virtiofs.:", "user.a", "user.a", "user.a" },
	{ ":ok:client:user.:: :map::user.virtiofs.:", "user.virtiofs.x", "user.virtiofs.x", "x" },
	/* Nothing is left of it. */
	{ ":prefix:all::user.v.:", "user.v.", "user.v.user.v.", HIDDEN },
};

static void test_table(void **state)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		char message[XATTRRULES_MESSAGE_MAX], buffer[XATTRRULES_NAME_SIZE];
		struct xattrrules *rules;
		const char *host = NULL, *guest;
		int result;

		if (xattrrules_parse(table[i].rules, &rules, message) < 0)
			fail_msg("%s: %s", table[i].rules, message);
		result = xattrrules_to_host(rules, table[i].name, buffer, &host);
		if (result == -EPERM)
			host = DENIED;
		else if (result == -EOPNOTSUPP)
			host = UNSUPPORTED;
		guest = xattrrules_to_guest(rules, table[i].name);
		if (!host || strcmp(host, table[i].to_host) != 0)
			fail_msg("%s: %s is %s to the host", table[i].rules, table[i].name, host);
		if (strcmp(guest ? guest : HIDDEN, table[i].to_guest) != 0)
			fail_msg("%s: %s is %s to the guest", table[i].rules, table[i].name, guest ? guest : HIDDEN);
		xattrrules_free(rules);
	}
}

/* All but the last are refused by virtiofsd 1.14 as well. */
static const struct {
	const char *rules;
	const char *says;
} wrong[] = {
	{ "", "no rule" },
	{ " \n", "no rule" },
	{ ":", "Rule 1 lacks its type" },
	{ ":map", "Rule 1 lacks its type" },
	{ ":map:", "Rule 1 lacks its key" },
	{ ":map::", "Rule 1 lacks its prepend" },
	{ ":map:user.", "Rule 1 lacks its key" },
	{ ":ok:all:", "Rule 1 lacks its key" },
	{ ":ok:all::", "Rule 1 lacks its prepend" },
	{ ":ok:all:a", "Rule 1 lacks its key" },
	{ ":prefix:all:trusted.:user.vm.", "Rule 1 lacks its prepend or the ':' that ends it" },
	{ "ok:all:::", "Rule 1 lacks its type or the 'o'" },
	{ ":ok:all::: junk", "Rule 2 lacks its type or the 'j'" },
	{ ":foo:all:::", "Rule 1 has type \"foo\"" },
	{ ":OK:all:::", "Rule 1 has type \"OK\"" },
	{ "::all:::", "Rule 1 has type \"\"" },
	{ ":ok:all::: /ok/some///", "Rule 2 has scope \"some\"" },
	{ ":ok::::", "Rule 1 has scope \"\"" },
	{ "aokaallaaa", "Rule 1 has scope \"\"" },
	{ ":map:a:b:c:", "Rule 1 is of type map and is not the last" },
	{ ":map:a:b: :ok:all:::", "Rule 1 is of type map and is not the last" },
	{ ":ok:all:a:a: :map:a:b: :map:c:d:", "Rule 2 is of type map and is not the last" },
	{ ":ok:all:a:b:", "say nothing about some names" },
	{ ":ok:server:::", "say nothing about some names" },
	{ ":prefix:all:trusted.::", "say nothing about some names" },
	{ ":ok:client:security.::", "say nothing about some names" },
};

static void test_wrong(void **state)
{
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char message[XATTRRULES_MESSAGE_MAX] = "";
		struct xattrrules *rules = NULL;
		int result = xattrrules_parse(wrong[i].rules, &rules, message);

		if (result != -EINVAL || rules)
			fail_msg("%s is taken", wrong[i].rules);
		if (!strstr(message, wrong[i].says) || message[strlen(message) - 1] != '.')
			fail_msg("%s: \"%s\" does not say \"%s\"", wrong[i].rules, message, wrong[i].says);
	}
}

/* 255 bytes are a name, 256 are none. */
static void test_longest(void **state)
{
	char message[XATTRRULES_MESSAGE_MAX], buffer[XATTRRULES_NAME_SIZE], name[256];
	struct xattrrules *rules;
	const char *host;

	assert_int_equal(xattrrules_parse(":map::user.v.:", &rules, message), 0);
	memset(name, 'a', sizeof(name));
	name[247] = 0;
	assert_int_equal(xattrrules_to_host(rules, name, buffer, &host), 0);
	assert_int_equal(strlen(host), 254);
	name[247] = 'a';
	name[248] = 0;
	assert_int_equal(xattrrules_to_host(rules, name, buffer, &host), 0);
	assert_int_equal(strlen(host), 255);
	name[248] = 'a';
	name[249] = 0;
	assert_int_equal(xattrrules_to_host(rules, name, buffer, &host), -ERANGE);
	xattrrules_free(rules);
	xattrrules_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
