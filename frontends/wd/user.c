/* wd user: accounts. */
#include <stdio.h>
#include <stdlib.h>

#include "frontends/wd/cli.h"
#include "frontends/wd/secret.h"
#include "frontends/wd/sizes.h"

static char *address, *name, *quota, *password, *hash, *language;
static bool no_password, no_address;

static const struct cli_option create_options[] = {
    { .name = "--address", .value = &address },
    { .name = "--no-address", .flag = &no_address },
    { .name = "--name", .value = &name },
    { .name = "--quota", .value = &quota },
    { .name = "--password", .value = &password },
    { .name = "--no-password", .flag = &no_password },
    { .name = "--hash", .value = &hash },
    { .name = "--language", .value = &language },
    { .name = NULL },
};

static const struct cli_option passwd_options[] = {
    { .name = "--password", .value = &password },
    { .name = "--no-password", .flag = &no_password },
    { .name = "--hash", .value = &hash },
    { .name = NULL },
};

static const void *
call(struct cli *c, const char *method, const ProtobufCMessage *request)
{
    return cli_call(c, &wd__v1__users__descriptor, method, request, NULL);
}

/* What the options say, else what the person says. */
static bool
need_password(struct cli *c, protobuf_c_boolean *has_password, ProtobufCBinaryData *to, protobuf_c_boolean *has_hash,
              ProtobufCBinaryData *hash_to)
{
    static char none[] = "";

    if (hash) {
        *has_hash = true;
        *hash_to = cli_bytes(hash);
        return true;
    }
    if (no_password)
        password = none;
    if (!password && !cli_secret(c->arena, "Password: ", &password, &c->err))
        return false;
    *has_password = true;
    *to = cli_bytes(password);
    return true;
}

static bool
read_quota(struct cli *c, const char *text, uint64_t *out)
{
    return cli_size_read(text, out) || wd_fail(&c->err, WD_INVALID, "'%s' is no size: write 512M, 20G or 0", text);
}

static bool
user_create(struct cli *c, char **words)
{
    Wd__V1__CreateUserRequest request = WD__V1__CREATE_USER_REQUEST__INIT;
    const Wd__V1__CreateUserReply *made;
    const Wd__V1__User *user;

    request.username = cli_bytes(words[0]);
    request.has_quota = quota != NULL;
    if (quota && !read_quota(c, quota, &request.quota))
        return false;
    if (!need_password(c, &request.has_password, &request.password, &request.has_hashed_password,
                       &request.hashed_password))
        return false;
    if ((request.has_address = address != NULL))
        request.address = cli_bytes(address);
    request.has_empty_address = request.empty_address = no_address;
    if ((request.has_name = name != NULL))
        request.name = cli_bytes(name);
    request.language = language;
    if (!(made = call(c, "Create", &request.base)) || !(user = cli_user(c, made->id)))
        return false;
    printf("created %s, id %s", cli_text(c, made->username), made->id);
    if (user->has_address)
        printf(", address %s", cli_text(c, user->address));
    putchar('\n');
    return true;
}

static const char *
state_of(const Wd__V1__User *u)
{
    return u->disabled ? "disabled" : u->suspended ? "suspended" : u->has_password ? "active" : "no password";
}

static bool
user_list(struct cli *c, char **words)
{
    Wd__V1__ListUsersRequest request = WD__V1__LIST_USERS_REQUEST__INIT;
    const Wd__V1__ListUsersReply *page;

    if ((request.has_query = words[0] != NULL))
        request.query = cli_bytes(words[0]);
    do {
        if (!(page = call(c, "List", &request.base)))
            return false;
        if (!request.has_cursor)
            printf("%-30s %-36s %12s %12s  %s\n", "USERNAME", "ADDRESS", "USED", "QUOTA", "STATE");
        for (size_t i = 0; i < page->n_users; i++) {
            const Wd__V1__User *u = page->users[i];
            printf("%-30s %-36s %12s %12s  %s\n", cli_text(c, u->username),
                   u->has_address ? cli_text(c, u->address) : "-", cli_size(c->arena, u->storage_used),
                   cli_size(c->arena, u->quota), state_of(u));
        }
        request.has_cursor = page->has_next_cursor;
        request.cursor = page->next_cursor;
    } while (page->has_next_cursor);
    return true;
}

static void
show_sent(const char *what, uint32_t sent, uint32_t limit)
{
    if (limit)
        printf("%-10s  %u of %u in 24 hours\n", what, sent, limit);
    else
        printf("%-10s  %u in 24 hours (the default limit)\n", what, sent);
}

