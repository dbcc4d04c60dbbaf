/* common/net/limits.h – how many connections each address has. An IPv6 address counts by its /64: that is what one
 * customer gets. Belongs to the thread of its loop. */
#ifndef WD_NET_LIMITS_H
#define WD_NET_LIMITS_H
#include <stdbool.h>
#include <stddef.h>

struct wd_ip_counts;
struct wd_ip_count; /* one address that has connections */

struct wd_ip_counts *wd_ip_counts_new(void);
/** Every count must have been given back. NULL is fine. */
void wd_ip_counts_free(struct wd_ip_counts *t);
/** Counts one more of the address (text; anything that is no address is one address of its own). NULL when it has
 *  `most` already (0: no limit). */
struct wd_ip_count *wd_ip_counts_take(struct wd_ip_counts *t, const char *ip, int most);
/** Gives one back; NULL is fine. */
void wd_ip_counts_give(struct wd_ip_counts *t, struct wd_ip_count *count);
/** How many addresses have connections. */
size_t wd_ip_counts_addresses(const struct wd_ip_counts *t);
#endif
