#include "common/net/tls.h"

#include <assert.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/base/vec.h"

/* One certificate: the default one has an empty name, the others the server name that clients ask for. */
struct certificate {
    char *name, *file, *key, *ca, *version, *ciphers; /* all owned */
    SSL_CTX *context;
};

struct wd_tls {
    pthread_mutex_t lock; /* guards the contexts: a reload may come from another thread than the loops */
    struct WD_VEC(struct certificate) all; /* the first is the default; never grows once connections exist */
};

static const struct {
    const char *name;
    int version;
} versions[] = { { "TLSv1", TLS1_VERSION },
                 { "TLSv1.0", TLS1_VERSION },
                 { "TLSv1.1", TLS1_1_VERSION },
                 { "TLSv1.2", TLS1_2_VERSION },
                 { "TLSv1.3", TLS1_3_VERSION } };

static char *
copy(const char *text)
{
    char *to = text ? strdup(text) : NULL;

    if (text && !to)
        abort();
    return to;
}

static void
certificate_done(struct certificate *c)
{
    free(c->name);
    free(c->file);
    free(c->key);
    free(c->ca);
    free(c->version);
    free(c->ciphers);
    SSL_CTX_free(c->context);
}

static bool
fail_file(struct wd_error *err, const char *what, const char *file)
{
    unsigned long code = ERR_peek_error();
    const char *why = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code)) : ERR_reason_error_string(code);

    wd_fail(err, WD_INVALID, "%s %s: %s", what, file, why ? why : "not usable");
    ERR_clear_error();
    return false;
}

static bool
find_version(const char *name, int *version, struct wd_error *err)
{
    *version = TLS1_2_VERSION;
    if (!name)
        return true;
    for (size_t i = 0; i < WD_COUNT(versions); i++)
        if (wd_str_ieq(wd_str_c(name), wd_str_c(versions[i].name))) {
            *version = versions[i].version;
            return true;
        }
    return wd_fail(err, WD_INVALID, "no TLS version '%s'", name);
}

/* The names of TLS 1.3 suites and of older ciphers share one list in the configuration, OpenSSL has two. */
static bool
set_ciphers(SSL_CTX *context, const struct certificate *c, int version, struct wd_error *err)
{
    struct wd_buf suites wd_auto(wd_buf_done) = { 0 };
    struct wd_buf older wd_auto(wd_buf_done) = { 0 };
    struct wd_str rest = wd_str_c(c->ciphers), name;

    while (wd_str_split(&rest, ':', &name)) {
        struct wd_buf *to = wd_str_starts(name, WD_STR("TLS_")) ? &suites : &older;
        if (to->n)
            wd_buf_chr(to, ':');
        wd_buf_str(to, name);
    }
    if (version < TLS1_2_VERSION) /* otherwise OpenSSL 3 refuses what the option allows */
        wd_buf_c(&older, older.n ? ":@SECLEVEL=0" : "DEFAULT:@SECLEVEL=0");
    wd_buf_chr(&suites, '\0');
    wd_buf_chr(&older, '\0');
    if ((suites.n > 1 && SSL_CTX_set_ciphersuites(context, suites.p) != 1) ||
        (older.n > 1 && SSL_CTX_set_cipher_list(context, older.p) != 1)) {
        ERR_clear_error();
        return wd_fail(err, WD_INVALID, "no usable cipher in '%s'", c->ciphers ? c->ciphers : "DEFAULT");
    }
    return true;
}

static bool
add_chain(SSL_CTX *context, const char *file, struct wd_error *err)
{
    BIO *bio = BIO_new_file(file, "r");
    X509 *one;
    int n = 0;

    if (!bio)
        return fail_file(err, "CA file", file);
    while ((one = PEM_read_bio_X509(bio, NULL, NULL, NULL))) {
        SSL_CTX_add0_chain_cert(context, one);
        n++;
    }
    BIO_free(bio);
    if (n == 0)
        return fail_file(err, "CA file", file);
    ERR_clear_error(); /* the end of the file */
    return true;
}

static bool
load_files(SSL_CTX *context, const struct certificate *c, struct wd_error *err)
{
    const char *key = c->key ? c->key : c->file;

    if (SSL_CTX_use_certificate_chain_file(context, c->file) != 1)
        return fail_file(err, "certificate", c->file);
    if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(context) != 1)
        return fail_file(err, "private key", key);
    return !c->ca || add_chain(context, c->ca, err);
}

