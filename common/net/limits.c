#include "common/net/limits.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/rand.h"

struct wd_ip_count {
    struct wd_ip_count *next;
    unsigned char key[16];
    int n;
};

struct wd_ip_counts {
    struct wd_ip_count **buckets;
    size_t size, used; /* size is a power of two */
    uint64_t seed;     /* so that nobody can choose addresses that fall into one bucket */
};

enum { FIRST_SIZE = 64 };

struct wd_ip_counts *
wd_ip_counts_new(void)
{
    struct wd_ip_counts *t = WD_NEW(struct wd_ip_counts);

    t->size = FIRST_SIZE;
    t->buckets = wd_alloc(t->size * sizeof(struct wd_ip_count *));
    wd_rand(&t->seed, sizeof t->seed);
    return t;
}

void
wd_ip_counts_free(struct wd_ip_counts *t)
{
    if (!t)
        return;
    assert(t->used == 0);
    free(t->buckets);
    free(t);
}

static void
make_key(const char *ip, unsigned char key[16])
{
    struct in6_addr six;
    struct in_addr four;

    memset(key, 0, 16);
    if (inet_pton(AF_INET, ip, &four) == 1) {
        key[10] = key[11] = 0xff;
        memcpy(key + 12, &four, 4);
    } else if (inet_pton(AF_INET6, ip, &six) == 1) {
        memcpy(key, &six, IN6_IS_ADDR_V4MAPPED(&six) ? 16 : 8);
    }
}

static size_t
bucket_of(const struct wd_ip_counts *t, const unsigned char key[16])
{
    uint64_t hash = t->seed;

    for (int i = 0; i < 16; i++)
        hash = (hash ^ key[i]) * 0x100000001b3u;
    hash ^= hash >> 29;
    return (size_t)hash & (t->size - 1);
}

static void
grow(struct wd_ip_counts *t)
{
    struct wd_ip_count **old = t->buckets;
    size_t had = t->size;

    t->size *= 2;
    t->buckets = wd_alloc(t->size * sizeof(struct wd_ip_count *));
    for (size_t i = 0; i < had; i++)
        while (old[i]) {
            struct wd_ip_count *c = old[i], **to = &t->buckets[bucket_of(t, c->key)];
            old[i] = c->next;
            c->next = *to;
            *to = c;
        }
    free(old);
}

struct wd_ip_count *
wd_ip_counts_take(struct wd_ip_counts *t, const char *ip, int most)
{
    unsigned char key[16];
    struct wd_ip_count *c;
    size_t at;

    make_key(ip, key);
    for (c = t->buckets[bucket_of(t, key)]; c && memcmp(c->key, key, sizeof key) != 0;)
        c = c->next;
    if (c && most && c->n >= most)
        return NULL;
    if (!c) {
        if (t->used >= t->size)
            grow(t);
        at = bucket_of(t, key);
        c = WD_NEW(struct wd_ip_count);
        memcpy(c->key, key, sizeof key);
        c->next = t->buckets[at];
        t->buckets[at] = c;
        t->used++;
    }
    c->n++;
    return c;
}

void
wd_ip_counts_give(struct wd_ip_counts *t, struct wd_ip_count *count)
{
    struct wd_ip_count **at;

    if (!count || --count->n > 0)
        return;
    for (at = &t->buckets[bucket_of(t, count->key)]; *at != count;)
        at = &(*at)->next;
    *at = count->next;
    t->used--;
    free(count);
}

size_t
wd_ip_counts_addresses(const struct wd_ip_counts *t)
{
    return t->used;
}
