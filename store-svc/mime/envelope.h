/* store-svc/mime/envelope.h – the data of an IMAP ENVELOPE (RFC 3501 §7.4.2) from a header block. */
#ifndef WD_MIME_ENVELOPE_H
#define WD_MIME_ENVELOPE_H
#include "common/mail/address.h"

struct wd_envelope_list {
    struct wd_address *p; /* names decoded to UTF-8 */
    size_t n;             /* 0: NIL */
};

struct wd_envelope {
    struct wd_str date, subject; /* p NULL: NIL; the subject is decoded to UTF-8, the date is as written */
    struct wd_envelope_list from, sender, reply_to, to, cc, bcc;
    struct wd_str in_reply_to, message_id;
};

/** Sender and Reply-To fall back to From; the last Subject that is not empty counts; repeated address fields are
 *  joined. Never fails. */
void wd_envelope_read(struct wd_arena *a, struct wd_str header, struct wd_envelope *out);
/** The addresses of all fields of that name, names decoded. */
struct wd_envelope_list wd_envelope_addresses(struct wd_arena *a, struct wd_str header, struct wd_str name);
#endif
