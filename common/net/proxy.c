#include "common/net/proxy.h"

#include <arpa/inet.h>
#include <stdio.h>

static const unsigned char v2_signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                                0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

enum { V2_FIXED = 16, V2_LOCAL = 0x20, V2_PROXY = 0x21 };

void
wd_ip_unmap(char *ip)
{
    struct in_addr four;

    if (wd_str_istarts(wd_str_c(ip), WD_STR("::ffff:")) && inet_pton(AF_INET, ip + 7, &four) == 1)
        memmove(ip, ip + 7, strlen(ip + 7) + 1);
}

/* The address in one normal form; false when the text is none. */
static bool
read_ip(struct wd_str text, int family, char out[46])
{
    char copy[46];
    unsigned char address[16];

    if (text.n == 0 || text.n >= sizeof copy)
        return false;
    memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    if (memchr(copy, '\0', text.n) || inet_pton(family, copy, address) != 1)
        return false;
    inet_ntop(family, address, out, 46);
    wd_ip_unmap(out);
    return true;
}

/* "PROXY TCP4 192.0.2.1 198.51.100.2 54321 143", the line's end is cut off. */
static bool
parse_v1_line(struct wd_str line, struct wd_proxy_header *out)
{
    struct wd_str word[6], rest = line;
    char destination[46];
    size_t n = 0;
    uint32_t port, other;
    int family;

    while (n < 6 && wd_str_split(&rest, ' ', &word[n]))
        n++;
    out->ip[0] = '\0';
    out->port = 0;
    if (n >= 2 && wd_str_eq(word[1], WD_STR("UNKNOWN")))
        return true;
    if (n != 6 || rest.p)
        return false;
    family = wd_str_eq(word[1], WD_STR("TCP4")) ? AF_INET : wd_str_eq(word[1], WD_STR("TCP6")) ? AF_INET6 : -1;
    if (family < 0 || !read_ip(word[2], family, out->ip) || !read_ip(word[3], family, destination) ||
        !wd_str_u32(word[4], 65535, &port) || !wd_str_u32(word[5], 65535, &other))
        return false;
    out->port = (int)port;
    return true;
}

static enum wd_proxy_result
parse_v1(struct wd_str bytes, struct wd_proxy_header *out)
{
    static const struct wd_str start = WD_STR_C("PROXY ");
    size_t known = bytes.n < start.n ? bytes.n : start.n;
    size_t end = wd_str_chr(bytes, '\n');
    struct wd_proxy_header header;

    if (!wd_str_eq(wd_str_part(bytes, 0, known), wd_str_part(start, 0, known)))
        return WD_PROXY_BAD;
    if (end == SIZE_MAX)
        return bytes.n >= WD_PROXY_V1_MAX ? WD_PROXY_BAD : WD_PROXY_MORE;
    if (end >= WD_PROXY_V1_MAX || !parse_v1_line(wd_str_chomp(wd_str_part(bytes, 0, end + 1)), &header))
        return WD_PROXY_BAD;
    header.n = end + 1;
    *out = header;
    return WD_PROXY_OK;
}

/* The addresses of a version 2 header; a family that is none of the Internet's leaves the peer's. */
static bool
parse_v2_addresses(const unsigned char *p, size_t n, unsigned family, struct wd_proxy_header *out)
{
    size_t size = family == 1 ? 4 : 16;

    if (family != 1 && family != 2)
        return true;
    if (n < 2 * size + 4)
        return false;
    inet_ntop(family == 1 ? AF_INET : AF_INET6, p, out->ip, sizeof out->ip);
    wd_ip_unmap(out->ip);
    out->port = p[2 * size] << 8 | p[2 * size + 1];
    return true;
}

static enum wd_proxy_result
parse_v2(struct wd_str bytes, struct wd_proxy_header *out)
{
    const unsigned char *p = (const unsigned char *)bytes.p;
    size_t known = bytes.n < sizeof v2_signature ? bytes.n : sizeof v2_signature, rest;
    struct wd_proxy_header header = { .port = 0 };

    if (memcmp(p, v2_signature, known) != 0)
        return WD_PROXY_BAD;
    if (bytes.n > 12 && p[12] != V2_LOCAL && p[12] != V2_PROXY)
        return WD_PROXY_BAD;
    if (bytes.n < V2_FIXED)
        return WD_PROXY_MORE;
    rest = (size_t)p[14] << 8 | p[15];
    header.n = V2_FIXED + rest;
    if (header.n > WD_PROXY_V2_MAX)
        return WD_PROXY_BAD;
    if (bytes.n < header.n)
        return WD_PROXY_MORE;
    if (p[12] == V2_PROXY && !parse_v2_addresses(p + V2_FIXED, rest, p[13] >> 4, &header))
        return WD_PROXY_BAD;
    *out = header;
    return WD_PROXY_OK;
}

enum wd_proxy_result
wd_proxy_parse(struct wd_str bytes, struct wd_proxy_header *out)
{
    if (bytes.n == 0)
        return WD_PROXY_MORE;
    return bytes.p[0] == 'P' ? parse_v1(bytes, out) : parse_v2(bytes, out);
}

static bool
network_has(struct wd_str network, const char *ip)
{
    size_t slash = wd_str_chr(network, '/');
    unsigned char a[16], b[16];
    char text[46];
    int family = strchr(ip, ':') ? AF_INET6 : AF_INET;
    uint32_t all = family == AF_INET ? 32 : 128, bits = all;

    if (!read_ip(wd_str_part(network, 0, slash), family, text))
        return false;
    if (slash != SIZE_MAX && !wd_str_u32(wd_str_part(network, slash + 1, network.n), all, &bits))
        return false;
    if (inet_pton(family, text, a) != 1 || inet_pton(family, ip, b) != 1 || memcmp(a, b, bits / 8) != 0)
        return false;
    return bits % 8 == 0 || (a[bits / 8] ^ b[bits / 8]) >> (8 - bits % 8) == 0;
}

bool
wd_proxy_trusts(const char *const *list, const char *ip)
{
    for (; list && *list; list++)
        if (strcmp(*list, "*") == 0 || network_has(wd_str_c(*list), ip))
            return true;
    return false;
}
