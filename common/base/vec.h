/* common/base/vec.h – typed arrays that grow. */
#ifndef WD_BASE_VEC_H
#define WD_BASE_VEC_H
#include <stddef.h>
#include <stdlib.h>

/* struct WD_VEC(uint32_t) uids = { 0 }; */
#define WD_VEC(type)                                                                               \
    {                                                                                              \
        type *p;                                                                                   \
        size_t n, cap;                                                                             \
    }

/** Adds one element at the end. */
#define wd_vec_push(v, ...)                                                                        \
    do {                                                                                           \
        wd_vec_grow_((void **)&(v)->p, (v)->n, &(v)->cap, sizeof *(v)->p);                         \
        (v)->p[(v)->n++] = (__VA_ARGS__);                                                          \
    } while (0)

/** Frees the array; it is empty and usable again. */
#define wd_vec_done(v)                                                                             \
    do {                                                                                           \
        free((v)->p);                                                                              \
        (v)->p = NULL;                                                                             \
        (v)->n = (v)->cap = 0;                                                                     \
    } while (0)

void wd_vec_grow_(void **p, size_t n, size_t *cap, size_t element_bytes);
#endif
