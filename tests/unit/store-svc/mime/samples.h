/* tests/unit/store-svc/mime/samples.h – messages, ordinary and odd, that every MIME test goes through. */
#ifndef WD_TEST_MIME_SAMPLES_H
#define WD_TEST_MIME_SAMPLES_H
#include "common/base/arena.h"

struct sample {
    const char *name; /* what is odd about it */
    struct wd_str bytes;
};

/** Fixed ones and ones built from pieces by rule; the same list in every run. */
size_t samples(struct wd_arena *a, const struct sample **out);
#endif
