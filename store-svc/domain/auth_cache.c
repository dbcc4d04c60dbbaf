#include "store-svc/domain/auth_cache.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <pthread.h>

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/base/rand.h"

/* Both tables are sets of WAYS slots; the slot that ends first makes room. */
enum { SETS = 1024, WAYS = 4, MAC = 32 };

struct password_slot {
    uint8_t mac[MAC]; /* under a key of this process: says nothing about the password */
    int64_t until_ms;
};

struct standing_slot {
    struct wd_id user;
    struct wd_auth_standing standing;
    int64_t until_ms;
};

struct wd_auth_cache {
    uint8_t key[32];
    int64_t password_ms, standing_ms;
    pthread_mutex_t lock; /* guards everything below */
    uint64_t ticket;      /* grows with every forget */
    struct password_slot passwords[SETS][WAYS];
    struct standing_slot standings[SETS][WAYS];
};

struct wd_auth_cache *
wd_auth_cache_new(int64_t password_ms, int64_t standing_ms)
{
    struct wd_auth_cache *c = WD_NEW(struct wd_auth_cache);

    wd_rand(c->key, sizeof c->key);
    c->password_ms = password_ms;
    c->standing_ms = standing_ms;
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

void
wd_auth_cache_free(struct wd_auth_cache *c)
{
    if (!c)
        return;
    pthread_mutex_destroy(&c->lock);
    OPENSSL_cleanse(c, sizeof *c);
    free(c);
}

/* Owner and hash have no NUL inside or a fixed length, so two different triples are never the same bytes. */
static void
fingerprint(const struct wd_auth_cache *c, struct wd_id owner, struct wd_str hash, struct wd_str password,
            uint8_t mac[MAC])
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };
    unsigned n = MAC;

    wd_buf_add(&text, owner.b, sizeof owner.b);
    wd_buf_str(&text, hash);
    wd_buf_chr(&text, '\0');
    wd_buf_str(&text, password);
    HMAC(EVP_sha256(), c->key, sizeof c->key, (const uint8_t *)text.p, text.n, mac, &n);
    OPENSSL_cleanse(text.p, text.n);
}

static size_t
set_of(const uint8_t *bytes)
{
    return ((size_t)bytes[0] << 8 | bytes[1]) % SETS;
}

bool
wd_auth_cache_knows(struct wd_auth_cache *c, struct wd_id owner, struct wd_str hash, struct wd_str password,
                    int64_t now_ms)
{
    uint8_t mac[MAC];
    bool known = false;

    if (!c || c->password_ms <= 0)
        return false;
    fingerprint(c, owner, hash, password, mac);
    pthread_mutex_lock(&c->lock);
    for (size_t i = 0; i < WAYS; i++) {
        const struct password_slot *slot = &c->passwords[set_of(mac)][i];
        if (slot->until_ms > now_ms && CRYPTO_memcmp(slot->mac, mac, MAC) == 0)
            known = true;
    }
    pthread_mutex_unlock(&c->lock);
    return known;
}

void
wd_auth_cache_remember(struct wd_auth_cache *c, struct wd_id owner, struct wd_str hash, struct wd_str password,
                       int64_t now_ms)
{
    struct password_slot *to;
    uint8_t mac[MAC];

    if (!c || c->password_ms <= 0)
        return;
    fingerprint(c, owner, hash, password, mac);
    pthread_mutex_lock(&c->lock);
    to = c->passwords[set_of(mac)];
    for (size_t i = 1; i < WAYS; i++)
        if (c->passwords[set_of(mac)][i].until_ms < to->until_ms)
            to = &c->passwords[set_of(mac)][i];
    memcpy(to->mac, mac, MAC);
    to->until_ms = now_ms + c->password_ms;
    pthread_mutex_unlock(&c->lock);
}

/* The user's slot, or the one that ends first. */
static struct standing_slot *
standing_slot(struct wd_auth_cache *c, struct wd_id user)
{
    struct standing_slot *set = c->standings[set_of(user.b + 10)], *oldest = set;

    for (size_t i = 0; i < WAYS; i++) {
        if (wd_id_eq(set[i].user, user))
            return &set[i];
        if (set[i].until_ms < oldest->until_ms)
            oldest = &set[i];
    }
    return oldest;
}

bool
wd_auth_cache_standing(struct wd_auth_cache *c, struct wd_id user, int64_t now_ms, struct wd_auth_standing *out,
                       uint64_t *ticket)
{
    const struct standing_slot *slot;
    bool known;

    *ticket = 0;
    if (!c)
        return false;
    pthread_mutex_lock(&c->lock);
    slot = standing_slot(c, user);
    known = wd_id_eq(slot->user, user) && slot->until_ms > now_ms;
    if (known)
        *out = slot->standing;
    *ticket = c->ticket;
    pthread_mutex_unlock(&c->lock);
    return known;
}

void
wd_auth_cache_put(struct wd_auth_cache *c, struct wd_id user, const struct wd_auth_standing *standing, uint64_t ticket,
                  int64_t now_ms)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    if (ticket == c->ticket)
        *standing_slot(c, user) =
            (struct standing_slot){ .user = user, .standing = *standing, .until_ms = now_ms + c->standing_ms };
    pthread_mutex_unlock(&c->lock);
}

void
wd_auth_cache_forget(struct wd_auth_cache *c, struct wd_id user)
{
    struct standing_slot *slot;

    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->ticket++;
    slot = standing_slot(c, user);
    if (wd_id_eq(slot->user, user))
        slot->until_ms = 0;
    pthread_mutex_unlock(&c->lock);
}
