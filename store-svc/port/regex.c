#include "store-svc/port/regex.h"

#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/utf8.h"

enum { ITEMS_MAX = 256, RANGES_MAX = 1024 };

enum item_kind { ITEM_RANGES, ITEM_START, ITEM_END, ITEM_OR };

struct range {
    uint32_t from, to;
};

/* One character class with its quantifier, an anchor, or the bar between two alternatives. */
struct item {
    enum item_kind kind;
    bool negated, optional, repeats;
    size_t first, n; /* its part of ranges */
};

struct wd_regex {
    bool fold;
    size_t n_items, n_ranges;
    struct item items[ITEMS_MAX];
    struct range ranges[RANGES_MAX];
};

/* Blocks in which upper and lower case are a fixed distance or one apart. */
static uint32_t
fold(uint32_t c)
{
    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3ab) ||
        (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    if ((c >= 0x100 && c <= 0x137) || (c >= 0x14a && c <= 0x177) || (c >= 0x460 && c <= 0x481))
        return c | 1;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
        return c & 1 ? c + 1 : c;
    return c;
}

/* The next character; a byte that is not UTF-8 stands for itself. */
static uint32_t
next_char(struct wd_str *s)
{
    uint32_t c;
    size_t n = wd_utf8_next(*s, &c);

    if (n == 0) {
        c = (unsigned char)s->p[0];
        n = 1;
    }
    *s = wd_str_part(*s, n, s->n);
    return c;
}

static bool
is_next(struct wd_str rest, const char *set)
{
    return rest.n && rest.p[0] != '\0' && strchr(set, rest.p[0]);
}

static bool
add_range(struct wd_regex *r, uint32_t from, uint32_t to)
{
    if (r->n_ranges == RANGES_MAX || from > to)
        return false;
    r->ranges[r->n_ranges++] = (struct range){ from, to };
    r->items[r->n_items].n++;
    return true;
}

static bool
add_char(struct wd_regex *r, uint32_t c)
{
    c = r->fold ? fold(c) : c;
    return add_range(r, c, c);
}

/* \d \w \s, or a control character, or any punctuation as itself. */
static bool
add_escape(struct wd_regex *r, struct wd_str *rest)
{
    uint32_t c;

    if (rest->n == 0)
        return false;
    c = next_char(rest);
    switch (c) {
    case 'd':
        return add_range(r, '0', '9');
    case 'w':
        return add_range(r, '0', '9') && add_range(r, 'A', 'Z') && add_range(r, '_', '_') && add_range(r, 'a', 'z');
    case 's':
        return add_range(r, '\t', '\r') && add_range(r, ' ', ' ');
    case 'n':
        return add_char(r, '\n');
    case 'r':
        return add_char(r, '\r');
    case 't':
        return add_char(r, '\t');
    default:
        return (c < 0x80 && !wd_is_alpha((char)c) && !wd_is_digit((char)c)) || c >= 0x80 ? add_char(r, c) : false;
    }
}

/* One member of a class, which may be a range. */
static bool
add_member(struct wd_regex *r, struct wd_str *rest)
{
    uint32_t from = next_char(rest), to;

    if (from == '\\')
        return add_escape(r, rest);
    if (rest->n < 2 || rest->p[0] != '-' || rest->p[1] == ']')
        return add_char(r, from);
    *rest = wd_str_part(*rest, 1, rest->n);
    to = next_char(rest);
    if (to == '\\' || to == '[')
        return false;
    if (r->fold && !add_range(r, fold(from), fold(to)))
        return false;
    return add_range(r, from, to);
}

static bool
parse_class(struct wd_regex *r, struct wd_str *rest)
{
    bool first = true;

    if (rest->n && rest->p[0] == '^') {
        r->items[r->n_items].negated = true;
        *rest = wd_str_part(*rest, 1, rest->n);
    }
    for (; rest->n; first = false) {
        if (rest->p[0] == ']' && !first) {
            *rest = wd_str_part(*rest, 1, rest->n);
            return true;
        }
        if (!add_member(r, rest))
            return false;
    }
    return false;
}

