#include "common/base/alloc.h"

#include <stdio.h>
#include <stdlib.h>

static void *
or_abort(void *p)
{
    if (!p) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return p;
}

void *
wd_alloc(size_t n)
{
    return or_abort(calloc(1, n ? n : 1));
}

void *
wd_realloc(void *p, size_t n)
{
    return or_abort(realloc(p, n ? n : 1));
}

void
wd_freep(void *p)
{
    free(*(void **)p);
}
