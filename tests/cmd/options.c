/* SPDX-License-Identifier: BSD-3-Clause */
/* viofsd's command line: what virtiofsd 1.14 takes is taken, what it refuses is refused, with a better reason. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "cmd/options.h"
#include "sandbox/limits.h"

#define WORDS_MAX 32

static char copy[1024];

/* Splits line at blanks; "''" is an empty word. */
static int read_line(const char *line, struct viofsd_options *options, struct option_error *error)
{
	char *arguments[WORDS_MAX] = { (char[]){ "viofsd" } };
	int count = 1;

	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		arguments[count++] = strcmp(word, "''") ? word : word + 2;
	viofsd_options_init(options);
	error->text[0] = '\0';
	return viofsd_options_read(options, count, arguments, error);
}

#define S "--shared-dir d --socket-path s "

static void expect_good(const char *line, struct viofsd_options *options)
{
	struct option_error error;

	if (read_line(line, options, &error) != 0)
		fail_msg("'%s' gives: %s", line, error.text);
}

static void test_defaults(void **state)
{
	struct viofsd_options options;

	expect_good(S, &options);
	assert_int_equal(options.action, VIOFSD_SERVE);
	assert_string_equal(options.shared_dir, "d");
	assert_string_equal(options.socket_path, "s");
	assert_null(options.tag);
	assert_int_equal(options.session.cache, SESSION_CACHE_AUTO);
	assert_true(options.session.entry_timeout_ns == SESSION_TIMEOUT_DEFAULT);
	assert_true(options.session.attr_timeout_ns == SESSION_TIMEOUT_DEFAULT);
	assert_true(options.session.negative_timeout_ns == 0);
	assert_true(options.session.readdirplus && options.session.announce_submounts);
	assert_false(options.session.writeback || options.session.allow_direct_io || options.session.allow_mmap ||
		     options.session.killpriv_v2 || options.session.xattr || options.readonly || options.preserve_noatime);
	assert_int_equal(options.session.posix_acl, SESSION_NEVER);
	assert_int_equal(options.session.security_label, SESSION_NEVER);
	assert_int_equal(options.file_handles, PASSTHROUGH_HANDLES_PREFER);
	assert_int_equal(options.sandbox, SANDBOX_NAMESPACE);
	assert_int_equal(options.seccomp, SECCOMP_KILL);
	assert_int_equal(options.log_level, LOG_LEVEL_INFO);
	assert_true(options.rlimit_nofile == LIMITS_OPEN_FILES_AUTO);
	assert_false(options.exit_on_disconnect || options.syslog);
	assert_int_equal(options.thread_pool_size, 0);
	viofsd_options_fini(&options);
}

/* All that virtiofsd 1.14 lists in its --help, at once where it can be. */
static void test_accepted(void **state)
{
	static const char *const lines[] = {
		S "--tag myfs --socket-group kvm --thread-pool-size 4 --xattr --posix-acl --sandbox chroot --readonly",
		S "--xattrmap :map::user.virtiofs.: --seccomp none --announce-submounts --no-announce-submounts",
		S "--inode-file-handles=never --cache always --allow-mmap --no-readdirplus --writeback --allow-direct-io",
		S "--modcaps=+sys_admin:-chown --log-level trace --syslog --rlimit-nofile 0 -d -f -o xattr --no-killpriv-v2",
		S "--killpriv-v2 --security-label --uid-map :0:100000:65536: --uid-map :70000:1000:1: --gid-map :0:100000:65536:",
		S "--translate-uid map:0:1:1 --translate-uid host:5:5:5 --translate-gid squash-guest:0:1:1 --preserve-noatime",
		S "--migration-mode find-paths --migration-on-error guest-error --migration-verify-handles "
		  "--migration-confirm-paths",
		S "--migration-mode file-handles",
		S "--cache NEVER --cache=metadata --log-level=OFF --log-level ERROR --sandbox None --seccomp LOG --seccomp trap",
		S "--posix-acl=auto --security-label=always --inode-file-handles=fallback --inode-file-handles=mandatory",
		S "--socket other",
		S "--killpriv-v2 --no-killpriv-v2 --xattr --xattr --readonly --writeback",
		"--shared-dir d --fd 3",
		"--shared-dir d --socket s",
		"-o source=d --socket-path s",
		"-osource=d,cache=none -o sandbox=namespace --socket-path s",
		"--backend memory --socket-path s",
		S "--entry-timeout 1.5 --attr-timeout 0 --negative-timeout 3 --num-request-queues 64 --exit-on-disconnect "
		  "--fd-cache 1000 --no-landlock",
	};
	struct viofsd_options options;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		expect_good(lines[i], &options);
		viofsd_options_fini(&options);
	}
}

