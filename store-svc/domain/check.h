/* store-svc/domain/check.h – counts everything again and compares with what is written down
 * (docs/storage.md). */
#ifndef WD_STORE_DOMAIN_CHECK_H
#define WD_STORE_DOMAIN_CHECK_H
#include "store-svc/domain/domain.h"

enum { WD_CHECK_PROBLEMS = 1000 }; /* that are listed; all are counted */

struct wd_check_options {
    bool repair; /* writes the right numbers where they can be known */
    bool bodies; /* also rebuilds every message and compares its hash: reads everything */
};

struct wd_check_report {
    uint64_t users, mailboxes, messages, archived, blobs; /* looked at */
    char **problems;                                      /* one line each */
    size_t n_problems;
    uint64_t problem_count, repaired;
};

/**
 * Compares: the storage counter of each user with the sizes of its messages; both counters of each
 * attachment body with the references of all messages, archived ones too; UIDs (unique, below
 * uidNext) and MODSEQs (not above modifyIndex); the mirrors of the flags; the EXISTS rows of the
 * journal with the messages. Mail may come and go meanwhile: a difference in a counter is looked at
 * again before it is a problem, on an atomic driver inside of one transaction, elsewhere some
 * seconds later, when it must be the same. A repair mends changes of dead writers first.
 *
 * Memory: some 60 bytes for each user and attachment body. *out is yours to wd_check_report_done(),
 * also on failure. Blocks for as long as it takes to read all heads (all messages with `bodies`).
 */
bool wd_check(struct wd_domain *d, const struct wd_check_options *o, struct wd_check_report *out,
              struct wd_error *err) WD_CHECKED;
void wd_check_report_done(struct wd_check_report *r);
#endif
