#include "store-svc/mime/proof.h"

#include "common/base/b64.h"

/* The values of the digits, 64 for anything else: wd_b64_value as a table, because every byte of every attachment
 * passes here. */
static uint8_t values[256];

__attribute__((constructor)) static void
fill_values(void)
{
    for (int c = 0; c < 256; c++) {
        int value = wd_b64_value((char)c);

        values[c] = value < 0 ? 64 : (uint8_t)value;
    }
}

/* A line ended. */
static void
line_end(struct wd_proof *p)
{
    p->tail++;
    if (p->column == 0) { /* an empty line: only others may follow */
        if (p->lines == 0 || p->tail > WD_PROOF_TAIL_MAX)
            p->failed = true;
        p->short_line = true;
        return;
    }
    if (p->lines == 0)
        p->line_length = p->column;
    else if (p->column > p->line_length)
        p->failed = true;
    if (p->column < p->line_length)
        p->short_line = true;
    p->lines++;
    p->column = 0;
}

/* The first byte of a line that is not empty, or one that can not be in any. */
static bool
line_starts(struct wd_proof *p)
{
    if (p->short_line)
        return false;
    p->tail = 0;
    return true;
}

static size_t
take_digits(struct wd_proof *p, const uint8_t *s, size_t n)
{
    size_t i = 0;

    while (i < n && values[s[i]] < 64)
        i++;
    if (i == 0)
        return 0;
    if (p->padding || (p->column == 0 && !line_starts(p))) {
        p->failed = true;
        return i;
    }
    p->last = values[s[i - 1]];
    p->digits += i;
    if (i > WD_PROOF_LINE_MAX || (p->column += (uint32_t)i) > WD_PROOF_LINE_MAX)
        p->failed = true;
    return i;
}

static void
take_other(struct wd_proof *p, uint8_t c)
{
    if (c == '\r') {
        p->end = 1;
    } else if (c == '=') {
        if ((p->column == 0 && !line_starts(p)) || ++p->padding > 2 || ++p->column > WD_PROOF_LINE_MAX)
            p->failed = true;
    } else {
        p->failed = true;
    }
}

void
wd_proof_add(struct wd_proof *p, struct wd_str bytes)
{
    const uint8_t *s = (const uint8_t *)bytes.p;
    size_t i = 0;

    while (i < bytes.n && !p->failed) {
        if (p->end) {
            p->end = 0;
            if (s[i++] != '\n')
                p->failed = true;
            else
                line_end(p);
            continue;
        }
        size_t n = take_digits(p, s + i, bytes.n - i);
        i += n;
        if (n == 0)
            take_other(p, s[i++]);
    }
}

bool
wd_proof_finish(const struct wd_proof *p, uint32_t *line_length, uint32_t *tail, uint64_t *decoded)
{
    struct wd_proof end = *p;
    uint32_t tail_before = p->tail;

    if (p->failed || p->end || p->digits == 0 || (p->digits + p->padding) % 4 != 0)
        return false;
    if ((p->padding == 1 && (p->last & 3)) || (p->padding == 2 && (p->last & 15)))
        return false;
    if (end.column) { /* the last line has no end */
        line_end(&end);
        if (end.failed)
            return false;
        tail_before = 0;
    }
    *line_length = end.lines == 1 && end.line_length < 76 ? 76 : end.line_length;
    *tail = tail_before;
    *decoded = (p->digits + p->padding) / 4 * 3 - p->padding;
    return true;
}
