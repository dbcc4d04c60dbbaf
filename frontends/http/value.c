#include "frontends/http/value.h"

#include <ctype.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>

#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "common/mail/address.h"
#include "common/mail/date.h"
#include "frontends/http/cursor.h"
#include "frontends/http/format.h"
#include "frontends/http/params.h"

enum { META_MAX = 1024 * 1024, SHOWN_MAX = 200, EMAIL_MAX = 512, URL_MAX = 4096, CURSOR_MAX = 1024 };
#define SAFE_MAX 9007199254740991 /* 2^53 - 1: what JSON numbers can hold */

/* A value being read. */
struct value {
    struct http_check *check;
    const struct http_place *at;
    const struct http_param *p;
    const json_t *given;
    struct wd_str text; /* of those that are strings: trimmed and lower-cased as the row says */
};

typedef bool read_value(struct value *v, json_t **out);

#define fail(v, ...) http_check_fail((v)->check, (v)->at, __VA_ARGS__)

static json_t *
text_json(struct wd_str s)
{
    return json_stringn(s.n ? s.p : "", s.n);
}

static bool
has(const struct value *v, unsigned flag)
{
    return (v->p->flags & flag) != 0;
}

static bool
given_empty(const struct value *v)
{
    return json_is_string(v->given) && json_string_length(v->given) == 0;
}

/* ---- text ---- */

static bool
check_length(struct value *v)
{
    size_t count = http_characters(v->text);
    bool ok = true;

    if (count < (size_t)v->p->min)
        ok = fail(v, "length must be at least %lld characters long", (long long)v->p->min);
    if (v->p->max && count > (size_t)v->p->max)
        ok = fail(v, "length must be less than or equal to %lld characters long", (long long)v->p->max);
    return ok;
}

static bool
check_pattern(struct value *v)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    regex_t regex;
    bool matches;

    if (!v->p->pattern)
        return true;
    wd_buf_str(&text, v->text);
    wd_buf_chr(&text, '\0');
    if (regcomp(&regex, v->p->pattern, REG_EXTENDED | REG_NOSUB) != 0)
        abort(); /* a row of ours */
    matches = regexec(&regex, text.p, 0, NULL, 0) == 0;
    regfree(&regex);
    if (matches)
        return true;
    return fail(v, "with value \"%.*s\" fails to match the required pattern: /%s/",
                WD_FMT(wd_str_part(v->text, 0, wd_utf8_cut(v->text, SHOWN_MAX))), v->p->pattern);
}

static bool
read_text(struct value *v, json_t **out)
{
    if (!check_length(v) || !check_pattern(v))
        return false;
    *out = text_json(v->text);
    return true;
}

static bool
read_id(struct value *v, json_t **out)
{
    char digits[24];
    bool ok = true;

    for (size_t i = 0; i < v->text.n && ok; i++)
        if (!isxdigit((unsigned char)v->text.p[i]))
            ok = fail(v, "must only contain hexadecimal characters");
    if (v->text.n != sizeof digits)
        ok = fail(v, "length must be 24 characters long");
    if (!ok)
        return false;
    for (size_t i = 0; i < sizeof digits; i++)
        digits[i] = wd_lower(v->text.p[i]);
    *out = json_stringn(digits, sizeof digits);
    return true;
}

static bool
read_hex(struct value *v, json_t **out)
{
    for (size_t i = 0; i < v->text.n; i++)
        if (!isxdigit((unsigned char)v->text.p[i]))
            return fail(v, "must only contain hexadecimal characters");
    return read_text(v, out);
}

static bool
read_word(struct value *v, json_t **out)
{
    struct wd_str rest = wd_str_c(v->p->words), word;
    struct wd_buf list wd_auto(wd_buf_done) = { 0 };

    while (wd_str_split(&rest, ' ', &word)) {
        if (wd_str_eq(word, v->text)) {
            *out = text_json(v->text);
            return true;
        }
        wd_buf_printf(&list, "%s%.*s", list.n ? ", " : "", WD_FMT(word));
    }
    return fail(v, "must be %s[%.*s]", strchr(v->p->words, ' ') ? "one of " : "", WD_FMT(wd_buf_view(&list)));
}

