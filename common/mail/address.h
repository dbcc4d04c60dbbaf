/* common/mail/address.h – mail addresses: lists of RFC 5322, paths of RFC 5321, and the forms that addresses are
 * looked up by. Internationalised addresses (RFC 6531, RFC 6532) everywhere. Any thread; results live in the arena. */
#ifndef WD_MAIL_ADDRESS_H
#define WD_MAIL_ADDRESS_H
#include "common/base/arena.h"

enum {
    WD_ADDRESS_MAX = 512,       /* bytes of an address that is looked up or delivered to */
    WD_ADDRESS_LIST_MAX = 10000 /* entries that one header may have; the rest is dropped */
};

enum wd_address_kind {
    WD_ADDRESS_MAILBOX,
    WD_ADDRESS_GROUP,    /* "Name:", its name in .name */
    WD_ADDRESS_GROUP_END /* ";" */
};

struct wd_address {
    enum wd_address_kind kind;
    struct wd_str name;    /* display name or comment; encoded words as they are; empty when there is none */
    struct wd_str mailbox; /* local part without quotes */
    struct wd_str host;    /* empty when there is no @ */
};

/**
 * Reads an address list (RFC 5322 §3.4 and the obsolete forms), with groups, comments, quoted strings and whatever
 * real mail has in their place: never fails, what is no address becomes a mailbox without host.
 * Returns the number of entries. Encoded words (RFC 2047) are left for the caller.
 */
size_t wd_address_list(struct wd_arena *a, struct wd_str text, struct wd_address **out);

/**
 * Reads a path of MAIL FROM or RCPT TO (RFC 5321 §4.1.2) at the start of text: "<local@domain>", "<>", a source route
 * is dropped, the brackets may be missing. *rest is what follows (parameters), without leading blanks.
 * False when it is no path, is longer than WD_ADDRESS_MAX, or has control bytes or broken UTF-8.
 */
bool wd_address_path(struct wd_arena *a, struct wd_str text, struct wd_str *address, struct wd_str *rest);

/** Something before and after the last @, no blanks or control bytes, UTF-8, at most WD_ADDRESS_MAX bytes. */
bool wd_address_valid(struct wd_str address);

/** The parts before and after the last @; the domain is empty when there is none. */
void wd_address_split(struct wd_str address, struct wd_str *local, struct wd_str *domain);

/** The normal form: trimmed, NFC, lower case, domain in Unicode; label and dots stay. */
struct wd_str wd_address_normal(struct wd_arena *a, struct wd_str address);
/** The form for look-up ("address view"): the normal form without "+label" and without dots in the local part. */
struct wd_str wd_address_view(struct wd_arena *a, struct wd_str address);
/** The same for a user name, which may be an address: no dots (in the local part), lower case. A label stays when
 *  there is no @. */
struct wd_str wd_username_view(struct wd_arena *a, struct wd_str username);
/** The "+label" of the local part without its plus; empty when there is none. */
struct wd_str wd_address_label(struct wd_str address);

/** NFC and lower case of UTF-8 text; bad bytes become U+FFFD. */
struct wd_str wd_text_fold(struct wd_arena *a, struct wd_str text);
/** NFC only. */
struct wd_str wd_text_nfc(struct wd_arena *a, struct wd_str text);

/** A domain in Unicode, NFC, lower case ("xn--…" decoded where it can be). */
struct wd_str wd_domain_unicode(struct wd_arena *a, struct wd_str domain);
/** A domain in ASCII ("xn--…"); as it is when it cannot be encoded. */
struct wd_str wd_domain_ascii(struct wd_arena *a, struct wd_str domain);
#endif
