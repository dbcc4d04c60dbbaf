#include "common/base/vec.h"

#include "common/base/alloc.h"

void
wd_vec_grow_(void **p, size_t n, size_t *cap, size_t element_bytes)
{
    if (n < *cap)
        return;
    *cap = *cap ? *cap * 2 : 8;
    *p = wd_realloc(*p, *cap * element_bytes);
}