static bool
read_email(struct value *v, json_t **out)
{
    if (v->text.n > EMAIL_MAX || !http_is_email(v->text))
        return fail(v, "must be a valid email");
    *out = text_json(v->text);
    return true;
}

static bool
read_url(struct value *v, json_t **out)
{
    if (v->text.n <= URL_MAX && http_is_url(v->text, v->p->words)) {
        *out = text_json(v->text);
        return true;
    }
    return fail(v, "must be a valid uri with a scheme matching the %s pattern", v->p->words);
}

static bool
read_target(struct value *v, json_t **out)
{
    if (v->text.n > URL_MAX || (!http_is_email(v->text) && !http_is_url(v->text, v->p->words)))
        return fail(v, "does not match any of the allowed types");
    *out = text_json(v->text);
    return true;
}

static bool
read_ip(struct value *v, json_t **out)
{
    if (!http_is_ip(v->text))
        return fail(v, "must be a valid ip address of one of the following versions [ipv4, ipv6] "
                       "with a forbidden CIDR");
    *out = text_json(v->text);
    return true;
}

static bool
read_hostname(struct value *v, json_t **out)
{
    if (!http_is_hostname(v->text))
        return fail(v, "must be a valid hostname");
    *out = text_json(v->text);
    return true;
}

static bool
read_username(struct value *v, json_t **out)
{
    v->text = wd_text_fold(v->check->arena, v->text);
    if (v->text.n > 128)
        return fail(v, "length must be less than or equal to 128 characters long");
    if (!http_is_username(v->text))
        return fail(v, "with value \"%.*s\" fails to match the username pattern", WD_FMT(v->text));
    *out = text_json(v->text);
    return true;
}

static bool
read_account(struct value *v, json_t **out)
{
    struct wd_str lower = wd_text_fold(v->check->arena, wd_str_part(v->text, 0, EMAIL_MAX));

    if (v->text.n > EMAIL_MAX || (!http_is_username(lower) && !http_is_email(v->text)))
        return fail(v, "does not match any of the allowed types");
    *out = text_json(v->text);
    return true;
}

static bool
read_uids(struct value *v, json_t **out)
{
    if (!http_is_uid_set(v->text))
        return fail(v, "with value \"%.*s\" fails to match the required pattern: /^\\d+(,\\d+)*$|^\\d+:(\\d+|\\*)$/",
                    WD_FMT(wd_str_part(v->text, 0, wd_utf8_cut(v->text, SHOWN_MAX))));
    return read_text(v, out);
}

static bool
read_cursor(struct value *v, json_t **out)
{
    for (size_t i = 0; i < v->text.n; i++)
        if (!wd_is_alpha(v->text.p[i]) && !wd_is_digit(v->text.p[i]) && v->text.p[i] != '-' && v->text.p[i] != '_')
            return fail(v, "must only contain alpha-numeric and underscore characters");
    if (v->text.n > CURSOR_MAX)
        return fail(v, "length must be less than or equal to %d characters long", CURSOR_MAX);
    return http_cursor_read(v->text, out) || fail(v, "contains an invalid value");
}

/* ---- the API of 2017 ---- */

static bool
check_range(struct value *v)
{
    size_t count = http_characters(v->text);

    if (count >= (size_t)v->p->min && count <= (size_t)v->p->max)
        return true;
    return fail(v, "must have %lld to %lld characters", (long long)v->p->min, (long long)v->p->max);
}

static bool
read_plain_email(struct value *v, json_t **out)
{
    if (!check_range(v))
        return false;
    if (!http_is_email(v->text) || wd_str_chr(v->text, '+') != SIZE_MAX)
        return fail(v, "must be an e-mail address");
    *out = text_json(v->text);
    return true;
}

