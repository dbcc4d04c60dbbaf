#include "frontends/imap/lex.h"

enum state {
    BETWEEN,
    IN_ATOM,
    IN_QUOTED,
    ESCAPED,
    LITERAL_SIZE,
    LITERAL_MODE,
    LITERAL_END,
    LITERAL_CR,
    LITERAL_WAIT,
    LITERAL_DATA,
    LINE_CR,
    SKIP,
    SKIP_DATA,
};

/* How far the end of a skipped line looks like "{123+}". */
enum tail { TAIL_NONE, TAIL_OPEN, TAIL_DIGITS, TAIL_MODE, TAIL_CLOSED };

/* Follows a line that is thrown away; a non-synchronising literal at its end is thrown away with it. */
static enum imap_lex_result
step_skip(struct imap_lex *l, unsigned char c)
{
    l->state = SKIP;
    if (c == '\n') {
        if (l->tail != TAIL_CLOSED)
            return IMAP_LEX_BAD;
        if (l->tail_size > IMAP_SWALLOW_MAX)
            return IMAP_LEX_TOO_LONG;
        l->left = l->tail_size;
        l->tail = TAIL_NONE;
        l->state = l->left ? SKIP_DATA : SKIP;
        return IMAP_LEX_MORE;
    }
    if (c == '{') {
        l->tail = TAIL_OPEN;
        l->tail_size = 0;
    } else if ((l->tail == TAIL_OPEN || l->tail == TAIL_DIGITS) && wd_is_digit((char)c)) {
        l->tail = TAIL_DIGITS;
        if (l->tail_size <= IMAP_SWALLOW_MAX)
            l->tail_size = l->tail_size * 10 + (c - '0');
    } else if (l->tail == TAIL_DIGITS && (c == '+' || c == '-')) {
        l->tail = TAIL_MODE;
    } else if (l->tail == TAIL_MODE && c == '}') {
        l->tail = TAIL_CLOSED;
    } else if (c != '\r' || l->tail != TAIL_CLOSED) {
        l->tail = TAIL_NONE;
    }
    return IMAP_LEX_MORE;
}

static enum imap_lex_result
bad(struct imap_lex *l, unsigned char c, const char *why)
{
    l->why = why;
    l->tail = TAIL_NONE;
    return step_skip(l, c);
}

static struct imap_token *
last_token(struct imap_lex *l)
{
    return l->tokens.n ? &l->tokens.p[l->tokens.n - 1] : NULL;
}

static void
push_token(struct imap_lex *l, enum imap_token_type type)
{
    struct imap_token t = { .at = (uint32_t)l->text.n, .type = (uint8_t)type, .glued = !l->blank };

    wd_vec_push(&l->tokens, t);
    l->blank = false;
}

/* Two strings or atoms must have a blank between them; a partial may follow a section. */
static bool
may_start(struct imap_lex *l, unsigned char c)
{
    const struct imap_token *t = last_token(l);

    if (!t || l->blank || t->type == IMAP_OPEN || t->type == IMAP_SECTION_OPEN)
        return true;
    return t->type == IMAP_SECTION_CLOSE ? c == '<' : c == '(' && t->type != IMAP_CLOSE;
}

static bool
word_is(const struct imap_lex *l, size_t token, struct wd_str word)
{
    return wd_str_ieq(imap_lex_text(l, token), word);
}

static bool
is_fetch(const struct imap_lex *l)
{
    return word_is(l, 1, WD_STR("FETCH")) || (word_is(l, 1, WD_STR("UID")) && word_is(l, 2, WD_STR("FETCH")));
}

static enum imap_lex_result
end_line(struct imap_lex *l)
{
    l->state = BETWEEN;
    if (l->depth == 0 && !l->in_section)
        return IMAP_LEX_LINE;
    l->why = "brackets do not match";
    return IMAP_LEX_BAD;
}

