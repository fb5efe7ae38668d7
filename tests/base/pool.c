/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/pool.h"

struct item {
	struct pool_work work;
	atomic_int *done;
	pthread_barrier_t *barrier;
};

static void count(struct pool_work *work)
{
	struct item *item = container_of(work, struct item, work);

	if (item->barrier)
		pthread_barrier_wait(item->barrier);
	atomic_fetch_add(item->done, 1);
}

static void does_all_work_before_it_ends(void **state UNUSED)
{
	struct pool *pool;
	struct item items[500];
	atomic_int done = 0;

	assert_int_equal(pool_new(3, NULL, NULL, &pool), 0);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
		items[i] = (struct item){ .work.run = count, .done = &done };
		pool_submit(pool, &items[i].work);
	}
	pool_free(pool);
	assert_int_equal(done, ARRAY_SIZE(items));
}

/* Four pieces that need one another: hangs unless each gets a thread of its own at once. */
static void runs_as_many_at_once_as_it_may(void **state UNUSED)
{
	struct pool *pool;
	struct item items[4];
	atomic_int done = 0;
	pthread_barrier_t barrier;

	pthread_barrier_init(&barrier, NULL, ARRAY_SIZE(items));
	assert_int_equal(pool_new(ARRAY_SIZE(items), NULL, NULL, &pool), 0);
	for (size_t round = 0; round < 50; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(items); i++) {
			items[i] = (struct item){ .work.run = count, .done = &done, .barrier = &barrier };
			pool_submit(pool, &items[i].work);
		}
		pool_drain(pool);
	}
	assert_int_equal(done, 50 * ARRAY_SIZE(items));
	pool_free(pool);
	pthread_barrier_destroy(&barrier);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(does_all_work_before_it_ends),
		cmocka_unit_test(runs_as_many_at_once_as_it_may),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
