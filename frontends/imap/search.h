/* frontends/imap/search.h – a SEARCH program (RFC 3501 §6.4.4) as nodes in prefix order, without recursion. */
#ifndef WD_IMAP_SEARCH_H
#define WD_IMAP_SEARCH_H
#include "frontends/imap/parse.h"
#include "wd/v1/messages.pb-c.h"

enum {
    IMAP_SEARCH_NODES_MAX = 2000,
    IMAP_SEARCH_DEPTH_MAX = 128, /* groups, ORs and NOTs in each other */
};

/* As SearchNode of the protocol; a set of messages is still text, because only the view can read it. */
struct imap_search_node {
    Wd__V1__SearchNode__Key key;
    uint32_t count;
    int64_t number;
    struct wd_str name, text;
    struct wd_str set; /* of UIDS */
    bool set_of_uids;
};

struct imap_search {
    struct imap_search_node *nodes;
    size_t n;
    bool asks_modseq;
};

/** Takes everything that is left. False with .why set. */
bool imap_search_parse(struct imap_parse *p, struct imap_search *out);
#endif
