#include "common/mail/date.h"

#include "common/base/lifetime.h"

enum { DAY_S = 86400 };

struct civil {
    int year, month, day; /* month 1–12 */
    int hour, minute, second, ms;
    int zone; /* minutes east of UTC */
};

static const char month_names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
static const char day_names[] = "ThuFriSatSunMonTueWed"; /* 1970-01-01 was a Thursday */

/* Days since 1970-01-01 of a date of the Gregorian calendar (years start in March, so that leap days come last). */
static int64_t
days_of(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void
civil_of(int64_t ms, struct civil *c)
{
    int64_t s = ms >= 0 ? ms / 1000 : -((-ms + 999) / 1000);
    int64_t days = s >= 0 ? s / DAY_S : -((-s + DAY_S - 1) / DAY_S);
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t mp = (5 * of_year + 2) / 153;
    int64_t of_day = s - days * DAY_S;

    c->day = (int)(of_year - (153 * mp + 2) / 5 + 1);
    c->month = (int)(mp < 10 ? mp + 3 : mp - 9);
    c->year = (int)(year + era * 400 + (c->month <= 2));
    c->hour = (int)(of_day / 3600);
    c->minute = (int)(of_day / 60 % 60);
    c->second = (int)(of_day % 60);
    c->ms = (int)(ms - s * 1000);
    c->zone = 0;
}

static int
month_days(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

static bool
civil_ms(const struct civil *c, int64_t *ms)
{
    int64_t s;

    if (c->month < 1 || c->month > 12 || c->day < 1 || c->year < 0 || c->year > 9999 ||
        c->day > month_days(c->year, c->month) || c->hour < 0 || c->hour > 23 || c->minute < 0 || c->minute > 59 ||
        c->second < 0 || c->second > 60 || c->zone < -1440 || c->zone > 1440)
        return false;
    s = days_of(c->year, c->month, c->day) * DAY_S + c->hour * 3600 + c->minute * 60 + c->second;
    *ms = (s - (int64_t)c->zone * 60) * 1000 + c->ms;
    return true;
}

static int
month_named(struct wd_str name)
{
    for (int i = 0; i < 12; i++)
        if (name.n >= 3 && wd_str_istarts(name, wd_str_n(month_names + 3 * i, 3)))
            return i + 1;
    return 0;
}

/* Cuts exactly n digits (or, with n = 0, one to nine) off *s. */
static bool
digits(struct wd_str *s, size_t n, int *out)
{
    size_t i = 0;
    int value = 0;

    while (i < s->n && i < (n ? n : 9) && wd_is_digit(s->p[i]))
        value = value * 10 + (s->p[i++] - '0');
    if (i == 0 || (n && i != n))
        return false;
    *s = wd_str_part(*s, i, s->n);
    *out = value;
    return true;
}

static bool
skip(struct wd_str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    *s = wd_str_part(*s, 1, s->n);
    return true;
}

/* "+0200", "+02:00": the sign is there. */
static bool
zone_number(struct wd_str *s, int *zone)
{
    int sign = s->n && s->p[0] == '-' ? -1 : 1, hours, minutes = 0;

    *s = wd_str_part(*s, 1, s->n);
    if (!digits(s, 2, &hours))
        return false;
    skip(s, ':');
    if (s->n && !digits(s, 2, &minutes))
        return false;
    if (hours > 24 || minutes > 59)
        return false;
    *zone = sign * (hours * 60 + minutes);
    return true;
}

static int
zone_named(struct wd_str name)
{
    static const struct {
        struct wd_str name;
        int hours;
    } zones[] = {
        { WD_STR_C("EDT"), -4 },  { WD_STR_C("EST"), -5 },  { WD_STR_C("CDT"), -5 },  { WD_STR_C("CST"), -6 },
        { WD_STR_C("MDT"), -6 },  { WD_STR_C("MST"), -7 },  { WD_STR_C("PDT"), -7 },  { WD_STR_C("PST"), -8 },
        { WD_STR_C("AST"), -4 },  { WD_STR_C("ADT"), -3 },  { WD_STR_C("BST"), 1 },   { WD_STR_C("CET"), 1 },
        { WD_STR_C("MET"), 1 },   { WD_STR_C("CEST"), 2 },  { WD_STR_C("MEST"), 2 },  { WD_STR_C("EET"), 2 },
        { WD_STR_C("EEST"), 3 },  { WD_STR_C("MSK"), 3 },   { WD_STR_C("JST"), 9 },   { WD_STR_C("KST"), 9 },
        { WD_STR_C("HST"), -10 }, { WD_STR_C("NZST"), 12 }, { WD_STR_C("NZDT"), 13 }, { WD_STR_C("AEST"), 10 },
        { WD_STR_C("AEDT"), 11 }, { WD_STR_C("WEST"), 1 },
    };

    for (size_t i = 0; i < WD_COUNT(zones); i++)
        if (wd_str_ieq(name, zones[i].name))
            return zones[i].hours * 60;
    return 0; /* GMT, UT, UTC, Z, and those that nobody can know (RFC 5322 §4.3) */
}

/* The next word of a Date header: blanks, commas and comments are skipped. */
static struct wd_str
date_word(struct wd_str *s)
{
    size_t i = 0, start;
    int depth = 0;

    for (; i < s->n; i++) {
        char c = s->p[i];

        if (c == '(')
            depth++;
        else if (c == ')' && depth)
            depth--;
        else if (!depth && !wd_is_space(c) && c != ',')
            break;
    }
    start = i;
    while (i < s->n && !wd_is_space(s->p[i]) && s->p[i] != ',' && s->p[i] != '(')
        i++;
    struct wd_str word = wd_str_part(*s, start, i);
    *s = wd_str_part(*s, i, s->n);
    return word;
}

/* "10:52:37", "10:52", "10.52.37" */
static bool
time_word(struct wd_str word, struct civil *c)
{
    if (!digits(&word, 0, &c->hour) || (!skip(&word, ':') && !skip(&word, '.')) || !digits(&word, 0, &c->minute))
        return false;
    if ((skip(&word, ':') || skip(&word, '.')) && !digits(&word, 0, &c->second))
        return false;
    return true;
}

static bool
has_colon(struct wd_str word)
{
    return wd_str_chr(word, ':') != SIZE_MAX && word.n && wd_is_digit(word.p[0]);
}

/* Sorts one word of the header into *c. `seen` counts the numbers: day, then year. */
static bool
date_take(struct wd_str word, struct civil *c, int *seen, bool *timed)
{
    int value;
    struct wd_str rest = word;

    if (has_colon(word)) {
        *timed = true;
        return time_word(word, c);
    }
    if ((word.p[0] == '+' || word.p[0] == '-') && *timed) {
        if (!zone_number(&rest, &c->zone))
            c->zone = 0;
        return true;
    }
    if (wd_is_digit(word.p[0]) && digits(&rest, 0, &value)) {
        if (rest.n && rest.p[0] == '-' && *seen == 0) { /* 17-Jul-1996 */
            c->day = value;
            *seen = 1;
            rest = wd_str_part(rest, 1, rest.n);
            c->month = month_named(rest);
            size_t dash = wd_str_chr(rest, '-');
            if (dash == SIZE_MAX)
                return true;
            rest = wd_str_part(rest, dash + 1, rest.n);
            if (!digits(&rest, 0, &value))
                return false;
        }
        if (*seen == 0)
            c->day = value;
        else if (*seen == 1)
            c->year = value + (value < 50 ? 2000 : value < 1000 ? 1900 : 0);
        (*seen)++;
        return true;
    }
    if (!c->month && month_named(word))
        c->month = month_named(word);
    else if (*timed)
        c->zone = zone_named(word);
    return true;
}

bool
wd_date_rfc5322(struct wd_str text, int64_t *ms)
{
    struct civil c = { .year = -1 };
    struct wd_str rest = wd_str_trim(text), word;
    int seen = 0;
    bool timed = false;

    if (rest.n > 256)
        rest = wd_str_part(rest, 0, 256);
    if (rest.n >= 10 && rest.p[4] == '-' && wd_date_iso(rest, ms))
        return true;
    while ((word = date_word(&rest)).n)
        if (!date_take(word, &c, &seen, &timed))
            return false;
    return civil_ms(&c, ms);
}

void
wd_date_rfc5322_add(struct wd_buf *out, int64_t ms, int zone_minutes)
{
    struct civil c;
    int zone = zone_minutes < 0 ? -zone_minutes : zone_minutes;
    int64_t local = ms + (int64_t)zone_minutes * 60000;
    int64_t days;

    civil_of(local, &c);
    days = days_of(c.year, c.month, c.day) % 7;
    wd_buf_printf(out, "%.3s, %d %.3s %04d %02d:%02d:%02d %c%02d%02d", day_names + 3 * ((days + 7) % 7), c.day,
                  month_names + 3 * (c.month - 1), c.year, c.hour, c.minute, c.second, zone_minutes < 0 ? '-' : '+',
                  zone / 60, zone % 60);
}

/* "1-Feb-1994" at the start of *s, which is cut. */
static bool
imap_day(struct wd_str *s, struct civil *c)
{
    size_t before;

    while (s->n && s->p[0] == ' ')
        *s = wd_str_part(*s, 1, s->n);
    before = s->n;
    if (!digits(s, 0, &c->day) || before - s->n > 2 || !skip(s, '-') || s->n < 4)
        return false;
    c->month = month_named(wd_str_part(*s, 0, 3));
    *s = wd_str_part(*s, 3, s->n);
    return skip(s, '-') && digits(s, 4, &c->year);
}

bool
wd_date_imap_day(struct wd_str text, int64_t *ms)
{
    struct civil c = { 0 };

    return imap_day(&text, &c) && text.n == 0 && civil_ms(&c, ms);
}

bool
wd_date_imap(struct wd_str text, int64_t *ms)
{
    struct civil c = { 0 };

    if (!imap_day(&text, &c) || !skip(&text, ' ') || !digits(&text, 2, &c.hour) || !skip(&text, ':') ||
        !digits(&text, 2, &c.minute) || !skip(&text, ':') || !digits(&text, 2, &c.second))
        return false;
    skip(&text, ' ');
    if (text.n != 5 || (text.p[0] != '+' && text.p[0] != '-') || !zone_number(&text, &c.zone))
        return false;
    return civil_ms(&c, ms);
}

void
wd_date_imap_add(struct wd_buf *out, int64_t ms)
{
    struct civil c;

    civil_of(ms, &c);
    wd_buf_printf(out, "%2d-%.3s-%04d %02d:%02d:%02d +0000", c.day, month_names + 3 * (c.month - 1), c.year, c.hour,
                  c.minute, c.second);
}

/* The fraction of a second after its point: only milliseconds are kept. */
static void
fraction(struct wd_str *s, struct civil *c)
{
    int scale = 100;

    for (; s->n && wd_is_digit(s->p[0]); *s = wd_str_part(*s, 1, s->n), scale /= 10)
        c->ms += (s->p[0] - '0') * scale;
}

bool
wd_date_iso(struct wd_str text, int64_t *ms)
{
    struct civil c = { 0 };

    if (!digits(&text, 4, &c.year) || !skip(&text, '-') || !digits(&text, 2, &c.month) || !skip(&text, '-') ||
        !digits(&text, 2, &c.day))
        return false;
    if (skip(&text, 'T') || skip(&text, 't') || skip(&text, ' ')) {
        if (!digits(&text, 2, &c.hour) || !skip(&text, ':') || !digits(&text, 2, &c.minute))
            return false;
        if (skip(&text, ':')) {
            if (!digits(&text, 2, &c.second))
                return false;
            if (skip(&text, '.'))
                fraction(&text, &c);
        }
        skip(&text, ' ');
        if (!skip(&text, 'Z') && !skip(&text, 'z') && text.n &&
            ((text.p[0] != '+' && text.p[0] != '-') || !zone_number(&text, &c.zone)))
            return false;
    }
    return text.n == 0 && civil_ms(&c, ms);
}

void
wd_date_iso_add(struct wd_buf *out, int64_t ms)
{
    struct civil c;

    civil_of(ms, &c);
    wd_buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", c.year, c.month, c.day, c.hour, c.minute, c.second, c.ms);
}

int64_t
wd_date_day(int64_t ms)
{
    int64_t day = (int64_t)DAY_S * 1000, rest = ms % day;

    return ms - rest - (rest < 0 ? day : 0);
}