static bool
user_show(struct cli *c, char **words)
{
    const Wd__V1__User *u = cli_user(c, words[0]);

    if (!u)
        return false;
    printf("id          %s\nusername    %s\n", u->id, cli_text(c, u->username));
    if (u->has_name)
        printf("name        %s\n", cli_text(c, u->name));
    if (u->has_address)
        printf("address     %s\n", cli_text(c, u->address));
    printf("state       %s\n", state_of(u));
    printf("storage     %s of %s%s\n", cli_size(c->arena, u->storage_used), cli_size(c->arena, u->quota),
           u->quota_own ? "" : " (the default)");
    show_sent("recipients", u->recipients_sent, u->recipients);
    show_sent("forwards", u->forwards_sent, u->forwards);
    if (u->n_disabled_scopes) {
        printf("closed for ");
        for (size_t i = 0; i < u->n_disabled_scopes; i++)
            printf(" %s", u->disabled_scopes[i]);
        putchar('\n');
    }
    printf("created     %s\n", cli_time(c->arena, u->created_ms));
    return true;
}

/* Sends a change of the user that words[0] names. */
static bool
update(struct cli *c, char *who, Wd__V1__UpdateUserRequest *request, const Wd__V1__User **out)
{
    const Wd__V1__User *user = cli_user(c, who);
    Wd__V1__UserRef ref = WD__V1__USER_REF__INIT;

    if (!user)
        return false;
    ref.id = user->id;
    request->user = &ref;
    *out = call(c, "Update", &request->base);
    return *out != NULL;
}

static bool
user_passwd(struct cli *c, char **words)
{
    Wd__V1__UpdateUserRequest request = WD__V1__UPDATE_USER_REQUEST__INIT;
    const Wd__V1__User *user;

    if (!need_password(c, &request.has_password, &request.password, &request.has_hashed_password,
                       &request.hashed_password) ||
        !update(c, words[0], &request, &user))
        return false;
    printf("%s has a new password; open sessions end\n", cli_text(c, user->username));
    return true;
}

static bool
quota_reset(struct cli *c, char *who)
{
    Wd__V1__ResetQuotaRequest request = WD__V1__RESET_QUOTA_REQUEST__INIT;
    Wd__V1__UserRef ref = WD__V1__USER_REF__INIT;
    const Wd__V1__User *user = cli_user(c, who);
    const Wd__V1__ResetQuotaReply *counted;

    if (!user)
        return false;
    ref.id = user->id;
    request.user = &ref;
    if (!(counted = call(c, "ResetQuota", &request.base)))
        return false;
    printf("%s uses %s (was counted as %s)\n", cli_text(c, user->username),
           cli_size(c->arena, counted->storage_used), cli_size(c->arena, counted->previous_storage_used));
    return true;
}

static bool
user_quota(struct cli *c, char **words)
{
    Wd__V1__UpdateUserRequest request = WD__V1__UPDATE_USER_REQUEST__INIT;
    const Wd__V1__User *user = NULL;

    if (words[1] && strcmp(words[1], "reset") == 0)
        return quota_reset(c, words[0]);
    if (words[1]) {
        request.has_quota = true;
        if (!read_quota(c, words[1], &request.quota) || !update(c, words[0], &request, &user))
            return false;
    } else if (!(user = cli_user(c, words[0]))) {
        return false;
    }
    printf("%s uses %s of %s%s\n", cli_text(c, user->username), cli_size(c->arena, user->storage_used),
           cli_size(c->arena, user->quota), user->quota_own ? "" : " (the default)");
    return true;
}

static bool
set_disabled(struct cli *c, char *who, bool disabled)
{
    Wd__V1__UpdateUserRequest request = WD__V1__UPDATE_USER_REQUEST__INIT;
    const Wd__V1__User *user;

    request.has_disabled = true;
    request.disabled = disabled;
    if (!update(c, who, &request, &user))
        return false;
    printf("%s is %s\n", cli_text(c, user->username), disabled ? "disabled: no logins, no mail" : "enabled");
    return true;
}

static bool
user_disable(struct cli *c, char **words)
{
    return set_disabled(c, words[0], true);
}

static bool
user_enable(struct cli *c, char **words)
{
    return set_disabled(c, words[0], false);
}

const struct cli_command cli_user_commands[] = {
    { "user", "create", "NAME [--address A] [--quota SIZE] [--password P]", "make an account; asks for the password", 1,
      1, user_create, create_options },
    { "user", "list", "[PART]", "accounts, or those with PART in their name", 0, 1, user_list, NULL },
    { "user", "show", "USER", "one account; USER is a name, an address or an id", 1, 1, user_show, NULL },
    { "user", "passwd", "USER [--password P | --hash H | --no-password]", "set the password", 1, 1, user_passwd,
      passwd_options },
    { "user", "quota", "USER [SIZE | reset]", "show or set the storage limit (0: the default), or count again", 1, 2,
      user_quota, NULL },
    { "user", "disable", "USER", "no logins, no mail", 1, 1, user_disable, NULL },
    { "user", "enable", "USER", "end that", 1, 1, user_enable, NULL },
    { .noun = NULL },
};
