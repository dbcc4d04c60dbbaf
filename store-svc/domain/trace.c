#include "store-svc/domain/trace.h"

#include "common/base/buf.h"
#include "store-svc/mime/header.h"

static void
add_clean(struct wd_buf *out, struct wd_str s)
{
    size_t i;

    for (i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] >= ' ' && s.p[i] != 127)
            wd_buf_chr(out, s.p[i]);
}

struct wd_str
wd_trace_prefix(struct wd_arena *a, struct wd_str recipient, struct wd_str sender)
{
    struct wd_buf out = { 0 };
    struct wd_str prefix;

    wd_buf_c(&out, "Delivered-To: ");
    add_clean(&out, recipient);
    wd_buf_c(&out, "\r\nReturn-Path: <");
    add_clean(&out, sender);
    wd_buf_c(&out, ">\r\n");
    prefix = wd_arena_str(a, wd_buf_view(&out));
    wd_buf_done(&out);
    return prefix;
}

/* The next word outside of comments; a ';' ends the clauses (RFC 5321 §4.4). False at their end. */
static bool
next_word(struct wd_str *rest, struct wd_str *word)
{
    size_t depth = 0, i = 0, start;

    while (i < rest->n && (depth > 0 || wd_is_space(rest->p[i]) || rest->p[i] == '(')) {
        depth += rest->p[i] == '(';
        depth -= rest->p[i] == ')' && depth > 0;
        i++;
    }
    start = i;
    while (i < rest->n && !wd_is_space(rest->p[i]) && rest->p[i] != '(' && rest->p[i] != ';')
        i++;
    *word = wd_str_part(*rest, start, i);
    *rest = wd_str_part(*rest, i, rest->n);
    return word->n > 0;
}

static void
read_clauses(struct wd_str value, struct wd_trace *out)
{
    struct wd_str word;

    *out = (struct wd_trace){ 0 };
    while (next_word(&value, &word)) {
        struct wd_str *to = wd_str_ieq(word, WD_STR("from")) ? &out->from
                          : wd_str_ieq(word, WD_STR("with")) ? &out->with
                          : wd_str_ieq(word, WD_STR("id")) ? &out->id
                                                           : NULL;

        if (to && next_word(&value, &word) && to->n == 0)
            *to = word;
    }
}

void
wd_trace_read(struct wd_arena *a, struct wd_str header, struct wd_trace *out)
{
    struct wd_field field;
    struct wd_trace hop;
    int hops = 0;

    *out = (struct wd_trace){ 0 };
    while (hops < 2 && wd_header_next(&header, &field)) {
        if (!wd_str_ieq(field.name, WD_STR("Received")))
            continue;
        read_clauses(wd_header_unfold(a, field.value), &hop);
        if (hops++ == 0)
            *out = hop;
        if (hop.id.n) {
            *out = hop;
            return;
        }
    }
}
