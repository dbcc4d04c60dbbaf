#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/alloc.h"
#include "common/base/vec.h"
#include "store-svc/driver/embedded/embedded.h"
#include "tests/contract/contract.h"

static bool
open_embedded(struct contract *c, uint32_t max_pages, bool sync, struct wd_error *err)
{
    struct wd_embedded_options o = { .directory = c->directory, .no_sync = !sync, .readers = 4,
                                     .max_pages = max_pages };

    return wd_embedded_open(&o, &c->docs, &c->blobs, &c->bus, err);
}

const struct contract_driver contract_drivers[] = {
    { "embedded", open_embedded, true, true },
};

static const struct wd_docs_index things_indexes[] = {
    { "m_u", "m 1, u 1, _id 1", 0, NULL, -1 },
    { "m_u_down", "m 1, u -1, _id -1", 0, NULL, -1 },
    { "m_f", "m 1, f 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { "m_h", "m 1, h.k 1, h.v 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { "o_g", "o 1, g 1", WD_INDEX_MULTIKEY, NULL, -1 },
    { "a", "a 1", WD_INDEX_SPARSE, NULL, -1 },
    { "deep", "d.x 1", 0, NULL, -1 },
    { "flagged", "m 1, b 1", 0, "{\"b\": true}", -1 },
    { "x_unique", "x 1, y 1", WD_INDEX_UNIQUE, NULL, -1 },
    { "ttl", "expires 1", 0, NULL, 0 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection things = { "things", WD_DB_MAIN, things_indexes, "m u f a b x y expires n" };

static const struct wd_docs_index words_indexes[] = {
    { "text", "user 1, h.v text, t text", WD_INDEX_TEXT, "{\"searchable\": true}", -1 },
    { NULL, NULL, 0, NULL, -1 },
};
static const struct wd_docs_collection words = { "words", WD_DB_MAIN, words_indexes, "user searchable n" };
static const struct wd_docs_index no_indexes[] = { { NULL, NULL, 0, NULL, -1 } };
static const struct wd_docs_collection stuff = { "stuff", WD_DB_MAIN, no_indexes, NULL };

const struct wd_docs_collection *const contract_schema[] = { &things, &words, &stuff, NULL };

/* Freed together at the end of a test. */
static struct WD_VEC(bson_t *) made;
static struct WD_VEC(char *) texts;

void
contract_open(struct contract *c)
{
    struct wd_error err;

    ck_ok(c->driver->open(c, 0, false, &err));
    ck_ok(wd_docs_ensure(c->docs, contract_schema, &err));
}

void
contract_begin(struct contract *c, int driver)
{
    const char *base = getenv("TMPDIR");

    memset(c, 0, sizeof *c);
    c->driver = &contract_drivers[driver];
    snprintf(c->directory, sizeof c->directory, "%s/wd-contract-XXXXXX", base && strlen(base) < 40 ? base : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(c->directory));
    contract_open(c);
}

void
contract_close(struct contract *c)
{
    wd_bus_close(c->bus);
    wd_blobs_close(c->blobs);
    wd_docs_close(c->docs);
    c->docs = NULL;
}

void
contract_end(struct contract *c)
{
    char command[128];

    if (c->docs)
        contract_close(c);
    snprintf(command, sizeof command, "rm -rf '%s'", c->directory);
    ck_assert_int_eq(system(command), 0);
    while (made.n)
        bson_destroy(made.p[--made.n]);
    while (texts.n)
        free(texts.p[--texts.n]);
    wd_vec_done(&made);
    wd_vec_done(&texts);
}

const bson_t *
J(struct contract *c, const char *json)
{
    char *copy wd_auto(wd_freep) = strdup(json);
    bson_error_t why;
    bson_t *doc;

    (void)c;
    for (char *p = copy; *p; p++)
        if (*p == '\'')
            *p = '"';
    doc = bson_new_from_json((const uint8_t *)copy, -1, &why);
    ck_assert_msg(doc != NULL, "%s: %s", json, why.message);
    wd_vec_push(&made, doc);
    return doc;
}

const bson_t *
JF(struct contract *c, const char *fmt, ...)
{
    char text[4096];
    va_list args;

    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return J(c, text);
}

void
put(struct contract *c, const char *coll, const char *json)
{
    struct wd_error err;

    ck_ok(wd_docs_insert(c->docs, coll, J(c, json), &err));
}

int64_t
count(struct contract *c, const char *coll, const char *filter)
{
    struct wd_error err;
    int64_t n;

    ck_ok(wd_docs_count(c->docs, coll, J(c, filter), &n, &err));
    return n;
}

const char *
ids(struct contract *c, const char *coll, const char *filter, const char *sort)
{
    struct wd_docs_query q = { .sort = sort ? J(c, sort) : NULL };
    struct wd_docs_cursor *cursor;
    struct wd_buf out = { 0 };
    struct wd_error err;
    const bson_t *doc;
    bson_iter_t it;

    ck_ok(wd_docs_find(c->docs, coll, J(c, filter), &q, &cursor, &err));
    for (;;) {
        ck_ok(wd_docs_cursor_next(cursor, &doc, &err));
        if (!doc)
            break;
        ck_assert(bson_iter_init_find(&it, doc, "_id"));
        wd_buf_printf(&out, "%s%lld", out.n ? " " : "", (long long)bson_iter_as_int64(&it));
    }
    wd_docs_cursor_free(cursor);
    wd_buf_chr(&out, '\0');
    wd_vec_push(&texts, out.p);
    return out.p;
}

const char *
shown(struct contract *c, const char *coll, int64_t id)
{
    bson_t doc = BSON_INITIALIZER;
    struct wd_error err;
    char *json, *copy;
    bool found;

    ck_ok(wd_docs_find_one(c->docs, coll, JF(c, "{'_id': %lld}", (long long)id), NULL, &doc, &found, &err));
    json = found ? bson_as_relaxed_extended_json(&doc, NULL) : NULL;
    copy = strdup(json ? json : "");
    for (char *p = copy; *p; p++)
        if (*p == '"')
            *p = '\'';
    bson_free(json);
    bson_destroy(&doc);
    wd_vec_push(&texts, copy);
    return copy;
}