static enum imap_lex_result
step_bracket(struct imap_lex *l, unsigned char c)
{
    l->state = BETWEEN;
    if (c == '(') {
        if (!may_start(l, c) || l->depth == IMAP_DEPTH_MAX)
            return bad(l, c, "unexpected parenthesis");
        l->depth++;
        push_token(l, IMAP_OPEN);
    } else if (c == ')') {
        if (l->depth == (l->in_section ? l->section_depth : 0))
            return bad(l, c, "unexpected parenthesis");
        l->depth--;
        push_token(l, IMAP_CLOSE);
    } else {
        if (l->depth != l->section_depth)
            return bad(l, c, "unexpected bracket");
        l->in_section = false;
        push_token(l, IMAP_SECTION_CLOSE);
    }
    return IMAP_LEX_MORE;
}

static bool
is_atom_char(unsigned char c)
{
    return c > ' ' && c < 0x7f && !strchr("(){\"", c);
}

static enum imap_lex_result
step_between(struct imap_lex *l, unsigned char c)
{
    if (c == ' ') {
        l->blank = true;
        return IMAP_LEX_MORE;
    }
    if (c == '\r') {
        l->state = LINE_CR;
        return IMAP_LEX_MORE;
    }
    if (c == '\n')
        return end_line(l);
    if (l->tokens.n == IMAP_TOKENS_MAX)
        return bad(l, c, "too many arguments");
    if (c == '(' || c == ')' || (c == ']' && l->in_section))
        return step_bracket(l, c);
    if (!may_start(l, c))
        return bad(l, c, "a blank is missing");
    if (c == '"') {
        push_token(l, IMAP_QUOTED);
        l->state = IN_QUOTED;
    } else if (c == '{') {
        l->literal_size = 0;
        l->literal_binary = l->digits = false;
        l->state = LITERAL_SIZE;
    } else if (is_atom_char(c)) {
        push_token(l, IMAP_ATOM);
        wd_buf_chr(&l->text, (char)c);
        l->state = IN_ATOM;
    } else {
        return bad(l, c, "unexpected character");
    }
    return IMAP_LEX_MORE;
}

static struct wd_str
open_text(const struct imap_lex *l)
{
    uint32_t at = l->tokens.p[l->tokens.n - 1].at;

    return (struct wd_str){ l->text.p + at, l->text.n - at };
}

static void
close_token(struct imap_lex *l)
{
    struct imap_token *t = last_token(l);

    t->n = (uint32_t)l->text.n - t->at;
    l->state = BETWEEN;
}

static enum imap_lex_result
step_atom(struct imap_lex *l, unsigned char c)
{
    if (c == '{' && wd_str_eq(open_text(l), WD_STR("~"))) {
        l->text.n--;
        l->blank = !last_token(l)->glued;
        l->tokens.n--;
        l->literal_size = 0;
        l->literal_binary = true;
        l->digits = false;
        l->state = LITERAL_SIZE;
        return IMAP_LEX_MORE;
    }
    if (c == '[' && !l->in_section && is_fetch(l) &&
        (wd_str_ieq(open_text(l), WD_STR("BODY")) || wd_str_ieq(open_text(l), WD_STR("BODY.PEEK")))) {
        close_token(l);
        l->in_section = true;
        l->section_depth = l->depth;
        push_token(l, IMAP_SECTION_OPEN);
        return IMAP_LEX_MORE;
    }
    if (is_atom_char(c) && !(c == ']' && l->in_section)) {
        wd_buf_chr(&l->text, (char)c);
        return IMAP_LEX_MORE;
    }
    if (c == '"' || c == '{')
        return bad(l, c, "a blank is missing");
    close_token(l);
    return step_between(l, c);
}

static enum imap_lex_result
step_quoted(struct imap_lex *l, unsigned char c)
{
    if (c == '"')
        close_token(l);
    else if (c == '\\')
        l->state = ESCAPED;
    else if (c == '\r' || c == '\n' || c == 0)
        return bad(l, c, "a quote is missing");
    else
        wd_buf_chr(&l->text, (char)c);
    return IMAP_LEX_MORE;
}

static enum imap_lex_result
step_escaped(struct imap_lex *l, unsigned char c)
{
    if (c == '\r' || c == '\n' || c == 0)
        return bad(l, c, "a quote is missing");
    wd_buf_chr(&l->text, (char)c);
    l->state = IN_QUOTED;
    return IMAP_LEX_MORE;
}

