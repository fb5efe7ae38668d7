/* SPDX-License-Identifier: BSD-3-Clause */
/* How calls find their layer, and that broken answers of a backend are caught. */
#include "fs/fs.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct layer {
	struct fs fs;
	int answer;
	unsigned int calls;
	uint64_t node; /* what it was asked for last */
	unsigned int *destroyed;
};

static int layer_getattr(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, struct fuse_attr *ret_attr)
{
	struct layer *layer = (struct layer *)fs;

	layer->calls++;
	layer->node = node;
	ret_attr->ino = node;
	return layer->answer;
}

static int layer_lookup(struct fs *fs, struct fs_call *call, uint64_t parent, const char *name,
			struct fuse_entry_out *ret_entry)
{
	struct layer *layer = (struct layer *)fs;

	ret_entry->nodeid = strcmp(name, "zero") == 0 ? 0 : 7;
	return layer->answer;
}

static int layer_read(struct fs *fs, struct fs_call *call, uint64_t node, uint64_t fh, uint64_t offset,
		      const struct iovec *iov, size_t count, size_t *ret_length)
{
	*ret_length = offset;
	return 0;
}

static void layer_reset(struct fs *fs)
{
	((struct layer *)fs)->calls++;
}

static void layer_destroy(struct fs *fs)
{
	++*((struct layer *)fs)->destroyed;
	/* Whoever touches this layer afterwards fails. */
	memset(fs, 0xff, sizeof(*fs));
}

static const struct fs_ops empty_ops = { .destroy = layer_destroy };
static const struct fs_ops backend_ops = {
	.getattr = layer_getattr,
	.lookup = layer_lookup,
	.read = layer_read,
	.reset = layer_reset,
	.destroy = layer_destroy,
};

struct stack {
	struct layer top, middle, backend;
	unsigned int destroyed;
};

static void stack_init(struct stack *stack)
{
	memset(stack, 0, sizeof(*stack));
	stack->top.fs = (struct fs){ .ops = &empty_ops, .next = &stack->middle.fs, .name = "top" };
	stack->middle.fs = (struct fs){ .ops = &empty_ops, .next = &stack->backend.fs, .name = "middle" };
	stack->backend.fs = (struct fs){ .ops = &backend_ops, .name = "backend" };
	stack->top.destroyed = stack->middle.destroyed = stack->backend.destroyed = &stack->destroyed;
}

static void test_missing_operation_passes_down(void **state)
{
	struct stack stack;
	struct fs_call call = { 0 };
	struct fuse_attr attr;

	stack_init(&stack);
	assert_int_equal(fs_getattr(&stack.top.fs, &call, 42, 0, &attr), 0);
	assert_int_equal(stack.backend.calls, 1);
	assert_int_equal(stack.backend.node, 42);
	fs_reset(&stack.top.fs);
	assert_int_equal(stack.backend.calls, 2);
}

static void test_has_looks_below(void **state)
{
	struct stack stack;

	stack_init(&stack);
	assert_true(fs_has(&stack.top.fs, lookup));
	assert_false(fs_has(&stack.top.fs, unlink));
	assert_false(fs_has((struct fs *)NULL, lookup));
}

static void test_upper_layer_is_asked_first(void **state)
{
	struct stack stack;
	struct fs_call call = { 0 };
	struct fuse_attr attr;

	stack_init(&stack);
	stack.middle.fs.ops = &backend_ops;
	stack.middle.answer = -EPERM;
	assert_int_equal(fs_getattr(&stack.top.fs, &call, 1, 0, &attr), -EPERM);
	assert_int_equal(stack.backend.calls, 0);
}

static void test_operation_of_nobody(void **state)
{
	struct stack stack;
	struct fs_call call = { 0 };
	struct fs_session_info info = { 0 };

	stack_init(&stack);
	assert_int_equal(fs_unlink(&stack.top.fs, &call, 1, "a"), -ENOSYS);
	assert_int_equal(fs_unlink(NULL, &call, 1, "a"), -ENOSYS);
	/* Nothing to do is no failure. */
	assert_int_equal(fs_init(&stack.top.fs, &info), 0);
	fs_forget(&stack.top.fs, 1, 1);
	fs_interrupt(&stack.top.fs, 1);
}

static void test_answers_pass(void **state)
{
	struct stack stack;
	struct fs_call call = { 0 };
	struct fuse_attr attr;
	const int answers[] = { 0, FS_PENDING, -EIO, -511 };

	stack_init(&stack);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		stack.backend.answer = answers[i];
		assert_int_equal(fs_getattr(&stack.top.fs, &call, 1, 0, &attr), answers[i]);
	}
}

/* Runs one call in a child; whether an assertion ended it. */
static bool aborts(int answer, const char *name, size_t read_length)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct stack stack;
		struct fs_call call = { 0 };
		struct fuse_entry_out entry;
		char buffer[16];
		struct iovec iov = { buffer, sizeof(buffer) };
		size_t length;

		signal(SIGABRT, SIG_DFL);
		setrlimit(RLIMIT_CORE, &(struct rlimit){ 0 });
		close(STDERR_FILENO);
		stack_init(&stack);
		stack.backend.answer = answer;
		fs_lookup(&stack.top.fs, &call, 1, name, &entry);
		fs_read(&stack.top.fs, &call, 1, 1, read_length, &iov, 1, &length);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void test_broken_answers_are_caught(void **state)
{
	assert_false(aborts(0, "a", 16));
	assert_true(aborts(5, "a", 0));
	assert_true(aborts(-512, "a", 0));
	assert_true(aborts(0, "zero", 0));
	assert_true(aborts(0, "a", 17));
}

static void test_free_destroys_each_layer(void **state)
{
	struct stack stack;

	stack_init(&stack);
	fs_free(&stack.top.fs);
	assert_int_equal(stack.destroyed, 3);
	fs_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing_operation_passes_down), cmocka_unit_test(test_has_looks_below),
		cmocka_unit_test(test_upper_layer_is_asked_first),
		cmocka_unit_test(test_operation_of_nobody),           cmocka_unit_test(test_answers_pass),
		cmocka_unit_test(test_broken_answers_are_caught),     cmocka_unit_test(test_free_destroys_each_layer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
