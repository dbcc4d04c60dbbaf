#include "store-svc/domain/receive_limit.h"

#include <arpa/inet.h>

enum { WINDOW_S = 60 * 60 };

static struct wd_buf
user_key(struct wd_id user)
{
    struct wd_buf key = { 0 };
    char hex[WD_ID_HEX + 1];

    wd_buf_printf(&key, "rl:rcpt:%s", wd_id_hex(user, hex));
    return key;
}

static struct wd_buf
ip_key(struct wd_id user, struct wd_str ip)
{
    struct wd_buf key = { 0 };
    char hex[WD_ID_HEX + 1];

    wd_buf_printf(&key, "rl:rcptIp:%.*s:%s", WD_FMT(ip), wd_id_hex(user, hex));
    return key;
}

static bool
is_internal4(const uint8_t b[4])
{
    return b[0] == 10 || b[0] == 127 || (b[0] == 172 && (b[1] & 0xf0) == 16) || (b[0] == 192 && b[1] == 168) ||
           (b[0] == 169 && b[1] == 254);
}

/* Loopback, private and link-local: the MTA in front of us, which speaks for the whole world. */
static bool
is_internal(struct wd_str ip)
{
    char text[INET6_ADDRSTRLEN];
    uint8_t b[16];

    if (ip.n == 0 || ip.n >= sizeof text)
        return true;
    memcpy(text, ip.p, ip.n);
    text[ip.n] = '\0';
    if (inet_pton(AF_INET, text, b) == 1)
        return is_internal4(b);
    if (inet_pton(AF_INET6, text, b) != 1)
        return true;
    return IN6_IS_ADDR_LOOPBACK((const struct in6_addr *)(const void *)b) || (b[0] & 0xfe) == 0xfc ||
           (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

static bool
reached(struct wd_domain *d, struct wd_str key, uint32_t limit)
{
    struct wd_bus_count count;
    struct wd_error ignored;

    return limit > 0 && wd_bus_count(d->bus, key, 0, limit, WINDOW_S, &count, &ignored) && !count.ok;
}

bool
wd_receive_limit_check(struct wd_domain *d, struct wd_id user, uint32_t limit, struct wd_str ip, struct wd_error *err)
{
    struct wd_buf by_user wd_auto(wd_buf_done) = user_key(user);
    struct wd_buf by_ip wd_auto(wd_buf_done) = ip_key(user, ip);

    if (reached(d, wd_buf_view(&by_user), limit) ||
        (!is_internal(ip) && reached(d, wd_buf_view(&by_ip), d->options.receive_max_ip)))
        return wd_fail(err, WD_RECIPIENT_RATE_LIMITED, "This user gets too many messages now, try again later");
    return true;
}

static void
count(struct wd_domain *d, struct wd_str key)
{
    struct wd_bus_count after;
    struct wd_error ignored; /* a message that is not counted is no reason to refuse it */

    if (!wd_bus_count(d->bus, key, 1, 0, WINDOW_S, &after, &ignored))
        return;
}

void
wd_receive_limit_count(struct wd_domain *d, struct wd_id user, struct wd_str ip)
{
    struct wd_buf by_user wd_auto(wd_buf_done) = user_key(user);
    struct wd_buf by_ip wd_auto(wd_buf_done) = ip_key(user, ip);

    count(d, wd_buf_view(&by_user));
    if (!is_internal(ip))
        count(d, wd_buf_view(&by_ip));
}
