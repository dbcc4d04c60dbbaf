/* common/base/arena.h – memory that dies at once with the request, command or transaction that used it. */
#ifndef WD_BASE_ARENA_H
#define WD_BASE_ARENA_H
#include <stddef.h>

#include "common/base/str.h"

struct wd_arena;

/** A new arena; first_bytes sizes its first block (0 = a default). One thread at a time. */
struct wd_arena *wd_arena_new(size_t first_bytes);
/** Frees everything that came from it. NULL is fine. */
void wd_arena_free(struct wd_arena *a);
void wd_arena_freep(struct wd_arena **a);
/** Forgets everything that came from it and keeps one block for the next use. */
void wd_arena_reset(struct wd_arena *a);

/** Zeroed, aligned memory that lives as long as the arena. */
void *wd_arena_alloc(struct wd_arena *a, size_t n) __attribute__((returns_nonnull));
/** A copy of the bytes, with a NUL behind them that is not counted: .p is also a C string when no NUL is inside. */
struct wd_str wd_arena_str(struct wd_arena *a, struct wd_str s);
/** printf into the arena. */
struct wd_str wd_arena_printf(struct wd_arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Bytes handed out since the last reset. */
size_t wd_arena_used(const struct wd_arena *a);

#define WD_ARENA_NEW(a, type)           ((type *)wd_arena_alloc((a), sizeof(type)))
#define WD_ARENA_ARRAY(a, type, count)  ((type *)wd_arena_alloc((a), sizeof(type) * (count)))
#endif
