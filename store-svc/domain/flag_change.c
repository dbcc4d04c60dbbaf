#include "store-svc/domain/flag_change.h"

#include "common/base/vec.h"
#include "store-svc/domain/beacon.h"
#include "store-svc/domain/doc_list.h"
#include "store-svc/domain/journal.h"
#include "store-svc/domain/schema.h"

/* Messages that one statement changes: the same flags are added to, taken from or put on all of
 * them. */
struct group {
    const struct wd_str *delta;
    size_t n_delta;
    struct WD_VEC(uint32_t) uids;
};

struct work {
    struct wd_docs *batch;
    struct wd_arena *arena;
    const struct wd_mailbox *mailbox;
    const struct wd_change *taken;
    const struct wd_flag_change *change;
    struct WD_VEC(struct group) groups;
    uint64_t modseq;
};

struct flags {
    struct wd_str *p;
    size_t n;
};

static bool
has(const struct wd_str *list, size_t n, struct wd_str flag, size_t *at)
{
    for (size_t i = 0; i < n; i++) {
        if (!wd_str_ieq(list[i], flag))
            continue;
        if (at)
            *at = i;
        return true;
    }
    return false;
}

/* The flags that the change names, system flags first. */
static struct flags
wanted(struct wd_arena *a, const struct wd_flag_change *change)
{
    struct flags out = { WD_ARENA_ARRAY(a, struct wd_str, 8 + change->n_keywords), 0 };

    for (const struct wd_flag_name *name = wd_flag_names(); name->bit; name++)
        if (change->system_flags & name->bit)
            out.p[out.n++] = name->name;
    for (size_t i = 0; i < change->n_keywords; i++)
        out.p[out.n++] = change->keywords[i];
    return out;
}

/* ---- what becomes of one message; delta is what its group has in common ---- */

static void
plan_add(struct wd_arena *a, const struct wd_message *m, const struct flags *want,
         struct flags *after, struct flags *delta)
{
    size_t room = m->n_flags < WD_MESSAGE_FLAGS ? WD_MESSAGE_FLAGS - m->n_flags : 0;

    *after = (struct flags){ WD_ARENA_ARRAY(a, struct wd_str, m->n_flags + want->n), m->n_flags };
    *delta = (struct flags){ WD_ARENA_ARRAY(a, struct wd_str, want->n), 0 };
    if (m->n_flags)
        memcpy(after->p, m->flags, m->n_flags * sizeof *after->p);
    for (size_t i = 0; i < want->n; i++) {
        bool system = wd_flag_bit(want->p[i]) != 0;

        if (has(m->flags, m->n_flags, want->p[i], NULL) || (!system && delta->n >= room))
            continue;
        delta->p[delta->n++] = after->p[after->n++] = want->p[i];
    }
}

static void
plan_remove(struct wd_arena *a, const struct wd_message *m, const struct flags *want,
            struct flags *after, struct flags *delta)
{
    *after = (struct flags){ WD_ARENA_ARRAY(a, struct wd_str, m->n_flags), 0 };
    *delta = (struct flags){ WD_ARENA_ARRAY(a, struct wd_str, m->n_flags), 0 };
    for (size_t i = 0; i < m->n_flags; i++) {
        if (has(want->p, want->n, m->flags[i], NULL))
            delta->p[delta->n++] = m->flags[i];
        else
            after->p[after->n++] = m->flags[i];
    }
}

static void
plan_replace(struct wd_arena *a, const struct wd_message *m, const struct flags *want,
             struct flags *after, struct flags *delta)
{
    size_t at, kept = 0;

    *after = (struct flags){ WD_ARENA_ARRAY(a, struct wd_str, want->n), 0 };
    for (size_t i = 0; i < want->n && i < WD_MESSAGE_FLAGS; i++) {
        bool there = has(m->flags, m->n_flags, want->p[i], &at);

        kept += there;
        after->p[after->n++] = there ? m->flags[at] : want->p[i];
    }
    *delta = *after;
    if (kept == after->n && kept == m->n_flags)
        delta->p = NULL; /* nothing changes */
}

static void (*const plans[])(struct wd_arena *a, const struct wd_message *m,
                             const struct flags *want, struct flags *after, struct flags *delta) = {
    [WD_FLAGS_REPLACE] = plan_replace, [WD_FLAGS_ADD] = plan_add, [WD_FLAGS_REMOVE] = plan_remove
};

/* ---- groups ---- */

static bool
same(const struct group *g, const struct flags *delta)
{
    if (g->n_delta != delta->n)
        return false;
    for (size_t i = 0; i < delta->n; i++)
        if (!wd_str_eq(g->delta[i], delta->p[i]))
            return false;
    return true;
}

