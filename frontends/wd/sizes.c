#include "frontends/wd/sizes.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

static const char units[] = "BKMGT";

bool
cli_size_read(const char *text, uint64_t *out)
{
    char *end;
    double value;
    const char *unit;

    if (!wd_is_digit(text[0]))
        return false;
    value = strtod(text, &end);
    unit = strchr(units, *end ? wd_upper(*end) : 'B');
    if (!unit || (*end && end[1] && strcmp(end + 1, "iB") != 0 && strcmp(end + 1, "B") != 0))
        return false;
    value = ldexp(value, 10 * (int)(unit - units));
    if (!(value < 9e18))
        return false;
    *out = (uint64_t)value;
    return true;
}

const char *
cli_size(struct wd_arena *a, uint64_t bytes)
{
    double value = (double)bytes;
    int unit = 0;

    while (value >= 1024 && unit < 4) {
        value /= 1024;
        unit++;
    }
    if (unit == 0)
        return wd_arena_printf(a, "%llu B", (unsigned long long)bytes).p;
    return wd_arena_printf(a, "%.1f %ciB", value, units[unit]).p;
}

const char *
cli_time(struct wd_arena *a, int64_t ms)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm local;

    if (ms == 0 || !localtime_r(&seconds, &local))
        return "-";
    return wd_arena_printf(a, "%04d-%02d-%02d %02d:%02d", local.tm_year + 1900, local.tm_mon + 1, local.tm_mday,
                           local.tm_hour, local.tm_min)
        .p;
}
