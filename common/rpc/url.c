#include "common/rpc/url.h"

#include <arpa/inet.h>
#include <stdio.h>

static const struct {
    const char *prefix;
    enum wd_url_kind kind;
} schemes[] = {
    { "ipc://", WD_URL_IPC },
    { "tcp://", WD_URL_TCP },
    { "tls+tcp://", WD_URL_TLS },
};

static bool
copy(struct wd_str from, char *to, size_t size)
{
    if (from.n == 0 || from.n >= size || memchr(from.p, '\0', from.n))
        return false;
    memcpy(to, from.p, from.n);
    to[from.n] = '\0';
    return true;
}

static bool
is_address(const char *host)
{
    struct in6_addr out;

    return inet_pton(AF_INET, host, &out) == 1 || inet_pton(AF_INET6, host, &out) == 1;
}

/* host:port, [v6]:port or *:port. */
static bool
parse_host(struct wd_str rest, struct wd_url *out)
{
    size_t colon = wd_str_rchr(rest, ':');
    struct wd_str host, port;
    uint32_t number;

    if (colon == SIZE_MAX)
        return false;
    host = wd_str_part(rest, 0, colon);
    port = wd_str_part(rest, colon + 1, rest.n);
    if (wd_str_starts(host, WD_STR("[")) && wd_str_ends(host, WD_STR("]")))
        host = wd_str_part(host, 1, host.n - 1);
    else if (wd_str_chr(host, ':') != SIZE_MAX)
        return false;
    if (!wd_str_u32(port, 65535, &number) || !copy(host, out->host, sizeof out->host) ||
        !copy(port, out->port, sizeof out->port))
        return false;
    out->is_name = strcmp(out->host, "*") != 0 && !is_address(out->host);
    return true;
}

bool
wd_url_parse(const char *text, struct wd_url *out, struct wd_error *err)
{
    struct wd_str all = wd_str_c(text);

    for (size_t i = 0; i < WD_COUNT(schemes); i++) {
        struct wd_str prefix = wd_str_c(schemes[i].prefix);
        struct wd_str rest;
        struct wd_url url = { .kind = schemes[i].kind };

        if (!wd_str_starts(all, prefix))
            continue;
        rest = wd_str_part(all, prefix.n, all.n);
        if (url.kind == WD_URL_IPC ? !copy(rest, url.path, sizeof url.path) : !parse_host(rest, &url))
            return wd_fail(err, WD_INVALID, "not an address: %s", text);
        *out = url;
        return true;
    }
    return wd_fail(err, WD_INVALID, "not an ipc://, tcp:// or tls+tcp:// address: %s", text);
}

bool
wd_address_is_loopback(const char *address)
{
    struct in_addr v4;
    struct in6_addr v6;

    if (inet_pton(AF_INET, address, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    return inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

bool
wd_url_is_private(const struct wd_url *url)
{
    return url->kind != WD_URL_TCP || strcmp(url->host, "localhost") == 0 || wd_address_is_loopback(url->host);
}

void
wd_url_text(const struct wd_url *url, const char *address, char out[WD_URL_TEXT])
{
    const char *host = address ? address : url->host;
    bool v6 = strchr(host, ':') != NULL;

    if (url->kind == WD_URL_IPC)
        snprintf(out, WD_URL_TEXT, "ipc://%s", url->path);
    else
        snprintf(out, WD_URL_TEXT, "%s://%s%s%s:%s", url->kind == WD_URL_TLS ? "tls+tcp" : "tcp", v6 ? "[" : "", host,
                 v6 ? "]" : "", url->port);
}
