/* SPDX-License-Identifier: BSD-3-Clause */
#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "base/log.h"
#include "base/util.h"
#include "sandbox/capabilities.h"
#include "child.h"

#define BIT(capability) ((capabilities_t)1 << (capability))
#define STANDARD                                                                                                       \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) | BIT(CAP_SETGID) | BIT(CAP_SETUID) | \
	 BIT(CAP_MKNOD) | BIT(CAP_SETFCAP))

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		int result;
		capabilities_t added, removed;
	} table[] = {
		{ "+sys_admin:-chown", 0, BIT(CAP_SYS_ADMIN), BIT(CAP_CHOWN) },
		{ "+SYS_ADMIN", 0, BIT(CAP_SYS_ADMIN), 0 },
		{ "-cap_mknod", 0, 0, BIT(CAP_MKNOD) },
		{ "+chown:-chown", 0, 0, BIT(CAP_CHOWN) },
		{ "-chown:+chown", 0, BIT(CAP_CHOWN), 0 },
		{ "", -EINVAL, 0, 0 },
		{ "x", -EINVAL, 0, 0 },
		{ "chown", -EINVAL, 0, 0 },
		{ "+foo", -EINVAL, 0, 0 },
		{ "+", -EINVAL, 0, 0 },
		{ "+cap_", -EINVAL, 0, 0 },
		{ "+chown:", -EINVAL, 0, 0 },
		{ "+chown::-mknod", -EINVAL, 0, 0 },
		{ "+aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", -EINVAL, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		struct capabilities_changes changes = { 0 };
		char error[CAPABILITIES_ERROR_MAX] = "";

		if (capabilities_parse(table[i].text, &changes, error) != table[i].result)
			fail_msg("'%s': %s", table[i].text, error);
		assert_true(changes.added == table[i].added && changes.removed == table[i].removed);
		assert_int_equal(error[0] != '\0', table[i].result < 0);
	}
}

/* Effective, permitted and inheritable, from the kernel. */
static void read_sets(capabilities_t *effective, capabilities_t *permitted)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];

	EXPECT(syscall(SYS_capget, &header, data) == 0);
	*effective = (capabilities_t)data[1].effective << 32 | data[0].effective;
	*permitted = (capabilities_t)data[1].permitted << 32 | data[0].permitted;
}

static void drops(void *data)
{
	const struct capabilities_config *config = data;
	capabilities_t effective, permitted, kept = 0, had;

	read_sets(&effective, &had);
	EXPECT(capabilities_drop(config, &kept) == 0);
	read_sets(&effective, &permitted);
	capabilities_t wanted = STANDARD | (config->file_handles ? BIT(CAP_DAC_READ_SEARCH) : 0);
	if (config->one_user)
		wanted &= ~(BIT(CAP_SETUID) | BIT(CAP_SETGID));
	wanted = (wanted | config->changes.added) & ~config->changes.removed & had;
	EXPECT(permitted == wanted && effective == wanted && kept == wanted);

	EXPECT(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	if (had & BIT(CAP_SETPCAP)) {
		EXPECT(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN) == 0);
		EXPECT(prctl(PR_CAPBSET_READ, CAP_CHOWN) == 0);
	}
	/* Taking another file system id leaves them alone. */
	if ((wanted & BIT(CAP_SETUID)) && (had & BIT(CAP_SETPCAP))) {
		setfsuid(1234);
		read_sets(&effective, &permitted);
		EXPECT(effective == wanted);
	}
}

static void test_drop(void **state)
{
	struct capabilities_config configs[] = {
		{ .file_handles = false },
		{ .file_handles = true },
		{ .one_user = true },
		{ .file_handles = true, .changes = { BIT(CAP_SYS_ADMIN), BIT(CAP_MKNOD) } },
	};

	for (size_t i = 0; i < ARRAY_SIZE(configs); i++)
		assert_child(drops, &configs[i]);
}

/* Without any, it is no error. */
static void as_nobody(void *data)
{
	struct capabilities_config config = { .file_handles = true };

	EXPECT(setuid(65534) == 0);
	drops(&config);
}

static void test_unprivileged(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_child(as_nobody, NULL);
}

static void supervisor(void *data)
{
	capabilities_t effective, permitted;

	capabilities_drop_supervisor();
	read_sets(&effective, &permitted);
	EXPECT(permitted == BIT(CAP_DAC_OVERRIDE) && effective == permitted);
}

static void test_supervisor(void **state)
{
	if (geteuid() != 0)
		skip();
	assert_child(supervisor, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_unprivileged),
		cmocka_unit_test(test_supervisor),
	};
	log_setup(LOG_LEVEL_OFF, false, "test");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
