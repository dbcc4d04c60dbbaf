#include "common/mail/seqset.h"

#include <stdlib.h>

#include "common/base/alloc.h"

void
wd_seqset_done(struct wd_seqset *s)
{
    free(s->ranges);
    free(s->before);
    *s = (struct wd_seqset){ 0 };
}

/* The positions are counted anew when they are next asked for. */
static void
forget_positions(struct wd_seqset *s)
{
    free(s->before);
    s->before = NULL;
}

static void
make_room(struct wd_seqset *s, size_t extra)
{
    if (s->cap - s->n >= extra)
        return;
    s->cap = s->n + extra > s->cap * 2 ? s->n + extra : s->cap * 2;
    s->ranges = wd_realloc(s->ranges, s->cap * sizeof *s->ranges);
}

/* The first range whose last is ≥ number; s->n when there is none. */
static size_t
find(const struct wd_seqset *s, uint32_t number)
{
    size_t low = 0, high = s->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->ranges[middle].last < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Puts `with` (count ranges) in the place of ranges from…to (exclusive). */
static void
replace(struct wd_seqset *s, size_t from, size_t to, const struct wd_range *with, size_t count)
{
    if (count > to - from)
        make_room(s, count - (to - from));
    memmove(s->ranges + from + count, s->ranges + to, (s->n - to) * sizeof *s->ranges);
    if (count)
        memcpy(s->ranges + from, with, count * sizeof *with);
    s->n = s->n - (to - from) + count;
    forget_positions(s);
}

void
wd_seqset_add(struct wd_seqset *s, uint32_t first, uint32_t last)
{
    struct wd_range merged = { first, last };
    size_t from, to;

    if (first == 0 || first > last)
        return;
    from = find(s, first - 1 ? first - 1 : 1); /* a range that ends just before is joined */
    for (to = from; to < s->n && s->ranges[to].first <= (last == UINT32_MAX ? last : last + 1); to++) {
        if (s->ranges[to].first < merged.first)
            merged.first = s->ranges[to].first;
        if (s->ranges[to].last > merged.last)
            merged.last = s->ranges[to].last;
    }
    if (s->n == 0)
        make_room(s, 1);
    replace(s, from, to, &merged, 1);
}

void
wd_seqset_remove(struct wd_seqset *s, uint32_t first, uint32_t last)
{
    struct wd_range left[2];
    size_t from, to, count = 0;

    if (first > last)
        return;
    from = find(s, first);
    for (to = from; to < s->n && s->ranges[to].first <= last; to++) {
        if (s->ranges[to].first < first)
            left[count++] = (struct wd_range){ s->ranges[to].first, first - 1 };
        if (s->ranges[to].last > last)
            left[count++] = (struct wd_range){ last + 1, s->ranges[to].last };
    }
    if (to > from)
        replace(s, from, to, left, count);
}

void
wd_seqset_copy(struct wd_seqset *to, const struct wd_seqset *from)
{
    to->n = 0;
    make_room(to, from->n);
    if (from->n)
        memcpy(to->ranges, from->ranges, from->n * sizeof *from->ranges);
    to->n = from->n;
    forget_positions(to);
}

static void
append(struct wd_seqset *s, uint32_t first, uint32_t last)
{
    make_room(s, 1);
    s->ranges[s->n++] = (struct wd_range){ first, last };
}

void
wd_seqset_and(struct wd_seqset *out, const struct wd_seqset *a, const struct wd_seqset *b)
{
    for (size_t i = 0, j = 0; i < a->n && j < b->n;) {
        struct wd_range x = a->ranges[i], y = b->ranges[j];
        uint32_t first = x.first > y.first ? x.first : y.first, last = x.last < y.last ? x.last : y.last;
        if (first <= last)
            append(out, first, last);
        if (x.last < y.last)
            i++;
        else
            j++;
    }
}

void
wd_seqset_minus(struct wd_seqset *out, const struct wd_seqset *a, const struct wd_seqset *b)
{
    for (size_t i = 0, j = 0; i < a->n; i++) {
        uint64_t first = a->ranges[i].first;
        while (j < b->n && b->ranges[j].last < first)
            j++;
        for (size_t k = j; k < b->n && b->ranges[k].first <= a->ranges[i].last; k++) {
            if (b->ranges[k].first > first)
                append(out, (uint32_t)first, b->ranges[k].first - 1);
            first = (uint64_t)b->ranges[k].last + 1;
        }
        if (first <= a->ranges[i].last)
            append(out, (uint32_t)first, a->ranges[i].last);
    }
}

void
wd_seqset_or(struct wd_seqset *to, const struct wd_seqset *more)
{
    for (size_t i = 0; i < more->n; i++)
        wd_seqset_add(to, more->ranges[i].first, more->ranges[i].last);
}

uint32_t
wd_seqset_count(const struct wd_seqset *s)
{
    uint32_t count = 0;

    for (size_t i = 0; i < s->n; i++)
        count += s->ranges[i].last - s->ranges[i].first + 1;
    return count;
}

bool
wd_seqset_has(const struct wd_seqset *s, uint32_t number)
{
    size_t at = find(s, number);

    return at < s->n && s->ranges[at].first <= number;
}

uint32_t
wd_seqset_max(const struct wd_seqset *s)
{
    return s->n ? s->ranges[s->n - 1].last : 0;
}

static void
count_positions(struct wd_seqset *s)
{
    uint32_t count = 0;

    if (s->before || s->n == 0)
        return;
    s->before = wd_realloc(NULL, s->n * sizeof *s->before);
    for (size_t i = 0; i < s->n; i++) {
        s->before[i] = count;
        count += s->ranges[i].last - s->ranges[i].first + 1;
    }
}

uint32_t
wd_seqset_position(struct wd_seqset *s, uint32_t number)
{
    size_t at = find(s, number);

    if (at == s->n || s->ranges[at].first > number)
        return 0;
    count_positions(s);
    return s->before[at] + number - s->ranges[at].first + 1;
}

uint32_t
wd_seqset_at(struct wd_seqset *s, uint32_t position)
{
    size_t low = 0, high = s->n;

    if (position == 0 || s->n == 0)
        return 0;
    count_positions(s);
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (s->before[middle] < position)
            low = middle;
        else
            high = middle;
    }
    position -= s->before[low] + 1;
    return position <= s->ranges[low].last - s->ranges[low].first ? s->ranges[low].first + position : 0;
}

