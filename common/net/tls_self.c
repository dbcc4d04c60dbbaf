/* Self-signed certificates, so that a new installation has TLS before anybody ordered one. */
#include "common/net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/lifetime.h"
#include "common/base/rand.h"

enum { DAYS = 3650 };

static void
key_freep(EVP_PKEY **key)
{
    EVP_PKEY_free(*key);
}

static void
x509_freep(X509 **cert)
{
    X509_free(*cert);
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
    X509V3_CTX context;
    X509_EXTENSION *one;
    bool ok;

    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, cert, cert, NULL, NULL, 0);
    one = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    ok = one && X509_add_ext(cert, one, -1) == 1;
    X509_EXTENSION_free(one);
    return ok;
}

/* The host as DNS name or address, and this machine's own names; given to OpenSSL's little language, so only what may
 * be in one. */
static bool
add_names(X509 *cert, const char *host)
{
    bool is_address = strchr(host, ':') || host[strspn(host, "0123456789.")] == '\0';
    char value[360];

    if (strlen(host) > 253 ||
        host[strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_:")] != '\0')
        return false;
    snprintf(value, sizeof value, "%s:%s,DNS:localhost,IP:127.0.0.1,IP:::1", is_address ? "IP" : "DNS", host);
    return add_extension(cert, NID_subject_alt_name, value);
}

static X509 *
make_certificate(EVP_PKEY *key, const char *host)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    const unsigned char *common = (const unsigned char *)host;
    BIGNUM *serial = BN_new();

    BN_rand(serial, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert));
    BN_free(serial);
    X509_set_version(cert, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(cert), -3600);
    X509_gmtime_adj(X509_getm_notAfter(cert), (long)DAYS * 24 * 3600);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, common, (int)strnlen(host, 64), -1, 0);
    X509_set_issuer_name(cert, name);
    X509_set_pubkey(cert, key);
    if (!add_names(cert, host) || !add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") ||
        !add_extension(cert, NID_subject_key_identifier, "hash") || X509_sign(cert, key, EVP_sha256()) == 0) {
        X509_free(cert);
        return NULL;
    }
    return cert;
}

/* Written beside its place and then put there without replacing: two daemons that start at once both end up with
 * the same file, and nobody reads half of one. */
static bool
write_file(const char *file, EVP_PKEY *key, X509 *cert, struct wd_error *err)
{
    char draft[4096];
    FILE *to;
    int fd;
    bool ok;

    if ((size_t)snprintf(draft, sizeof draft, "%s.%08x", file, wd_rand_u32()) >= sizeof draft)
        return wd_fail(err, WD_INVALID, "the path of the certificate is too long");
    fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    to = fd < 0 ? NULL : fdopen(fd, "w");
    if (!to)
        return wd_fail(err, WD_INVALID, "%s: %s", draft, strerror(errno));
    ok = PEM_write_PrivateKey(to, key, NULL, NULL, 0, NULL, NULL) == 1 && PEM_write_X509(to, cert) == 1;
    ok = fflush(to) == 0 && fsync(fd) == 0 && ok;
    ok = fclose(to) == 0 && ok;
    ok = ok && (link(draft, file) == 0 || errno == EEXIST);
    if (!ok)
        wd_fail(err, WD_INVALID, "%s: %s", file, strerror(errno));
    unlink(draft);
    return ok;
}

bool
wd_tls_self_signed(const char *file, const char *host, struct wd_error *err)
{
    EVP_PKEY *key wd_auto(key_freep) = NULL;
    X509 *cert wd_auto(x509_freep) = NULL;

    if (access(file, F_OK) == 0)
        return true;
    key = EVP_EC_gen("P-256");
    if (key)
        cert = make_certificate(key, host);
    if (!cert)
        return wd_fail(err, WD_INVALID, "no certificate can be made for '%s'", host);
    return write_file(file, key, cert, err);
}
