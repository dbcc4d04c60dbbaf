/* What every change of a mailbox row does: UIDVALIDITY, journal, beacons. */
#include "common/base/clock.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/mailbox_priv.h"
#include "store-svc/domain/schema.h"

/* A name must never come back with a UIDVALIDITY that is not greater than before (RFC 3501 §2.3.1.1), also within one
 * second or when the clock went back. So the highest value that was ever taken off a name (by DELETE or RENAME) is
 * kept per user, in a row of `settings` that is not enumerable, and every value put on a name is above it. */

static void
floor_key(bson_t *filter, struct wd_id user)
{
    char hex[WD_ID_HEX + 1], key[64];

    snprintf(key, sizeof key, "uidvalidity:%s", wd_id_hex(user, hex));
    wd_doc_add_str(filter, "key", wd_str_c(key));
    wd_doc_add_bool(filter, "enumerable", false);
}

bool
wd_validity_floor(struct wd_docs *batch, struct wd_id user, uint32_t *out, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t row wd_auto(bson_destroy) = BSON_INITIALIZER;
    bool found;

    floor_key(&filter, user);
    if (!wd_docs_find_one(batch, WD_SETTINGS, &filter, NULL, &row, &found, err))
        return wd_fail_in(err, "read UIDVALIDITY");
    *out = found ? (uint32_t)wd_doc_int(&row, "highest", 0) : 0;
    return true;
}

bool
wd_validity_raise(struct wd_docs *batch, struct wd_id user, uint32_t value, struct wd_error *err)
{
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t made;

    floor_key(&filter, user);
    wd_doc_add_op(&update, "$max", "highest", value);
    bson_append_document_begin(&update, "$setOnInsert", -1, &made);
    wd_doc_add_id(&made, "_id", wd_id_new());
    wd_doc_add_date(&made, "created", wd_now_ms());
    bson_append_document_end(&update, &made);
    return wd_docs_update(batch, WD_SETTINGS, &filter, &update, WD_UPDATE_UPSERT, NULL, err) ||
           wd_fail_in(err, "keep UIDVALIDITY");
}

uint32_t
wd_validity_above(uint32_t floor)
{
    uint32_t now = (uint32_t)(wd_now_ms() / 1000);

    return now > floor ? now : floor + 1;
}

bool
wd_mailbox_journal(struct wd_docs *batch, enum wd_journal_command command, const struct wd_mailbox *mailbox,
                   uint64_t modseq, struct wd_error *err)
{
    struct wd_journal_row row = {
        .command = command, .user = mailbox->user, .mailbox = mailbox->id, .modseq = modseq, .path = mailbox->path
    };

    if (command == WD_JOURNAL_DELETE)
        row.path = WD_NONE;
    return wd_journal_add(batch, &row, 1, err);
}

void
wd_mailbox_tell(struct wd_domain *d, struct wd_id user, struct wd_id mailbox, uint64_t modseq)
{
    if (!wd_id_is_zero(mailbox))
        wd_beacon_send(d, &(struct wd_beacon){
                              .kind = WD_BEACON_MAILBOX, .user = user, .mailbox = mailbox, .modseq = modseq });
    wd_beacon_send(d, &(struct wd_beacon){ .kind = WD_BEACON_MAILBOX_LIST, .user = user });
}

