/* store-svc/mime/header.h – fields of a header block: walk, unfold, decode (RFC 5322 §2.2, RFC 2047). */
#ifndef WD_MIME_HEADER_H
#define WD_MIME_HEADER_H
#include "common/base/arena.h"
#include "common/base/buf.h"

struct wd_field {
    struct wd_str raw;   /* the field with its folds, without the last line end */
    struct wd_str name;  /* empty: not a field (no colon), as in the first line of an mbox */
    struct wd_str value; /* after the colon, folded, not trimmed */
};

/**
 * Cuts the next field off *rest, a header block. Line ends are CRLF, CR CR LF, LF or CR. False at the empty line and at
 * the end. Slices point into the block.
 */
bool wd_header_next(struct wd_str *rest, struct wd_field *field);

/** The raw value of the first/last field of that name; false when there is none. */
bool wd_header_first(struct wd_str block, struct wd_str name, struct wd_str *value);
bool wd_header_last(struct wd_str block, struct wd_str name, struct wd_str *value);
/** The last value that is not blank. */
bool wd_header_last_filled(struct wd_str block, struct wd_str name, struct wd_str *value);

/** Without line ends (a fold leaves its blank), trimmed. Cut at WD_MIME_FIELD bytes. */
struct wd_str wd_header_unfold(struct wd_arena *a, struct wd_str value);
/** Unfolded, encoded words decoded, UTF-8 (8-bit text that is not UTF-8 is read as windows-1252). */
struct wd_str wd_header_decode(struct wd_arena *a, struct wd_str value);
/** Only the encoded words of an unfolded value; broken ones stay as they are. Always UTF-8. */
struct wd_str wd_words_decode(struct wd_arena *a, struct wd_str value);
/** Runs of white space become one blank, ends trimmed. */
struct wd_str wd_text_collapse(struct wd_arena *a, struct wd_str text);
#endif
