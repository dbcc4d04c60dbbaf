#include "store-svc/domain/beacon.h"

#include <bson/bson.h>

#include "store-svc/domain/doc.h"

/* {"e": user} is what existing installations send and hear; the other members are ours and ignored by them. */
void
wd_beacon_send(struct wd_domain *d, const struct wd_beacon *beacon)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    char user[WD_ID_HEX + 1], mailbox[WD_ID_HEX + 1];
    struct wd_error ignored; /* a lost beacon delays a notification and never loses one */

    wd_buf_printf(&text, "{\"e\":\"%s\",\"k\":%d", wd_id_hex(beacon->user, user), (int)beacon->kind);
    if (beacon->kind == WD_BEACON_MAILBOX)
        wd_buf_printf(&text, ",\"m\":\"%s\",\"s\":%llu", wd_id_hex(beacon->mailbox, mailbox),
                      (unsigned long long)beacon->modseq);
    if (beacon->kind == WD_BEACON_LOGOUT)
        wd_buf_printf(&text, ",\"p\":{\"command\":\"LOGOUT\",\"reason\":\"%.*s\"}", WD_FMT(beacon->reason));
    wd_buf_chr(&text, '}');
    if (!wd_bus_publish(d->bus, WD_BEACON_CHANNEL, wd_buf_view(&text), &ignored))
        return;
}

/* The value of "key": in the flat text that wd_beacon_send writes. */
static bool
member(struct wd_str payload, const char *key, struct wd_str *out)
{
    char pattern[24];
    size_t at, end;

    snprintf(pattern, sizeof pattern, "\"%s\":", key);
    at = wd_str_find(payload, wd_str_c(pattern));
    if (at == SIZE_MAX)
        return false;
    *out = wd_str_part(payload, at + strlen(pattern), payload.n);
    if (out->n && out->p[0] == '"') {
        *out = wd_str_part(*out, 1, out->n);
        end = wd_str_chr(*out, '"');
    } else {
        for (end = 0; end < out->n && wd_is_digit(out->p[end]); end++)
            continue;
    }
    *out = wd_str_part(*out, 0, end);
    return true;
}

bool
wd_beacon_parse(struct wd_str payload, struct wd_beacon *out)
{
    struct wd_str value;
    uint32_t kind;

    *out = (struct wd_beacon){ 0 };
    if (!member(payload, "e", &value) || !wd_id_parse(value, &out->user))
        return false;
    if (!member(payload, "k", &value) || !wd_str_u32(value, WD_BEACON_LOGOUT, &kind) || kind == 0)
        return false;
    out->kind = (enum wd_beacon_kind)kind;
    if (out->kind == WD_BEACON_MAILBOX)
        return member(payload, "m", &value) && wd_id_parse(value, &out->mailbox) && member(payload, "s", &value) &&
               wd_str_u64(value, UINT64_MAX, &out->modseq);
    if (out->kind == WD_BEACON_LOGOUT)
        member(payload, "reason", &out->reason);
    return true;
}
