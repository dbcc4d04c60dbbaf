/* store-svc/domain/search_priv.h – between the reading of a search program and its running. */
#ifndef WD_STORE_DOMAIN_SEARCH_PRIV_H
#define WD_STORE_DOMAIN_SEARCH_PRIV_H
#include "store-svc/domain/search.h"

/* A program whose shape was checked: who takes whom. */
struct wd_search_plan {
    const struct wd_search_node *nodes;
    uint32_t *parent; /* of each node; the root is its own */
    uint32_t n;
};

/** Checks the shape and the limits. An arena array. */
bool wd_search_plan(struct wd_arena *a, const struct wd_search_node *nodes, size_t n, struct wd_search_plan *out,
                    struct wd_error *err) WD_CHECKED;

/** Does the node need a set of UIDs (UIDS, BODY, TEXT), because no filter can say it? */
bool wd_search_needs_set(const struct wd_search_node *node);
/** Appends the condition of a leaf that a filter can say. INVALID. */
bool wd_search_condition(struct wd_arena *a, const struct wd_search_node *node, bson_t *out,
                         struct wd_error *err) WD_CHECKED;
/** A condition that nothing meets. */
void wd_search_nothing(bson_t *out);
#endif
