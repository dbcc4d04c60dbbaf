/* tests/loop.h – for loops over many cases: a check that costs nothing, numbers that are the same in every run. */
#ifndef WD_TEST_LOOP_H
#define WD_TEST_LOOP_H
#include <check.h>
#include <stdint.h>

/** As ck_assert(), of which Check notes each one that it passes: that costs a system call. */
#define must(condition)                                                                            \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("not true: %s", #condition);                                              \
    } while (0)

/** The next of a row of numbers below n that *seed begins. */
static inline uint32_t
next_below(uint32_t *seed, uint32_t n)
{
    *seed = *seed * 1664525 + 1013904223;
    return (*seed >> 8) % n;
}
#endif
