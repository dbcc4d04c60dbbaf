#include "store-svc/domain/spam.h"

#include <regex.h>

#include "common/base/alloc.h"
#include "store-svc/mime/header.h"

struct rule {
    struct wd_str key;
    const char *target;
    regex_t value;
};

struct wd_spam_rules {
    struct rule *rules;
    size_t n;
};

const struct wd_header_rule *
wd_spam_defaults(void)
{
    static const struct wd_header_rule rules[] = {
        { "X-Spam-Status", "^yes", "\\Junk" },
        { "X-Rspamd-Spam", "^yes", "\\Junk" },
        { "X-Rspamd-Bar", "^\\+{6}", "\\Junk" },
        { "X-Haraka-Virus", ".", "\\Junk" },
        { NULL, NULL, NULL },
    };

    return rules;
}

static bool
compile(const struct wd_header_rule *from, struct rule *to, struct wd_error *err)
{
    char why[80];
    int code;

    if (!from->value || !from->target)
        return wd_fail(err, WD_INVALID, "spam rule for '%s' needs a value and a target", from->key);
    code = regcomp(&to->value, from->value, REG_EXTENDED | REG_ICASE | REG_NOSUB);
    if (code) {
        regerror(code, &to->value, why, sizeof why);
        return wd_fail(err, WD_INVALID, "spam rule for '%s': %s", from->key, why);
    }
    to->key = wd_str_c(from->key);
    to->target = from->target;
    return true;
}

struct wd_spam_rules *
wd_spam_rules_new(const struct wd_header_rule *rules, struct wd_error *err)
{
    struct wd_spam_rules *r = WD_NEW(struct wd_spam_rules);
    size_t count = 0;

    rules = rules ? rules : wd_spam_defaults();
    while (rules[count].key)
        count++;
    r->rules = wd_alloc((count + 1) * sizeof *r->rules);
    for (; r->n < count; r->n++) {
        if (!compile(&rules[r->n], &r->rules[r->n], err)) {
            wd_spam_rules_free(r);
            return NULL;
        }
    }
    return r;
}

void
wd_spam_rules_free(struct wd_spam_rules *r)
{
    size_t i;

    if (!r)
        return;
    for (i = 0; i < r->n; i++)
        regfree(&r->rules[i].value);
    free(r->rules);
    free(r);
}

/* The first n rules are worth a look: a later one cannot win any more. Returns the index of the first that matches. */
static size_t
first_match(const struct wd_spam_rules *rules, size_t n, struct wd_arena *a, const struct wd_field *field)
{
    size_t i;

    for (i = 0; i < n; i++) {
        struct wd_str value;

        if (!wd_str_ieq(field->name, rules->rules[i].key))
            continue;
        value = wd_arena_str(a, wd_str_trim(wd_header_decode(a, field->value)));
        if (regexec(&rules->rules[i].value, value.p, 0, NULL, 0) == 0)
            return i;
    }
    return n;
}

const char *
wd_spam_target(const struct wd_spam_rules *rules, struct wd_arena *a, struct wd_str header)
{
    struct wd_field field;
    size_t best = rules ? rules->n : 0;

    while (best > 0 && wd_header_next(&header, &field))
        best = first_match(rules, best, a, &field);
    return rules && best < rules->n ? rules->rules[best].target : NULL;
}
