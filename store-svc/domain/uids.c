/* Conditions on UIDs for sets of any shape. */
#include "store-svc/domain/doc.h"
#include "store-svc/domain/message.h"

enum {
    LISTED = 500, /* UIDs in one $in */
    GAP = 64,     /* UIDs that a range may cover in vain, per UID that it does not */
};

/* How far one range reaches that starts at `from` in range i: over gaps that cost little. */
static uint32_t
dense_end(const struct wd_seqset *set, size_t i, uint32_t from)
{
    uint32_t end = set->ranges[i].last;
    uint64_t inside = (uint64_t)end - from + 1, outside = 0;

    for (i++; i < set->n; i++) {
        outside += set->ranges[i].first - end - 1;
        inside += set->ranges[i].last - set->ranges[i].first + 1;
        if (outside > GAP && outside > inside)
            break;
        end = set->ranges[i].last;
    }
    return end;
}

static uint32_t
list(const struct wd_seqset *set, uint32_t uid, bson_t *condition)
{
    bson_t in;
    char key[16];

    bson_append_array_begin(condition, "$in", 3, &in);
    for (unsigned n = 0; uid && n < LISTED; n++) {
        snprintf(key, sizeof key, "%u", n);
        wd_doc_add_int(&in, key, uid);
        uid = uid == UINT32_MAX ? 0 : wd_seqset_next(set, uid + 1);
    }
    bson_append_array_end(condition, &in);
    return uid;
}

bool
wd_uids_condition(const struct wd_seqset *set, uint32_t from, bson_t *filter, uint32_t *next)
{
    uint32_t first = wd_seqset_next(set, from), end;
    size_t i = 0, high = set->n;
    bson_t condition;

    if (first == 0)
        return false;
    while (i < high) { /* the range that holds first */
        size_t middle = i + (high - i) / 2;

        if (set->ranges[middle].last < first)
            i = middle + 1;
        else
            high = middle;
    }
    end = dense_end(set, i, first);
    bson_append_document_begin(filter, "uid", 3, &condition);
    if (end - first < GAP && end < wd_seqset_max(set)) {
        *next = list(set, first, &condition);
    } else {
        wd_doc_add_int(&condition, "$gte", first);
        wd_doc_add_int(&condition, "$lte", end);
        *next = end == UINT32_MAX ? 0 : wd_seqset_next(set, end + 1);
    }
    bson_append_document_end(filter, &condition);
    return true;
}
