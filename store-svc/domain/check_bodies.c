/* store-svc/domain/check_bodies.c – each message is put together again and compared with the hash of its delivery. */
#include <openssl/evp.h>

#include "store-svc/domain/body.h"
#include "store-svc/domain/check_priv.h"
#include "store-svc/domain/doc.h"

enum { PIECE = 256 * 1024 };

struct bodies {
    const char *what; /* "message", "archived message" */
};

static bool
hash_message(struct wd_body *body, uint64_t from, uint8_t out[32], struct wd_error *err)
{
    struct wd_buf piece wd_auto(wd_buf_done) = { 0 };
    EVP_MD_CTX *hash = EVP_MD_CTX_new();
    uint64_t at, size = wd_body_size(body);
    bool ok = true;

    EVP_DigestInit_ex(hash, EVP_sha256(), NULL);
    for (at = from; ok && at < size; at += piece.n) {
        piece.n = 0;
        ok = wd_body_read_all(body, at, PIECE, &piece, err);
        if (ok && piece.n == 0)
            ok = wd_fail(err, WD_DATA_LOSS, "the message ends at byte %llu", (unsigned long long)at);
        if (ok)
            EVP_DigestUpdate(hash, piece.p, piece.n);
    }
    EVP_DigestFinal_ex(hash, out, NULL);
    EVP_MD_CTX_free(hash);
    return ok;
}

/* A message that cannot be read is a problem of its own and does not end the check. */
static bool
compare(struct wd_check *c, struct wd_arena *a, const bson_t *doc, const char **why, struct wd_error *err)
{
    struct wd_str kept = wd_doc_str(doc, "hash.sha256");
    int64_t from = wd_doc_int(doc, "hash.from", 0);
    struct wd_body *body;
    uint8_t hash[32];

    *why = NULL;
    if (!wd_body_open(a, doc, c->d->blobs, &body, err))
        return err->reason == WD_DATA_LOSS ? (*why = err->text) : false;
    if (wd_body_size(body) != (uint64_t)wd_doc_int(doc, "size", -1))
        *why = "the bytes are not as many as its size says";
    if (kept.n != sizeof hash) /* stored by another program, which keeps no hash */
        return true;
    if (!hash_message(body, (uint64_t)from, hash, err))
        return err->reason == WD_DATA_LOSS ? (*why = err->text) : false;
    if (wd_body_lost(body) > 0)
        *why = "an attachment is lost";
    else if (memcmp(hash, kept.p, sizeof hash) != 0)
        *why = "the bytes are not those that were delivered";
    return true;
}

static bool
each_message(struct wd_check *c, const bson_t *doc, void *data, struct wd_error *err)
{
    struct wd_arena *a wd_auto(wd_arena_freep) = wd_arena_new(0);
    struct bodies *bodies = data;
    char hex[WD_ID_HEX + 1];
    const char *why;
    struct wd_id id;

    if (!compare(c, a, doc, &why, err))
        return false;
    if (why && wd_doc_id(doc, "_id", &id))
        wd_check_found(c, "%s %s: %s", bodies->what, wd_id_hex(id, hex), why);
    return true;
}

bool
wd_check_bodies(struct wd_check *c, struct wd_error *err)
{
    struct bodies messages = { "message" }, archived = { "archived message" };

    return wd_check_walk(c, c->d->docs, WD_MESSAGES, NULL, NULL, each_message, &messages, err) &&
           wd_check_walk(c, c->d->docs, WD_ARCHIVED, NULL, NULL, each_message, &archived, err);
}
