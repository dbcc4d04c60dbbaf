/* frontends/pop3/update.c – the UPDATE state (RFC 1939 §6): one call tells the store everything that QUIT changes, and
 * the client library repeats it with the same key, so that it happens once. */
#include "common/log/log.h"
#include "frontends/pop3/conn_priv.h"

static void
on_updated(const Wd__V1__UpdateMaildropReply *reply, void *closure)
{
    pop3_replied(closure, reply);
}

/* A set for a request; *deltas holds it. */
static Wd__V1__UidRanges
ranges_of(const struct wd_seqset *set, struct wd_buf *deltas)
{
    Wd__V1__UidRanges ranges = WD__V1__UID_RANGES__INIT;

    wd_seqset_to_deltas(set, deltas);
    ranges.n_deltas = deltas->n / sizeof *ranges.deltas;
    ranges.deltas = (uint32_t *)(void *)deltas->p;
    return ranges;
}

static void
bye(struct pop3_conn *c)
{
    pop3_ok(c, "Bye");
    c->state = POP3_CLOSED;
}

void
pop3_update_start(struct pop3_conn *c)
{
    struct wd_seqset seen wd_auto(wd_seqset_done) = { 0 };
    struct wd_seqset remove wd_auto(wd_seqset_done) = { 0 };
    struct wd_buf seen_deltas wd_auto(wd_buf_done) = { 0 };
    struct wd_buf remove_deltas wd_auto(wd_buf_done) = { 0 };
    Wd__V1__UpdateMaildropRequest request = WD__V1__UPDATE_MAILDROP_REQUEST__INIT;
    Wd__V1__UidRanges seen_ranges, remove_ranges;

    pop3_maildrop_changes(&c->drop, &seen, &remove);
    if (seen.n == 0 && remove.n == 0) {
        bye(c);
        return;
    }
    seen_ranges = ranges_of(&seen, &seen_deltas);
    remove_ranges = ranges_of(&remove, &remove_deltas);
    request.mailbox = c->drop.mailbox;
    request.seen = &seen_ranges;
    request.remove = &remove_ranges;
    c->state = POP3_UPDATING;
    wd__v1__maildrop__update(pop3_rpc(c, &wd__v1__maildrop__descriptor), &request, on_updated, c);
}

static void
log_deleted(const struct pop3_conn *c)
{
    char hex[WD_ID_HEX + 1];

    for (size_t i = 0; c->logs && i < c->drop.n; i++)
        if (c->drop.messages[i].deleted)
            wd_log(WD_LOG_INFO, "pop3_delete", WD_KV("session", c->id), WD_KV("user", c->user),
                   WD_KV("message", wd_id_hex(c->drop.messages[i].id, hex)),
                   WD_KV_UINT("uid", c->drop.messages[i].uid));
}

bool
pop3_step_updating(struct pop3_conn *c)
{
    const Wd__V1__UpdateMaildropReply *reply = c->reply;

    if (!c->call_done)
        return false;
    if (!reply) {
        c->server->counters.failed_updates++;
        wd_log_error(WD_LOG_ERROR, "update failed", &c->err, WD_KV("session", c->id), WD_KV("user", c->user));
        pop3_fail_last(c, wd_reason_info(c->err.reason)->pop3, "Messages were not removed: %s", c->err.text);
        return true;
    }
    c->server->counters.deleted += reply->removed;
    log_deleted(c);
    bye(c);
    return true;
}
