#include "store-svc/mime/parse.h"

#include <check.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "common/base/vec.h"
#include "samples.h"
#include "tests/run.h"

struct bodies {
    struct WD_VEC(struct wd_buf) of; /* by part */
    struct wd_buf glue;
    uint64_t glue_end;
};

static void
collect(void *data, const struct wd_mime_part *part, uint32_t index, struct wd_str bytes)
{
    struct bodies *b = data;

    (void)part;
    while (b->of.n <= index)
        wd_vec_push(&b->of, (struct wd_buf){ 0 });
    wd_buf_str(&b->of.p[index], bytes);
}

static void
collect_glue(void *data, uint64_t offset, struct wd_str bytes)
{
    struct bodies *b = data;

    ck_assert_uint_ge(offset, b->glue_end);
    b->glue_end = offset + bytes.n;
    wd_buf_str(&b->glue, bytes);
}

static void
bodies_done(struct bodies *b)
{
    for (size_t i = 0; i < b->of.n; i++)
        wd_buf_done(&b->of.p[i]);
    wd_vec_done(&b->of);
    wd_buf_done(&b->glue);
}

/* Parses in pieces: up to `split`, then `step` bytes at a time. */
static const struct wd_mime *
parse(struct wd_arena *a, struct wd_str s, size_t split, size_t step, struct bodies *b)
{
    struct wd_mime_sink sink = { collect, collect_glue, b };
    struct wd_mime_parser *p = wd_mime_parser_new(a, WD_MIME_LIMITS, &sink);
    const struct wd_mime *m;

    wd_mime_feed(p, wd_str_part(s, 0, split));
    for (size_t i = split; i < s.n; i += step)
        wd_mime_feed(p, wd_str_part(s, i, i + step));
    m = wd_mime_finish(p);
    wd_mime_parser_free(p);
    return m;
}

/* The ranges follow each other, and a leaf's body is what the sink got. */
static void
check_ranges(const struct sample *s, const struct wd_mime *m, const struct bodies *b)
{
    uint64_t at = 0, covered = b->glue.n;

    ck_assert_uint_eq(m->size, s->bytes.n);
    for (uint32_t i = 0; i < m->n; i++) {
        const struct wd_mime_part *p = &m->parts[i];
        struct wd_str body = wd_str_part(s->bytes, p->body_start, p->body_end);

        ck_assert_msg(p->header_start >= at, "%s: part %u", s->name, i);
        ck_assert_uint_ge(p->body_start, p->header_start);
        ck_assert_uint_ge(p->body_end, p->body_start);
        ck_assert_uint_le(p->body_end, m->size);
        ck_assert(wd_str_eq(p->header, wd_str_part(s->bytes, p->header_start, p->body_start)));
        ck_assert_uint_le(p->parent, i);
        at = p->body_start;
        covered += p->body_start - p->header_start;
        if (p->kind != WD_PART_LEAF)
            continue;
        at = p->body_end;
        covered += body.n;
        struct wd_str got = i < b->of.n ? wd_buf_view(&b->of.p[i]) : WD_NONE;
        ck_assert_msg(wd_str_eq(got, body), "%s: body of part %u", s->name, i);
    }
    ck_assert_msg(covered == m->size, "%s: headers, bodies and glue are not all of it", s->name);
}

static void
check_same(const struct sample *s, const struct wd_mime *a, const struct wd_mime *b)
{
    ck_assert_msg(a->n == b->n, "%s: %u and %u parts", s->name, a->n, b->n);
    for (uint32_t i = 0; i < a->n; i++) {
        const struct wd_mime_part *x = &a->parts[i], *y = &b->parts[i];

        ck_assert_uint_eq(x->parent, y->parent);
        ck_assert_int_eq(x->kind, y->kind);
        ck_assert_uint_eq(x->header_start, y->header_start);
        ck_assert_uint_eq(x->body_start, y->body_start);
        ck_assert_msg(x->body_end == y->body_end, "%s: part %u ends", s->name, i);
        ck_assert_msg(x->lines == y->lines, "%s: part %u lines", s->name, i);
        ck_assert(x->proven == y->proven);
        ck_assert_uint_eq(x->line_length, y->line_length);
        ck_assert_uint_eq(x->tail, y->tail);
    }
}

START_TEST(any_split_gives_the_same_tree)
{
    struct wd_arena *a = wd_arena_new(1 << 16);
    const struct sample *list;
    size_t n = samples(a, &list);

    for (size_t i = 0; i < n; i++) {
        struct bodies whole = { 0 }, bytewise = { 0 };
        const struct wd_mime *first = parse(a, list[i].bytes, list[i].bytes.n, 1, &whole);

        check_ranges(&list[i], first, &whole);
        check_same(&list[i], first, parse(a, list[i].bytes, 0, 1, &bytewise));
        check_ranges(&list[i], first, &bytewise);
        for (size_t at = 1; at < list[i].bytes.n && list[i].bytes.n < 700; at++) {
            struct wd_arena *b = wd_arena_new(4096);
            struct bodies halves = { 0 };

            check_same(&list[i], first, parse(b, list[i].bytes, at, list[i].bytes.n, &halves));
            check_ranges(&list[i], first, &halves);
            bodies_done(&halves);
            wd_arena_free(b);
        }
        bodies_done(&whole);
        bodies_done(&bytewise);
    }
    wd_arena_free(a);
}
END_TEST

