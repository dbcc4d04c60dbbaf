#include "common/mail/address.h"

#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/base/vec.h"

/* One entry while it is read. */
struct entry {
    struct wd_buf words;   /* phrase or address, quotes removed, one blank between words */
    struct wd_buf comment; /* the last comment that is not empty */
    struct wd_buf angle;   /* inside of <…> */
    size_t at;             /* of the last @ outside of quotes in `words`; SIZE_MAX */
    bool has_angle, gap;
};

struct reader {
    struct wd_arena *arena;
    struct wd_str text;
    size_t i;
    struct entry e;
    bool in_group;
    struct WD_VEC(struct wd_address) out;
};

static void
entry_reset(struct entry *e)
{
    e->words.n = e->comment.n = e->angle.n = 0;
    e->at = SIZE_MAX;
    e->has_angle = e->gap = false;
}

static void
word_char(struct entry *e, char c)
{
    if (e->gap && e->words.n)
        wd_buf_chr(&e->words, ' ');
    e->gap = false;
    wd_buf_chr(&e->words, c);
}

/* At the opening quote. */
static void
read_quoted(struct reader *r, struct wd_buf *raw)
{
    for (r->i++; r->i < r->text.n && r->text.p[r->i] != '"'; r->i++) {
        char c = r->text.p[r->i];

        if (c == '\\' && r->i + 1 < r->text.n)
            c = r->text.p[++r->i];
        else if (c == '\r' || c == '\n')
            continue;
        if (raw)
            wd_buf_chr(raw, c);
        else
            word_char(&r->e, c);
    }
}

/* At the opening parenthesis; comments nest. */
static void
read_comment(struct reader *r)
{
    struct wd_buf *b = &r->e.comment;
    size_t depth = 0, start = b->n;

    for (; r->i < r->text.n; r->i++) {
        char c = r->text.p[r->i];

        if (c == '\\' && r->i + 1 < r->text.n) {
            wd_buf_chr(b, r->text.p[++r->i]);
            continue;
        }
        if (c == '(' && depth++ == 0)
            continue;
        if (c == ')' && --depth == 0)
            break;
        if (c != '\r' && c != '\n')
            wd_buf_chr(b, c);
    }
    if (start && b->n > start) /* keep the last one only */
        wd_buf_cut(b, start);
}

/* At the "<". */
static void
read_angle(struct reader *r)
{
    r->e.angle.n = 0;
    r->e.has_angle = true;
    for (r->i++; r->i < r->text.n && r->text.p[r->i] != '>'; r->i++) {
        char c = r->text.p[r->i];

        if (c == '"')
            read_quoted(r, &r->e.angle);
        else if (!wd_is_space(c))
            wd_buf_chr(&r->e.angle, c);
    }
}

static void
push(struct reader *r, enum wd_address_kind kind, struct wd_str name, struct wd_str address)
{
    struct wd_address out = { .kind = kind, .name = wd_arena_str(r->arena, wd_str_trim(name)) };
    struct wd_str local, host;

    if (r->out.n >= WD_ADDRESS_LIST_MAX)
        return;
    wd_address_split(address, &local, &host);
    out.mailbox = wd_arena_str(r->arena, local);
    out.host = wd_arena_str(r->arena, host);
    wd_vec_push(&r->out, out);
}

/* The address inside of <…>, without a source route. */
static struct wd_str
angle_address(struct entry *e)
{
    struct wd_str s = wd_buf_view(&e->angle);
    size_t colon;

    if (s.n && s.p[0] == '@' && (colon = wd_str_chr(s, ':')) != SIZE_MAX)
        s = wd_str_part(s, colon + 1, s.n);
    return s;
}

/* Words without <…>: the one with the @ is the address ("Jane jane@x" too), the others are the name. */
static void
push_words(struct reader *r)
{
    struct entry *e = &r->e;
    struct wd_str words = wd_buf_view(&e->words), name;
    size_t from, to;
    struct wd_buf rest wd_auto(wd_buf_done) = { 0 };

    if (e->at == SIZE_MAX) {
        push(r, WD_ADDRESS_MAILBOX, wd_buf_view(&e->comment), words);
        return;
    }
    for (from = e->at; from > 0 && words.p[from - 1] != ' '; from--)
        continue;
    for (to = e->at; to < words.n && words.p[to] != ' '; to++)
        continue;
    wd_buf_str(&rest, wd_str_part(words, 0, from));
    wd_buf_str(&rest, wd_str_part(words, to, words.n));
    name = wd_str_trim(wd_buf_view(&rest));
    push(r, WD_ADDRESS_MAILBOX, name.n ? name : wd_buf_view(&e->comment), wd_str_part(words, from, to));
}

static void
finish_entry(struct reader *r)
{
    struct entry *e = &r->e;

    if (e->has_angle)
        push(r, WD_ADDRESS_MAILBOX, e->words.n ? wd_buf_view(&e->words) : wd_buf_view(&e->comment), angle_address(e));
    else if (e->words.n)
        push_words(r);
    entry_reset(e);
}

static void
end_group(struct reader *r)
{
    finish_entry(r);
    if (r->in_group)
        push(r, WD_ADDRESS_GROUP_END, WD_NONE, WD_NONE);
    r->in_group = false;
}

/* A colon: starts a group, unless it is inside a domain literal or there is no phrase. */
static void
start_group(struct reader *r)
{
    if (r->in_group || r->e.has_angle || r->e.at != SIZE_MAX) {
        word_char(&r->e, ':');
        return;
    }
    push(r, WD_ADDRESS_GROUP, wd_buf_view(&r->e.words), WD_NONE);
    entry_reset(&r->e);
    r->in_group = true;
}

static void
read_char(struct reader *r)
{
    struct entry *e = &r->e;
    char c = r->text.p[r->i];

    switch (c) {
    case ',':
        finish_entry(r);
        return;
    case ';':
        end_group(r);
        return;
    case ':':
        start_group(r);
        return;
    case '"':
        read_quoted(r, NULL);
        return;
    case '(':
        read_comment(r);
        return;
    case '<':
        read_angle(r);
        return;
    case ' ':
    case '\t':
    case '\r':
    case '\n':
        e->gap = true;
        return;
    default:
        if (c == '@' || (e->words.n && e->at == e->words.n - 1))
            e->gap = false; /* "jane @ x" */
        word_char(e, c);
        if (c == '@')
            e->at = e->words.n - 1;
        return;
    }
}

size_t
wd_address_list(struct wd_arena *a, struct wd_str text, struct wd_address **out)
{
    struct reader r = { .arena = a, .text = text };
    size_t n;

    entry_reset(&r.e);
    for (; r.i < text.n; r.i++)
        read_char(&r);
    if (r.in_group)
        end_group(&r);
    else
        finish_entry(&r);
    n = r.out.n;
    *out = WD_ARENA_ARRAY(a, struct wd_address, n + 1);
    if (n)
        memcpy(*out, r.out.p, n * sizeof **out);
    wd_vec_done(&r.out);
    wd_buf_done(&r.e.words);
    wd_buf_done(&r.e.comment);
    wd_buf_done(&r.e.angle);
    return n;
}