uint32_t
wd_seqset_next(const struct wd_seqset *s, uint32_t from)
{
    size_t at = find(s, from);

    if (at == s->n)
        return 0;
    return s->ranges[at].first > from ? s->ranges[at].first : from;
}

static bool
parse_number(struct wd_str text, uint32_t star, uint32_t *out)
{
    if (wd_str_eq(text, WD_STR("*"))) {
        *out = star;
        return star != 0;
    }
    return wd_str_u32(text, UINT32_MAX, out) && *out != 0;
}

bool
wd_seqset_parse(struct wd_str text, uint32_t star, size_t max_ranges, struct wd_seqset *out)
{
    struct wd_str piece;

    if (text.n == 0)
        return false;
    while (wd_str_split(&text, ',', &piece)) {
        size_t colon = wd_str_chr(piece, ':');
        uint32_t first, last;
        if (max_ranges-- == 0 || !parse_number(wd_str_part(piece, 0, colon), star, &first))
            return false;
        last = first;
        if (colon != SIZE_MAX && !parse_number(wd_str_part(piece, colon + 1, piece.n), star, &last))
            return false;
        wd_seqset_add(out, first < last ? first : last, first < last ? last : first);
    }
    return true;
}

void
wd_seqset_write(struct wd_buf *out, const struct wd_seqset *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (i)
            wd_buf_chr(out, ',');
        wd_buf_u64(out, s->ranges[i].first);
        if (s->ranges[i].last > s->ranges[i].first) {
            wd_buf_chr(out, ':');
            wd_buf_u64(out, s->ranges[i].last);
        }
    }
}

void
wd_seqset_to_deltas(const struct wd_seqset *s, struct wd_buf *uint32s)
{
    uint32_t end = 0; /* the number after the range before; it wraps only after UINT32_MAX, where the set ends */

    for (size_t i = 0; i < s->n; i++) {
        uint32_t pair[2] = { s->ranges[i].first - end, s->ranges[i].last - s->ranges[i].first + 1 };
        wd_buf_add(uint32s, pair, sizeof pair);
        end = s->ranges[i].last + 1;
    }
}

bool
wd_seqset_from_deltas(const uint32_t *deltas, size_t n, struct wd_seqset *out)
{
    uint64_t end = 0;

    if (n % 2)
        return false;
    for (size_t i = 0; i < n; i += 2) {
        uint64_t first = end + deltas[i], last = first + deltas[i + 1] - 1;
        if (first == 0 || deltas[i + 1] == 0 || last > UINT32_MAX)
            return false;
        wd_seqset_add(out, (uint32_t)first, (uint32_t)last);
        end = last + 1;
    }
    return true;
}
