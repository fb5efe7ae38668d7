/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading and writing shared memory, little-endian: every load happens exactly once, as the other side
 * may change the memory at any time. Private to src/ring.
 */
#ifndef VIOFS_RING_ACCESS_H
#define VIOFS_RING_ACCESS_H

#include <stdint.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define ring_le16(value) ((uint16_t)(value))
#define ring_le32(value) ((uint32_t)(value))
#define ring_le64(value) ((uint64_t)(value))
#else
#define ring_le16(value) __builtin_bswap16(value)
#define ring_le32(value) __builtin_bswap32(value)
#define ring_le64(value) __builtin_bswap64(value)
#endif

/* Orders all that was before against all that follows, stores before loads too. */
static inline void ring_fence(void)
{
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wtsan"
#endif
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
}

static inline uint16_t ring_load16(const uint16_t *at)
{
	return ring_le16(__atomic_load_n(at, __ATOMIC_RELAXED));
}

static inline uint16_t ring_load16_acquire(const uint16_t *at)
{
	return ring_le16(__atomic_load_n(at, __ATOMIC_ACQUIRE));
}

static inline uint32_t ring_load32(const uint32_t *at)
{
	return ring_le32(__atomic_load_n(at, __ATOMIC_RELAXED));
}

static inline void ring_store16(uint16_t *at, uint16_t value)
{
	__atomic_store_n(at, ring_le16(value), __ATOMIC_RELAXED);
}

static inline void ring_store16_release(uint16_t *at, uint16_t value)
{
	__atomic_store_n(at, ring_le16(value), __ATOMIC_RELEASE);
}

static inline void ring_store32(uint32_t *at, uint32_t value)
{
	__atomic_store_n(at, ring_le32(value), __ATOMIC_RELAXED);
}

static inline void ring_store64(uint64_t *at, uint64_t value)
{
	__atomic_store_n(at, ring_le64(value), __ATOMIC_RELAXED);
}

/* Descriptors are read as two words; in an indirect table they may be aligned to nothing. */
struct ring_unaligned64 {
	uint64_t value;
} __attribute__((packed));

static inline uint64_t ring_load64_unaligned(const void *at)
{
	return ring_le64(((const volatile struct ring_unaligned64 *)at)->value);
}

#endif
