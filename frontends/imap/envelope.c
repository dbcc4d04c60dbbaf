#include "frontends/imap/body.h"
#include "common/base/utf8.h"
#include "common/mail/address.h"
#include "common/mail/words.h"
#include "frontends/imap/write.h"

/* has: the field is there, though perhaps empty. */
static void
write_nstring(struct wd_buf *out, bool has, struct wd_str s)
{
    if (has)
        imap_write_string(out, s);
    else
        wd_buf_c(out, "NIL");
}

static struct wd_str
words(struct wd_arena *a, ProtobufCBinaryData d, unsigned flags)
{
    return flags & IMAP_BODY_UTF8 ? imap_pb(d) : wd_words_encode(a, imap_pb(d));
}

/* Punycode, or words when it has no such form. */
static struct wd_str
host(struct wd_arena *a, ProtobufCBinaryData d, unsigned flags)
{
    struct wd_str domain = imap_pb(d);

    if (flags & IMAP_BODY_UTF8 || wd_is_ascii(domain))
        return domain;
    return wd_words_encode(a, wd_domain_ascii(a, domain));
}

static void
write_address(struct wd_buf *out, struct wd_arena *a, const Wd__V1__EnvelopeAddress *at, unsigned flags)
{
    wd_buf_chr(out, '(');
    write_nstring(out, at->has_name && at->name.len, words(a, at->name, flags));
    wd_buf_chr(out, ' ');
    write_nstring(out, at->has_route && at->route.len, imap_pb(at->route));
    wd_buf_chr(out, ' ');
    write_nstring(out, at->has_mailbox, words(a, at->mailbox, flags));
    wd_buf_chr(out, ' ');
    write_nstring(out, at->has_host, host(a, at->host, flags));
    wd_buf_chr(out, ')');
}

static void
write_addresses(struct wd_buf *out, struct wd_arena *a, Wd__V1__EnvelopeAddress *const *list, size_t n,
                unsigned flags)
{
    if (n == 0) {
        wd_buf_c(out, " NIL");
        return;
    }
    wd_buf_c(out, " (");
    for (size_t i = 0; i < n; i++)
        write_address(out, a, list[i], flags);
    wd_buf_chr(out, ')');
}

void
imap_write_envelope(struct wd_buf *out, struct wd_arena *a, const Wd__V1__Envelope *e, unsigned flags)
{
    static const Wd__V1__Envelope nothing = WD__V1__ENVELOPE__INIT;
    bool sender, reply_to;

    if (!e)
        e = &nothing;
    sender = e->n_sender > 0;
    reply_to = e->n_reply_to > 0;
    wd_buf_chr(out, '(');
    write_nstring(out, e->has_date, imap_pb(e->date));
    wd_buf_chr(out, ' ');
    write_nstring(out, e->has_subject, words(a, e->subject, flags));
    write_addresses(out, a, e->from, e->n_from, flags);
    write_addresses(out, a, sender ? e->sender : e->from, sender ? e->n_sender : e->n_from, flags);
    write_addresses(out, a, reply_to ? e->reply_to : e->from, reply_to ? e->n_reply_to : e->n_from, flags);
    write_addresses(out, a, e->to, e->n_to, flags);
    write_addresses(out, a, e->cc, e->n_cc, flags);
    write_addresses(out, a, e->bcc, e->n_bcc, flags);
    wd_buf_chr(out, ' ');
    write_nstring(out, e->has_in_reply_to, imap_pb(e->in_reply_to));
    wd_buf_chr(out, ' ');
    write_nstring(out, e->has_message_id, imap_pb(e->message_id));
    wd_buf_chr(out, ')');
}