static bool
read_login(struct value *v, json_t **out)
{
    enum { MAX_LETTERS = 30 };
    char lower[MAX_LETTERS];

    if (!check_range(v))
        return false;
    if (v->text.n > MAX_LETTERS)
        return fail(v, "must have at most %d characters", MAX_LETTERS);
    for (size_t i = 0; i < v->text.n; i++) {
        if (!wd_is_alpha(v->text.p[i]) && !wd_is_digit(v->text.p[i]))
            return fail(v, "must have letters and digits only");
        lower[i] = wd_lower(v->text.p[i]);
    }
    *out = json_stringn(lower, v->text.n);
    return true;
}

static bool
read_name(struct value *v, json_t **out)
{
    return wd_str_chr(v->text, '@') != SIZE_MAX ? read_plain_email(v, out) : read_login(v, out);
}

/* ---- numbers ---- */

/* A number, also as "12", " 1e3 ". */
static bool
number_of(const json_t *given, double *out)
{
    struct wd_str text;
    char digits[40], *end;

    if (json_is_number(given)) {
        *out = json_number_value(given);
        return true;
    }
    if (!json_is_string(given))
        return false;
    text = wd_str_trim(wd_str_n(json_string_value(given), json_string_length(given)));
    if (text.n == 0 || text.n >= sizeof digits)
        return false;
    memcpy(digits, text.p, text.n);
    digits[text.n] = '\0';
    if (strspn(digits, "0123456789+-.eE") != text.n)
        return false;
    *out = strtod(digits, &end);
    return *end == '\0' && isfinite(*out);
}

static bool
read_number(struct value *v, json_t **out)
{
    double value, most = v->p->max ? (double)v->p->max : (double)SAFE_MAX;

    if (given_empty(v) && has(v, HTTP_OR_EMPTY))
        return true;
    if (given_empty(v) && has(v, HTTP_CLEARS)) {
        *out = json_integer(0);
        return true;
    }
    if (!number_of(v->given, &value))
        return fail(v, "must be a number");
    if (fabs(value) > (double)SAFE_MAX)
        return fail(v, "must be a safe number");
    if (value < (double)v->p->min)
        return fail(v, "must be greater than or equal to %lld", (long long)v->p->min);
    if (value > most)
        return fail(v, "must be less than or equal to %.0f", most);
    *out = value == floor(value) ? json_integer((json_int_t)value) : json_real(value);
    return true;
}

static bool
read_count(struct value *v, json_t **out)
{
    double value;

    if (!number_of(v->given, &value) || value != floor(value))
        return fail(v, "must be a whole number");
    if (value < (double)v->p->min || value > (double)v->p->max)
        return fail(v, "must be %lld to %lld", (long long)v->p->min, (long long)v->p->max);
    *out = json_integer((json_int_t)value);
    return true;
}

static bool
read_flag(struct value *v, json_t **out)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        { "true", true },   { "yes", true }, { "y", true },  { "on", true },   { "1", true },
        { "false", false }, { "no", false }, { "n", false }, { "off", false }, { "0", false },
    };
    struct wd_str text = wd_str_c(json_string_value(v->given));

    if (json_is_boolean(v->given)) {
        *out = json_boolean(json_is_true(v->given));
        return true;
    }
    if (json_is_number(v->given) && (json_number_value(v->given) == 0 || json_number_value(v->given) == 1)) {
        *out = json_boolean(json_number_value(v->given) == 1);
        return true;
    }
    if (given_empty(v))
        return true; /* as if it were not given */
    for (size_t i = 0; i < WD_COUNT(words); i++)
        if (wd_str_ieq(text, wd_str_c(words[i].word))) {
            *out = json_boolean(words[i].value);
            return true;
        }
    return fail(v, "must be a boolean");
}

static bool
date_of(struct wd_str text, int64_t *ms)
{
    uint64_t number;

    if (wd_str_u64(text, SAFE_MAX, &number)) {
        *ms = (int64_t)number;
        return true;
    }
    return wd_date_iso(text, ms) || wd_date_imap(text, ms) || wd_date_rfc5322(text, ms);
}

