#include "frontends/pop3/maildrop.h"

#include <stdlib.h>

#include "common/base/alloc.h"

bool
pop3_maildrop_load(struct pop3_maildrop *m, const Wd__V1__OpenMaildropReply *reply, struct wd_error *err)
{
    struct wd_id mailbox;
    size_t n = reply->n_uids;

    if (reply->n_sizes != n || reply->ids.len != n * sizeof(struct wd_id) ||
        !wd_id_parse(wd_str_c(reply->mailbox), &mailbox))
        return wd_fail(err, WD_INTERNAL, "a listing of the store that makes no sense");
    *m = (struct pop3_maildrop){ .messages = wd_alloc((n + 1) * sizeof *m->messages), .n = n, .left = n };
    wd_id_hex(mailbox, m->mailbox);
    for (size_t i = 0; i < n; i++) {
        m->messages[i] = (struct pop3_message){ .uid = reply->uids[i], .size = reply->sizes[i] };
        memcpy(m->messages[i].id.b, reply->ids.data + i * sizeof(struct wd_id), sizeof(struct wd_id));
        m->octets += reply->sizes[i];
    }
    return true;
}

void
pop3_maildrop_done(struct pop3_maildrop *m)
{
    free(m->messages);
    *m = (struct pop3_maildrop){ 0 };
}

struct pop3_message *
pop3_maildrop_at(const struct pop3_maildrop *m, uint32_t number)
{
    return number && number <= m->n ? &m->messages[number - 1] : NULL;
}

void
pop3_maildrop_delete(struct pop3_maildrop *m, struct pop3_message *message)
{
    message->deleted = true;
    m->left--;
    m->octets -= message->size;
}

void
pop3_maildrop_reset(struct pop3_maildrop *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->messages[i].deleted)
            m->octets += m->messages[i].size;
        m->messages[i].deleted = false;
    }
    m->left = m->n;
}

void
pop3_maildrop_changes(const struct pop3_maildrop *m, struct wd_seqset *seen, struct wd_seqset *remove)
{
    for (size_t i = 0; i < m->n; i++) {
        const struct pop3_message *message = &m->messages[i];

        if (message->deleted)
            wd_seqset_add(remove, message->uid, message->uid);
        else if (message->retrieved)
            wd_seqset_add(seen, message->uid, message->uid);
    }
}
