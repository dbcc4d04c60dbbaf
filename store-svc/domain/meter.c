#include "store-svc/domain/meter.h"

#include "store-svc/domain/user.h"

enum { WINDOW_S = 24 * 60 * 60 };

static struct wd_str
key_of(enum wd_meter meter, struct wd_id user, char to[40])
{
    char hex[WD_ID_HEX + 1];

    snprintf(to, 40, "%s:%s", meter == WD_METER_POP3 ? "pdw" : "idw", wd_id_hex(user, hex));
    return wd_str_c(to);
}

static uint64_t
limit_of(const struct wd_user *user, enum wd_meter meter)
{
    return meter == WD_METER_POP3 ? user->pop3_download_bytes : user->imap_download_bytes;
}

bool
wd_meter_check(struct wd_domain *d, struct wd_arena *a, enum wd_meter meter, struct wd_id user, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_bus_count count;
    struct wd_error ignored;
    struct wd_user limits;
    uint64_t limit;
    char key[40];
    bool found;

    if (meter == WD_METER_NONE ||
        !wd_bus_count(d->bus, key_of(meter, user, key), 0, 0, WINDOW_S, &count, &ignored) || count.value == 0)
        return true;
    if (!wd_user_doc(d->users, user, &doc, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_USER_NOT_FOUND, "This user does not exist");
    wd_user_read(d, a, &doc, &limits);
    limit = limit_of(&limits, meter);
    if (limit && (uint64_t)count.value >= limit)
        return wd_fail(err, WD_DOWNLOAD_LIMIT, "download limit reached, try again in %lld s", (long long)count.ttl_s);
    return true;
}

void
wd_meter_add(struct wd_domain *d, enum wd_meter meter, struct wd_id user, uint64_t bytes)
{
    struct wd_bus_count count;
    struct wd_error ignored; /* an uncounted download is no failure */
    char key[40];

    if (meter != WD_METER_NONE && bytes &&
        !wd_bus_count(d->bus, key_of(meter, user, key), (int64_t)bytes, 0, WINDOW_S, &count, &ignored))
        return;
}
