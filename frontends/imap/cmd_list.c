/* frontends/imap/cmd_list.c – LIST (RFC 3501 §6.3.8, SPECIAL-USE RFC 6154, CHILDREN RFC 3348), XLIST, LSUB (§6.3.9). */
#include <stdlib.h>

#include "frontends/imap/conn.h"
#include "frontends/imap/name.h"
#include "frontends/imap/write.h"
#include "wd/v1/mailboxes.pb-c.h"

IMAP_CLOSURE(on_listed, Wd__V1__ListMailboxesReply)

enum { PATTERN_MAX = 4096, CURSOR_MAX = 4096 };

struct entry {
    struct wd_str path, special_use;
    bool is_virtual; /* a level that exists only in the names below it */
};

struct listing {
    struct entry *entries;
    size_t n, cap;
    struct wd_str pattern;
    bool xlist, lsub;
};

static enum imap_step listed(struct imap_cmd *cmd);

static void
add_entry(struct imap_cmd *cmd, struct listing *l, struct entry e)
{
    if (l->n == l->cap) {
        struct entry *old = l->entries;
        l->cap = l->cap ? l->cap * 2 : 32;
        l->entries = WD_ARENA_ARRAY(cmd->arena, struct entry, l->cap);
        if (l->n)
            memcpy(l->entries, old, l->n * sizeof *old);
    }
    l->entries[l->n++] = e;
}

static enum imap_step
ask_page(struct imap_cmd *cmd, struct wd_str cursor)
{
    Wd__V1__ListMailboxesRequest request = WD__V1__LIST_MAILBOXES_REQUEST__INIT;
    const struct listing *l = cmd->state;

    request.has_subscribed_only = true;
    request.subscribed_only = l->lsub;
    request.has_cursor = cursor.n > 0;
    request.cursor = imap_to_pb(wd_arena_str(cmd->arena, cursor)); /* the page that it came in goes */
    wd__v1__mailboxes__list(imap_rpc_page(cmd, &wd__v1__mailboxes__descriptor), &request, on_listed, cmd);
    return imap_then_step(cmd, listed);
}

static enum imap_step
write_delimiter(struct imap_cmd *cmd, const struct listing *l)
{
    struct wd_buf *out = imap_out(cmd);

    wd_buf_printf(out, "* %s (\\Noselect) \"/\" \"/\"\r\n", l->xlist ? "XLIST" : l->lsub ? "LSUB" : "LIST");
    imap_send(cmd);
    return imap_ok(cmd, "completed");
}

static enum imap_step
start(struct imap_cmd *cmd, bool xlist, bool lsub)
{
    struct listing *l = WD_ARENA_NEW(cmd->arena, struct listing);
    const struct imap_args *a = &cmd->args;
    struct wd_str both;

    l->xlist = xlist;
    l->lsub = lsub;
    cmd->state = l;
    if (a->pattern.n == 0 && !(a->list & IMAP_LIST_RETURN))
        return write_delimiter(cmd, l);
    if (a->reference.n + a->pattern.n > PATTERN_MAX)
        return imap_bad(cmd, "Pattern is too long");
    both = wd_arena_printf(cmd->arena, "%.*s%.*s", WD_FMT(a->reference), WD_FMT(a->pattern));
    if (!imap_name_pattern(cmd->arena, both, cmd->conn->utf8, &l->pattern))
        return imap_bad(cmd, "Wrong pattern");
    return ask_page(cmd, WD_NONE);
}

enum imap_step
imap_cmd_list(struct imap_cmd *cmd)
{
    return start(cmd, false, false);
}

enum imap_step
imap_cmd_xlist(struct imap_cmd *cmd)
{
    return start(cmd, true, false);
}

enum imap_step
imap_cmd_lsub(struct imap_cmd *cmd)
{
    return start(cmd, false, true);
}

static int
by_name(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int order = imap_name_cmp(x->path, y->path);

    return order ? order : (int)x->is_virtual - (int)y->is_virtual;
}

static bool
is_below(struct wd_str path, struct wd_str parent)
{
    return path.n > parent.n && path.p[parent.n] == '/' && wd_str_starts(path, parent);
}

