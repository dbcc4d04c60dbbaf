/* Two BSON documents from the input, the second as a filter, an update, a projection and a sort of the first; then the
 * input as a regular expression. Whatever they hold, the answer is a result or WD_INVALID. */
#include "store-svc/port/match.h"

#include <assert.h>

#include "store-svc/port/regex.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check_refused(bool ok, const struct wd_error *err)
{
    assert(ok || err->reason == WD_INVALID);
    (void)ok, (void)err;
}

static void
apply(const bson_t *doc, const bson_t *query)
{
    struct wd_error err = { .reason = WD_INVALID };
    bson_t out;
    bool flag, ok;

    check_refused(wd_match(query, doc, &flag, &err), &err);
    ok = wd_match_update(doc, query, true, &out, &flag, &err);
    check_refused(ok, &err);
    if (ok)
        bson_destroy(&out);
    if (wd_match_upsert_seed(query, &out, &err))
        bson_destroy(&out);
    if (wd_match_project(doc, query, &out, &err))
        bson_destroy(&out);
    wd_match_compare(doc, query, query);
}

static void
search(struct wd_str input)
{
    struct wd_str pattern, text = input;
    struct wd_error err;
    struct wd_regex *r;

    wd_str_split(&text, '\n', &pattern);
    if (!wd_regex_new(pattern, "i", &r, &err))
        return;
    wd_regex_test(r, text);
    wd_regex_free(r);
}

/* The first document says how long it is; the second is the rest. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    bson_t doc, query;
    uint32_t first;

    search(wd_str_n(data, n));
    if (n < 10)
        return 0;
    memcpy(&first, data, sizeof first);
    first = BSON_UINT32_FROM_LE(first);
    if (first < 5 || first > n - 5 || !bson_init_static(&doc, data, first) ||
        !bson_init_static(&query, data + first, n - first))
        return 0;
    if (bson_validate(&doc, BSON_VALIDATE_NONE, NULL) && bson_validate(&query, BSON_VALIDATE_NONE, NULL))
        apply(&doc, &query);
    return 0;
}
