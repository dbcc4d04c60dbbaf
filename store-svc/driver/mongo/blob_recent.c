/* The bodies that this process wrote lately, in a ring of fixed size. */
#include "common/base/clock.h"
#include "store-svc/driver/mongo/blob_priv.h"

void
mongo_recent_add(struct mongo_recent *r, const struct wd_blob_key *key, uint64_t length)
{
    pthread_mutex_lock(&r->lock);
    r->all[r->next].key = *key;
    r->all[r->next].length = length;
    r->all[r->next].at_ms = wd_now_ms();
    r->next = (r->next + 1) % MONGO_RECENT;
    pthread_mutex_unlock(&r->lock);
}

bool
mongo_recent_take(struct mongo_recent *r, const struct wd_blob_key *key, uint64_t length)
{
    int64_t now = wd_now_ms();
    bool found = false;

    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < MONGO_RECENT && !found; i++) {
        int64_t age_ms = now - r->all[i].at_ms;
        found = r->all[i].at_ms && age_ms >= 0 && age_ms < MONGO_RECENT_S * 1000 && r->all[i].length == length &&
                memcmp(r->all[i].key.b, key->b, sizeof key->b) == 0;
        if (found)
            r->all[i].at_ms = 0;
    }
    pthread_mutex_unlock(&r->lock);
    return found;
}
