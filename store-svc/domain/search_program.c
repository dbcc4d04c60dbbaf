/* The shape of a search program, and the keys that a filter can say. */
#include "common/base/utf8.h"
#include "common/mail/address.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/search_priv.h"

enum { TEXT_QUERIES = 32, HEADER_CHARACTERS = 240 };

/* ---- shape ---- */

/* A node that still takes others. */
struct open_node {
    uint32_t node, left;
};

static uint32_t
takes(const struct wd_search_node *node)
{
    if (node->key == WD_SEARCH_NOT)
        return 1;
    return node->key == WD_SEARCH_AND || node->key == WD_SEARCH_OR ? node->count : 0;
}

/* AND in AND and OR in OR become one list, so only a change of kind goes deeper. */
static bool
goes_deeper(const struct wd_search_node *node, const struct wd_search_node *parent)
{
    return node->key != parent->key || node->key == WD_SEARCH_NOT;
}

static bool
check_words(const struct wd_search_node *nodes, uint32_t n, struct wd_error *err)
{
    unsigned words = 0;

    for (uint32_t i = 0; i < n; i++) {
        words += nodes[i].key == WD_SEARCH_BODY || nodes[i].key == WD_SEARCH_TEXT_KEY;
        if (nodes[i].text.n > WD_SEARCH_TEXT || nodes[i].name.n > WD_SEARCH_TEXT)
            return wd_fail(err, WD_INVALID, "a search text has more than %d bytes", WD_SEARCH_TEXT);
    }
    return words <= TEXT_QUERIES || wd_fail(err, WD_INVALID, "more than %d searches for words", TEXT_QUERIES);
}

/* The nodes get a root of their own: several at the top mean AND, none means everything. */
static const struct wd_search_node *
with_root(struct wd_arena *a, const struct wd_search_node *nodes, size_t n)
{
    struct wd_search_node *all = WD_ARENA_ARRAY(a, struct wd_search_node, n + 1);

    all[0].key = WD_SEARCH_AND;
    if (n)
        memcpy(all + 1, nodes, n * sizeof *nodes);
    return all;
}

bool
wd_search_plan(struct wd_arena *a, const struct wd_search_node *nodes, size_t n, struct wd_search_plan *out,
               struct wd_error *err)
{
    struct open_node *open = WD_ARENA_ARRAY(a, struct open_node, WD_SEARCH_NODES + 1);
    uint32_t *depth = WD_ARENA_ARRAY(a, uint32_t, WD_SEARCH_NODES + 1);
    size_t top = 0;

    if (n > WD_SEARCH_NODES)
        return wd_fail(err, WD_INVALID, "a search has at most %d keys", WD_SEARCH_NODES);
    out->nodes = with_root(a, nodes, n);
    out->n = (uint32_t)n + 1;
    out->parent = WD_ARENA_ARRAY(a, uint32_t, n + 1);
    open[0] = (struct open_node){ 0, UINT32_MAX };
    for (uint32_t i = 1; i < out->n; i++) {
        while (open[top].left == 0)
            top--;
        out->parent[i] = open[top].node;
        open[top].left--;
        depth[i] = depth[open[top].node] + goes_deeper(&out->nodes[i], &out->nodes[open[top].node]);
        if (depth[i] > WD_SEARCH_DEPTH)
            return wd_fail(err, WD_INVALID, "a search nests at most %d deep", WD_SEARCH_DEPTH);
        if (takes(&out->nodes[i]))
            open[++top] = (struct open_node){ i, takes(&out->nodes[i]) };
    }
    for (; top > 0; top--)
        if (open[top].left > 0)
            return wd_fail(err, WD_INVALID, "a search key lacks its operands");
    return check_words(out->nodes, out->n, err);
}

bool
wd_search_needs_set(const struct wd_search_node *node)
{
    return node->key == WD_SEARCH_UIDS || node->key == WD_SEARCH_BODY || node->key == WD_SEARCH_TEXT_KEY;
}

/* ---- leaves ---- */

void
wd_search_nothing(bson_t *out)
{
    wd_doc_add_op(out, "uid", "$lt", 0);
}

static bool
add_all(struct wd_arena *a, const struct wd_search_node *node, bson_t *out, struct wd_error *err)
{
    (void)a;
    (void)node;
    (void)out;
    (void)err;
    return true;
}

static bool
add_none(struct wd_arena *a, const struct wd_search_node *node, bson_t *out, struct wd_error *err)
{
    (void)a;
    (void)node;
    (void)err;
    wd_search_nothing(out);
    return true;
}

static bool
add_flag(struct wd_arena *a, const struct wd_search_node *node, bson_t *out, struct wd_error *err)
{
    static const struct {
        enum wd_flag flag;
        const char *field;
        bool value;
    } mirrors[] = {
        { WD_FLAG_SEEN, "unseen", false },
        { WD_FLAG_DELETED, "undeleted", false },
        { WD_FLAG_FLAGGED, "flagged", true },
        { WD_FLAG_DRAFT, "draft", true },
    };

    (void)a;
    if (node->number == WD_FLAG_ANSWERED) {
        wd_doc_add_str(out, "flags", WD_STR("\\Answered"));
        return true;
    }
    for (size_t i = 0; i < WD_COUNT(mirrors); i++) {
        if (node->number == (int64_t)mirrors[i].flag) {
            wd_doc_add_bool(out, mirrors[i].field, mirrors[i].value);
            return true;
        }
    }
    return wd_fail(err, WD_INVALID, "a search for a flag that is none");
}

