/* tests/fuzz/imap.c – whatever a client sends: tokens, literals, the arguments of every command, SEARCH and FETCH. */
#include <stdint.h>

#include "common/base/lifetime.h"
#include "frontends/imap/args.h"
#include "frontends/imap/name.h"
#include "frontends/imap/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LITERAL_MAX = 1024 };

static const struct {
    struct wd_str name;
    const char *grammar;
} commands[] = {
#define COMMAND(name, states, grammar, function, tells, flags) { WD_STR_C(name), (grammar) },
#include "frontends/imap/commands.def"
#undef COMMAND
};

static void
use_set(struct wd_str set)
{
    struct imap_view *v = imap_view_new();
    struct wd_seqset uids = { 0 };
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    wd_seqset_add(&v->uids, 3, 9);
    wd_seqset_add(&v->uids, 20, 4000000000u);
    imap_view_resolve(v, set, false, &uids);
    imap_view_write_numbers(v, &uids, &out);
    wd_seqset_done(&uids);
    imap_view_resolve(v, set, true, &uids);
    wd_seqset_done(&uids);
    imap_view_free(v);
}

static void
use_args(struct wd_arena *a, const struct imap_args *args)
{
    struct wd_str pattern;

    if (args->set.n)
        use_set(args->set);
    if (args->pattern.n && imap_name_pattern(a, args->pattern, false, &pattern)) {
        imap_name_matches(a, pattern, args->reference);
        imap_name_cmp(pattern, args->reference);
    }
}

/* One complete line: its arguments by its own grammar, or by all when it names no command. */
static void
use_line(const struct imap_lex *l)
{
    bool uid = wd_str_ieq(imap_lex_text(l, 1), WD_STR("UID"));
    struct wd_str name = imap_lex_text(l, uid ? 2 : 1);

    for (size_t i = 0; i < WD_COUNT(commands); i++) {
        struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
        struct imap_parse p = { .lex = l, .at = uid ? 3 : 2, .arena = a, .utf8 = i % 2 };
        struct imap_args args = { 0 };
        if (!wd_str_ieq(name, commands[i].name) && !wd_str_eq(name, WD_STR("?")))
            continue;
        if (imap_args_parse(&p, commands[i].grammar, &args))
            use_args(a, &args);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wd_str text = wd_str_n(data, size);
    struct imap_lex l = { 0 };
    size_t step = size ? 1 + data[0] % 17 : 1;

    for (size_t at = 0; at < text.n;) {
        size_t used;
        enum imap_lex_result r = imap_lex_feed(&l, wd_str_part(text, at, at + step), &used);
        at += used;
        if (r == IMAP_LEX_MORE)
            continue;
        if (r == IMAP_LEX_LITERAL && l.literal_size <= LITERAL_MAX) {
            imap_lex_accept(&l);
            continue;
        }
        if (r == IMAP_LEX_LITERAL && imap_lex_refuse(&l))
            continue;
        if (r == IMAP_LEX_LINE)
            use_line(&l);
        imap_lex_reset(&l);
        if (r == IMAP_LEX_TOO_LONG)
            break;
    }
    imap_lex_reset(&l);
    return 0;
}
