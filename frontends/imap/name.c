#include "frontends/imap/name.h"

#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "common/mail/utf7.h"

static const struct wd_str inbox = WD_STR_C("INBOX");

static struct wd_str
decoded(struct wd_arena *a, struct wd_str name, bool utf8)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    if (utf8 || wd_str_chr(name, '&') == SIZE_MAX || !wd_utf7_decode(&out, name))
        return wd_arena_str(a, name);
    return wd_arena_str(a, wd_buf_view(&out));
}

static bool
is_clean(struct wd_str s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((unsigned char)s.p[i] < ' ' || s.p[i] == 0x7f)
            return false;
    return wd_utf8_valid(s);
}

/* "inbox/x" becomes "INBOX/x". */
static struct wd_str
with_inbox(struct wd_arena *a, struct wd_str path)
{
    size_t end = wd_str_chr(path, '/');
    struct wd_str first = wd_str_part(path, 0, end);

    if (!wd_str_ieq(first, inbox) || wd_str_eq(first, inbox))
        return path;
    return wd_arena_printf(a, "INBOX%.*s", (int)(path.n - first.n), path.p + first.n);
}

bool
imap_name_path(struct wd_arena *a, struct wd_str name, bool utf8, struct wd_str *path)
{
    struct wd_str s = decoded(a, name, utf8);

    if (!is_clean(s))
        return false;
    if (wd_str_starts(s, WD_STR("/")))
        s = wd_str_part(s, 1, s.n);
    if (wd_str_ends(s, WD_STR("/")))
        s = wd_str_part(s, 0, s.n - 1);
    *path = with_inbox(a, s);
    return true;
}

bool
imap_name_pattern(struct wd_arena *a, struct wd_str pattern, bool utf8, struct wd_str *out)
{
    struct wd_str s = decoded(a, pattern, utf8);

    if (!is_clean(s))
        return false;
    if (wd_str_starts(s, WD_STR("/")))
        s = wd_str_part(s, 1, s.n);
    *out = with_inbox(a, s);
    return true;
}

static bool
is_wild(char c)
{
    return c == '*' || c == '%';
}

/* open[j]: the first j characters of the pattern can match what was read. Wildcards also match nothing. */
static void
skip_wildcards(bool *open, struct wd_str pattern)
{
    for (size_t j = 0; j < pattern.n; j++)
        if (open[j] && is_wild(pattern.p[j]))
            open[j + 1] = true;
}

bool
imap_name_matches(struct wd_arena *a, struct wd_str pattern, struct wd_str path)
{
    bool *open;

    if (wd_str_eq(pattern, WD_STR("*")))
        return true;
    if (wd_str_eq(pattern, WD_STR("%")))
        return wd_str_chr(path, '/') == SIZE_MAX;
    open = wd_arena_alloc(a, pattern.n + 1);
    open[0] = true;
    skip_wildcards(open, pattern);
    for (size_t i = 0; i < path.n; i++) {
        char c = path.p[i];
        for (size_t j = pattern.n + 1; j-- > 0;) {
            bool stays = j < pattern.n && open[j] && is_wild(pattern.p[j]) && (pattern.p[j] == '*' || c != '/');
            bool comes = j > 0 && open[j - 1] && pattern.p[j - 1] == c && !is_wild(c);
            open[j] = stays || comes;
        }
        skip_wildcards(open, pattern);
    }
    return open[pattern.n];
}

int
imap_name_cmp(struct wd_str a, struct wd_str b)
{
    struct wd_str x, y;
    bool first = true;

    for (;; first = false) {
        bool more_a = wd_str_split(&a, '/', &x), more_b = wd_str_split(&b, '/', &y);
        int order;
        if (!more_a || !more_b)
            return (int)more_a - (int)more_b;
        if (first && wd_str_eq(x, inbox) != wd_str_eq(y, inbox))
            return wd_str_eq(x, inbox) ? -1 : 1;
        order = wd_str_icmp(x, y);
        if (!order)
            order = wd_str_cmp(x, y);
        if (order)
            return order;
    }
}
