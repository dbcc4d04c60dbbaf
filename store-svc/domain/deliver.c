#include "store-svc/domain/deliver.h"

#include "common/base/clock.h"
#include "common/mail/address.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/insert.h"
#include "store-svc/domain/receive_limit.h"
#include "store-svc/domain/recipient.h"
#include "store-svc/domain/spam.h"
#include "store-svc/domain/trace.h"

enum {
    TRIES = 5, /* an attachment body that is collected between intake and insert is rare, and rarer
                  each time */
    SHARED = 16, /* users whose copies share one transaction, and so one sync */
};

#define METHOD "Delivery.Deliver"

/* One copy: what the pipeline decides about it. */
struct copy {
    size_t recipient; /* the first one of this user */
    struct wd_user user;
    struct wd_intake intake;
    bool taken_in;
    struct wd_str targets[2];
    size_t n_targets;
    unsigned system_flags;
    bson_t *meta;
    struct wd_inserted made;
    bool done; /* stored, or failed for good */
};

struct delivery {
    struct wd_domain *d;
    struct wd_arena *a;
    const struct wd_deliver *in;
    struct wd_delivered *out;
    struct wd_source *source;
    struct wd_intake intake; /* shared by all copies */
    struct wd_trace trace;
    int64_t now;
    struct copy *copies;
    size_t n_copies;
    size_t *copy_of; /* by recipient; SIZE_MAX: refused */
};

static void
refuse(struct wd_delivered *out, enum wd_reason reason, struct wd_str text)
{
    *out = (struct wd_delivered){ .reason = reason, .text = text };
}

/* ---- the pipeline for one copy ---- */

static bool
step_trace_headers(struct delivery *v, struct copy *c, struct wd_error *err)
{
    struct wd_str recipient = wd_address_normal(v->a, v->in->recipients[c->recipient]);
    struct wd_str prefix = wd_trace_prefix(v->a, recipient, v->in->sender);

    c->taken_in = wd_intake_with_prefix(&v->intake, prefix, &c->intake, err);
    return c->taken_in;
}

static bool
step_mailbox(struct delivery *v, struct copy *c, struct wd_error *err)
{
    const char *target = wd_spam_target(v->d->spam_rules, v->a, v->intake.header);

    (void)err;
    c->n_targets = 0;
    if (target)
        c->targets[c->n_targets++] = wd_str_c(target);
    c->targets[c->n_targets++] = WD_STR("INBOX"); /* also when the target is missing */
    return true;
}

static void
add_filled(bson_t *meta, const char *field, struct wd_str first, struct wd_str second)
{
    if (first.n || second.n)
        wd_doc_add_str(meta, field, first.n ? first : second);
}

static bool
step_meta(struct delivery *v, struct copy *c, struct wd_error *err)
{
    bson_t to;

    (void)err;
    bson_reinit(c->meta);
    wd_doc_add_str(c->meta, "source", WD_STR("MX"));
    wd_doc_add_str(c->meta, "from", v->in->sender);
    bson_append_array_begin(c->meta, "to", -1, &to);
    wd_doc_add_str(&to, "0", v->in->recipients[c->recipient]);
    bson_append_array_end(c->meta, &to);
    add_filled(c->meta, "transactionId", v->in->session, WD_NONE);
    add_filled(c->meta, "origin", v->trace.from, v->in->ip);
    add_filled(c->meta, "originhost", v->in->origin_host, WD_NONE);
    add_filled(c->meta, "transhost", v->in->helo, WD_NONE);
    add_filled(c->meta, "transtype", v->trace.with, v->in->transport);
    add_filled(c->meta, "queueId", v->trace.id, WD_NONE);
    return true;
}

/* Filters, autoreplies and encryption are further rows. */
static bool (*const steps[])(struct delivery *, struct copy *, struct wd_error *) = {
    step_trace_headers,
    step_mailbox,
    step_meta,
};

static void
forget(struct copy *c)
{
    if (c->taken_in)
        wd_intake_done(&c->intake);
    c->taken_in = false;
}

static bool
prepare(struct delivery *v, struct copy *c, struct wd_error *err)
{
    size_t i;

    forget(c);
    for (i = 0; i < WD_COUNT(steps); i++)
        if (!steps[i](v, c, err))
            return false;
    return true;
}

/* ---- storing ---- */

