#include "common/rpc/tls.h"

bool
wd_rpc_tls_config(nng_tls_mode mode, const struct wd_rpc_tls *files, const char *server_name, nng_tls_config **out,
                  struct wd_error *err)
{
    nng_tls_config *config;
    const char *what = "tls_config";
    int rv;

    if (!files->ca_file || !files->certificate_file)
        return wd_fail(err, WD_INVALID, "tls+tcp:// needs a CA file and a certificate file");
    rv = nng_tls_config_alloc(&config, mode);
    if (rv != 0)
        return wd_fail(err, WD_INVALID, "tls: %s", nng_strerror(rv));
    if ((rv = nng_tls_config_ca_file(config, files->ca_file)) != 0)
        what = files->ca_file;
    else if ((rv = nng_tls_config_cert_key_file(config, files->certificate_file, NULL)) != 0)
        what = files->certificate_file;
    else if ((rv = nng_tls_config_auth_mode(config, NNG_TLS_AUTH_MODE_REQUIRED)) == 0 && server_name)
        rv = nng_tls_config_server_name(config, server_name);
    if (rv != 0) {
        nng_tls_config_free(config);
        return wd_fail(err, WD_INVALID, "tls: %s: %s", what, nng_strerror(rv));
    }
    *out = config;
    return true;
}
