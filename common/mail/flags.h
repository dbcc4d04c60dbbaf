/* common/mail/flags.h – message flags: the five system flags as bits, everything else a keyword (RFC 3501 §2.3.2). */
#ifndef WD_MAIL_FLAGS_H
#define WD_MAIL_FLAGS_H
#include "common/base/str.h"

enum wd_flag {
    WD_FLAG_ANSWERED = 1,
    WD_FLAG_FLAGGED = 2,
    WD_FLAG_DRAFT = 4,
    WD_FLAG_DELETED = 8,
    WD_FLAG_SEEN = 16,
};

enum { WD_KEYWORD_MAX = 255 }; /* bytes of one keyword */

struct wd_flag_name {
    enum wd_flag bit;
    struct wd_str name; /* "\\Answered" */
};

/** The system flags in the order in which SELECT lists them; ends with bit 0. */
const struct wd_flag_name *wd_flag_names(void);
/** The bit of a system flag's name in any case; 0 for anything else. */
unsigned wd_flag_bit(struct wd_str name);
/** A keyword that may be stored: an atom of at most WD_KEYWORD_MAX bytes that does not start with a backslash. */
bool wd_keyword_valid(struct wd_str name);
#endif
