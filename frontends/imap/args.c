#include "frontends/imap/args.h"

#include "common/base/lifetime.h"
#include "common/mail/date.h"
#include "frontends/imap/name.h"

enum { WORDS_MAX = 1000 };

/* ABSENT: the next token is nothing of the kind, and nothing was taken. */
enum outcome { TAKEN, ABSENT, WRONG };

static enum outcome
wrong(struct imap_parse *p, const char *why)
{
    p->why = why;
    return WRONG;
}

static enum outcome
take_mailbox(struct imap_parse *p, struct wd_str *path, struct wd_str *text)
{
    struct wd_str name;

    if (!imap_parse_astring(p, &name))
        return ABSENT;
    *text = wd_arena_str(p->arena, name);
    if (!imap_name_path(p->arena, name, p->utf8, path))
        return wrong(p, "wrong mailbox name");
    return TAKEN;
}

static enum outcome
arg_mailbox(struct imap_parse *p, struct imap_args *a)
{
    return take_mailbox(p, &a->mailbox, &a->mailbox_text);
}

static enum outcome
arg_target(struct imap_parse *p, struct imap_args *a)
{
    return take_mailbox(p, &a->target, &a->target_text);
}

static enum outcome
take_astring(struct imap_parse *p, struct wd_str *out)
{
    struct wd_str s;

    if (!imap_parse_astring(p, &s))
        return ABSENT;
    *out = wd_arena_str(p->arena, s);
    return TAKEN;
}

static enum outcome
arg_user(struct imap_parse *p, struct imap_args *a)
{
    return take_astring(p, &a->user);
}

static enum outcome
arg_password(struct imap_parse *p, struct imap_args *a)
{
    return take_astring(p, &a->password);
}

static enum outcome
arg_word(struct imap_parse *p, struct imap_args *a)
{
    return take_astring(p, &a->word);
}

static enum outcome
arg_initial(struct imap_parse *p, struct imap_args *a)
{
    struct wd_str s;

    if (!imap_parse_atom(p, &s))
        return ABSENT;
    a->initial = wd_arena_str(p->arena, s);
    a->has_initial = true;
    return TAKEN;
}

static bool
push_word(struct imap_parse *p, struct imap_words *w, struct wd_str word)
{
    if (w->n == WORDS_MAX)
        return imap_parse_bad(p, "too many words");
    if (!w->p || (w->n >= 8 && (w->n & (w->n - 1)) == 0)) {
        struct wd_str *old = w->p;
        w->p = WD_ARENA_ARRAY(p->arena, struct wd_str, old ? w->n * 2 : 8);
        if (old)
            memcpy(w->p, old, w->n * sizeof *old);
    }
    w->p[w->n++] = word;
    return true;
}

/* ENABLE: words without brackets, until the end. */
static enum outcome
arg_words(struct imap_parse *p, struct imap_args *a)
{
    struct wd_str s;

    if (imap_parse_at_end(p))
        return ABSENT;
    while (imap_parse_atom(p, &s))
        if (!push_word(p, &a->words, wd_arena_str(p->arena, s)))
            return WRONG;
    return TAKEN;
}

/* ID: NIL or a list of names and values. */
static enum outcome
arg_id(struct imap_parse *p, struct imap_args *a)
{
    struct wd_str s;

    if (imap_parse_word(p, WD_STR("NIL")))
        return TAKEN;
    if (!imap_parse_take(p, IMAP_OPEN))
        return ABSENT;
    while (imap_parse_string(p, &s) || imap_parse_atom(p, &s))
        if (!push_word(p, &a->words, wd_arena_str(p->arena, s)))
            return WRONG;
    if (!imap_parse_take(p, IMAP_CLOSE) || a->words.n % 2)
        return wrong(p, "names and values expected");
    return TAKEN;
}

/* Everything that is left, whatever it is. */
static enum outcome
arg_anything(struct imap_parse *p, struct imap_args *a)
{
    (void)a;
    p->at = p->lex->tokens.n;
    return TAKEN;
}

/* "(SPECIAL-USE)" or "()" */
static enum outcome
take_list_options(struct imap_parse *p, struct imap_args *a, enum imap_list_option option)
{
    if (!imap_parse_take(p, IMAP_OPEN))
        return ABSENT;
    while (!imap_parse_take(p, IMAP_CLOSE)) {
        if (!imap_parse_word(p, WD_STR("SPECIAL-USE")))
            return wrong(p, "unknown option");
        a->list |= option;
    }
    return TAKEN;
}

static enum outcome
take_pattern(struct imap_parse *p, struct wd_str *out)
{
    struct wd_str s;

    if (!imap_parse_pattern(p, &s))
        return ABSENT;
    *out = wd_arena_str(p->arena, s);
    return TAKEN;
}

static enum outcome
arg_reference(struct imap_parse *p, struct imap_args *a)
{
    return take_pattern(p, &a->reference);
}

static enum outcome
arg_pattern(struct imap_parse *p, struct imap_args *a)
{
    return take_pattern(p, &a->pattern);
}

static enum outcome
arg_list_select(struct imap_parse *p, struct imap_args *a)
{
    return take_list_options(p, a, IMAP_LIST_ONLY_SPECIAL);
}

