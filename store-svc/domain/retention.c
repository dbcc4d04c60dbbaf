#include "store-svc/domain/retention.h"

static const int64_t junk_ms = (int64_t)30 * 24 * 60 * 60 * 1000;

struct wd_retention
wd_retention_of(const struct wd_mailbox *mailbox, int64_t now_ms)
{
    int64_t keep = mailbox->retention_ms > 0 ? mailbox->retention_ms : 0;
    bool dustbin = wd_str_eq(mailbox->special_use, WD_STR("\\Trash")) ||
                   wd_str_eq(mailbox->special_use, WD_STR("\\Junk"));

    if (dustbin && (keep == 0 || keep > junk_ms))
        keep = junk_ms;
    if (keep > INT64_MAX - now_ms)
        keep = 0;
    return (struct wd_retention){ .expires = keep > 0, .at_ms = now_ms + keep };
}
