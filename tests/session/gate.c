/* SPDX-License-Identifier: BSD-3-Clause */
/* Nobody is inside of a closed gate, and nobody stays outside of an open one. */
#include "session/gate.h"

#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 4
#define CLOSINGS 300

struct shared {
	struct gate gate;
	atomic_bool stop;
	atomic_ulong passes;
	unsigned long guarded; /* plain: changes only while closed, is read only inside */
	atomic_ulong broken;
};

static void *passer(void *argument)
{
	struct shared *shared = argument;

	while (!atomic_load(&shared->stop)) {
		gate_enter(&shared->gate);
		unsigned long before = shared->guarded;
		if (atomic_fetch_add(&shared->passes, 1) % 64 == 0)
			sched_yield();
		if (shared->guarded != before)
			atomic_fetch_add(&shared->broken, 1);
		gate_leave(&shared->gate);
	}
	return NULL;
}

static void test_closed_means_empty(void **state)
{
	static struct shared shared;
	pthread_t threads[THREADS];

	gate_init(&shared.gate);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, passer, &shared), 0);
	for (int i = 0; i < CLOSINGS; i++) {
		gate_close(&shared.gate);
		unsigned long passes = atomic_load(&shared.passes);
		shared.guarded++;
		sched_yield();
		assert_int_equal(atomic_load(&shared.passes), passes);
		gate_open(&shared.gate);
		while (atomic_load(&shared.passes) == passes)
			sched_yield();
	}
	atomic_store(&shared.stop, true);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(atomic_load(&shared.broken), 0);
	gate_fini(&shared.gate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_closed_means_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
