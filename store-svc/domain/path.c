#include "store-svc/domain/path.h"

#include "common/base/utf8.h"

static const struct wd_str inbox = WD_STR_C("INBOX");

struct wd_str
wd_path_normal(struct wd_arena *a, struct wd_str path)
{
    struct wd_str first, out;
    size_t end;

    if (wd_str_starts(path, WD_STR("/")))
        path = wd_str_part(path, 1, path.n);
    if (wd_str_ends(path, WD_STR("/")))
        path = wd_str_part(path, 0, path.n - 1);
    end = wd_str_chr(path, '/');
    first = wd_str_part(path, 0, end == SIZE_MAX ? path.n : end);
    if (!wd_str_ieq(first, inbox) || wd_str_eq(first, inbox))
        return path;
    out = wd_arena_printf(a, "%.*s%.*s", WD_FMT(inbox), (int)(path.n - first.n), path.p + first.n);
    return out;
}

static bool
plain_text(struct wd_str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];

        if (c < 0x20 || c == 0x7f)
            return false;
    }
    return wd_utf8_valid(s);
}

bool
wd_path_check(struct wd_str path, struct wd_error *err)
{
    struct wd_str rest = path, element;
    size_t depth = 0;

    if (path.n == 0)
        return wd_fail(err, WD_MAILBOX_REFUSED, "a mailbox needs a name");
    if (!plain_text(path))
        return wd_fail(err, WD_MAILBOX_REFUSED, "a mailbox name is UTF-8 without control characters");
    while (wd_str_split(&rest, '/', &element)) {
        if (element.n == 0)
            return wd_fail(err, WD_MAILBOX_REFUSED, "a mailbox name has no empty parts");
        if (wd_utf8_first(element, WD_PATH_ELEMENT) < element.n)
            return wd_fail(err, WD_MAILBOX_REFUSED, "a part of a mailbox name has more than %d characters",
                           WD_PATH_ELEMENT);
        if (++depth > WD_PATH_DEPTH)
            return wd_fail(err, WD_MAILBOX_REFUSED, "mailboxes nest at most %d deep", WD_PATH_DEPTH);
    }
    return true;
}

bool
wd_path_is_inbox(struct wd_str path)
{
    return wd_str_eq(path, inbox);
}

bool
wd_path_below(struct wd_str path, struct wd_str parent)
{
    return path.n > parent.n && path.p[parent.n] == '/' && wd_str_starts(path, parent);
}

/* INBOX and what is below it come before everything else. */
static int
inbox_rank(struct wd_str path)
{
    return wd_path_is_inbox(path) ? 0 : wd_path_below(path, inbox) ? 1 : 2;
}

/* Letters beyond ASCII compare by code point; a locale would make the order depend on the machine. */
int
wd_path_compare(struct wd_str a, struct wd_str b)
{
    int rank = inbox_rank(a) - inbox_rank(b);
    struct wd_str rest_a = a, rest_b = b, x, y;

    if (rank)
        return rank;
    for (;;) {
        bool more_a = wd_str_split(&rest_a, '/', &x), more_b = wd_str_split(&rest_b, '/', &y);
        int order;

        if (!more_a || !more_b)
            return more_a != more_b ? (int)more_a - (int)more_b : wd_str_cmp(a, b);
        order = wd_str_icmp(x, y);
        if (order == 0)
            order = wd_str_cmp(x, y);
        if (order)
            return order;
    }
}
