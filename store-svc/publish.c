#include "store-svc/publish.h"

#include <stdlib.h>

#include "store-svc/domain/auth.h"
#include "store-svc/domain/beacon.h"

static void
send_on(const struct store_publisher *p, const struct wd_beacon *in)
{
    Wd__V1__Beacon out = WD__V1__BEACON__INIT;
    char user[WD_ID_HEX + 1], mailbox[WD_ID_HEX + 1], reason[128];

    out.kind = (Wd__V1__Beacon__Kind)in->kind; /* the same numbers */
    out.user = wd_id_hex(in->user, user);
    if (in->kind == WD_BEACON_MAILBOX) {
        out.mailbox = wd_id_hex(in->mailbox, mailbox);
        out.has_modseq = true;
        out.modseq = in->modseq;
    }
    if (in->reason.n) {
        snprintf(reason, sizeof reason, "%.*s", WD_FMT(wd_str_part(in->reason, 0, sizeof reason - 1)));
        out.reason = reason;
    }
    wd_publisher_send(p->to, in->user, &out);
}

static void
heard(void *data, struct wd_str channel, struct wd_str payload)
{
    const struct store_publisher *p = data;
    struct wd_beacon beacon;

    (void)channel;
    if (payload.n == 0) {
        wd_publisher_gap(p->to);
        return;
    }
    if (!wd_beacon_parse(payload, &beacon))
        return;
    if (beacon.kind == WD_BEACON_LOGOUT)
        wd_auth_forget(p->domain, beacon.user);
    send_on(p, &beacon);
}

bool
store_publish_start(struct store_publisher *p, struct wd_error *err)
{
    return wd_bus_subscribe(p->domain->bus, WD_BEACON_CHANNEL, heard, p, err);
}
