#include "store-svc/domain/encoded.h"

#include "common/base/b64.h"

enum { STEP = 48 << 10 }; /* decoded bytes that are encoded at once; a multiple of 3 */

static uint64_t
digits_of(const struct wd_blob_info *info)
{
    return (info->length + 2) / 3 * 4;
}

/* A line length of 0 can not be: a damaged row must not stop the process. */
static uint64_t
line_of(const struct wd_blob_info *info)
{
    return info->line_length ? info->line_length : 76;
}

/* Encoded bytes without the tail. */
static uint64_t
lines_size(const struct wd_blob_info *info)
{
    uint64_t digits = digits_of(info);

    return digits ? digits + (digits - 1) / line_of(info) * 2 : 0;
}

/* Bytes of line ends behind the last line. WildDuck forgets them, but it keeps the size of the whole; other differences
 * of the two sizes are losses that nothing can mend. */
static uint64_t
tail_size(const struct wd_blob_info *info)
{
    uint64_t lines = lines_size(info);

    if (info->tail || info->encoded_length <= lines || (info->encoded_length - lines) % 2)
        return (uint64_t)info->tail * 2;
    return info->encoded_length - lines;
}

uint64_t
wd_encoded_size(const struct wd_blob_info *info)
{
    return info->decoded ? lines_size(info) + tail_size(info) : info->length;
}

bool
wd_encoded_equal(const struct wd_blob_info *a, const struct wd_blob_info *b)
{
    uint64_t digits = digits_of(a);
    bool one_line = digits <= line_of(a) && digits <= line_of(b);

    return a->length == b->length && (one_line || line_of(a) == line_of(b)) && tail_size(a) == tail_size(b);
}

static bool
read_exact(struct wd_blobs *blobs, const struct wd_blob_key *key, uint64_t offset, size_t n, struct wd_buf *out,
           struct wd_error *err)
{
    size_t before = out->n;

    if (!wd_blobs_read(blobs, key, offset, n, out, err))
        return false;
    return out->n - before == n || wd_fail(err, WD_DATA_LOSS, "a stored body is shorter than it should be");
}

/* Appends the digits first…last (exclusive) without line ends. */
static bool
read_digits(struct wd_blobs *blobs, const struct wd_blob_key *key, const struct wd_blob_info *info, uint64_t first,
            uint64_t last, struct wd_buf *out, struct wd_error *err)
{
    uint64_t from = first / 4 * 3, to = (last + 3) / 4 * 3;
    struct wd_buf raw wd_auto(wd_buf_done) = { 0 }, text wd_auto(wd_buf_done) = { 0 };

    if (to > info->length)
        to = info->length;
    if (!read_exact(blobs, key, from, (size_t)(to - from), &raw, err))
        return false;
    wd_b64_encode(&text, raw.p, raw.n, WD_B64_PADDED);
    wd_buf_str(out, wd_str_part(wd_buf_view(&text), first % 4, first % 4 + (last - first)));
    return true;
}

/* Digits are written into lines: `column` is where the first one stands. */
static void
fold(struct wd_str digits, uint64_t line, uint64_t column, struct wd_buf *out)
{
    while (digits.n) {
        size_t room = (size_t)(line - column);
        struct wd_str piece = wd_str_part(digits, 0, room);

        wd_buf_str(out, piece);
        digits = wd_str_part(digits, piece.n, digits.n);
        column += piece.n;
        if (column == line) {
            wd_buf_c(out, "\r\n");
            column = 0;
        }
    }
}

bool
wd_encoded_read(struct wd_blobs *blobs, const struct wd_blob_key *key, const struct wd_blob_info *info, uint64_t offset,
                size_t n, struct wd_buf *out, struct wd_error *err)
{
    uint64_t line = line_of(info), lines = lines_size(info), digits = digits_of(info);

    if (!info->decoded)
        return read_exact(blobs, key, offset, n, out, err);
    while (n && offset < lines) {
        struct wd_buf text wd_auto(wd_buf_done) = { 0 }, folded wd_auto(wd_buf_done) = { 0 };
        uint64_t row = offset / (line + 2), column = offset % (line + 2);
        uint64_t first = row * line + (column < line ? column : line - 1); /* start one digit early inside a CRLF */
        uint64_t last = first + (n < STEP ? n + 2 : STEP);
        size_t skip = column < line ? 0 : (size_t)(column - line + 1), take;

        if (last > digits)
            last = digits;
        if (!read_digits(blobs, key, info, first, last, &text, err))
            return false;
        fold(wd_buf_view(&text), line, first % line, &folded);
        take = folded.n - skip;
        if (take > n)
            take = n;
        if (take > lines - offset)
            take = (size_t)(lines - offset); /* no line end behind the last digit but the tail */
        wd_buf_add(out, folded.p + skip, take);
        offset += take;
        n -= take;
    }
    for (; n; n--, offset++)
        wd_buf_chr(out, (offset - lines) % 2 ? '\n' : '\r');
    return true;
}