static void
put_in_group(struct work *w, const struct flags *delta, uint32_t uid)
{
    struct group fresh = { .delta = delta->p, .n_delta = delta->n };

    for (size_t i = 0; i < w->groups.n; i++) {
        if (same(&w->groups.p[i], delta)) {
            wd_vec_push(&w->groups.p[i].uids, uid);
            return;
        }
    }
    wd_vec_push(&fresh.uids, uid);
    wd_vec_push(&w->groups, fresh);
}

static void
work_done(struct work *w)
{
    for (size_t i = 0; i < w->groups.n; i++)
        wd_vec_done(&w->groups.p[i].uids);
    wd_vec_done(&w->groups);
}

/* ---- the statements ---- */

static void
change_flags(const struct work *w, const struct group *g, bson_t *update)
{
    bson_t operator, field;

    if (w->change->mode == WD_FLAGS_REPLACE)
        return; /* with the mirrors, in $set */
    bson_append_document_begin(update, w->change->mode == WD_FLAGS_ADD ? "$addToSet" : "$pull", -1,
                               &operator);
    bson_append_document_begin(&operator, "flags", 5, &field);
    wd_doc_add_list(&field, w->change->mode == WD_FLAGS_ADD ? "$each" : "$in", g->delta,
                    g->n_delta);
    bson_append_document_end(&operator, & field);
    bson_append_document_end(update, &operator);
}

/* Every boolean beside `flags`, and the searchable mark that drives the text index, move together
 * with the flag. */
static void
set_mirrors(const struct work *w, bson_t *set)
{
    static const struct {
        enum wd_flag flag;
        const char *field;
        bool when_set;
    } mirrors[] = {
        { WD_FLAG_SEEN, "unseen", false },
        { WD_FLAG_DELETED, "undeleted", false },
        { WD_FLAG_FLAGGED, "flagged", true },
        { WD_FLAG_DRAFT, "draft", true },
    };
    bool replace = w->change->mode == WD_FLAGS_REPLACE;

    for (size_t i = 0; i < WD_COUNT(mirrors); i++) {
        bool named = (w->change->system_flags & mirrors[i].flag) != 0;
        bool on = named && w->change->mode != WD_FLAGS_REMOVE;

        if (named || replace)
            wd_doc_add_bool(set, mirrors[i].field, on == mirrors[i].when_set);
    }
}

static void
change_mirrors(const struct work *w, const struct group *g, bson_t *update)
{
    bool named = (w->change->system_flags & WD_FLAG_DELETED) != 0;
    bool deleted = named && w->change->mode != WD_FLAGS_REMOVE;
    bool touched = named || w->change->mode == WD_FLAGS_REPLACE;
    bson_t set = BSON_INITIALIZER, unset;

    if (w->change->mode == WD_FLAGS_REPLACE)
        wd_doc_add_list(&set, "flags", g->delta, g->n_delta);
    set_mirrors(w, &set);
    if (touched && !deleted)
        wd_doc_add_bool(&set, "searchable", true);
    if (!bson_empty(&set))
        bson_append_document(update, "$set", -1, &set);
    bson_destroy(&set);
    if (!touched || !deleted)
        return;
    bson_append_document_begin(update, "$unset", -1, &unset);
    wd_doc_add_int(&unset, "searchable", 1);
    bson_append_document_end(update, &unset);
}

static bool
write_group(const struct work *w, const struct group *g, struct wd_error *err)
{
    enum { AT_ONCE = 1000 };
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;

    wd_doc_add_op(&update, "$max", "modseq", (int64_t)w->modseq);
    change_flags(w, g, &update);
    change_mirrors(w, g, &update);
    for (size_t i = 0; i < g->uids.n; i += AT_ONCE) {
        bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
        size_t some = g->uids.n - i < AT_ONCE ? g->uids.n - i : AT_ONCE;

        wd_doc_add_id(&filter, "mailbox", w->mailbox->id);
        wd_doc_add_numbers(&filter, "uid", "$in", g->uids.p + i, some);
        if (!wd_docs_update(w->batch, WD_MESSAGES, &filter, &update, WD_UPDATE_MANY, NULL, err))
            return wd_fail_in(err, "change flags");
    }
    return true;
}

static bool
write_journal(struct work *w, const struct wd_message *heads, const bool *changed,
              const unsigned *before, size_t n, struct wd_error *err)
{
    struct wd_journal_row *rows = WD_ARENA_ARRAY(w->arena, struct wd_journal_row, n);
    size_t k = 0;

    for (size_t i = 0; i < n; i++) {
        const struct wd_message *m = &heads[i];

        if (!changed[i])
            continue;
        rows[k++] = (struct wd_journal_row){
            .command = WD_JOURNAL_FETCH,
            .user = w->mailbox->user,
            .mailbox = w->mailbox->id,
            .modseq = w->modseq,
            .ignore = w->change->session,
            .uid = m->uid,
            .message = m->id,
            .thread = m->thread,
            .unseen_change = ((m->system_flags ^ before[i]) & WD_FLAG_SEEN) != 0,
            .flags = m->flags,
            .n_flags = m->n_flags,
        };
    }
    return wd_change_journal(w->batch, w->taken, rows, k, err);
}