static enum outcome
arg_list_return(struct imap_parse *p, struct imap_args *a)
{
    if (!imap_parse_word(p, WD_STR("RETURN")))
        return ABSENT;
    a->list |= IMAP_LIST_RETURN;
    return take_list_options(p, a, IMAP_LIST_RETURN_SPECIAL) == TAKEN ? TAKEN : wrong(p, "unknown option");
}

/* SELECT: only CONDSTORE means something; other words are skipped. */
static enum outcome
arg_select_parameters(struct imap_parse *p, struct imap_args *a)
{
    size_t depth = 1;

    if (!imap_parse_take(p, IMAP_OPEN))
        return ABSENT;
    while (depth) {
        if (depth == 1 && imap_parse_word(p, WD_STR("CONDSTORE"))) {
            a->condstore = true;
            continue;
        }
        if (imap_parse_is(p, IMAP_OPEN))
            depth++;
        else if (imap_parse_is(p, IMAP_CLOSE))
            depth--;
        p->at++;
    }
    return TAKEN;
}

static const struct wd_str status_names[IMAP_STATUS_ITEMS] = {
    [IMAP_STATUS_MESSAGES] = WD_STR_C("MESSAGES"),       [IMAP_STATUS_RECENT] = WD_STR_C("RECENT"),
    [IMAP_STATUS_UIDNEXT] = WD_STR_C("UIDNEXT"),         [IMAP_STATUS_UIDVALIDITY] = WD_STR_C("UIDVALIDITY"),
    [IMAP_STATUS_UNSEEN] = WD_STR_C("UNSEEN"),           [IMAP_STATUS_HIGHESTMODSEQ] = WD_STR_C("HIGHESTMODSEQ"),
};

static enum outcome
arg_status_items(struct imap_parse *p, struct imap_args *a)
{
    unsigned seen = 0;

    if (!imap_parse_take(p, IMAP_OPEN))
        return ABSENT;
    while (!imap_parse_take(p, IMAP_CLOSE)) {
        unsigned i = 0;
        while (i < IMAP_STATUS_ITEMS && !imap_parse_word(p, status_names[i]))
            i++;
        if (i == IMAP_STATUS_ITEMS)
            return wrong(p, "unknown item");
        if (!(seen & 1u << i))
            a->status[a->status_n++] = (uint8_t)i;
        seen |= 1u << i;
    }
    return a->status_n ? TAKEN : wrong(p, "items are missing");
}

static enum outcome
arg_set(struct imap_parse *p, struct imap_args *a)
{
    if (imap_parse_set(p, &a->set))
        return TAKEN;
    return imap_parse_is(p, IMAP_ATOM) ? wrong(p, "wrong message set") : ABSENT;
}

static enum outcome
arg_fetch_items(struct imap_parse *p, struct imap_args *a)
{
    return imap_fetch_items_parse(p, &a->fetch) ? TAKEN : WRONG;
}

/* "(CHANGEDSINCE 12)", "(UNCHANGEDSINCE 12)" */
static enum outcome
take_modifier(struct imap_parse *p, struct imap_args *a, struct wd_str name)
{
    if (!imap_parse_take(p, IMAP_OPEN))
        return ABSENT;
    if (!imap_parse_word(p, name) || !imap_parse_number(p, INT64_MAX, &a->modseq) ||
        !imap_parse_take(p, IMAP_CLOSE))
        return wrong(p, "unknown modifier");
    a->has_modseq = true;
    return TAKEN;
}

static enum outcome
arg_fetch_modifier(struct imap_parse *p, struct imap_args *a)
{
    return take_modifier(p, a, WD_STR("CHANGEDSINCE"));
}

static enum outcome
arg_store_modifier(struct imap_parse *p, struct imap_args *a)
{
    return take_modifier(p, a, WD_STR("UNCHANGEDSINCE"));
}

static enum outcome
arg_store_mode(struct imap_parse *p, struct imap_args *a)
{
    static const struct {
        struct wd_str name;
        enum imap_store_mode mode;
        bool silent;
    } modes[] = {
        { WD_STR_C("FLAGS"), IMAP_STORE_REPLACE, false },   { WD_STR_C("FLAGS.SILENT"), IMAP_STORE_REPLACE, true },
        { WD_STR_C("+FLAGS"), IMAP_STORE_ADD, false },      { WD_STR_C("+FLAGS.SILENT"), IMAP_STORE_ADD, true },
        { WD_STR_C("-FLAGS"), IMAP_STORE_REMOVE, false },   { WD_STR_C("-FLAGS.SILENT"), IMAP_STORE_REMOVE, true },
    };

    for (size_t i = 0; i < WD_COUNT(modes); i++) {
        if (!imap_parse_word(p, modes[i].name))
            continue;
        a->mode = modes[i].mode;
        a->silent = modes[i].silent;
        return TAKEN;
    }
    return ABSENT;
}

