#include "store-svc/domain/layout.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "store-svc/domain/doc.h"
#include "tests/run.h"

static struct wd_arena *arena;
static struct wd_error err;

static void
setup(void)
{
    arena = wd_arena_new(0);
}

static void
teardown(void)
{
    wd_arena_free(arena);
}

/* The tree of a document in JSON; the document must outlive it. */
static bson_t *
load(const char *json, struct wd_tree *tree)
{
    bson_t *doc = bson_new_from_json((const uint8_t *)json, -1, NULL);
    bson_t view;

    ck_assert_ptr_nonnull(doc);
    ck_assert(wd_doc_sub(doc, "mimeTree", &view));
    ck_assert(wd_tree_read(arena, &view, tree, &err));
    return doc;
}

static void
build(const struct wd_tree *tree, const struct wd_layout *l, struct wd_buf *out)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct wd_segment *s = &l->segments[i];

        ck_assert_uint_eq(s->start, out->n);
        if (s->kind == WD_SEGMENT_LITERAL)
            wd_buf_add(out, s->literal, s->size);
        else if (s->kind == WD_SEGMENT_HEADER)
            wd_tree_header(&tree->nodes[s->node], out);
        else
            wd_buf_str(out, tree->nodes[s->node].body);
        ck_assert_uint_eq(out->n, s->start + s->size);
        ck_assert_uint_eq(wd_layout_find(l, s->start), i);
        ck_assert_uint_eq(wd_layout_find(l, s->start + s->size - 1), i);
    }
}

#define MULTI(body)                                                                                                    \
    "{\"mimeTree\": {\"header\": [\"A: 1\", \"B: 2\\r\\n 3\"], \"boundary\": \"b\", \"body\": " body                   \
    ", \"childNodes\": [{\"header\": [\"C: \\u00e4\"], \"body\": \"one\"}, {\"header\": [], \"body\": \"two\"}]}}"

static const struct {
    const char *json, *bytes; /* the document's size is that of the bytes */
} trees[] = {
    { "{\"mimeTree\": {\"header\": [\"A: 1\"], \"body\": \"x\"}}", "A: 1\r\n\r\nx" },
    { "{\"mimeTree\": {\"header\": [\"A: 1\"], \"body\": \"\"}}", "A: 1\r\n\r\n" },
    { "{\"mimeTree\": {\"header\": [\"A: 1\"], \"body\": \"x\"}}", "A: 1\r\n\r\nx\r\n" },
    { "{\"mimeTree\": {}}", "\r\n\r\n" },
    { MULTI("false"), "A: 1\r\nB: 2\r\n 3\r\n\r\n--b\r\nC: \xe4\r\n\r\none\r\n--b\r\n\r\n\r\ntwo\r\n--b--" },
    { MULTI("false"), "A: 1\r\nB: 2\r\n 3\r\n\r\n--b\r\nC: \xe4\r\n\r\none\r\n--b\r\n\r\n\r\ntwo\r\n--b--\r\n" },
    { MULTI("\"pre\""), "A: 1\r\nB: 2\r\n 3\r\n\r\npre\r\n--b\r\nC: \xe4\r\n\r\none\r\n--b\r\n\r\n\r\ntwo\r\n--b--" },
    { MULTI("\"pre\\r\\n\""),
      "A: 1\r\nB: 2\r\n 3\r\n\r\npre\r\n--b\r\nC: \xe4\r\n\r\none\r\n--b\r\n\r\n\r\ntwo\r\n--b--" },
    { MULTI("\"pre\\r\\n\""),
      "A: 1\r\nB: 2\r\n 3\r\n\r\npre\r\n--b\r\nC: \xe4\r\n\r\none\r\n--b\r\n\r\n\r\ntwo\r\n--b--\r\n" },
    { MULTI("\"pre\\r\\n\""),
      "A: 1\r\nB: 2\r\n 3\r\n\r\npre\r\n\r\n--b\r\nC: \xe4\r\n\r\none\r\n--b\r\n\r\n\r\ntwo\r\n--b--\r\n" },
    { "{\"mimeTree\": {\"header\": [\"A: 1\"], \"message\": {\"header\": [\"B: 2\"], \"body\": \"x\"}}}",
      "A: 1\r\n\r\nB: 2\r\n\r\nx" },
    { "{\"mimeTree\": {\"header\": [], \"boundary\": \"b\", \"childNodes\": []}}", "\r\n\r\n--b\r\n--b--" },
};

