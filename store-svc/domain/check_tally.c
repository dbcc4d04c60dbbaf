#include "store-svc/domain/check_tally.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"

enum { FIRST_CAP = 1024 };

void
wd_tally_done(struct wd_tally *t)
{
    free(t->rows);
    *t = (struct wd_tally){ 0 };
}

/* FNV-1a: ids have their random bytes in the middle, hashes everywhere. */
static uint64_t
hash(const uint8_t key[WD_TALLY_KEY])
{
    uint64_t h = 14695981039346656037ULL;
    size_t i;

    for (i = 0; i < WD_TALLY_KEY; i++)
        h = (h ^ key[i]) * 1099511628211ULL;
    return h ^ (h >> 29);
}

/* The key's row, or the empty one where it would be. */
static struct wd_tally_row *
slot(const struct wd_tally *t, const uint8_t key[WD_TALLY_KEY])
{
    size_t at = hash(key) & (t->cap - 1);

    while (t->rows[at].used && memcmp(t->rows[at].key, key, WD_TALLY_KEY) != 0)
        at = (at + 1) & (t->cap - 1);
    return &t->rows[at];
}

static void
grow(struct wd_tally *t)
{
    struct wd_tally bigger = { .n = t->n, .cap = t->cap ? 2 * t->cap : FIRST_CAP };
    size_t i;

    bigger.rows = wd_alloc(bigger.cap * sizeof *bigger.rows);
    for (i = 0; i < t->cap; i++)
        if (t->rows[i].used)
            *slot(&bigger, t->rows[i].key) = t->rows[i];
    free(t->rows);
    *t = bigger;
}

static void
fill_key(uint8_t to[WD_TALLY_KEY], const void *key, size_t bytes)
{
    assert(bytes <= WD_TALLY_KEY);
    memset(to, 0, WD_TALLY_KEY);
    memcpy(to, key, bytes);
}

void
wd_tally_add(struct wd_tally *t, const void *key, size_t key_bytes, uint64_t count, uint64_t sum)
{
    uint8_t whole[WD_TALLY_KEY];
    struct wd_tally_row *row;

    if (4 * (t->n + 1) > 3 * t->cap)
        grow(t);
    fill_key(whole, key, key_bytes);
    row = slot(t, whole);
    if (!row->used) {
        row->used = true;
        memcpy(row->key, whole, sizeof whole);
        t->n++;
    }
    row->count += count;
    row->sum += sum;
}

struct wd_tally_row *
wd_tally_find(const struct wd_tally *t, const void *key, size_t key_bytes)
{
    uint8_t whole[WD_TALLY_KEY];
    struct wd_tally_row *row;

    if (t->cap == 0)
        return NULL;
    fill_key(whole, key, key_bytes);
    row = slot(t, whole);
    return row->used ? row : NULL;
}