/* "kind type/subtype@depth" of each part. */
static void
describe(const struct wd_mime *m, struct wd_buf *out)
{
    for (uint32_t i = 0; i < m->n; i++)
        wd_buf_printf(out, "%s%u:%.*s/%.*s:%u:%u", i ? " " : "", m->parts[i].depth, WD_FMT(m->parts[i].type),
                      WD_FMT(m->parts[i].subtype), (unsigned)(m->parts[i].body_end - m->parts[i].body_start),
                      (unsigned)m->parts[i].lines);
}

/* depth:type:size of the body:lines */
static const struct {
    const char *name, *tree;
} trees[] = {
    { "empty message", "0:text/plain:0:0" },
    { "ordinary", "0:text/plain:14:2" },
    { "bare CR", "0:text/plain:12:2" },
    { "CR CR LF", "0:text/plain:16:2" },
    { "multipart", "0:multipart/mixed:93:9 1:text/plain:5:0 1:text/html:12:0" },
    { "parts without header", "0:multipart/mixed:37:7 1:text/plain:3:0 1:text/plain:3:0" },
    { "part with neither header nor empty line",
      "0:multipart/mixed:30:6 1:text/plain:0:0 1:text/plain:0:0 1:text/plain:0:0" },
    { "empty parts", "0:multipart/mixed:35:8 1:text/plain:0:0 1:text/plain:0:0" },
    { "trailing blanks at boundaries", "0:multipart/mixed:43:9 1:text/plain:1:0 1:text/plain:1:0" },
    { "no boundary line", "0:multipart/mixed:14:2" },
    { "multipart without boundary parameter", "0:text/plain:19:3" },
    { "inner multipart not closed",
      "0:multipart/mixed:89:12 1:multipart/mixed:14:3 2:text/plain:1:0 1:text/plain:1:0" },
    { "digest", "0:multipart/digest:59:11 1:message/rfc822:17:2 2:text/plain:1:0 1:message/rfc822:17:2 "
                "2:text/plain:1:0" },
    { "embedded message in base64", "0:message/rfc822:26:1" },
    { "broken types", "0:text/plain:1:0" },
    { "more broken types", "0:text/plain:1:0" },
};

START_TEST(tree_is_as_the_rfc_says)
{
    struct wd_arena *a = wd_arena_new(1 << 16);
    const struct sample *list;
    size_t n = samples(a, &list), found = 0;

    for (size_t i = 0; i < n; i++) {
        struct bodies b = { 0 };
        struct wd_buf out = { 0 };

        if (strcmp(list[i].name, trees[_i].name) != 0)
            continue;
        describe(parse(a, list[i].bytes, list[i].bytes.n, 1, &b), &out);
        wd_buf_chr(&out, 0);
        ck_assert_str_eq(out.p, trees[_i].tree);
        wd_buf_done(&out);
        bodies_done(&b);
        found++;
    }
    ck_assert_uint_eq(found, 1);
    wd_arena_free(a);
}
END_TEST

START_TEST(limits_make_opaque_pieces)
{
    struct wd_arena *a = wd_arena_new(1 << 16);
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    struct wd_mime_limits limits = { .depth = 3, .parts = 5, .header = 64, .headers = 90 };
    struct wd_mime_parser *p = wd_mime_parser_new(a, limits, NULL);
    const struct wd_mime *m;

    wd_buf_c(&text, "Content-Type: multipart/mixed; boundary=b\r\n\r\n");
    for (int i = 0; i < 20; i++)
        wd_buf_printf(&text, "--b\r\nX-Part: %d\r\n\r\nbody\r\n", i);
    wd_mime_feed(p, wd_buf_view(&text));
    m = wd_mime_finish(p);
    ck_assert_uint_eq(m->n, 5);
    ck_assert_uint_eq(m->parts[4].body_end, text.n);
    ck_assert(m->parts[4].header_cut);
    ck_assert_uint_eq(m->parts[4].body_start - m->parts[4].header_start, 13);
    wd_mime_parser_free(p);
    wd_arena_free(a);
}
END_TEST

START_TEST(huge_lines_need_little_memory)
{
    enum { MB = 1 << 20 };
    static const char *const fillers[] = { "x", "\r", "-", "--b", "\n", "--b\n", "x\r\n" };
    struct wd_arena *a = wd_arena_new(4096);
    struct wd_buf chunk wd_auto(wd_buf_done) = { 0 };
    struct wd_mime_limits limits = WD_MIME_LIMITS;
    struct wd_mime_parser *p = wd_mime_parser_new(a, limits, NULL);

    while (chunk.n < MB)
        wd_buf_c(&chunk, fillers[_i]);
    wd_mime_feed(p, WD_STR("Content-Type: multipart/mixed; boundary=b\r\nX: "));
    for (int i = 0; i < 3; i++)
        wd_mime_feed(p, wd_buf_view(&chunk));
    wd_mime_feed(p, WD_STR("\r\n\r\n--b\r\n\r\n"));
    for (int i = 0; i < 4; i++)
        wd_mime_feed(p, wd_buf_view(&chunk));
    ck_assert_uint_gt(wd_mime_finish(p)->size, 7 * MB);
    ck_assert_uint_lt(wd_arena_used(a), 16 * MB);
    wd_mime_parser_free(p);
    wd_arena_free(a);
}
END_TEST

int
main(void)
{
    TCase *t = tcase_create("parse");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, any_split_gives_the_same_tree);
    tcase_add_loop_test(t, tree_is_as_the_rfc_says, 0, WD_COUNT(trees));
    tcase_add_test(t, limits_make_opaque_pieces);
    tcase_add_loop_test(t, huge_lines_need_little_memory, 0, 7);
    return run_case("parse", t);
}
