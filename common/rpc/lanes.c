#include "common/rpc/lanes.h"

/* The caller's lane: the one that it has, else an empty one, else the shared last one. */
static struct lane *
lane_of(struct lanes *l, uint64_t caller)
{
    struct lane *empty = NULL;

    for (size_t i = 0; i < WD_LANES - 1; i++) {
        struct lane *lane = &l->lane[i];
        if (lane->n > 0 && lane->caller == caller)
            return lane;
        if (lane->n == 0 && !empty)
            empty = lane;
    }
    if (!empty)
        return &l->lane[WD_LANES - 1];
    empty->caller = caller;
    return empty;
}

static struct lane *
longest(struct lanes *l)
{
    struct lane *found = &l->lane[0];

    for (size_t i = 1; i < WD_LANES; i++)
        if (l->lane[i].n > found->n)
            found = &l->lane[i];
    return found;
}

static void
append(struct lane *lane, struct lane_item *item)
{
    item->next = NULL;
    if (lane->n++)
        lane->last->next = item;
    else
        lane->first = item;
    lane->last = item;
}

static struct lane_item *
drop_newest(struct lane *lane)
{
    struct lane_item *dropped = lane->last, *before = NULL;

    for (struct lane_item *i = lane->first; i != dropped; i = i->next)
        before = i;
    if (before)
        before->next = NULL;
    else
        lane->first = NULL;
    lane->last = before;
    lane->n--;
    return dropped;
}

struct lane_item *
lanes_add(struct lanes *l, uint64_t caller, struct lane_item *item)
{
    struct lane *lane = lane_of(l, caller), *worst;

    if (l->n < l->max) {
        append(lane, item);
        l->n++;
        return NULL;
    }
    worst = longest(l);
    if (lane->n >= worst->n)
        return item;
    append(lane, item);
    return drop_newest(worst);
}

struct lane_item *
lanes_take(struct lanes *l)
{
    if (l->n == 0)
        return NULL;
    for (;;) {
        struct lane *lane = &l->lane[l->turn];
        struct lane_item *item = lane->first;

        l->turn = (l->turn + 1) % WD_LANES;
        if (lane->n == 0)
            continue;
        lane->first = item->next;
        lane->n--;
        l->n--;
        return item;
    }
}