static void test_meaning(void **state)
{
	struct viofsd_options options;

	expect_good(S "--posix-acl", &options);
	assert_int_equal(options.session.posix_acl, SESSION_ALWAYS);
	assert_true(options.session.xattr);
	viofsd_options_fini(&options);

	expect_good(S "--security-label=auto --xattrmap :map::user.:", &options);
	assert_int_equal(options.session.security_label, SESSION_AUTO);
	assert_true(options.session.xattr);
	viofsd_options_fini(&options);

	expect_good(S "--inode-file-handles=fallback", &options);
	assert_int_equal(options.file_handles, PASSTHROUGH_HANDLES_PREFER);
	viofsd_options_fini(&options);

	expect_good(S "--entry-timeout 1.5 --attr-timeout 0 --negative-timeout 3", &options);
	assert_true(options.session.entry_timeout_ns == 1500000000 && options.session.attr_timeout_ns == 0 &&
		    options.session.negative_timeout_ns == 3000000000);
	viofsd_options_fini(&options);

	expect_good(S "--uid-map :0:100000:65536: --uid-map ,70000,1000,1,", &options);
	assert_int_equal(options.uid_map.count, 2);
	assert_int_equal(options.uid_map.ranges[1].outside, 1000);
	viofsd_options_fini(&options);

	expect_good(S "-d --log-level error --thread-pool-size 2 --readonly", &options);
	assert_int_equal(options.log_level, LOG_LEVEL_DEBUG);
	assert_true(options.session.pool_all && options.session.readonly);
	viofsd_options_fini(&options);

	expect_good("--fd 3 --shared-dir d", &options);
	assert_int_equal(options.fd, 3);
	viofsd_options_fini(&options);

	expect_good("--socket x --shared-dir d", &options);
	assert_string_equal(options.socket_path, "x");
	assert_true(options.socket_deprecated);
	viofsd_options_fini(&options);

	expect_good("--socket x " S, &options);
	assert_string_equal(options.socket_path, "s");
	assert_false(options.socket_deprecated);
	viofsd_options_fini(&options);
}

static void test_legacy(void **state)
{
	struct viofsd_options options;

	/* Behind all others, whatever the order. */
	expect_good("-o source=/a,cache=none,sandbox=chroot,loglevel=err,modcaps=+sys_admin,xattrmap=:map::user.: "
		    "-o no_readdirplus,writeback,allow_direct_io,killpriv_v2,security_label,no_posix_acl,timeout=2.5 "
		    "--socket-path s --cache always --shared-dir /b --posix-acl",
		    &options);
	assert_string_equal(options.shared_dir, "/a");
	assert_int_equal(options.session.cache, SESSION_CACHE_NEVER);
	assert_int_equal(options.sandbox, SANDBOX_CHROOT);
	assert_int_equal(options.log_level, LOG_LEVEL_ERROR);
	assert_true(options.modcaps.added == (capabilities_t)1 << 21);
	assert_string_equal(options.xattrmap, ":map::user.:");
	assert_true(!options.session.readdirplus && options.session.writeback && options.session.allow_direct_io &&
		    options.session.killpriv_v2);
	assert_int_equal(options.session.security_label, SESSION_ALWAYS);
	assert_int_equal(options.session.posix_acl, SESSION_NEVER);
	assert_true(options.session.entry_timeout_ns == 2500000000 && options.session.attr_timeout_ns == 2500000000);
	viofsd_options_fini(&options);

	expect_good(S "-o xattr,no_xattr,readdirplus,no_writeback,no_allow_direct_io,announce_submounts,no_killpriv_v2", &options);
	assert_false(options.session.xattr);
	viofsd_options_fini(&options);
	expect_good(S "-o posix_acl,no_security_label,flock,no_flock,posix_lock,no_posix_lock", &options);
	assert_int_equal(options.session.posix_acl, SESSION_ALWAYS);
	viofsd_options_fini(&options);
}

