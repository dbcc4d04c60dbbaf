/* common/base/id.h – the 12-byte identifiers of users, mailboxes and messages (the layout of a BSON ObjectId):
 * 4 bytes of seconds since 1970, big-endian, then 5 random bytes of the process and a 3-byte counter. */
#ifndef WD_BASE_ID_H
#define WD_BASE_ID_H
#include "common/base/buf.h"

struct wd_id {
    uint8_t b[12];
};

enum { WD_ID_HEX = 24 }; /* digits of the text form, without the final NUL */

/** A new identifier: unique, and later ones of one process sort later. Any thread. */
struct wd_id wd_id_new(void);
/** Reads 24 hexadecimal digits of any case. */
bool wd_id_parse(struct wd_str hex, struct wd_id *out);
/** Writes 24 lower-case digits and a NUL to `to`; returns `to`. */
char *wd_id_hex(struct wd_id id, char to[WD_ID_HEX + 1]);
bool wd_id_eq(struct wd_id a, struct wd_id b);
bool wd_id_is_zero(struct wd_id id);
/** The time in it, ms since 1970. */
int64_t wd_id_time_ms(struct wd_id id);
#endif