/* "mail.example.com" itself or "*.example.com" for one label. */
static bool
name_fits(const char *pattern, struct wd_str name)
{
    size_t dot = wd_str_chr(name, '.');

    if (wd_str_ieq(wd_str_c(pattern), name))
        return true;
    return pattern[0] == '*' && dot != SIZE_MAX && wd_str_ieq(wd_str_c(pattern + 1), wd_str_part(name, dot, name.n));
}

static int
choose_by_name(SSL *ssl, int *alert, void *data)
{
    struct wd_tls *t = data;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    if (!name)
        return SSL_TLSEXT_ERR_OK;
    pthread_mutex_lock(&t->lock);
    for (size_t i = 1; i < t->all.n; i++)
        if (name_fits(t->all.p[i].name, wd_str_c(name))) {
            SSL_set_SSL_CTX(ssl, t->all.p[i].context);
            break;
        }
    pthread_mutex_unlock(&t->lock);
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *
load_context(struct wd_tls *t, const struct certificate *c, struct wd_error *err)
{
    SSL_CTX *context;
    int version;

    if (!find_version(c->version, &version, err))
        return NULL;
    context = SSL_CTX_new(TLS_server_method());
    if (!context)
        abort();
    SSL_CTX_set_min_proto_version(context, version);
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets resume without memory of ours */
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"wd", 2);
    SSL_CTX_set_tlsext_servername_callback(context, choose_by_name);
    SSL_CTX_set_tlsext_servername_arg(context, t);
    if (!set_ciphers(context, c, version, err) || !load_files(context, c, err)) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

static bool
add_certificate(struct wd_tls *t, const char *name, const struct wd_tls_options *o, struct wd_error *err)
{
    struct certificate c = { .name = copy(name), .file = copy(o->certificate_file), .key = copy(o->key_file),
                             .ca = copy(o->ca_file), .version = copy(o->min_version), .ciphers = copy(o->ciphers) };

    if (!c.file)
        wd_fail(err, WD_INVALID, "no certificate file is set");
    else
        c.context = load_context(t, &c, err);
    if (!c.context) {
        certificate_done(&c);
        return false;
    }
    wd_vec_push(&t->all, c);
    return true;
}

struct wd_tls *
wd_tls_new(const struct wd_tls_options *o, struct wd_error *err)
{
    struct wd_tls *t = WD_NEW(struct wd_tls);

    pthread_mutex_init(&t->lock, NULL);
    if (!add_certificate(t, "", o, err)) {
        wd_tls_free(t);
        return NULL;
    }
    return t;
}

bool
wd_tls_add(struct wd_tls *t, const char *name, const struct wd_tls_options *o, struct wd_error *err)
{
    return add_certificate(t, name, o, err);
}

bool
wd_tls_reload(struct wd_tls *t, struct wd_error *err)
{
    struct WD_VEC(SSL_CTX *) fresh = { 0 };
    bool ok = true;

    for (size_t i = 0; ok && i < t->all.n; i++) {
        SSL_CTX *context = load_context(t, &t->all.p[i], err);
        ok = context != NULL;
        if (ok)
            wd_vec_push(&fresh, context);
    }
    pthread_mutex_lock(&t->lock);
    for (size_t i = 0; ok && i < fresh.n; i++) {
        SSL_CTX *old = t->all.p[i].context;
        t->all.p[i].context = fresh.p[i];
        fresh.p[i] = old;
    }
    pthread_mutex_unlock(&t->lock);
    for (size_t i = 0; i < fresh.n; i++)
        SSL_CTX_free(fresh.p[i]);
    wd_vec_done(&fresh);
    return ok;
}

SSL *
wd_tls_accept(struct wd_tls *t)
{
    SSL *ssl;

    pthread_mutex_lock(&t->lock);
    ssl = SSL_new(t->all.p[0].context);
    pthread_mutex_unlock(&t->lock);
    if (!ssl)
        abort();
    SSL_set_accept_state(ssl);
    return ssl;
}

void
wd_tls_free(struct wd_tls *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->all.n; i++)
        certificate_done(&t->all.p[i]);
    wd_vec_done(&t->all);
    pthread_mutex_destroy(&t->lock);
    free(t);
}
