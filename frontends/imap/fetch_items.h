/* frontends/imap/fetch_items.h – what FETCH asks for (RFC 3501 §6.4.5). */
#ifndef WD_IMAP_FETCH_ITEMS_H
#define WD_IMAP_FETCH_ITEMS_H
#include "frontends/imap/parse.h"

enum {
    IMAP_FETCH_ITEMS_MAX = 256,
    IMAP_FETCH_SECTIONS_MAX = 64,
    IMAP_FETCH_FIELDS_MAX = 1000, /* header names of one section */
    IMAP_FETCH_PATH_MAX = 64,     /* numbers of a part's path */
};

enum imap_fetch_kind {
    IMAP_FETCH_FLAGS,
    IMAP_FETCH_UID,
    IMAP_FETCH_INTERNALDATE,
    IMAP_FETCH_SIZE,
    IMAP_FETCH_ENVELOPE,
    IMAP_FETCH_BODYSTRUCTURE,
    IMAP_FETCH_BODY,
    IMAP_FETCH_MODSEQ,
    IMAP_FETCH_SECTION,
};

/* The same order as enum Part of proto/wd/v1/messages.proto. */
enum imap_part {
    IMAP_PART_ALL,
    IMAP_PART_HEADER,
    IMAP_PART_HEADER_FIELDS,
    IMAP_PART_HEADER_FIELDS_NOT,
    IMAP_PART_TEXT,
    IMAP_PART_MIME,
};

struct imap_section {
    uint32_t *path;
    size_t path_n;
    enum imap_part part;
    struct wd_str *fields;
    size_t fields_n;
    bool partial, counted; /* <offset>, <offset.length> */
    uint64_t offset, length;
    struct wd_str label; /* "BODY[1.TEXT]<0>", as the answer names it */
};

struct imap_fetch_items {
    struct {
        enum imap_fetch_kind kind;
        size_t section; /* of IMAP_FETCH_SECTION */
    } *items;
    size_t n;
    struct imap_section *sections;
    size_t sections_n;
    unsigned has; /* a bit per kind */
    bool sets_seen;
};

/** Takes one item, a macro, or a list of items; everything is kept in the arena. False with .why set. */
bool imap_fetch_items_parse(struct imap_parse *p, struct imap_fetch_items *out);
/** Adds an item at the end unless it is there. */
void imap_fetch_items_add(struct imap_fetch_items *f, struct wd_arena *a, enum imap_fetch_kind kind);
#endif