static enum outcome
take_flags_until(struct imap_parse *p, struct imap_args *a, bool listed)
{
    while (listed ? !imap_parse_take(p, IMAP_CLOSE) : !imap_parse_at_end(p)) {
        struct wd_str keyword;
        if (!imap_parse_flag(p, &a->system_flags, &keyword))
            return wrong(p, "unknown flag");
        for (size_t i = 0; keyword.n && i < a->keywords.n; i++)
            if (wd_str_ieq(a->keywords.p[i], keyword))
                keyword = WD_NONE;
        if (keyword.n && !push_word(p, &a->keywords, keyword))
            return WRONG;
    }
    return TAKEN;
}

static enum outcome
arg_flag_list(struct imap_parse *p, struct imap_args *a)
{
    return imap_parse_take(p, IMAP_OPEN) ? take_flags_until(p, a, true) : ABSENT;
}

static enum outcome
arg_flags(struct imap_parse *p, struct imap_args *a)
{
    if (imap_parse_at_end(p))
        return ABSENT;
    return take_flags_until(p, a, imap_parse_take(p, IMAP_OPEN));
}

static enum outcome
arg_date_time(struct imap_parse *p, struct imap_args *a)
{
    struct wd_str s;

    if (!imap_parse_is(p, IMAP_QUOTED))
        return ABSENT;
    imap_parse_string(p, &s);
    if (!wd_date_imap(wd_str_trim(s), &a->date_ms))
        return wrong(p, "wrong date");
    a->has_date = true;
    return TAKEN;
}

/* APPEND is read twice: when its literal is announced, and when its line is complete. */
static enum outcome
arg_message(struct imap_parse *p, struct imap_args *a)
{
    bool utf8 = imap_parse_word(p, WD_STR("UTF8"));

    (void)a;
    if (utf8 && !imap_parse_take(p, IMAP_OPEN))
        return wrong(p, "literal expected");
    if (imap_parse_at_end(p))
        return TAKEN;
    if (!imap_parse_take(p, IMAP_LITERAL) || (utf8 && !imap_parse_take(p, IMAP_CLOSE)))
        return wrong(p, "literal expected");
    return TAKEN;
}

static enum outcome
arg_search(struct imap_parse *p, struct imap_args *a)
{
    return imap_search_parse(p, &a->search) ? TAKEN : WRONG;
}

static const struct {
    struct wd_str name;
    enum outcome (*take)(struct imap_parse *, struct imap_args *);
} arguments[] = {
    { WD_STR_C("anything"), arg_anything },
    { WD_STR_C("date-time"), arg_date_time },
    { WD_STR_C("fetch-items"), arg_fetch_items },
    { WD_STR_C("fetch-modifier"), arg_fetch_modifier },
    { WD_STR_C("flag-list"), arg_flag_list },
    { WD_STR_C("flags"), arg_flags },
    { WD_STR_C("id-list"), arg_id },
    { WD_STR_C("initial"), arg_initial },
    { WD_STR_C("list-return"), arg_list_return },
    { WD_STR_C("list-select"), arg_list_select },
    { WD_STR_C("mailbox"), arg_mailbox },
    { WD_STR_C("message"), arg_message },
    { WD_STR_C("password"), arg_password },
    { WD_STR_C("pattern"), arg_pattern },
    { WD_STR_C("reference"), arg_reference },
    { WD_STR_C("search"), arg_search },
    { WD_STR_C("select-parameters"), arg_select_parameters },
    { WD_STR_C("set"), arg_set },
    { WD_STR_C("status-items"), arg_status_items },
    { WD_STR_C("store-mode"), arg_store_mode },
    { WD_STR_C("store-modifier"), arg_store_modifier },
    { WD_STR_C("target"), arg_target },
    { WD_STR_C("user"), arg_user },
    { WD_STR_C("word"), arg_word },
    { WD_STR_C("words"), arg_words },
};

/* One word of a grammar: "set" or "[store-modifier]". */
static struct wd_str
bare(struct wd_str word, bool *optional)
{
    *optional = wd_str_starts(word, WD_STR("["));
    return *optional ? wd_str_part(word, 1, word.n - 1) : word;
}

static size_t
find_argument(struct wd_str name)
{
    size_t i = 0;

    while (i < WD_COUNT(arguments) && !wd_str_eq(arguments[i].name, name))
        i++;
    return i;
}

bool
imap_args_grammar_known(const char *grammar)
{
    struct wd_str rest = wd_str_c(grammar), word;
    bool optional;

    while (rest.n && wd_str_split(&rest, ' ', &word))
        if (find_argument(bare(word, &optional)) == WD_COUNT(arguments))
            return false;
    return true;
}

bool
imap_args_parse(struct imap_parse *p, const char *grammar, struct imap_args *out)
{
    struct wd_str rest = wd_str_c(grammar), word;

    while (rest.n && wd_str_split(&rest, ' ', &word)) {
        bool optional;
        size_t i = find_argument(bare(word, &optional));
        enum outcome o = arguments[i].take(p, out);
        if (o == WRONG)
            return false;
        if (o == ABSENT && !optional)
            return imap_parse_bad(p, imap_parse_at_end(p) ? "arguments are missing" : "unexpected argument");
    }
    return imap_parse_at_end(p) ? true : imap_parse_bad(p, "too many arguments");
}
