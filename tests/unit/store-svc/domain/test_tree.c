#include "store-svc/domain/tree.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "store-svc/domain/doc.h"
#include "tests/run.h"
#include "tests/unit/store-svc/mime/samples.h"

static const struct wd_mime *
parse(struct wd_arena *a, struct wd_str s)
{
    struct wd_mime_parser *p = wd_mime_parser_new(a, WD_MIME_LIMITS, NULL);
    const struct wd_mime *m;

    wd_mime_feed(p, s);
    m = wd_mime_finish(p);
    wd_mime_parser_free(p);
    return m;
}

/* What is written is valid BSON, and the same tree is read from it. */
START_TEST(tree_comes_back)
{
    struct wd_arena *a = wd_arena_new(0);
    const struct sample *list;
    size_t n = samples(a, &list);
    struct wd_error err;

    for (size_t i = 0; i < n; i++) {
        const struct wd_mime *m = parse(a, list[i].bytes);
        struct wd_tree_body *bodies = WD_ARENA_ARRAY(a, struct wd_tree_body, m->n);
        struct wd_blob_key pool = { { 9 } };
        struct wd_tree tree;
        bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
        bson_t view;

        for (uint32_t k = 0; k < m->n; k++) {
            bodies[k].present = m->parts[k].kind == WD_PART_LEAF;
            bodies[k].bytes = wd_str_part(list[i].bytes, m->parts[k].body_start, m->parts[k].body_end);
            bodies[k].attachment = bodies[k].present && k % 2 ? k : 0;
            bodies[k].key.b[0] = (uint8_t)k;
        }
        wd_tree_write(&doc, "mimeTree", m, bodies, &pool);
        ck_assert(bson_validate(&doc, BSON_VALIDATE_UTF8 | BSON_VALIDATE_UTF8_ALLOW_NULL, NULL));
        ck_assert(wd_doc_sub(&doc, "mimeTree", &view));
        ck_assert(wd_tree_read(a, &view, &tree, &err));
        ck_assert_msg(tree.n == m->n && tree.has_pool && tree.pool.b[0] == 9, "%s", list[i].name);
        for (uint32_t k = 0; k < m->n; k++) {
            ck_assert_uint_eq(tree.nodes[k].parent, m->parts[k].parent);
            ck_assert_uint_eq(tree.nodes[k].depth, m->parts[k].depth);
            ck_assert_int_eq(tree.nodes[k].kind, m->parts[k].kind);
            ck_assert(wd_str_eq(tree.nodes[k].boundary, m->parts[k].boundary));
            ck_assert_uint_eq(tree.nodes[k].size, m->parts[k].body_end - m->parts[k].body_start);
            ck_assert(tree.nodes[k].external == (bodies[k].attachment > 0));
            if (tree.nodes[k].external)
                ck_assert_uint_eq(tree.nodes[k].key.b[0], k);
            else if (bodies[k].present)
                ck_assert(tree.nodes[k].has_body && wd_str_eq(tree.nodes[k].body, bodies[k].bytes));
        }
    }
    wd_arena_free(a);
}
END_TEST

START_TEST(header_bytes_are_kept_as_latin1)
{
    struct wd_arena *a = wd_arena_new(0);
    struct wd_str message = WD_STR("A: \xe4\xff\x80 \xc3\xa4\r\n \0x\r\nB: 2\r\n\r\n");
    struct wd_tree_body body = { .present = true };
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_tree tree;
    struct wd_error err;
    bson_t view;

    wd_tree_write(&doc, "t", parse(a, message), &body, NULL);
    ck_assert(wd_doc_sub(&doc, "t", &view) && wd_tree_read(a, &view, &tree, &err));
    wd_tree_header(&tree.nodes[0], &out);
    ck_assert(wd_str_eq(wd_buf_view(&out), message));
    ck_assert_uint_eq(wd_tree_header_size(&tree.nodes[0]), message.n);
    ck_assert(wd_str_starts(wd_doc_str(&doc, "t.header.0"), WD_STR("A: \xc3\xa4\xc3\xbf\xc2\x80 ")));
    wd_arena_free(a);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("tree");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, tree_comes_back);
    tcase_add_test(t, header_bytes_are_kept_as_latin1);
    return run_case("tree", t);
}
