/* store-svc/domain/page.h – a page of a collection, in either direction, from a position that a client sent back. */
#ifndef WD_STORE_DOMAIN_PAGE_H
#define WD_STORE_DOMAIN_PAGE_H
#include "store-svc/domain/domain.h"

enum { WD_PAGE_LIMIT = 20, WD_PAGE_MAX = 250 };

/* What the rows are sorted by; ties are broken by _id, so the order is total. */
enum wd_page_by { WD_PAGE_BY_ID, WD_PAGE_BY_TEXT, WD_PAGE_BY_DATE };

struct wd_page_order {
    const char *coll;
    enum wd_page_by by;
    const char *field; /* of BY_TEXT and BY_DATE */
    bool descending;
    const bson_t *projection; /* NULL: whole documents; otherwise it has the field */
};

/* The place of a row. */
struct wd_page_position {
    bool set;
    struct wd_id id;
    struct wd_str text;
    int64_t date_ms;
};

/* What the client asked for: rows behind `next`, or else those that end before `previous`, or else the first ones. */
struct wd_page {
    uint32_t limit; /* 0: WD_PAGE_LIMIT; above WD_PAGE_MAX counts as that */
    struct wd_page_position next, previous;
};

struct wd_paged {
    uint64_t total; /* rows that match the filter */
    struct wd_page_position next, previous; /* of the neighbouring pages; not set: there is none */
};

/* Takes a row (borrowed); false stops with *err. */
typedef bool wd_page_row(void *data, const bson_t *row, struct wd_error *err);

/** Counts what matches the filter and calls each() for the rows of one page, in the list's order. Texts of positions
 *  live in the arena. INVALID when a position is not one of such a list. */
bool wd_page_read(struct wd_docs *docs, struct wd_arena *a, const struct wd_page_order *order, const bson_t *filter,
                  const struct wd_page *page, wd_page_row *each, void *data, struct wd_paged *out,
                  struct wd_error *err) WD_CHECKED;
#endif
