#include "frontends/http/value.h"

#include <math.h>
#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/lifetime.h"
#include "common/base/utf8.h"
#include "common/mail/address.h"

static size_t
characters(struct wd_str text)
{
    size_t count = 0;
    uint32_t c;

    while (text.n) {
        size_t n = wd_utf8_next(text, &c);
        text = wd_str_part(text, n ? n : 1, text.n);
        count++;
    }
    return count;
}

static bool
text_of(const struct http_param *p, const json_t *given, struct wd_str *out, struct wd_error *err)
{
    size_t count;

    if (!json_is_string(given))
        return wd_fail(err, WD_INVALID, "\"%s\" must be a string", p->name);
    *out = wd_str_n(json_string_value(given), json_string_length(given));
    count = characters(*out);
    if (count < (size_t)p->min || count > (size_t)p->max)
        return wd_fail(err, WD_INVALID, "\"%s\" must have %lld to %lld characters", p->name, (long long)p->min,
                       (long long)p->max);
    return true;
}

static bool
read_text(const struct http_param *p, const json_t *given, json_t **out, struct wd_error *err)
{
    struct wd_str text;

    if (!text_of(p, given, &text, err))
        return false;
    *out = json_stringn(text.p, text.n);
    return true;
}

/* Two labels in the domain, no blanks, no label in the local part. */
static bool
is_email(struct wd_str text)
{
    struct wd_str local, domain;

    wd_address_split(text, &local, &domain);
    return wd_address_valid(text) && wd_str_chr(domain, '.') != SIZE_MAX && domain.p[0] != '.' &&
           domain.p[domain.n - 1] != '.' && wd_str_chr(local, '+') == SIZE_MAX;
}

static bool
read_email(const struct http_param *p, const json_t *given, json_t **out, struct wd_error *err)
{
    struct wd_str text;

    if (!text_of(p, given, &text, err))
        return false;
    if (!is_email(text))
        return wd_fail(err, WD_INVALID, "\"%s\" must be an e-mail address", p->name);
    *out = json_stringn(text.p, text.n);
    return true;
}

static bool
read_login(const struct http_param *p, const json_t *given, json_t **out, struct wd_error *err)
{
    enum { MAX_LETTERS = 30 };
    struct wd_str text;
    char lower[MAX_LETTERS];

    if (!text_of(p, given, &text, err))
        return false;
    if (text.n > MAX_LETTERS)
        return wd_fail(err, WD_INVALID, "\"%s\" must have at most %d characters", p->name, MAX_LETTERS);
    for (size_t i = 0; i < text.n; i++) {
        if (!wd_is_alpha(text.p[i]) && !wd_is_digit(text.p[i]))
            return wd_fail(err, WD_INVALID, "\"%s\" must have letters and digits only", p->name);
        lower[i] = wd_lower(text.p[i]);
    }
    *out = json_stringn(lower, text.n);
    return true;
}

static bool
read_name(const struct http_param *p, const json_t *given, json_t **out, struct wd_error *err)
{
    if (json_is_string(given) && strchr(json_string_value(given), '@'))
        return read_email(p, given, out, err);
    return read_login(p, given, out, err);
}

/* A whole number, also as "12", "12.0" or " 1e3 ". */
static bool
read_count(const struct http_param *p, const json_t *given, json_t **out, struct wd_error *err)
{
    double value = NAN;

    if (json_is_integer(given)) {
        json_int_t whole = json_integer_value(given);
        if (whole < p->min || whole > p->max)
            return wd_fail(err, WD_INVALID, "\"%s\" must be %lld to %lld", p->name, (long long)p->min,
                           (long long)p->max);
        *out = json_integer(whole);
        return true;
    }
    if (json_is_real(given)) {
        value = json_real_value(given);
    } else if (json_is_string(given)) {
        struct wd_str text = wd_str_trim(wd_str_n(json_string_value(given), json_string_length(given)));
        char digits[40], *end = digits;
        if (text.n && text.n < sizeof digits && strspn(text.p, "0123456789+-.eE") >= text.n) {
            memcpy(digits, text.p, text.n);
            digits[text.n] = '\0';
            value = strtod(digits, &end);
        }
        if (*end != '\0' || end == digits)
            value = NAN;
    }
    if (isnan(value) || value != floor(value))
        return wd_fail(err, WD_INVALID, "\"%s\" must be a whole number", p->name);
    if (value < (double)p->min || value > (double)p->max)
        return wd_fail(err, WD_INVALID, "\"%s\" must be %lld to %lld", p->name, (long long)p->min, (long long)p->max);
    *out = json_integer((json_int_t)value);
    return true;
}

static bool
read_flag(const struct http_param *p, const json_t *given, json_t **out, struct wd_error *err)
{
    static const struct {
        const char *word;
        bool value;
    } words[] = {
        { "true", true },   { "yes", true }, { "y", true },  { "on", true },   { "1", true },
        { "false", false }, { "no", false }, { "n", false }, { "off", false }, { "0", false },
    };
    struct wd_str text = wd_str_c(json_string_value(given));

    if (json_is_boolean(given) || (json_is_integer(given) && (uint64_t)json_integer_value(given) <= 1)) {
        *out = json_boolean(json_is_true(given) || (json_is_integer(given) && json_integer_value(given) == 1));
        return true;
    }
    if (json_is_string(given) && text.n == 0)
        return true; /* as if it were not given */
    for (size_t i = 0; i < WD_COUNT(words); i++)
        if (wd_str_ieq(text, wd_str_c(words[i].word))) {
            *out = json_boolean(words[i].value);
            return true;
        }
    return wd_fail(err, WD_INVALID, "\"%s\" must be true or false", p->name);
}

bool
http_value_read(const struct http_param *p, const json_t *given, json_t **out, struct wd_error *err)
{
    static bool (*const readers[])(const struct http_param *, const json_t *, json_t **, struct wd_error *) = {
        [HTTP_TEXT] = read_text,   [HTTP_LOGIN] = read_login, [HTTP_NAME] = read_name,
        [HTTP_EMAIL] = read_email, [HTTP_COUNT] = read_count, [HTTP_FLAG] = read_flag,
    };

    *out = NULL;
    if (!given)
        return !p->required || wd_fail(err, WD_INVALID, "\"%s\" is required", p->name);
    return readers[p->type](p, given, out, err);
}