static struct wd_once
once_of(const struct delivery *v, const struct copy *c)
{
    return (struct wd_once){ .user = c->user.id, .method = METHOD, .key = v->in->key };
}

static void
settle(struct delivery *v, struct copy *c)
{
    v->out[c->recipient] = (struct wd_delivered){ .accepted = true,
                                                  .user = c->user.id,
                                                  .message = c->made.message,
                                                  .mailbox_path = c->made.path,
                                                  .uid = c->made.uid };
    if (!c->made.repeated)
        wd_receive_limit_count(v->d, c->user.id, v->in->ip);
    c->done = true;
}

/* What may be said of a recipient or a message for good. Any other failure is ours, and mail must
 * not bounce for it. */
static enum wd_reason
as_outcome(enum wd_reason reason)
{
    static const enum wd_reason permanent[] = { WD_OVER_QUOTA, WD_MESSAGE_TOO_BIG,
                                                WD_MESSAGE_REFUSED, WD_MAILBOX_NOT_FOUND,
                                                WD_USER_NOT_FOUND };
    size_t i;

    for (i = 0; i < WD_COUNT(permanent); i++)
        if (reason == permanent[i])
            return reason;
    return wd_reason_info(reason)->lmtp / 100 == 4 ? reason : WD_INTERNAL;
}

static void
give_up(struct delivery *v, struct copy *c, const struct wd_error *err)
{
    refuse(&v->out[c->recipient], as_outcome(err->reason), wd_arena_str(v->a, wd_str_c(err->text)));
    c->done = true;
}

/* Several copies in one transaction: all or none. */
static bool
store(struct delivery *v, struct copy **copies, size_t n, struct wd_error *err)
{
    struct wd_insert inserts[SHARED] = { 0 };
    struct wd_inserted made[SHARED] = { 0 };
    size_t i;

    for (i = 0; i < n; i++) {
        struct copy *c = copies[i];

        inserts[i] = (struct wd_insert){
            .user = c->user.id,
            .intake = &c->intake,
            .targets = c->targets,
            .n_targets = c->n_targets,
            .quota = WD_INSERT_BELOW_QUOTA,
            .quota_limit = c->user.quota,
            .system_flags = c->system_flags,
            .idate_ms = v->now,
            .meta = c->meta,
            .once = once_of(v, c),
        };
    }
    if (!wd_insert(v->d, v->a, inserts, n, made, err))
        return false;
    for (i = 0; i < n; i++) {
        copies[i]->made = made[i];
        settle(v, copies[i]);
    }
    return true;
}

static bool
take_in(struct delivery *v, struct wd_error *err)
{
    wd_intake_done(&v->intake);
    v->intake = (struct wd_intake){ 0 };
    if (!wd_intake_read(v->a, v->source, v->d->blobs, v->now, &v->intake, err))
        return false;
    wd_trace_read(v->a, v->intake.header, &v->trace);
    return true;
}

/* On its own, with attachment bodies written again when they went away. */
static void
store_alone(struct delivery *v, struct copy *c)
{
    struct wd_error err;
    int i;

    for (i = 0; i < TRIES; i++) {
        if (store(v, &c, 1, &err))
            return;
        if (err.reason != WD_CONFLICT || !take_in(v, &err) || !prepare(v, c, &err))
            break;
    }
    give_up(v, c, &err);
}

static void
store_group(struct delivery *v, struct copy **group, size_t n)
{
    struct wd_error err;
    size_t i;

    if (n == 0 || (n > 1 && wd_docs_is_atomic(v->d->docs) && store(v, group, n, &err)))
        return;
    for (i = 0; i < n; i++)
        store_alone(v, group[i]);
}

static void
store_all(struct delivery *v)
{
    struct copy *group[SHARED];
    size_t i, n = 0;

    for (i = 0; i < v->n_copies; i++) {
        struct copy *c = &v->copies[i];
        struct wd_error err;

        if (c->done)
            continue;
        if (!prepare(v, c, &err)) {
            give_up(v, c, &err);
            continue;
        }
        if (c->user.storage_used >= c->user.quota) { /* would spoil the transaction of the others */
            store_alone(v, c);
            continue;
        }
        group[n++] = c;
        if (n == SHARED) {
            store_group(v, group, n);
            n = 0;
        }
    }
    store_group(v, group, n);
}

/* ---- who gets it ---- */

