#include "common/base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"

enum { FIRST_BYTES = 4096, LARGEST_BYTES = 1 << 20 };

struct block {
    struct block *next;
    size_t used, size;
    alignas(max_align_t) char bytes[];
};

struct wd_arena {
    struct block *blocks; /* the newest first; the oldest one survives a reset */
    size_t next_bytes, used;
};

static struct block *
block_new(size_t size)
{
    struct block *b = wd_realloc(NULL, sizeof *b + size);

    *b = (struct block){ .size = size };
    return b;
}

struct wd_arena *
wd_arena_new(size_t first_bytes)
{
    struct wd_arena *a = WD_NEW(struct wd_arena);

    a->next_bytes = first_bytes ? first_bytes : FIRST_BYTES;
    return a;
}

static void
free_all_but_last(struct wd_arena *a)
{
    while (a->blocks && a->blocks->next) {
        struct block *b = a->blocks;
        a->blocks = b->next;
        free(b);
    }
}

void
wd_arena_free(struct wd_arena *a)
{
    if (!a)
        return;
    free_all_but_last(a);
    free(a->blocks);
    free(a);
}

void
wd_arena_freep(struct wd_arena **a)
{
    wd_arena_free(*a);
}

void
wd_arena_reset(struct wd_arena *a)
{
    free_all_but_last(a);
    if (a->blocks)
        a->blocks->used = 0;
    a->used = 0;
}

void *
wd_arena_alloc(struct wd_arena *a, size_t n)
{
    struct block *b = a->blocks;
    char *p;

    n = (n + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!b || b->size - b->used < n) {
        b = block_new(n > a->next_bytes ? n : a->next_bytes);
        b->next = a->blocks;
        a->blocks = b;
        if (a->next_bytes < LARGEST_BYTES)
            a->next_bytes *= 2;
    }
    p = b->bytes + b->used;
    b->used += n;
    a->used += n;
    return memset(p, 0, n);
}

struct wd_str
wd_arena_str(struct wd_arena *a, struct wd_str s)
{
    char *p = wd_arena_alloc(a, s.n + 1);

    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct wd_str){ p, s.n };
}

struct wd_str
wd_arena_printf(struct wd_arena *a, const char *fmt, ...)
{
    va_list args, again;
    int n;
    char *p;

    va_start(args, fmt);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    p = wd_arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (struct wd_str){ p, (size_t)n };
}

size_t
wd_arena_used(const struct wd_arena *a)
{
    return a->used;
}
