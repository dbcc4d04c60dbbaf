#include "common/admin/privileges.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <sys/resource.h>
#include <unistd.h>

static bool
find_user(const char *name, struct passwd **out, struct wd_error *err)
{
    uint32_t number;

    *out = getpwnam(name);
    if (!*out && wd_str_u32(wd_str_c(name), UINT32_MAX - 1, &number))
        *out = getpwuid(number);
    return *out || wd_fail(err, WD_INVALID, "there is no user '%s'", name);
}

static bool
find_group(const char *name, gid_t *out, struct wd_error *err)
{
    const struct group *found = getgrnam(name);
    uint32_t number;

    if (found)
        *out = found->gr_gid;
    else if (wd_str_u32(wd_str_c(name), UINT32_MAX - 1, &number))
        *out = number;
    else
        return wd_fail(err, WD_INVALID, "there is no group '%s'", name);
    return true;
}

static bool
become(const struct passwd *user, gid_t group, struct wd_error *err)
{
    uid_t uid = user ? user->pw_uid : geteuid();
    int groups = 0;

    if (uid == geteuid() && uid == getuid() && group == getegid() && group == getgid())
        return true;
    if (geteuid() == 0)
        groups = user ? initgroups(user->pw_name, group) : setgroups(1, &group);
    if (groups != 0 || setresgid(group, group, group) != 0 || setresuid(uid, uid, uid) != 0)
        return wd_fail(err, WD_FORBIDDEN, "cannot become user %u, group %u: %s", uid, group, strerror(errno));
    if (uid != 0 && setresuid(0, 0, 0) == 0) /* it must not be possible to come back */
        return wd_fail(err, WD_FORBIDDEN, "privileges could not be dropped for good");
    return true;
}

bool
wd_privileges_drop(const char *user, const char *group, struct wd_error *err)
{
    struct passwd *found = NULL;
    gid_t gid = getegid();

    if (!user && !group)
        return true;
    if (user) {
        if (!find_user(user, &found, err))
            return false;
        gid = found->pw_gid;
    }
    if (group && !find_group(group, &gid, err))
        return false;
    return become(found, gid, err);
}

long
wd_files_raise(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return -1;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        getrlimit(RLIMIT_NOFILE, &limit);
    return (long)limit.rlim_cur;
}
