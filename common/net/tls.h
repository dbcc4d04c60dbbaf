/* common/net/tls.h – the certificates of a daemon, by name, reloadable. */
#ifndef WD_NET_TLS_H
#define WD_NET_TLS_H
#include <openssl/ssl.h>

#include "common/base/error.h"

struct wd_tls;

struct wd_tls_options {
    const char *certificate_file; /* PEM chain */
    const char *key_file;         /* PEM; NULL: in certificate_file */
    const char *ca_file;          /* extra chain, or NULL */
    const char *min_version;      /* "TLSv1.2" (default), "TLSv1.3", "TLSv1" */
    const char *ciphers;          /* NULL: OpenSSL's default */
};

/** Loads the files. WD_INVALID with the file's name in the text. */
struct wd_tls *wd_tls_new(const struct wd_tls_options *o, struct wd_error *err);
/** One more certificate, for clients that ask for `name` by SNI: "mail.example.com" or "*.example.com" (one label).
 *  Only before the first connection. Everybody else gets the one of wd_tls_new(). */
bool wd_tls_add(struct wd_tls *t, const char *name, const struct wd_tls_options *o, struct wd_error *err);
/** Reads the files again; on failure the old certificates stay in force. Connections keep what they have. */
bool wd_tls_reload(struct wd_tls *t, struct wd_error *err);
/** A new server-side SSL of the present certificates; the caller owns it. Any thread. */
SSL *wd_tls_accept(struct wd_tls *t);
/** NULL is fine. */
void wd_tls_free(struct wd_tls *t);

/** Makes a self-signed certificate and its key (RSA 2048 or P-256, ten years) for `host` in one PEM file of mode 0600,
 *  unless the file is there. */
bool wd_tls_self_signed(const char *file, const char *host, struct wd_error *err);
#endif
