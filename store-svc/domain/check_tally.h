/* store-svc/domain/check_tally.h – sums by key: what wd_check() counts again. One thread at a time. */
#ifndef WD_STORE_DOMAIN_CHECK_TALLY_H
#define WD_STORE_DOMAIN_CHECK_TALLY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WD_TALLY_KEY = 32 }; /* bytes; shorter keys are filled with zeros */

struct wd_tally_row {
    uint8_t key[WD_TALLY_KEY];
    uint64_t count, sum;
    bool used;
    bool seen; /* by whoever compares; false at first */
};

/* { 0 } is empty. 56 bytes for a row, at most twice as many rows as keys. */
struct wd_tally {
    struct wd_tally_row *rows;
    size_t n, cap;
};

void wd_tally_done(struct wd_tally *t);
/** Adds to a key's row, which is made when it is not there. */
void wd_tally_add(struct wd_tally *t, const void *key, size_t key_bytes, uint64_t count, uint64_t sum);
/** NULL: the key was never added. Valid until the next wd_tally_add(). */
struct wd_tally_row *wd_tally_find(const struct wd_tally *t, const void *key, size_t key_bytes);
#endif
