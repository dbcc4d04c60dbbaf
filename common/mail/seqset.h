/* common/mail/seqset.h – sets of UIDs or sequence numbers as ranges: a dense mailbox of 200,000 messages is one range.
 * The ranges are ascending, do not touch and do not overlap. Numbers are 1…UINT32_MAX. One thread at a time. */
#ifndef WD_MAIL_SEQSET_H
#define WD_MAIL_SEQSET_H
#include "common/base/buf.h"

struct wd_range {
    uint32_t first, last; /* both inside */
};

struct wd_seqset {
    struct wd_range *ranges; /* owned */
    uint32_t *before;        /* numbers in the ranges before each, or NULL until it is asked for */
    size_t n, cap;
}; /* { 0 } is the empty set */

/** Frees the ranges; the set is empty and usable again. */
void wd_seqset_done(struct wd_seqset *s);
/** Adds first…last; cheapest at the end. */
void wd_seqset_add(struct wd_seqset *s, uint32_t first, uint32_t last);
/** Takes first…last away. */
void wd_seqset_remove(struct wd_seqset *s, uint32_t first, uint32_t last);
void wd_seqset_copy(struct wd_seqset *to, const struct wd_seqset *from);
/** *out (empty on entry) becomes what is in both / in a and not in b. Linear. */
void wd_seqset_and(struct wd_seqset *out, const struct wd_seqset *a, const struct wd_seqset *b);
void wd_seqset_minus(struct wd_seqset *out, const struct wd_seqset *a, const struct wd_seqset *b);
void wd_seqset_or(struct wd_seqset *to, const struct wd_seqset *more);
/** How many numbers. */
uint32_t wd_seqset_count(const struct wd_seqset *s);
bool wd_seqset_has(const struct wd_seqset *s, uint32_t number);
/** The largest, 0 when empty. */
uint32_t wd_seqset_max(const struct wd_seqset *s);
/** The position (from 1) of a number in the set, 0 when it is not in it: UID → sequence number. O(log n). */
uint32_t wd_seqset_position(struct wd_seqset *s, uint32_t number);
/** The number at a position (from 1), 0 when there is none: sequence number → UID. O(log n). */
uint32_t wd_seqset_at(struct wd_seqset *s, uint32_t position);
/** The smallest number ≥ `from`, 0 when there is none. */
uint32_t wd_seqset_next(const struct wd_seqset *s, uint32_t from);

/**
 * Reads a sequence-set (RFC 3501 §9): "1:5,9,12:*". `*` is `star` (with star 0 it is refused); reversed ranges are
 * turned round. False for anything else, 0 included, and for more than max_ranges pieces. *out must be empty.
 */
bool wd_seqset_parse(struct wd_str text, uint32_t star, size_t max_ranges, struct wd_seqset *out);
/** Appends "1:5,9"; nothing for the empty set. */
void wd_seqset_write(struct wd_buf *out, const struct wd_seqset *s);

/** To and from the form of UidRanges in proto/wd/v1/mailboxes.proto: distance and length alternate. */
void wd_seqset_to_deltas(const struct wd_seqset *s, struct wd_buf *uint32s);
bool wd_seqset_from_deltas(const uint32_t *deltas, size_t n, struct wd_seqset *out);
#endif
