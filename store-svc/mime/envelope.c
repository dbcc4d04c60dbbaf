#include "store-svc/mime/envelope.h"

#include "common/base/vec.h"
#include "store-svc/mime/header.h"

struct wd_envelope_list
wd_envelope_addresses(struct wd_arena *a, struct wd_str header, struct wd_str name)
{
    struct WD_VEC(struct wd_address) all = { 0 };
    struct wd_envelope_list out;
    struct wd_field field;

    while (all.n < WD_ADDRESS_LIST_MAX && wd_header_next(&header, &field)) {
        struct wd_address *list;
        size_t n;

        if (!wd_str_ieq(field.name, name))
            continue;
        n = wd_address_list(a, wd_header_unfold(a, field.value), &list);
        for (size_t i = 0; i < n && all.n < WD_ADDRESS_LIST_MAX; i++) {
            list[i].name = wd_words_decode(a, list[i].name);
            list[i].mailbox = wd_words_decode(a, list[i].mailbox);
            list[i].host = wd_words_decode(a, list[i].host);
            wd_vec_push(&all, list[i]);
        }
    }
    out.n = all.n;
    out.p = WD_ARENA_ARRAY(a, struct wd_address, all.n + 1);
    if (all.n)
        memcpy(out.p, all.p, all.n * sizeof *out.p);
    wd_vec_done(&all);
    return out;
}

static struct wd_str
text_field(struct wd_arena *a, struct wd_str header, struct wd_str name)
{
    struct wd_str value;

    if (!wd_header_last_filled(header, name, &value) && !wd_header_last(header, name, &value))
        return WD_NONE;
    return wd_header_decode(a, value);
}

void
wd_envelope_read(struct wd_arena *a, struct wd_str header, struct wd_envelope *out)
{
    out->date = text_field(a, header, WD_STR("date"));
    out->subject = text_field(a, header, WD_STR("subject"));
    out->from = wd_envelope_addresses(a, header, WD_STR("from"));
    out->sender = wd_envelope_addresses(a, header, WD_STR("sender"));
    out->reply_to = wd_envelope_addresses(a, header, WD_STR("reply-to"));
    out->to = wd_envelope_addresses(a, header, WD_STR("to"));
    out->cc = wd_envelope_addresses(a, header, WD_STR("cc"));
    out->bcc = wd_envelope_addresses(a, header, WD_STR("bcc"));
    out->in_reply_to = text_field(a, header, WD_STR("in-reply-to"));
    out->message_id = text_field(a, header, WD_STR("message-id"));
    if (out->sender.n == 0)
        out->sender = out->from;
    if (out->reply_to.n == 0)
        out->reply_to = out->from;
}