static bool
read_date(struct value *v, json_t **out)
{
    enum { DATE_MAX = 100 };
    struct wd_str text = wd_str_trim(wd_str_n(json_string_value(v->given), json_string_length(v->given)));
    int64_t ms;

    if (given_empty(v) && has(v, HTTP_OR_EMPTY))
        return true;
    if (has(v, HTTP_OR_FALSE) && wd_str_eq(text, WD_STR("false"))) {
        *out = json_false();
        return true;
    }
    if (json_is_number(v->given) && fabs(json_number_value(v->given)) <= (double)SAFE_MAX)
        ms = (int64_t)json_number_value(v->given);
    else if (!json_is_string(v->given) || text.n == 0 || text.n > DATE_MAX || !date_of(text, &ms))
        return fail(v, "must be a valid date");
    *out = json_integer(ms);
    return true;
}

/* ---- objects that are kept as text ---- */

static bool
read_meta(struct value *v, json_t **out)
{
    struct wd_str text = wd_str_n(json_string_value(v->given), json_string_length(v->given));
    json_t *object = NULL;
    char *compact;
    bool ok;

    if (given_empty(v) && has(v, HTTP_OR_EMPTY | HTTP_CLEARS)) {
        *out = has(v, HTTP_CLEARS) ? json_string("") : NULL;
        return true;
    }
    if (json_is_object(v->given))
        object = json_incref((json_t *)(uintptr_t)v->given);
    else if (json_is_string(v->given) && text.n <= META_MAX)
        object = http_json_read(text);
    if (!json_is_object(object)) {
        json_decref(object);
        return fail(v, "does not match any of the allowed types");
    }
    compact = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    ok = strlen(compact) <= META_MAX || fail(v, "length must be less than or equal to %d characters long", META_MAX);
    if (ok)
        *out = json_string(compact);
    free(compact);
    return ok;
}

/* ---- one row per type ---- */

static const struct {
    read_value *read;
    bool is_text; /* what is no string is refused before */
} types[] = {
    [HTTP_TEXT] = { read_text, true },
    [HTTP_FLAG] = { read_flag, false },
    [HTTP_NUMBER] = { read_number, false },
    [HTTP_DATE] = { read_date, false },
    [HTTP_ID] = { read_id, true },
    [HTTP_HEX] = { read_hex, true },
    [HTTP_WORD] = { read_word, true },
    [HTTP_EMAIL] = { read_email, true },
    [HTTP_URL] = { read_url, true },
    [HTTP_TARGET] = { read_target, true },
    [HTTP_IP] = { read_ip, true },
    [HTTP_HOSTNAME] = { read_hostname, true },
    [HTTP_USERNAME] = { read_username, true },
    [HTTP_ACCOUNT] = { read_account, true },
    [HTTP_META] = { read_meta, false },
    [HTTP_CURSOR] = { read_cursor, true },
    [HTTP_UIDS] = { read_uids, true },
    [HTTP_LOGIN] = { read_login, true },
    [HTTP_NAME] = { read_name, true },
    [HTTP_PLAIN_EMAIL] = { read_plain_email, true },
    [HTTP_COUNT] = { read_count, false },
};

/* A string that is there: trimmed and lower-cased as its row says. *empty: it is one that ends here. */
static bool
prepare_text(struct value *v, json_t **out, bool *empty)
{
    if (!json_is_string(v->given))
        return fail(v, "must be a string");
    v->text = wd_str_n(json_string_value(v->given), json_string_length(v->given));
    if (has(v, HTTP_TRIM))
        v->text = wd_str_trim(v->text);
    if (has(v, HTTP_LOWER))
        v->text = wd_text_fold(v->check->arena, v->text);
    *empty = v->text.n == 0;
    if (!*empty)
        return true;
    if (has(v, HTTP_CLEARS))
        *out = json_string("");
    return has(v, HTTP_OR_EMPTY | HTTP_CLEARS) || fail(v, "is not allowed to be empty");
}

bool
http_value_read(struct http_check *k, const struct http_place *at, const struct http_param *p, const json_t *given,
                json_t **out)
{
    struct value v = { .check = k, .at = at, .p = p, .given = given };
    bool empty = false;

    *out = NULL;
    if (types[p->type].is_text && !prepare_text(&v, out, &empty))
        return false;
    return empty || types[p->type].read(&v, out);
}
