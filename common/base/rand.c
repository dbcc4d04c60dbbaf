#include "common/base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void
wd_rand(void *out, size_t n)
{
    char *p = out;

    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno != EINTR)
            abort(); /* only a kernel without getrandom(2) */
        if (got > 0) {
            p += got;
            n -= (size_t)got;
        }
    }
}

uint32_t
wd_rand_u32(void)
{
    uint32_t value;

    wd_rand(&value, sizeof value);
    return value;
}

uint32_t
wd_rand_below(uint32_t below)
{
    uint32_t limit = UINT32_MAX - UINT32_MAX % below, value;

    do
        value = wd_rand_u32();
    while (value >= limit);
    return value % below;
}
