#include "store-svc/domain/meter.h"

#include "store-svc/domain/user.h"

enum { WINDOW_S = 24 * 60 * 60 };

static struct wd_str
key_of(struct wd_id user, char to[40])
{
    char hex[WD_ID_HEX + 1];

    snprintf(to, 40, "idw:%s", wd_id_hex(user, hex));
    return wd_str_c(to);
}

bool
wd_meter_check(struct wd_domain *d, struct wd_arena *a, struct wd_id user, struct wd_error *err)
{
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    struct wd_bus_count count;
    struct wd_error ignored;
    struct wd_user limits;
    char key[40];
    bool found;

    if (!wd_bus_count(d->bus, key_of(user, key), 0, 0, WINDOW_S, &count, &ignored) || count.value == 0)
        return true;
    if (!wd_user_doc(d->users, user, &doc, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_USER_NOT_FOUND, "This user does not exist");
    wd_user_read(d, a, &doc, &limits);
    if (limits.imap_download_bytes && (uint64_t)count.value >= limits.imap_download_bytes)
        return wd_fail(err, WD_DOWNLOAD_LIMIT, "download limit reached, try again in %lld s", (long long)count.ttl_s);
    return true;
}

void
wd_meter_add(struct wd_domain *d, struct wd_id user, uint64_t bytes)
{
    struct wd_bus_count count;
    struct wd_error ignored; /* an uncounted download is no failure */
    char key[40];

    if (bytes && !wd_bus_count(d->bus, key_of(user, key), (int64_t)bytes, 0, WINDOW_S, &count, &ignored))
        return;
}
