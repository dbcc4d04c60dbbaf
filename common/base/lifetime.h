/* common/base/lifetime.h – ownership that can be seen where a variable is declared. */
#ifndef WD_BASE_LIFETIME_H
#define WD_BASE_LIFETIME_H

/* Runs fn(&variable) when the variable goes out of scope, on every return path. */
#define wd_auto(fn) __attribute__((cleanup(fn)))

/* Hands a pointer over: its value, and the variable is NULL, so that its cleanup does nothing. */
#define wd_take(p)                                                                                 \
    ({                                                                                             \
        __typeof__(p) *at_ = &(p), had_ = *at_;                                                    \
        *at_ = NULL;                                                                               \
        had_;                                                                                      \
    })

#define WD_CHECKED __attribute__((warn_unused_result))

/* The number of elements of a real array. */
#define WD_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The struct that holds `member` at `pointer`. */
#define WD_OF(pointer, type, member) ((type *)(void *)((char *)(pointer)-offsetof(type, member)))
#endif
