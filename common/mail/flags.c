#include "common/mail/flags.h"

static const struct wd_flag_name names[] = {
    { WD_FLAG_ANSWERED, WD_STR_C("\\Answered") }, { WD_FLAG_FLAGGED, WD_STR_C("\\Flagged") },
    { WD_FLAG_DRAFT, WD_STR_C("\\Draft") },       { WD_FLAG_DELETED, WD_STR_C("\\Deleted") },
    { WD_FLAG_SEEN, WD_STR_C("\\Seen") },         { 0, WD_STR_C("") },
};

const struct wd_flag_name *
wd_flag_names(void)
{
    return names;
}

unsigned
wd_flag_bit(struct wd_str name)
{
    for (const struct wd_flag_name *f = names; f->bit; f++)
        if (wd_str_ieq(f->name, name))
            return f->bit;
    return 0;
}

bool
wd_keyword_valid(struct wd_str name)
{
    if (name.n == 0 || name.n > WD_KEYWORD_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        unsigned char c = (unsigned char)name.p[i];
        if (c <= ' ' || c >= 0x7f || strchr("(){%*\"\\]", c))
            return false;
    }
    return true;
}
