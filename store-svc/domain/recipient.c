#include "store-svc/domain/recipient.h"

#include "common/mail/address.h"
#include "store-svc/domain/address.h"
#include "store-svc/domain/receive_limit.h"

/* What is known about one address while the rules are asked. */
struct candidate {
    struct wd_domain *d;
    struct wd_arena *a;
    const struct wd_recipient_query *q;
    struct wd_str address;
    struct wd_user user;
};

static bool
has_syntax(struct candidate *c, struct wd_error *err)
{
    if (!wd_address_valid(c->address))
        return wd_fail(err, WD_RECIPIENT_SYNTAX, "Malformed recipient address");
    if (wd_str_chr(c->address, '*') != SIZE_MAX)
        return wd_fail(err, WD_RECIPIENT_UNKNOWN, "No such user here");
    return true;
}

static bool
has_user(struct candidate *c, struct wd_error *err)
{
    struct wd_resolved row;
    bson_t doc wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    if (!wd_address_resolve(c->d->users, c->a, c->address, WD_RESOLVE_WILDCARDS, &row, err))
        return false;
    if (row.kind == WD_RESOLVED_FORWARD)
        return wd_fail(err, WD_RECIPIENT_UNKNOWN, "This address only forwards, and mail is not forwarded here");
    if (row.kind == WD_RESOLVED_NONE)
        return wd_fail(err, WD_RECIPIENT_UNKNOWN, "No such user here");
    if (!wd_user_doc(c->d->users, row.user, &doc, &found, err))
        return false;
    if (!found)
        return wd_fail(err, WD_RECIPIENT_UNKNOWN, "No such user here");
    wd_user_read(c->d, c->a, &doc, &c->user);
    return true;
}

/* A suspended user cannot log in, but gets mail. */
static bool
is_enabled(struct candidate *c, struct wd_error *err)
{
    return !c->user.disabled || wd_fail(err, WD_USER_DISABLED, "The user is disabled");
}

static bool
has_room(struct candidate *c, struct wd_error *err)
{
    return c->q->again || c->user.storage_used < c->user.quota ||
           wd_fail(err, WD_OVER_QUOTA, "The user's mailbox is full");
}

static bool
takes_size(struct candidate *c, struct wd_error *err)
{
    return c->q->size <= c->d->options.max_message_bytes ||
           wd_fail(err, WD_MESSAGE_TOO_BIG, "The message is larger than %llu bytes",
                   (unsigned long long)c->d->options.max_message_bytes);
}

static bool
below_rate(struct candidate *c, struct wd_error *err)
{
    return c->q->again || wd_receive_limit_check(c->d, c->user.id, c->user.receive_max, c->q->ip, err);
}

/* In the order in which a sender should learn about them. */
static bool (*const rules[])(struct candidate *, struct wd_error *) = {
    has_syntax, has_user, is_enabled, has_room, takes_size, below_rate,
};

void
wd_recipient_resolve(struct wd_domain *d, struct wd_arena *a, const struct wd_recipient_query *q,
                     struct wd_recipient *out)
{
    size_t i, r;

    for (i = 0; i < q->n; i++) {
        struct candidate c = { .d = d, .a = a, .q = q, .address = q->addresses[i] };
        struct wd_error err;

        for (r = 0; r < WD_COUNT(rules) && rules[r](&c, &err); r++)
            continue;
        out[i] = (struct wd_recipient){ .accepted = r == WD_COUNT(rules), .user = c.user };
        if (!out[i].accepted) {
            out[i].reason = err.reason;
            out[i].text = wd_arena_str(a, wd_str_c(err.text));
        }
    }
}