/* The text as a regular expression that matches just it. */
static struct wd_str
literally(struct wd_arena *a, const char *before, struct wd_str text, const char *after)
{
    struct wd_buf pattern wd_auto(wd_buf_done) = { 0 };

    wd_buf_c(&pattern, before);
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] && strchr("\\^$.|?*+()[]{}/-", text.p[i]))
            wd_buf_chr(&pattern, '\\');
        wd_buf_chr(&pattern, text.p[i]);
    }
    wd_buf_c(&pattern, after);
    return wd_arena_str(a, wd_buf_view(&pattern));
}

static void
add_pattern(bson_t *out, const char *field, struct wd_str pattern)
{
    bson_t condition;

    bson_append_document_begin(out, field, -1, &condition);
    wd_doc_add_str(&condition, "$regex", pattern);
    wd_doc_add_str(&condition, "$options", WD_STR("i"));
    bson_append_document_end(out, &condition);
}

static bool
add_keyword(struct wd_arena *a, const struct wd_search_node *node, bson_t *out, struct wd_error *err)
{
    if (!wd_keyword_valid(node->text))
        return add_none(a, node, out, err);
    add_pattern(out, "flags", literally(a, "^", node->text, "$"));
    return true;
}

static bool
is_indexed(struct wd_str name)
{
    static const char *const indexed[] = { "to",         "cc",          "subject", "from",    "sender", "reply-to",
                                           "message-id", "thread-index", "list-id", "delivered-to" };

    for (size_t i = 0; i < WD_COUNT(indexed); i++)
        if (wd_str_ieq(name, wd_str_c(indexed[i])))
            return true;
    return false;
}

static struct wd_str
lowered(struct wd_arena *a, struct wd_str name)
{
    char *p = wd_arena_alloc(a, name.n + 1);

    for (size_t i = 0; i < name.n; i++)
        p[i] = wd_lower(name.p[i]);
    return wd_str_n(p, name.n);
}

/* Only indexed headers are kept apart, with values in lower case; no other header matches. */
static bool
add_header(struct wd_arena *a, const struct wd_search_node *node, bson_t *out, struct wd_error *err)
{
    struct wd_str text = wd_text_fold(a, node->text);
    bson_t field, element;

    if (!is_indexed(node->name))
        return add_none(a, node, out, err);
    text = wd_str_part(text, 0, wd_utf8_first(text, HEADER_CHARACTERS));
    bson_append_document_begin(out, "headers", -1, &field);
    bson_append_document_begin(&field, "$elemMatch", -1, &element);
    wd_doc_add_str(&element, "key", lowered(a, node->name));
    if (text.n)
        add_pattern(&element, "value", literally(a, "", text, ""));
    bson_append_document_end(&field, &element);
    bson_append_document_end(out, &field);
    return true;
}

static void
add_date(bson_t *out, const char *field, const char *op, int64_t ms)
{
    bson_t condition;

    bson_append_document_begin(out, field, -1, &condition);
    wd_doc_add_date(&condition, op, ms);
    bson_append_document_end(out, &condition);
}

static bool
add_number(struct wd_arena *a, const struct wd_search_node *node, bson_t *out, struct wd_error *err)
{
    static const struct {
        enum wd_search_key key;
        const char *field, *op;
        bool date;
    } rows[] = {
        { WD_SEARCH_BEFORE, "idate", "$lt", true },      { WD_SEARCH_SINCE, "idate", "$gte", true },
        { WD_SEARCH_SENT_BEFORE, "hdate", "$lt", true }, { WD_SEARCH_SENT_SINCE, "hdate", "$gte", true },
        { WD_SEARCH_LARGER, "size", "$gt", false },      { WD_SEARCH_SMALLER, "size", "$lt", false },
        { WD_SEARCH_MODSEQ, "modseq", "$gte", false },
    };

    (void)a;
    (void)err;
    for (size_t i = 0; i < WD_COUNT(rows); i++) {
        if (rows[i].key != node->key)
            continue;
        if (rows[i].date)
            add_date(out, rows[i].field, rows[i].op, node->number);
        else
            wd_doc_add_op(out, rows[i].field, rows[i].op, node->number);
    }
    return true;
}

static bool (*const conditions[])(struct wd_arena *a, const struct wd_search_node *node, bson_t *out,
                                  struct wd_error *err) = {
    [WD_SEARCH_ALL] = add_all,
    [WD_SEARCH_FLAG] = add_flag,
    [WD_SEARCH_KEYWORD] = add_keyword,
    [WD_SEARCH_BEFORE] = add_number,
    [WD_SEARCH_SINCE] = add_number,
    [WD_SEARCH_SENT_BEFORE] = add_number,
    [WD_SEARCH_SENT_SINCE] = add_number,
    [WD_SEARCH_LARGER] = add_number,
    [WD_SEARCH_SMALLER] = add_number,
    [WD_SEARCH_HEADER] = add_header,
    [WD_SEARCH_MODSEQ] = add_number,
    [WD_SEARCH_NONE] = add_none,
};

bool
wd_search_condition(struct wd_arena *a, const struct wd_search_node *node, bson_t *out, struct wd_error *err)
{
    size_t key = (size_t)node->key;

    if (key >= WD_COUNT(conditions) || !conditions[key])
        return wd_fail(err, WD_INVALID, "search key %zu is not known", key);
    return conditions[key](a, node, out, err);
}