static bool
parse_item(struct wd_regex *r, struct wd_str *rest)
{
    struct item *it = &r->items[r->n_items];
    uint32_t c = next_char(rest);

    *it = (struct item){ .first = r->n_ranges };
    if (c == '^' || c == '$' || c == '|') {
        it->kind = c == '^' ? ITEM_START : c == '$' ? ITEM_END : ITEM_OR;
        return true;
    }
    if (c < 0x80 && c && strchr("()*+?{", (int)c))
        return false;
    if (c == '.')
        it->negated = true, c = '\n';
    if (!(c == '[' ? parse_class(r, rest) : c == '\\' ? add_escape(r, rest) : add_char(r, c)))
        return false;
    if (is_next(*rest, "*+?")) {
        it->optional = rest->p[0] != '+';
        it->repeats = rest->p[0] != '?';
        *rest = wd_str_part(*rest, 1, rest->n);
    }
    return !is_next(*rest, "*+?{");
}

bool
wd_regex_new(struct wd_str pattern, const char *options, struct wd_regex **out, struct wd_error *err)
{
    struct wd_regex *r wd_auto(wd_regex_freep) = WD_NEW(struct wd_regex);
    struct wd_str rest = pattern;

    if (strcmp(options, "") != 0 && strcmp(options, "i") != 0)
        return wd_fail(err, WD_INVALID, "regular expression: only the option i is known");
    r->fold = options[0] == 'i';
    while (rest.n) {
        if (r->n_items == ITEMS_MAX || !parse_item(r, &rest))
            return wd_fail(err, WD_INVALID, "regular expression: not in the supported subset, or too long");
        r->n_items++;
    }
    *out = wd_take(r);
    return true;
}

/* The set of items that the next character may match: bit i for item i, bit n_items for "matched". */
struct states {
    uint64_t bits[ITEMS_MAX / 64 + 1];
};

static bool
has_state(const struct states *s, size_t i)
{
    return s->bits[i / 64] >> (i % 64) & 1;
}

/* Enters item i and everything that is reached from there without a character. True when the end is reached. */
static bool
enter(const struct wd_regex *r, struct states *s, size_t i, bool at_start, bool at_end)
{
    for (;; i++) {
        if (i == r->n_items || r->items[i].kind == ITEM_OR)
            return true;
        if (r->items[i].kind == ITEM_START ? !at_start : r->items[i].kind == ITEM_END ? !at_end : false)
            return false;
        if (r->items[i].kind != ITEM_RANGES)
            continue;
        s->bits[i / 64] |= (uint64_t)1 << (i % 64);
        if (!r->items[i].optional)
            return false;
    }
}

static bool
item_has(const struct wd_regex *r, const struct item *it, uint32_t c)
{
    bool in = false;

    for (size_t i = it->first; i < it->first + it->n && !in; i++)
        in = c >= r->ranges[i].from && c <= r->ranges[i].to;
    return in != it->negated;
}

static bool
enter_all(const struct wd_regex *r, struct states *s, bool at_start, bool at_end)
{
    bool done = enter(r, s, 0, at_start, at_end);

    for (size_t i = 0; i < r->n_items && !done; i++)
        if (r->items[i].kind == ITEM_OR)
            done = enter(r, s, i + 1, at_start, at_end);
    return done;
}

bool
wd_regex_test(const struct wd_regex *r, struct wd_str text)
{
    struct states now = { { 0 } };
    bool done = enter_all(r, &now, true, text.n == 0);

    while (text.n && !done) {
        uint32_t raw = next_char(&text), c = r->fold ? fold(raw) : raw;
        struct states next = { { 0 } };
        for (size_t i = 0; i < r->n_items && !done; i++) {
            if (!has_state(&now, i) || !item_has(r, &r->items[i], c))
                continue;
            if (r->items[i].repeats)
                done = enter(r, &next, i, false, text.n == 0);
            done = done || enter(r, &next, i + 1, false, text.n == 0);
        }
        done = done || enter_all(r, &next, false, text.n == 0);
        now = next;
    }
    return done;
}

void
wd_regex_free(struct wd_regex *r)
{
    free(r);
}

void
wd_regex_freep(struct wd_regex **r)
{
    wd_regex_free(*r);
}
