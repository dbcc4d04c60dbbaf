#include "store-svc/domain/doc_list.h"

#include <stdio.h>

struct wd_doc_list
wd_doc_list(const bson_t *doc, const char *field, struct wd_arena *a)
{
    struct wd_doc_list out = { 0 };
    bson_t list;
    bson_iter_t at;

    if (!wd_doc_sub(doc, field, &list))
        return out;
    out.p = WD_ARENA_ARRAY(a, struct wd_str, bson_count_keys(&list));
    for (bson_iter_init(&at, &list); bson_iter_next(&at);) {
        uint32_t n;
        const char *text;

        if (!BSON_ITER_HOLDS_UTF8(&at))
            continue;
        text = bson_iter_utf8(&at, &n);
        out.p[out.n++] = wd_arena_str(a, wd_str_n(text, n));
    }
    return out;
}

void
wd_doc_add_list(bson_t *doc, const char *field, const struct wd_str *p, size_t n)
{
    bson_t list;
    char key[24];

    bson_append_array_begin(doc, field, -1, &list);
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%zu", i);
        wd_doc_add_str(&list, key, p[i]);
    }
    bson_append_array_end(doc, &list);
}

void
wd_doc_add_numbers(bson_t *doc, const char *field, const char *op, const uint32_t *p, size_t n)
{
    bson_t condition, list;
    char key[24];

    bson_append_document_begin(doc, field, -1, &condition);
    bson_append_array_begin(&condition, op, -1, &list);
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%zu", i);
        wd_doc_add_int(&list, key, p[i]);
    }
    bson_append_array_end(&condition, &list);
    bson_append_document_end(doc, &condition);
}
