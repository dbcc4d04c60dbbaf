/* common/base/alloc.h – memory that never fails: the one place that stops the process when it runs out.
 * That is fair only because every size that comes from outside was checked against a limit first. */
#ifndef WD_BASE_ALLOC_H
#define WD_BASE_ALLOC_H
#include <stddef.h>

/** Zeroed memory of n bytes; yours to free(). Aborts when there is none. Any thread. */
void *wd_alloc(size_t n) __attribute__((malloc, returns_nonnull));

/** As realloc(), but aborts when there is no memory. Any thread. */
void *wd_realloc(void *p, size_t n) __attribute__((returns_nonnull));

/** free(*(void **)p), for wd_auto(). */
void wd_freep(void *p);

/** One zeroed struct of the type. */
#define WD_NEW(type) ((type *)wd_alloc(sizeof(type)))
#endif
