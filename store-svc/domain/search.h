/* store-svc/domain/search.h – SEARCH: a program of keys over one mailbox (RFC 3501 §6.4.4).
 *
 * A program is in prefix order: AND, OR and NOT take the nodes that follow. What the database can answer becomes one
 * query per part of the program; words (TEXT, BODY) are looked up in the text index each on its own; the sets of UIDs
 * are then put together by AND, OR and NOT as they stand, so that every combination means what it says. */
#ifndef WD_STORE_DOMAIN_SEARCH_H
#define WD_STORE_DOMAIN_SEARCH_H
#include "store-svc/domain/mailbox.h"
#include "store-svc/domain/message.h"

enum { WD_SEARCH_NODES = 400, WD_SEARCH_DEPTH = 20, WD_SEARCH_TEXT = 4096 };

/* The numbers are those of SearchNode.Key in proto/wd/v1/messages.proto. */
enum wd_search_key {
    WD_SEARCH_AND = 1,
    WD_SEARCH_OR = 2,
    WD_SEARCH_NOT = 3,
    WD_SEARCH_ALL = 4,
    WD_SEARCH_UIDS = 5,
    WD_SEARCH_FLAG = 6,
    WD_SEARCH_KEYWORD = 7,
    WD_SEARCH_BEFORE = 8,
    WD_SEARCH_SINCE = 9,
    WD_SEARCH_SENT_BEFORE = 10,
    WD_SEARCH_SENT_SINCE = 11,
    WD_SEARCH_LARGER = 12,
    WD_SEARCH_SMALLER = 13,
    WD_SEARCH_HEADER = 14,
    WD_SEARCH_BODY = 15,
    WD_SEARCH_TEXT_KEY = 16,
    WD_SEARCH_MODSEQ = 17,
    WD_SEARCH_NONE = 18,
};

struct wd_search_node {
    enum wd_search_key key;
    uint32_t count;               /* AND, OR: how many nodes it takes; 0 matches all (AND) or nothing (OR) */
    const struct wd_seqset *uids; /* UIDS */
    struct wd_str name, text;
    int64_t number;
};

struct wd_search {
    struct wd_id user, mailbox;
    const struct wd_search_node *program;
    size_t n; /* 0 matches everything */
};

struct wd_searched {
    struct wd_seqset uids;
    uint64_t highest_modseq; /* of the matches; 0: none, or the program does not ask MODSEQ */
};

void wd_searched_done(struct wd_searched *s);

/** Runs a program. *out is empty on entry and yours to wd_searched_done. MAILBOX_NOT_FOUND; INVALID for a program that
 *  is malformed, too long, too deep, or has a key or flag that is none. */
bool wd_search(struct wd_domain *d, struct wd_arena *a, const struct wd_search *in, struct wd_searched *out,
               struct wd_error *err) WD_CHECKED;
#endif
