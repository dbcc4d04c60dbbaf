#include "store-svc/domain/recount.h"

#define DONE WD_STR("wildduck:recounted")
#define LOCK WD_STR("wildduck:recount")

enum { DAY_S = 24 * 60 * 60, LOCK_MS = 6 * 60 * 60 * 1000 };

/* A bus that has forgotten only makes it come sooner; a bus that does not answer, later. */
static bool
is_due(struct wd_domain *d, uint64_t *holder)
{
    struct wd_buf value wd_auto(wd_buf_done) = { 0 };
    struct wd_error ignored;
    bool found, taken;

    return wd_bus_get(d->bus, DONE, &value, &found, &ignored) && !found &&
           wd_bus_lock(d->bus, LOCK, LOCK_MS, holder, &taken, &ignored) && taken;
}

bool
wd_recount(struct wd_domain *d, bool *due, struct wd_check_report *out, struct wd_error *err)
{
    struct wd_check_options o = { .repair = true };
    struct wd_error ignored; /* it is done again, or the lock ends by itself */
    uint64_t holder;
    bool ok;

    *due = !wd_docs_is_atomic(d->docs) && is_due(d, &holder);
    if (!*due)
        return true;
    ok = wd_check(d, &o, out, err);
    if (ok && !wd_bus_set(d->bus, DONE, WD_STR("1"), DAY_S, &ignored))
        return true;
    if (!wd_bus_unlock(d->bus, LOCK, holder, &ignored))
        return ok;
    return ok;
}
