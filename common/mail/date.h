/* common/mail/date.h – the dates of mail: RFC 5322, IMAP, ISO 8601. All times are milliseconds since 1970 in UTC.
 * No locale, no time zone of the machine. Any thread. */
#ifndef WD_MAIL_DATE_H
#define WD_MAIL_DATE_H
#include "common/base/buf.h"

/** Reads a Date header: day of week, seconds and zone may be missing, comments are skipped, years of two digits and
 *  zone names (RFC 5322 §4.3, and the common others) are known; also takes ISO 8601. False when there is no date. */
bool wd_date_rfc5322(struct wd_str text, int64_t *ms);
/** Appends "Tue, 1 Jul 2003 10:52:37 +0200"; zone_minutes east of UTC. */
void wd_date_rfc5322_add(struct wd_buf *out, int64_t ms, int zone_minutes);

/** Reads an IMAP date ("1-Feb-1994", RFC 3501 `date-text`) as the start of that day in UTC. Strict. */
bool wd_date_imap_day(struct wd_str text, int64_t *ms);
/** Reads an IMAP date-time without its quotes ("17-Jul-1996 02:44:25 -0700"). Strict but for a missing blank. */
bool wd_date_imap(struct wd_str text, int64_t *ms);
/** Appends "17-Jul-1996 09:44:25 +0000", two digits of day or a blank and one. */
void wd_date_imap_add(struct wd_buf *out, int64_t ms);

/** Reads "2017-03-01", "2017-03-01T12:00:00Z", with fractions of a second and "+02:00". */
bool wd_date_iso(struct wd_str text, int64_t *ms);
/** Appends "2017-03-01T12:00:00.000Z". */
void wd_date_iso_add(struct wd_buf *out, int64_t ms);

/** The start of the day in UTC. */
int64_t wd_date_day(int64_t ms);
#endif
