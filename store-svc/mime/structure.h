/* store-svc/mime/structure.h – the data of an IMAP BODYSTRUCTURE (RFC 3501 §7.4.2) as a flat list. */
#ifndef WD_MIME_STRUCTURE_H
#define WD_MIME_STRUCTURE_H
#include "store-svc/mime/envelope.h"
#include "store-svc/mime/parse.h"

struct wd_body_param {
    struct wd_str name; /* upper case */
    struct wd_str value;
};

struct wd_body_params {
    struct wd_body_param *p;
    size_t n;
};

/* Absent strings have p NULL. */
struct wd_body_part {
    uint32_t depth;              /* a part's children are the following ones that are one deeper */
    struct wd_str type, subtype; /* upper case; "MULTIPART" has its children as parts */
    struct wd_body_params params;
    struct wd_str id, description;
    struct wd_str encoding; /* upper case */
    uint64_t size, lines;
    bool has_lines;                     /* TEXT and MESSAGE/RFC822 */
    const struct wd_envelope *envelope; /* MESSAGE/RFC822: its only child is the embedded message */
    struct wd_str md5, disposition;     /* disposition in upper case */
    struct wd_body_params disposition_params;
    struct wd_str *languages;
    size_t n_languages;
    struct wd_str location;
};

struct wd_body_structure {
    struct wd_body_part *parts; /* in preorder */
    size_t n;
};

/** A multipart without parts gets one empty text part. */
void wd_structure_read(struct wd_arena *a, const struct wd_mime *mime, struct wd_body_structure *out);
#endif
