#include "store-svc/rpc/convert_mailbox.h"

#include "common/mail/flags.h"

void
wd_pb_mailbox(struct wd_call *call, const struct wd_mailbox *from, Wd__V1__Mailbox *to)
{
    wd__v1__mailbox__init(to);
    to->id = wd_call_hex(call, from->id);
    to->path = wd_pb_str(from->path);
    if (from->special_use.n)
        to->special_use = wd_call_text(call, from->special_use);
    to->has_uid_validity = to->has_uid_next = to->has_highest_modseq = true;
    to->uid_validity = from->uid_validity;
    to->uid_next = from->uid_next;
    to->highest_modseq = from->modify_index;
    to->has_subscribed = to->has_hidden = to->has_retention_ms = to->has_encrypt_messages = true;
    to->encrypt_messages = from->encrypt;
    to->subscribed = from->subscribed;
    to->hidden = from->hidden;
    to->retention_ms = from->retention_ms;
    to->flags = WD_ARENA_ARRAY(call->arena, ProtobufCBinaryData, from->n_flags);
    for (size_t i = 0; i < from->n_flags; i++)
        to->flags[to->n_flags++] = wd_pb_str(from->flags[i]);
}

ProtobufCBinaryData *
wd_pb_keywords(struct wd_call *call, const struct wd_str *flags, size_t n, uint32_t *bits, size_t *n_keywords)
{
    ProtobufCBinaryData *keywords = WD_ARENA_ARRAY(call->arena, ProtobufCBinaryData, n);

    *bits = 0;
    *n_keywords = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned bit = wd_flag_bit(flags[i]);

        *bits |= bit;
        if (!bit)
            keywords[(*n_keywords)++] = wd_pb_str(flags[i]);
    }
    return keywords;
}

bool
wd_pb_change(struct wd_call *call, const struct wd_journal_row *row, Wd__V1__MailboxChange *to)
{
    static const Wd__V1__MailboxChange__Kind kinds[] = {
        [WD_JOURNAL_EXISTS] = WD__V1__MAILBOX_CHANGE__KIND__EXISTS,
        [WD_JOURNAL_EXPUNGE] = WD__V1__MAILBOX_CHANGE__KIND__EXPUNGE,
        [WD_JOURNAL_FETCH] = WD__V1__MAILBOX_CHANGE__KIND__FLAGS,
        [WD_JOURNAL_RENAME] = WD__V1__MAILBOX_CHANGE__KIND__RENAMED,
        [WD_JOURNAL_DELETE] = WD__V1__MAILBOX_CHANGE__KIND__DELETED,
    };

    if (row->command == WD_JOURNAL_CREATE)
        return false;
    wd__v1__mailbox_change__init(to);
    to->kind = kinds[row->command];
    to->modseq = row->modseq;
    if (row->uid) {
        to->has_uid = true;
        to->uid = row->uid;
    }
    if (row->command == WD_JOURNAL_EXISTS || row->command == WD_JOURNAL_FETCH) {
        to->has_system_flags = true;
        to->keywords = wd_pb_keywords(call, row->flags, row->n_flags, &to->system_flags, &to->n_keywords);
    }
    if (row->ignore.n)
        to->ignore = wd_call_text(call, row->ignore);
    if (row->path.n) {
        to->has_path = true;
        to->path = wd_pb_str(row->path);
    }
    return true;
}