static void test_actions(void **state)
{
	static const struct {
		const char *line;
		enum viofsd_action action;
	} lines[] = {
		{ "--help", VIOFSD_HELP_LONG },
		{ "-h", VIOFSD_HELP_SHORT },
		{ "-V x", VIOFSD_VERSION },
		{ "--version --nonsense", VIOFSD_VERSION },
		{ "--print-capabilities", VIOFSD_CAPABILITIES },
		{ "--print-capabilities --shared-dir x", VIOFSD_CAPABILITIES },
	};
	struct viofsd_options options;

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		expect_good(lines[i].line, &options);
		assert_int_equal(options.action, lines[i].action);
		viofsd_options_fini(&options);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *line, *told;
	} lines[] = {
		{ "--shared-dir d", "--socket-path <SOCKET_PATH> or --fd <FD>" },
		{ "--socket-path s", "--shared-dir" },
		{ S "--fd 3", "--socket-path cannot be used with --fd" },
		{ "--shared-dir d --socket s --fd 3", "--socket cannot be used with --fd" },
		{ "--shared-dir d --fd 3 --socket-group g", "--socket-group cannot be used with --fd" },
		{ "--shared-dir d --fd -1", "--fd=-1" },
		{ "--shared-dir d --fd=-1", "--fd: '-1'" },
		{ S "--cache none", "--cache: 'none' is not allowed; auto, always, never, metadata are" },
		{ S "--cache alway", "did you mean 'always'?" },
		{ S "--caches auto", "did you mean '--cache'?" },
		{ S "--sandbox jail", "namespace, chroot, none" },
		{ S "--seccomp die", "none, kill, log, trap" },
		{ S "--log-level err", "error, warn, info, debug, trace, off" },
		{ S "--posix-acl auto", "unexpected argument 'auto'" },
		{ S "--posix-acl=yes", "never, auto, always" },
		{ S "--inode-file-handles never", "--inode-file-handles=<INODE_FILE_HANDLES>" },
		{ S "--inode-file-handles=x", "never, prefer, mandatory are" },
		{ S "--xattr=true", "--xattr takes no value" },
		{ S "--thread-pool-size x", "0 to 4096" },
		{ S "--rlimit-nofile x", "--rlimit-nofile: 'x'" },
		{ S "--num-request-queues 0", "1 to 255" },
		{ S "--tag ''", "--tag" },
		{ S "--tag 0123456789012345678901234567890123456", "1 to 36 bytes" },
		{ S "--posix-acl=always --translate-uid map:0:1:1", "--posix-acl=always" },
		{ S "--posix-acl=auto --translate-gid map:0:1:1", "--posix-acl=auto" },
		{ S "--sandbox none --uid-map :0:1:1:", "--sandbox=namespace" },
		{ S "--sandbox chroot --gid-map :0:1:1:", "--sandbox=namespace" },
		{ S "--uid-map 0:1:1", "--uid-map: '0:1:1' is not allowed" },
		{ S "--gid-map :0:1:0:", "--gid-map" },
		{ S "--uid-map :0:1:5: --uid-map :4:9:1:", "overlaps" },
		{ S "--modcaps x", "'+' or '-'" },
		{ S "--modcaps +foo", "there is no capability 'foo'" },
		{ S "--modcaps ''", "a capability is missing" },
		{ S "--migration-mode x", "find-paths, file-handles" },
		{ S "--migration-mode file-handles --migration-confirm-paths", "--migration-confirm-paths cannot" },
		{ S "--migration-mode file-handles --migration-verify-handles", "--migration-verify-handles cannot" },
		{ S "--migration-on-error x", "abort, guest-error" },
		{ S "extra", "unexpected argument 'extra'" },
		{ S "-o foo", "-o: unknown option 'foo'" },
		{ S "-o foo=bar", "-o: unknown option 'foo'" },
		{ S "-o xatr", "did you mean 'xattr'?" },
		{ S "-o cache=never", "-o cache: 'never' is not allowed; auto, always, none, metadata are" },
		{ S "-o sandbox=none", "namespace, chroot are" },
		{ S "-o loglevel=foo", "err, warn, info, debug are" },
		{ S "-o timeout=x", "-o timeout" },
		{ S "-o xattr,,writeback", "unknown option ''" },
		{ S "-o ''", "unknown option ''" },
		{ "--print-capabilities --foo", "unknown option '--foo'" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct viofsd_options options;
		struct option_error error;

		if (read_line(lines[i].line, &options, &error) != -EINVAL || !strstr(error.text, lines[i].told))
			fail_msg("'%s' gives: %s", lines[i].line, error.text);
		viofsd_options_fini(&options);
	}
}

/* Names and letters are there once, groups stand together, every option has what it needs. */
static void test_table(void **state)
{
	for (size_t i = 0; i < viofsd_option_count; i++) {
		const struct option *option = &viofsd_option_table[i];

		assert_true(option->name || option->letter);
		assert_non_null(option->set);
		assert_non_null(option->summary);
		assert_int_equal(option->takes == OPTION_FLAG, option->value_name == NULL);
		if (option->set == option_set_choice)
			assert_non_null(option->choices);
		if (option->set == option_set_number)
			assert_true(option->maximum > option->minimum);
		for (size_t j = 0; j < i; j++) {
			const struct option *other = &viofsd_option_table[j];

			assert_false(option->name && other->name && strcmp(option->name, other->name) == 0);
			assert_false(option->letter && option->letter == other->letter);
			if (j + 1 < i && strcmp(other->group, option->group) == 0)
				assert_string_equal(viofsd_option_table[j + 1].group, option->group);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_accepted), cmocka_unit_test(test_meaning),
		cmocka_unit_test(test_legacy),	 cmocka_unit_test(test_actions),  cmocka_unit_test(test_refused),
		cmocka_unit_test(test_table),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
