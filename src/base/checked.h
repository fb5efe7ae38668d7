/* SPDX-License-Identifier: BSD-3-Clause */
/* Arithmetic on numbers that a guest chose: false instead of an overflow. */
#ifndef VIOFS_BASE_CHECKED_H
#define VIOFS_BASE_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

/* Sets *ret_sum to a + b and returns true, or returns false when that overflows. */
static inline bool checked_add_u64(uint64_t a, uint64_t b, uint64_t *ret_sum)
{
	return !__builtin_add_overflow(a, b, ret_sum);
}

/* Sets *ret_product to a * b and returns true, or returns false when that overflows. */
static inline bool checked_mul_u64(uint64_t a, uint64_t b, uint64_t *ret_product)
{
	return !__builtin_mul_overflow(a, b, ret_product);
}

#endif