/* Decides for each head, in memory, until the flags would be too many bytes. */
static void
plan(struct work *w, struct wd_message *heads, size_t n, bool *changed, unsigned *before,
     size_t *done)
{
    struct flags want = wanted(w->arena, w->change), after, delta;
    size_t bytes = 0;

    for (*done = 0; *done < n; (*done)++) {
        struct wd_message *m = &heads[*done];

        plans[w->change->mode](w->arena, m, &want, &after, &delta);
        for (size_t i = 0; i < after.n; i++)
            bytes += after.p[i].n + 2;
        if (bytes > WD_FLAG_CHANGE_BYTES && *done > 0)
            return;
        before[*done] = m->system_flags;
        changed[*done] = w->change->mode == WD_FLAGS_REPLACE ? delta.p != NULL : delta.n > 0;
        if (!changed[*done])
            continue;
        put_in_group(w, &delta, m->uid);
        m->flags = after.p;
        m->n_flags = after.n;
        m->system_flags = 0;
        for (size_t i = 0; i < after.n; i++)
            m->system_flags |= wd_flag_bit(after.p[i]);
    }
}

static bool
write_all(struct work *w, struct wd_flag_run *r, const unsigned *before, struct wd_error *err)
{
    w->modseq = r->modseq = r->taken.first_modseq;
    for (size_t i = 0; i < w->groups.n; i++)
        if (!write_group(w, &w->groups.p[i], err))
            return false;
    for (size_t i = 0; i < r->done; i++)
        if (r->changed[i])
            r->heads[i].modseq = w->modseq;
    return wd_change_alive(w->batch, &r->taken, err) &&
           write_journal(w, r->heads, r->changed, before, r->done, err);
}

/* On an atomic driver the number is taken when it is known that there is something to change.
 * Elsewhere it is taken before the messages are read: its mark keeps others from changing them in
 * between. */
static bool
begin(struct wd_flag_run *r, struct wd_error *err)
{
    struct wd_change_plan plan = { .kind = WD_CHANGE_FLAGS,
                                   .user = r->user,
                                   .mailbox = r->mailbox };

    r->numbered = wd_change_begin(r->d, r->batch, r->arena, &plan, &r->taken, err);
    return r->numbered;
}

static bool
find(struct wd_flag_run *r, struct wd_error *err)
{
    struct wd_message_walk walk = { .mailbox = r->mailbox, .uids = r->uids };

    if (wd_docs_is_atomic(r->batch) &&
        !wd_mailbox_need_id(r->batch, r->arena, r->user, r->mailbox, &r->taken.mailbox, err))
        return false;
    if (!wd_docs_is_atomic(r->batch) && !begin(r, err))
        return false;
    if (!wd_message_heads(r->batch, r->arena, &walk, WD_JOURNAL_GROUP, &r->heads, &r->n, &r->next,
                          err))
        return false;
    if (r->choose)
        r->n = r->choose(r, r->heads, r->n);
    r->changed = WD_ARENA_ARRAY(r->arena, bool, r->n);
    return true;
}

/* Nothing was written, so the number can be given back. */
static void
give_back(struct wd_flag_run *r)
{
    if (r->numbered)
        wd_change_give_back(r->d, &r->taken);
    r->numbered = false;
}

bool
wd_flag_run(struct wd_flag_run *r, struct wd_error *err)
{
    struct work w = { .batch = r->batch,
                      .arena = r->arena,
                      .mailbox = &r->taken.mailbox,
                      .taken = &r->taken,
                      .change = r->change };
    unsigned *before;
    bool ok = true;

    if (!find(r, err)) {
        give_back(r);
        return false;
    }
    before = WD_ARENA_ARRAY(r->arena, unsigned, r->n);
    plan(&w, r->heads, r->n, r->changed, before, &r->done);
    if (r->done < r->n)
        r->next = r->heads[r->done].uid;
    if (w.groups.n == 0)
        give_back(r);
    else
        ok = (r->numbered || begin(r, err)) && write_all(&w, r, before, err);
    work_done(&w);
    return ok;
}

void
wd_flag_run_done(struct wd_flag_run *r)
{
    if (!r->numbered)
        return;
    wd_change_wait(r->d, &r->taken);
    wd_change_done(r->d, &r->taken);
    wd_beacon_send(r->d, &(struct wd_beacon){ .kind = WD_BEACON_MAILBOX,
                                              .user = r->user,
                                              .mailbox = r->mailbox,
                                              .modseq = r->modseq });
}
