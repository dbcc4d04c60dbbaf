#include "store-svc/mime/thread.h"

#include "common/base/lifetime.h"
#include "store-svc/mime/header.h"

enum { THREAD_INDEX = 22 };

/* The length of "Re:", "Fwd[3]:" and the like at the start; 0 when there is none. */
static size_t
reply_mark(struct wd_str s)
{
    static const struct wd_str marks[] = { WD_STR_C("re"), WD_STR_C("fwd"), WD_STR_C("fw") };

    for (size_t m = 0; m < WD_COUNT(marks); m++) {
        size_t i = marks[m].n;

        if (!wd_str_istarts(s, marks[m]))
            continue;
        if (i < s.n && s.p[i] == '[') {
            for (i++; i < s.n && wd_is_digit(s.p[i]); i++)
                continue;
            if (i >= s.n || s.p[i++] != ']')
                continue;
        }
        while (i < s.n && s.p[i] == ' ')
            i++;
        if (i < s.n && s.p[i] == ':')
            return i + 1;
    }
    return 0;
}

/* The length of "[tag]" at the start, unless nothing is behind it. */
static size_t
list_tag(struct wd_str s)
{
    size_t end;

    if (s.n == 0 || s.p[0] != '[')
        return 0;
    end = wd_str_chr(s, ']');
    return end == SIZE_MAX || end + 1 >= s.n ? 0 : end + 1;
}

struct wd_str
wd_thread_subject(struct wd_arena *a, struct wd_str subject)
{
    struct wd_str s = wd_text_collapse(a, subject);
    size_t n;

    for (;;) {
        s = wd_str_trim(s);
        if ((n = reply_mark(s)) || (n = list_tag(s)))
            s = wd_str_part(s, n, s.n);
        else if (wd_str_iends(s, WD_STR("(fwd)")))
            s = wd_str_part(s, 0, s.n - 5);
        else
            return s;
    }
}

static size_t
add_id(struct wd_arena *a, struct wd_str id, struct wd_str *out, size_t n, size_t max)
{
    id = wd_str_trim(id);
    if (wd_str_starts(id, WD_STR("<")))
        id = wd_str_part(id, 1, id.n);
    if (wd_str_ends(id, WD_STR(">")))
        id = wd_str_part(id, 0, id.n - 1);
    if (id.n == 0 || n >= max)
        return n;
    for (size_t i = 0; i < n; i++)
        if (wd_str_eq(out[i], id))
            return n;
    out[n] = wd_arena_str(a, id);
    return n + 1;
}

/* Ids are separated by blanks, or only by their brackets. */
static size_t
add_ids(struct wd_arena *a, struct wd_str list, struct wd_str *out, size_t n, size_t max)
{
    size_t start = 0;

    for (size_t i = 0; i <= list.n && n < max; i++) {
        if (i < list.n && !wd_is_space(list.p[i]) && list.p[i] != ',' && list.p[i] != '>')
            continue;
        n = add_id(a, wd_str_part(list, start, i), out, n, max);
        start = i + 1;
    }
    return n;
}

size_t
wd_thread_ids(struct wd_arena *a, struct wd_str header, struct wd_str *out, size_t max)
{
    struct wd_str value;
    size_t n = 0;

    if (wd_header_last_filled(header, WD_STR("message-id"), &value))
        n = add_ids(a, wd_header_unfold(a, value), out, n, max);
    if (wd_header_last_filled(header, WD_STR("in-reply-to"), &value))
        n = add_ids(a, wd_header_unfold(a, value), out, n, max);
    if (wd_header_last_filled(header, WD_STR("thread-index"), &value))
        n = add_id(a, wd_str_part(wd_header_unfold(a, value), 0, THREAD_INDEX), out, n, max);
    if (wd_header_last_filled(header, WD_STR("references"), &value))
        n = add_ids(a, wd_header_unfold(a, value), out, n, max);
    return n;
}