/* The list is sorted: each name's missing parents are those that the name before it does not share. */
static void
add_parents(struct imap_cmd *cmd, struct listing *l)
{
    size_t n = l->n;

    for (size_t i = 0; i < n; i++) {
        struct wd_str path = l->entries[i].path, before = i ? l->entries[i - 1].path : WD_NONE;
        for (size_t k = 0; k < path.n; k++) {
            struct wd_str parent = wd_str_part(path, 0, k);
            if (path.p[k] == '/' && k > 0 && !wd_str_eq(parent, before) && !is_below(before, parent))
                add_entry(cmd, l, (struct entry){ .path = parent, .is_virtual = true });
        }
    }
}

static void
sort_entries(struct listing *l)
{
    size_t kept = 0;

    if (l->n)
        qsort(l->entries, l->n, sizeof *l->entries, by_name);
    for (size_t i = 0; i < l->n; i++)
        if (kept == 0 || !wd_str_eq(l->entries[kept - 1].path, l->entries[i].path))
            l->entries[kept++] = l->entries[i];
    l->n = kept;
}

/* XLIST's own words for what SPECIAL-USE names otherwise. */
static struct wd_str
xlist_use(struct wd_str use)
{
    if (wd_str_eq(use, WD_STR("\\Junk")))
        return WD_STR("\\Spam");
    if (wd_str_eq(use, WD_STR("\\Flagged")))
        return WD_STR("\\Starred");
    return use;
}

static void
write_entry(struct wd_buf *out, const struct imap_cmd *cmd, const struct listing *l, const struct entry *e,
            bool has_children)
{
    bool only_use = cmd->args.list & IMAP_LIST_RETURN_SPECIAL;
    bool inbox = l->xlist && !cmd->conn->utf8 && wd_str_eq(e->path, WD_STR("INBOX"));
    size_t start;

    wd_buf_c(out, l->xlist ? "* XLIST (" : l->lsub ? "* LSUB (" : "* LIST (");
    start = out->n;
    if (e->is_virtual)
        wd_buf_c(out, "\\Noselect ");
    if (!only_use)
        wd_buf_c(out, has_children ? "\\HasChildren " : "\\HasNoChildren ");
    if (e->special_use.n && !l->lsub) {
        wd_buf_str(out, l->xlist ? xlist_use(e->special_use) : e->special_use);
        wd_buf_chr(out, ' ');
    }
    if (inbox)
        wd_buf_c(out, "\\Inbox ");
    if (out->n > start)
        out->n--;
    wd_buf_c(out, ") \"/\" ");
    imap_write_mailbox(out, inbox ? WD_STR("Inbox") : e->path, cmd->conn->utf8);
    wd_buf_c(out, "\r\n");
}

static enum imap_step
write_all(struct imap_cmd *cmd, struct listing *l)
{
    struct wd_arena *scratch wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct wd_buf *out;

    if (!l->lsub)
        add_entry(cmd, l, (struct entry){ .path = WD_STR("INBOX") }); /* also when its row is missing */
    sort_entries(l);
    if (!l->lsub) {
        add_parents(cmd, l);
        sort_entries(l);
    }
    out = imap_out(cmd);
    for (size_t i = 0; i < l->n; i++) {
        const struct entry *e = &l->entries[i];
        bool has_children = i + 1 < l->n && is_below(e[1].path, e->path);
        wd_arena_reset(scratch);
        if (((cmd->args.list & IMAP_LIST_ONLY_SPECIAL) && !e->special_use.n) ||
            !imap_name_matches(scratch, l->pattern, e->path))
            continue;
        write_entry(out, cmd, l, e, has_children);
    }
    imap_send(cmd);
    return imap_ok(cmd, "completed");
}

static enum imap_step
listed(struct imap_cmd *cmd)
{
    const Wd__V1__ListMailboxesReply *reply = cmd->reply;
    struct listing *l = cmd->state;

    if (!reply)
        return imap_fail(cmd);
    for (size_t i = 0; i < reply->n_mailboxes; i++) {
        const Wd__V1__Mailbox *m = reply->mailboxes[i];
        if (!m->hidden)
            add_entry(cmd, l, (struct entry){ .path = wd_arena_str(cmd->arena, imap_pb(m->path)),
                                              .special_use = wd_arena_str(cmd->arena, wd_str_c(m->special_use)) });
    }
    if (reply->has_next_cursor && reply->next_cursor.len && reply->next_cursor.len <= CURSOR_MAX)
        return ask_page(cmd, imap_pb(reply->next_cursor));
    return write_all(cmd, l);
}