static enum imap_lex_result
step_literal_size(struct imap_lex *l, unsigned char c)
{
    if (wd_is_digit((char)c) && l->literal_size <= UINT32_MAX) {
        l->literal_size = l->literal_size * 10 + (c - '0');
        l->digits = true;
    } else if (l->digits && (c == '+' || c == '-')) {
        l->literal_sync = false;
        l->state = LITERAL_MODE;
    } else if (l->digits && c == '}') {
        l->literal_sync = true;
        l->state = LITERAL_END;
    } else {
        return bad(l, c, "wrong literal");
    }
    return IMAP_LEX_MORE;
}

static enum imap_lex_result
step_literal_mode(struct imap_lex *l, unsigned char c)
{
    if (c != '}')
        return bad(l, c, "wrong literal");
    l->state = LITERAL_END;
    return IMAP_LEX_MORE;
}

static enum imap_lex_result
step_literal_end(struct imap_lex *l, unsigned char c)
{
    if (c == '\r' && l->state == LITERAL_END) {
        l->state = LITERAL_CR;
        return IMAP_LEX_MORE;
    }
    if (c != '\n')
        return bad(l, c, "wrong literal");
    l->state = LITERAL_WAIT;
    return IMAP_LEX_LITERAL;
}

static enum imap_lex_result
step_line_cr(struct imap_lex *l, unsigned char c)
{
    return c == '\n' ? end_line(l) : bad(l, c, "unexpected character");
}

static enum imap_lex_result (*const steps[])(struct imap_lex *, unsigned char) = {
    [BETWEEN] = step_between,           [IN_ATOM] = step_atom,
    [IN_QUOTED] = step_quoted,          [ESCAPED] = step_escaped,
    [LITERAL_SIZE] = step_literal_size, [LITERAL_MODE] = step_literal_mode,
    [LITERAL_END] = step_literal_end,   [LITERAL_CR] = step_literal_end,
    [LINE_CR] = step_line_cr,           [SKIP] = step_skip,
};

/* The bytes of a literal, wanted or not, in one go. */
static size_t
take_literal(struct imap_lex *l, struct wd_str bytes)
{
    size_t n = bytes.n < l->left ? bytes.n : (size_t)l->left;

    l->left -= n;
    if (l->state == SKIP_DATA) {
        if (l->left == 0)
            l->state = SKIP;
        return n;
    }
    wd_buf_add(&l->text, bytes.p, n);
    if (l->left == 0)
        close_token(l);
    return n;
}

enum imap_lex_result
imap_lex_feed(struct imap_lex *l, struct wd_str bytes, size_t *used)
{
    enum imap_lex_result result = IMAP_LEX_MORE;
    size_t at = 0;

    while (at < bytes.n && result == IMAP_LEX_MORE) {
        if (l->state == LITERAL_WAIT)
            break;
        if (l->state == LITERAL_DATA || l->state == SKIP_DATA) {
            at += take_literal(l, wd_str_part(bytes, at, bytes.n));
            continue;
        }
        if (++l->line_bytes > IMAP_LINE_MAX)
            result = IMAP_LEX_TOO_LONG;
        else
            result = steps[l->state](l, (unsigned char)bytes.p[at++]);
    }
    *used = at;
    return result;
}

void
imap_lex_accept(struct imap_lex *l)
{
    push_token(l, IMAP_LITERAL);
    last_token(l)->binary = l->literal_binary;
    l->left = l->literal_size;
    l->state = LITERAL_DATA;
    if (l->left == 0)
        close_token(l);
}

void
imap_lex_streamed(struct imap_lex *l)
{
    l->literal_size = 0;
    imap_lex_accept(l);
}

bool
imap_lex_refuse(struct imap_lex *l)
{
    if (l->literal_sync)
        return false;
    l->left = l->literal_size;
    l->tail = TAIL_NONE;
    l->state = l->left ? SKIP_DATA : SKIP;
    return true;
}

void
imap_lex_reset(struct imap_lex *l)
{
    wd_buf_done(&l->text);
    wd_vec_done(&l->tokens);
    *l = (struct imap_lex){ 0 };
}

struct wd_str
imap_lex_text(const struct imap_lex *l, size_t i)
{
    if (i >= l->tokens.n || l->tokens.p[i].n == 0)
        return WD_STR("");
    return (struct wd_str){ l->text.p + l->tokens.p[i].at, l->tokens.p[i].n };
}
