/* wd alias: domains whose mail goes to the same names at another domain. */
#include <stdio.h>

#include "frontends/wd/cli.h"

static const void *
call(struct cli *c, const char *method, const ProtobufCMessage *request)
{
    return cli_call(c, &wd__v1__users__descriptor, method, request, NULL);
}

static bool
alias_add(struct cli *c, char **words)
{
    Wd__V1__DomainAlias request = WD__V1__DOMAIN_ALIAS__INIT;
    const Wd__V1__DomainAlias *made;

    request.alias = cli_bytes(words[0]);
    request.domain = cli_bytes(words[1]);
    if (!(made = call(c, "CreateDomainAlias", &request.base)))
        return false;
    printf("mail for %s goes to %s\n", cli_text(c, made->alias), cli_text(c, made->domain));
    return true;
}

static bool
alias_list(struct cli *c, char **words)
{
    Wd__V1__ListDomainAliasesRequest request = WD__V1__LIST_DOMAIN_ALIASES_REQUEST__INIT;
    const Wd__V1__ListDomainAliasesReply *page;

    (void)words;
    do {
        if (!(page = call(c, "ListDomainAliases", &request.base)))
            return false;
        for (size_t i = 0; i < page->n_aliases; i++)
            printf("%-40s %s\n", cli_text(c, page->aliases[i]->alias), cli_text(c, page->aliases[i]->domain));
        request.has_cursor = page->has_next_cursor;
        request.cursor = page->next_cursor;
    } while (page->has_next_cursor);
    return true;
}

static bool
alias_remove(struct cli *c, char **words)
{
    Wd__V1__DeleteDomainAliasRequest request = WD__V1__DELETE_DOMAIN_ALIAS_REQUEST__INIT;

    request.alias = cli_bytes(words[0]);
    if (!call(c, "DeleteDomainAlias", &request.base))
        return false;
    printf("removed %s\n", words[0]);
    return true;
}

const struct cli_command cli_alias_commands[] = {
    { "alias", "add", "ALIAS DOMAIN", "mail for anyone@ALIAS goes to anyone@DOMAIN", 2, 2, alias_add, NULL },
    { "alias", "list", "", "domain aliases", 0, 0, alias_list, NULL },
    { "alias", "remove", "ALIAS", "end that", 1, 1, alias_remove, NULL },
    { .noun = NULL },
};
