#include "common/base/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t (*fixed)(void);

static int64_t
read_us(clockid_t id)
{
    struct timespec t;

    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int64_t
wd_now_ms(void)
{
    return fixed ? fixed() : read_us(CLOCK_REALTIME) / 1000;
}

int64_t
wd_mono_ms(void)
{
    return read_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
wd_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

void
wd_clock_fix(int64_t (*now_ms)(void))
{
    fixed = now_ms;
}
