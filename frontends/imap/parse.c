#include "frontends/imap/parse.h"

#include "common/mail/flags.h"
#include "common/mail/seqset.h"

bool
imap_parse_bad(struct imap_parse *p, const char *why)
{
    p->why = why;
    return false;
}

bool
imap_parse_at_end(const struct imap_parse *p)
{
    return p->at >= p->lex->tokens.n;
}

bool
imap_parse_is(const struct imap_parse *p, enum imap_token_type type)
{
    return !imap_parse_at_end(p) && p->lex->tokens.p[p->at].type == type;
}

bool
imap_parse_take(struct imap_parse *p, enum imap_token_type type)
{
    if (!imap_parse_is(p, type))
        return false;
    p->at++;
    return true;
}

struct wd_str
imap_parse_peek(const struct imap_parse *p)
{
    return imap_lex_text(p->lex, p->at);
}

bool
imap_parse_word(struct imap_parse *p, struct wd_str word)
{
    if (!imap_parse_is(p, IMAP_ATOM) || !wd_str_ieq(imap_parse_peek(p), word))
        return false;
    p->at++;
    return true;
}

bool
imap_parse_atom(struct imap_parse *p, struct wd_str *out)
{
    if (!imap_parse_is(p, IMAP_ATOM))
        return false;
    *out = imap_parse_peek(p);
    p->at++;
    return true;
}

bool
imap_parse_string(struct imap_parse *p, struct wd_str *out)
{
    if (!imap_parse_is(p, IMAP_QUOTED) && !imap_parse_is(p, IMAP_LITERAL))
        return false;
    *out = imap_parse_peek(p);
    p->at++;
    return true;
}

static bool
has_any(struct wd_str s, const char *chars)
{
    for (size_t i = 0; i < s.n; i++)
        if (strchr(chars, s.p[i]))
            return true;
    return false;
}

bool
imap_parse_pattern(struct imap_parse *p, struct wd_str *out)
{
    if (imap_parse_is(p, IMAP_ATOM) && has_any(imap_parse_peek(p), "\\"))
        return false;
    return imap_parse_atom(p, out) || imap_parse_string(p, out);
}

bool
imap_parse_astring(struct imap_parse *p, struct wd_str *out)
{
    if (imap_parse_is(p, IMAP_ATOM) && has_any(imap_parse_peek(p), "%*\\"))
        return false;
    return imap_parse_atom(p, out) || imap_parse_string(p, out);
}

bool
imap_parse_number(struct imap_parse *p, uint64_t max, uint64_t *out)
{
    if (!imap_parse_is(p, IMAP_ATOM) || !wd_str_u64(imap_parse_peek(p), max, out))
        return false;
    p->at++;
    return true;
}

bool
imap_set_valid(struct wd_str text)
{
    struct wd_seqset set = { 0 };
    bool good;

    if (text.n == 0 || (!wd_is_digit(text.p[0]) && text.p[0] != '*'))
        return false;
    good = wd_seqset_parse(text, UINT32_MAX, IMAP_SET_RANGES_MAX, &set);
    wd_seqset_done(&set);
    return good;
}

bool
imap_parse_set(struct imap_parse *p, struct wd_str *out)
{
    if (!imap_parse_is(p, IMAP_ATOM) || !imap_set_valid(imap_parse_peek(p)))
        return false;
    *out = wd_arena_str(p->arena, imap_parse_peek(p));
    p->at++;
    return true;
}

bool
imap_parse_flag(struct imap_parse *p, unsigned *system, struct wd_str *keyword)
{
    struct wd_str text = imap_parse_peek(p);
    unsigned bit;

    *keyword = WD_NONE;
    if (!imap_parse_is(p, IMAP_ATOM))
        return false;
    bit = wd_flag_bit(text);
    if (!bit && !wd_keyword_valid(text))
        return false;
    *system |= bit;
    if (!bit)
        *keyword = wd_arena_str(p->arena, text);
    p->at++;
    return true;
}
