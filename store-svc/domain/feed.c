#include "store-svc/domain/feed.h"

#include "common/base/clock.h"
#include "common/base/vec.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/schema.h"

enum { JOURNAL_LIFE_MS = 3 * 60 * 60 * 1000, BATCH_LIFE_MS = 10 * 60 * 1000, SETTLE_MS = 3000 };

/* The lowest id of a second. */
static struct wd_id
id_at(int64_t ms)
{
    uint32_t seconds = (uint32_t)(ms / 1000);
    struct wd_id id = { 0 };

    for (int i = 0; i < 4; i++)
        id.b[i] = (uint8_t)(seconds >> (24 - 8 * i));
    return id;
}

static bool
find_rows(struct wd_domain *d, const struct wd_feed *in, int direction, size_t limit,
          struct wd_docs_cursor **out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t sort wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_docs_query query = { .sort = &sort, .limit = (int64_t)limit };
    bson_t bounds;

    if (!in->all)
        wd_doc_add_id(&filter, "user", in->user);
    if (direction > 0 && in->early) {
        bson_append_document_begin(&filter, "command", 7, &bounds);
        wd_doc_add_str(&bounds, "$ne", WD_JOURNAL_NOTHING);
        bson_append_document_end(&filter, &bounds);
    }
    if (direction > 0) {
        bson_append_document_begin(&filter, "_id", 3, &bounds);
        wd_doc_add_id(&bounds, "$gt", in->cursor);
        if (!in->early && !wd_docs_is_atomic(d->docs))
            wd_doc_add_id(&bounds, "$lt", id_at(wd_now_ms() - SETTLE_MS));
        bson_append_document_end(&filter, &bounds);
    }
    wd_doc_add_int(&sort, "_id", direction);
    return wd_docs_find(d->docs, WD_JOURNAL, &filter, &query, out, err) ||
           wd_fail_in(err, "read journal");
}

/* "From now on" is after the last row that is there. */
static bool
find_end(struct wd_domain *d, const struct wd_feed *in, struct wd_id *cursor, struct wd_error *err)
{
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *doc;

    if (!wd_docs_is_atomic(d->docs)) {
        *cursor = id_at(wd_now_ms() - SETTLE_MS);
        return true;
    }
    if (!find_rows(d, in, -1, 1, &rows, err))
        return false;
    if (!wd_docs_cursor_next(rows, &doc, err))
        return wd_fail_in(err, "read journal");
    *cursor = id_at(wd_now_ms() - BATCH_LIFE_MS);
    if (doc)
        wd_doc_id(doc, "_id", cursor);
    return true;
}

/* Rows are named when they are written and seen when their batch ends; a caught-up cursor moves on
 * only over times at which no batch can be open any more, so that none is passed by. */
static void
advance(struct wd_id *cursor)
{
    struct wd_id settled = id_at(wd_now_ms() - BATCH_LIFE_MS);

    if (memcmp(cursor->b, settled.b, sizeof settled.b) < 0)
        *cursor = settled;
}

static bool
is_before(struct wd_id a, struct wd_id b)
{
    return memcmp(a.b, b.b, sizeof a.b) < 0;
}

/* With several clocks an early reader has seen all only up to some seconds ago. */
static void
settle(struct wd_id *cursor, struct wd_id from, bool end)
{
    struct wd_id settled = id_at(wd_now_ms() - SETTLE_MS);

    if (end || is_before(settled, *cursor))
        *cursor = settled;
    if (is_before(*cursor, from))
        *cursor = from;
}

static struct wd_feed
rewound(const struct wd_feed *in)
{
    struct wd_feed to = *in;

    to.cursor = id_at(wd_id_time_ms(in->cursor) - SETTLE_MS);
    return to;
}

static bool
read_rows(struct wd_domain *d, struct wd_arena *a, const struct wd_feed *in, struct wd_journal_row *out, size_t *n,
          struct wd_id *cursor, struct wd_error *err)
{
    struct wd_docs_cursor *rows wd_auto(wd_docs_cursor_freep) = NULL;
    const bson_t *doc;
    size_t read = 0;

    *cursor = in->cursor;
    if (!find_rows(d, in, 1, in->limit, &rows, err))
        return false;
    for (;; read++) {
        if (!wd_docs_cursor_next(rows, &doc, err))
            return wd_fail_in(err, "read journal");
        if (!doc)
            break;
        wd_doc_id(doc, "_id", cursor);
        *n += wd_journal_read(doc, a, &out[*n]);
    }
    if (in->early && !wd_docs_is_atomic(d->docs))
        settle(cursor, in->cursor, read < in->limit);
    else if (read < in->limit)
        advance(cursor);
    return true;
}

bool
wd_feed_read(struct wd_domain *d, struct wd_arena *a, const struct wd_feed *in,
             struct wd_journal_row **out, size_t *n, struct wd_id *cursor, struct wd_error *err)
{
    struct wd_feed earlier;

    *out = WD_ARENA_ARRAY(a, struct wd_journal_row, in->limit);
    *n = 0;
    if (!in->resume)
        return find_end(d, in, cursor, err);
    if (wd_id_time_ms(in->cursor) < wd_now_ms() - JOURNAL_LIFE_MS)
        return wd_fail(err, WD_CURSOR_EXPIRED, "the journal does not reach back so far");
    if (in->again && !wd_docs_is_atomic(d->docs)) {
        earlier = rewound(in);
        in = &earlier;
    }
    return read_rows(d, a, in, *out, n, cursor, err);
}