START_TEST(tree_alone_gives_the_bytes)
{
    struct wd_tree tree;
    struct wd_layout l;
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    bson_t *doc = load(trees[_i].json, &tree);
    size_t want = strlen(trees[_i].bytes);

    wd_layout_derive(arena, &tree, want, &l);
    build(&tree, &l, &out);
    ck_assert_msg(wd_str_eq(wd_buf_view(&out), wd_str_c(trees[_i].bytes)), "'%.*s'", (int)out.n, out.p);
    ck_assert_uint_eq(l.size, want);
    ck_assert_uint_eq(l.nodes[0].header_start, 0);
    ck_assert_uint_eq(l.nodes[0].body_end, want);
    bson_destroy(doc);
}
END_TEST

START_TEST(stored_layout_comes_back)
{
    struct wd_tree tree;
    bson_t *doc = load(MULTI("false"), &tree);
    struct wd_layout_node nodes[] = { { 0, 20, 90 }, { 30, 40, 50 }, { 60, 61, 62 } };
    struct wd_segment segments[] = { { .kind = WD_SEGMENT_LITERAL, .size = 2, .literal = "xy" },
                                     { .kind = WD_SEGMENT_HEADER, .size = 18, .start = 2 },
                                     { .kind = WD_SEGMENT_POOL, .size = 3, .start = 20 },
                                     { .kind = WD_SEGMENT_BODY, .node = 1, .size = 3, .start = 23 },
                                     { .kind = WD_SEGMENT_POOL, .size = 2, .start = 26, .offset = 3 } };
    bson_t with wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_layout in = { .segments = segments, .n = 5, .nodes = nodes, .pool = WD_STR("abcde") }, out;

    bson_concat(&with, doc); /* the tree points into doc, which must stay where it is */
    wd_layout_write(&with, &in, 3, true);
    ck_assert_msg(wd_layout_read(arena, &with, &tree, &out, &err), "%s", err.text);
    ck_assert_uint_eq(out.n, 5);
    ck_assert_uint_eq(out.size, 28);
    for (size_t i = 0; i < 5; i++) {
        ck_assert_int_eq(out.segments[i].kind, segments[i].kind);
        ck_assert_uint_eq(out.segments[i].node, segments[i].node);
        ck_assert_uint_eq(out.segments[i].start, segments[i].start);
        ck_assert_uint_eq(out.segments[i].size, segments[i].size);
        if (segments[i].kind == WD_SEGMENT_POOL)
            ck_assert_uint_eq(out.segments[i].offset, segments[i].offset);
    }
    ck_assert(memcmp(out.nodes, nodes, sizeof nodes) == 0);
    ck_assert(wd_str_eq(out.pool, WD_STR("abcde")));
    bson_destroy(doc);
}
END_TEST

/* Every cut and every changed byte of a stored map is either refused or a layout that can be read. */
START_TEST(damaged_layout_is_refused_or_safe)
{
    struct wd_tree tree;
    bson_t *doc = load(MULTI("false"), &tree);
    unsigned refused = 0;

    for (unsigned value = 0; value < 256; value++)
        for (size_t at = 0; at < 14; at++) {
            char map[14] = { 0, 18, 40, 30, 6, 3, 10, 4, 4, 2, 0, 18, 1, 2 };
            bson_t copy wd_auto(bson_destroy) = BSON_INITIALIZER;
            struct wd_layout out;
            bson_t field;

            map[at] = (char)value;
            bson_concat(&copy, doc);
            bson_append_document_begin(&copy, WD_LAYOUT_FIELD, -1, &field);
            bson_append_int32(&field, "v", -1, 1);
            wd_doc_add_bytes(&field, "map", map, at % 2 ? sizeof map : at + 1);
            wd_doc_add_bytes(&field, "pool", "abc", 3);
            bson_append_document_end(&copy, &field);
            refused += !wd_layout_read(arena, &copy, &tree, &out, &err);
        }
    ck_assert_uint_gt(refused, 1000);
    bson_destroy(doc);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("layout");

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_loop_test(t, tree_alone_gives_the_bytes, 0, WD_COUNT(trees));
    tcase_add_test(t, stored_layout_comes_back);
    tcase_add_test(t, damaged_layout_is_refused_or_safe);
    return run_case("layout", t);
}