static struct copy *
copy_for(struct delivery *v, const struct wd_user *user, size_t recipient)
{
    size_t i;

    for (i = 0; i < v->n_copies; i++)
        if (wd_id_eq(v->copies[i].user.id, user->id))
            break;
    if (i == v->n_copies) {
        v->copies[i] = (struct copy){ .recipient = recipient, .user = *user, .meta = bson_new() };
        v->n_copies++;
    }
    v->copy_of[recipient] = i;
    return &v->copies[i];
}

static void
find_users(struct delivery *v)
{
    struct wd_recipient *found = WD_ARENA_ARRAY(v->a, struct wd_recipient, v->in->n);
    struct wd_recipient_query query = {
        .addresses = v->in->recipients,
        .n = v->in->n,
        .size = v->source->size,
        .ip = v->in->ip,
        .again = true,
    };
    size_t i;

    wd_recipient_resolve(v->d, v->a, &query, found);
    for (i = 0; i < v->in->n; i++) {
        v->copy_of[i] = SIZE_MAX;
        if (found[i].accepted)
            copy_for(v, &found[i].user, i);
        else
            refuse(&v->out[i], found[i].reason, found[i].text);
    }
}

/* What an earlier call with this key has stored. True when nothing is left to do. On a driver that
 * is not atomic the claim of each copy tells that (insert.c), without a question. */
static bool
recall(struct delivery *v)
{
    bool all = true;
    size_t i;

    if (!wd_docs_is_atomic(v->d->docs))
        return v->n_copies == 0;

    for (i = 0; i < v->n_copies; i++) {
        struct copy *c = &v->copies[i];
        struct wd_once once = once_of(v, c);
        struct wd_error ignored; /* the batch asks again */
        bool found = false;

        if (wd_insert_recall(v->d->docs, v->a, &once, &c->made, &found, &ignored) && found)
            settle(v, c);
        all = all && c->done;
    }
    return all;
}

/* Will the caller come again with the same upload? */
static bool
may_be_repeated(const struct delivery *v)
{
    size_t i;

    for (i = 0; i < v->in->n; i++)
        if (!v->out[i].accepted && wd_reason_info(v->out[i].reason)->lmtp / 100 == 4)
            return true;
    return false;
}

static void
finish(struct delivery *v, bool ok)
{
    struct wd_error ignored; /* an upload that stays goes by itself */
    size_t i;

    for (i = 0; i < v->in->n; i++)
        if (v->copy_of[i] != SIZE_MAX)
            v->out[i] = v->out[v->copies[v->copy_of[i]].recipient];
    for (i = 0; i < v->n_copies; i++) {
        forget(&v->copies[i]);
        bson_destroy(v->copies[i].meta);
    }
    wd_intake_done(&v->intake);
    if (v->in->uploaded && ok && !may_be_repeated(v) &&
        !wd_blobs_upload_drop(v->d->blobs, v->in->upload, &ignored))
        return;
}

/* A message that cannot be read: the recipients that have it from an earlier call keep their good
 * outcome, for a sender that heard of a failure would send it to them again. False: nobody has it,
 * so the call may fail as a whole. */
static bool
refuse_rest(struct delivery *v, const struct wd_error *err)
{
    bool any = false;
    size_t i;

    for (i = 0; i < v->n_copies; i++)
        any = any || v->copies[i].done;
    for (i = 0; any && i < v->n_copies; i++)
        if (!v->copies[i].done)
            give_up(v, &v->copies[i], err);
    return any;
}

bool
wd_deliver(struct wd_domain *d, struct wd_arena *a, const struct wd_deliver *in,
           struct wd_delivered *out, struct wd_error *err)
{
    struct wd_source_memory memory;
    struct wd_source_upload upload;
    struct delivery v = { .d = d, .a = a, .in = in, .out = out, .now = wd_now_ms() };
    bool ok = true;

    v.source = in->uploaded ? wd_source_upload(&upload, d->blobs, in->upload, in->upload_size)
                            : wd_source_memory(&memory, in->raw);
    v.copies = WD_ARENA_ARRAY(a, struct copy, in->n);
    v.copy_of = WD_ARENA_ARRAY(a, size_t, in->n);
    find_users(&v);
    if (!recall(&v)) {
        if (take_in(&v, err))
            store_all(&v);
        else
            ok = refuse_rest(&v, err);
    }
    finish(&v, ok);
    return ok;
}
