#include "common/base/id.h"

#include <stdatomic.h>

#include "common/base/clock.h"
#include "common/base/hex.h"
#include "common/base/rand.h"

struct wd_id
wd_id_new(void)
{
    static _Atomic uint64_t process; /* 40 random bits, set once */
    static _Atomic uint32_t counter;
    uint64_t mine = atomic_load(&process), none = 0;
    uint32_t seconds = (uint32_t)(wd_now_ms() / 1000), count;
    struct wd_id id;

    if (mine == 0) {
        wd_rand(&mine, sizeof mine);
        mine = (mine & 0xffffffffffu) | 1;
        if (!atomic_compare_exchange_strong(&process, &none, mine))
            mine = none;
    }
    count = atomic_fetch_add(&counter, 1) & 0xffffff;
    for (int i = 0; i < 4; i++)
        id.b[i] = (uint8_t)(seconds >> (24 - 8 * i));
    for (int i = 0; i < 5; i++)
        id.b[4 + i] = (uint8_t)(mine >> (8 * i));
    for (int i = 0; i < 3; i++)
        id.b[9 + i] = (uint8_t)(count >> (16 - 8 * i));
    return id;
}

bool
wd_id_parse(struct wd_str hex, struct wd_id *out)
{
    struct wd_id id;

    if (!wd_hex_decode(hex, id.b, sizeof id.b))
        return false;
    *out = id;
    return true;
}

char *
wd_id_hex(struct wd_id id, char to[WD_ID_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < sizeof id.b; i++) {
        to[2 * i] = digits[id.b[i] >> 4];
        to[2 * i + 1] = digits[id.b[i] & 15];
    }
    to[WD_ID_HEX] = '\0';
    return to;
}

bool
wd_id_eq(struct wd_id a, struct wd_id b)
{
    return memcmp(a.b, b.b, sizeof a.b) == 0;
}

bool
wd_id_is_zero(struct wd_id id)
{
    return wd_id_eq(id, (struct wd_id){ 0 });
}

int64_t
wd_id_time_ms(struct wd_id id)
{
    return (int64_t)((uint32_t)id.b[0] << 24 | (uint32_t)id.b[1] << 16 | (uint32_t)id.b[2] << 8 | id.b[3]) * 1000;
}
