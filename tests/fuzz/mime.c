/* tests/fuzz/mime.c – any bytes are a message: taken in, put into a document, and read back byte for byte; and the
 * same tree comes out however the bytes were cut. */
#include <stdlib.h>

#include "store-svc/domain/body.h"
#include "store-svc/domain/imap_data.h"
#include "store-svc/domain/intake.h"
#include "tests/unit/store-svc/domain/memory_blobs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void
check(bool ok)
{
    if (!ok)
        abort();
}

static const struct wd_mime *
parse(struct wd_arena *a, struct wd_str s, size_t step)
{
    struct wd_mime_parser *p = wd_mime_parser_new(a, WD_MIME_LIMITS, NULL);
    const struct wd_mime *m;

    for (size_t i = 0; i < s.n; i += step)
        wd_mime_feed(p, wd_str_part(s, i, i + step));
    m = wd_mime_finish(p);
    wd_mime_parser_free(p);
    return m;
}

static void
same_trees(struct wd_arena *a, struct wd_str s)
{
    const struct wd_mime *whole = parse(a, s, s.n ? s.n : 1), *cut = parse(a, s, 7);

    check(whole->n == cut->n && whole->size == s.n);
    for (uint32_t i = 0; i < whole->n; i++)
        check(whole->parts[i].body_start == cut->parts[i].body_start && whole->parts[i].kind == cut->parts[i].kind &&
              whole->parts[i].body_end == cut->parts[i].body_end && whole->parts[i].lines == cut->parts[i].lines &&
              whole->parts[i].proven == cut->parts[i].proven);
}

static void
reads_back(struct wd_arena *a, const bson_t *doc, struct memory_blobs *blobs, struct wd_str prefix,
           struct wd_str message)
{
    struct wd_body *body;
    struct wd_error err;
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };
    struct wd_body_structure structure;
    struct wd_envelope envelope;

    check(wd_body_open(a, doc, &blobs->base, &body, &err));
    check(wd_body_read_all(body, 0, prefix.n + message.n + 1, &out, &err));
    check(wd_str_eq(wd_str_part(wd_buf_view(&out), 0, prefix.n), prefix));
    check(wd_str_eq(wd_str_part(wd_buf_view(&out), prefix.n, out.n), message));
    for (size_t step = 1 + message.n / 5, at = 0; at < message.n; at += step) {
        out.n = 0;
        check(wd_body_read_all(body, prefix.n + at, step, &out, &err));
        check(wd_str_eq(wd_buf_view(&out), wd_str_part(message, at, at + step)));
    }
    wd_structure_load(a, doc, "bodystructure", &structure);
    wd_envelope_load(a, doc, "envelope", &envelope);
    check(structure.n > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static const struct wd_str prefix = WD_STR_C("Delivered-To: a@b\r\n");
    struct wd_str message = wd_str_n(data, n);
    struct wd_arena *a = wd_arena_new(1 << 16);
    struct memory_blobs blobs;
    struct wd_source_memory source;
    struct wd_intake in, with;
    struct wd_error err;

    memory_blobs_init(&blobs);
    same_trees(a, message);
    if (wd_intake_read(a, wd_source_memory(&source, message), &blobs.base, 0, &in, &err)) {
        for (size_t i = 0; i < in.n_blobs; i++)
            check(wd_blobs_add(&blobs.base, NULL, &in.blobs[i].ref, &in.blobs[i].info, &err));
        reads_back(a, in.fields, &blobs, WD_NONE, message);
        check(wd_intake_with_prefix(&in, prefix, &with, &err));
        reads_back(a, with.fields, &blobs, prefix, message);
        wd_intake_done(&with);
        wd_intake_done(&in);
    } else {
        check(err.reason == WD_MESSAGE_REFUSED);
    }
    memory_blobs_done(&blobs);
    wd_arena_free(a);
    return 0;
}
