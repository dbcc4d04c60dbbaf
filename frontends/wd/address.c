/* wd address: the addresses of accounts. */
#include <stdio.h>

#include "frontends/wd/cli.h"
#include "frontends/wd/sizes.h"

static bool main_address;
static char *display_name;

static const struct cli_option add_options[] = {
    { .name = "--main", .flag = &main_address },
    { .name = "--name", .value = &display_name },
    { .name = NULL },
};

static const void *
call(struct cli *c, const char *method, const ProtobufCMessage *request)
{
    return cli_call(c, &wd__v1__users__descriptor, method, request, NULL);
}

static bool
find(struct cli *c, char *who, Wd__V1__UserRef *ref)
{
    const Wd__V1__User *user = cli_user(c, who);

    if (user)
        ref->id = user->id;
    return user != NULL;
}

static bool
address_add(struct cli *c, char **words)
{
    Wd__V1__CreateAddressRequest request = WD__V1__CREATE_ADDRESS_REQUEST__INIT;
    Wd__V1__UserRef ref = WD__V1__USER_REF__INIT;
    const Wd__V1__Address *made;

    request.user = &ref;
    request.address = cli_bytes(words[1]);
    request.has_main = request.main = main_address;
    if ((request.has_name = display_name != NULL))
        request.name = cli_bytes(display_name);
    if (!find(c, words[0], &ref) || !(made = call(c, "CreateAddress", &request.base)))
        return false;
    printf("added %s%s\n", cli_text(c, made->address), made->main ? ", the main address" : "");
    return true;
}

static bool
address_list(struct cli *c, char **words)
{
    Wd__V1__ListAddressesRequest request = WD__V1__LIST_ADDRESSES_REQUEST__INIT;
    Wd__V1__UserRef ref = WD__V1__USER_REF__INIT;
    const Wd__V1__ListAddressesReply *list;

    request.user = &ref;
    if (!find(c, words[0], &ref) || !(list = call(c, "ListAddresses", &request.base)))
        return false;
    for (size_t i = 0; i < list->n_addresses; i++) {
        const Wd__V1__Address *a = list->addresses[i];
        printf("%-50s %s  %s\n", cli_text(c, a->address), cli_time(c->arena, a->created_ms), a->main ? "main" : "");
    }
    return true;
}

static bool
address_remove(struct cli *c, char **words)
{
    Wd__V1__DeleteAddressRequest request = WD__V1__DELETE_ADDRESS_REQUEST__INIT;
    Wd__V1__UserRef ref = WD__V1__USER_REF__INIT;

    request.user = &ref;
    request.has_address = true;
    request.address = cli_bytes(words[1]);
    if (!find(c, words[0], &ref) || !call(c, "DeleteAddress", &request.base))
        return false;
    printf("removed %s\n", words[1]);
    return true;
}

const struct cli_command cli_address_commands[] = {
    { "address", "add", "USER ADDRESS [--main] [--name NAME]", "add one; *@domain, abc*@domain, name@* too", 2, 2,
      address_add, add_options },
    { "address", "list", "USER", "addresses of an account", 1, 1, address_list, NULL },
    { "address", "remove", "USER ADDRESS", "remove one that is not the main one", 2, 2, address_remove, NULL },
    { .noun = NULL },
};
