#include "frontends/http/access.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/alloc.h"
#include "common/base/arena.h"
#include "common/base/buf.h"
#include "common/base/lifetime.h"
#include "common/base/vec.h"

enum whose { ANY, OWN };

struct grant {
    const char *role, *resource;
    enum whose whose;
    unsigned actions; /* enum http_action */
    const char *attributes;
};

struct http_roles {
    struct WD_VEC(struct grant) grants;
    struct wd_arena *arena; /* of the strings of a file */
};

/* ---- where they come from ---- */

static unsigned
actions_of(const char *letters)
{
    static const char all[] = "CRUD";
    unsigned actions = 0;

    for (; *letters; letters++)
        actions |= 1u << (strchr(all, *letters) - all);
    return actions;
}

static void
add_shipped(struct http_roles *r)
{
    static const struct {
        const char *role, *resource;
        enum whose whose;
        const char *may, *attributes;
    } shipped[] = {
#define GRANT(role, resource, whose, may, attributes) { role, resource, whose, may, attributes },
#include "frontends/http/roles.def"
#undef GRANT
    };

    for (size_t i = 0; i < WD_COUNT(shipped); i++)
        wd_vec_push(&r->grants, (struct grant){ shipped[i].role, shipped[i].resource, shipped[i].whose,
                                                actions_of(shipped[i].may), shipped[i].attributes });
}

static bool
read_action(const char *text, struct grant *g)
{
    static const struct {
        const char *word;
        enum http_action action;
    } words[] = {
        { "create", HTTP_CREATE }, { "read", HTTP_READ }, { "update", HTTP_UPDATE }, { "delete", HTTP_DELETES },
    };
    struct wd_str all = wd_str_c(text);
    size_t colon = wd_str_chr(all, ':');
    struct wd_str whose = wd_str_part(all, colon == SIZE_MAX ? all.n : colon + 1, all.n);

    g->whose = wd_str_eq(whose, WD_STR("own")) ? OWN : ANY;
    if (g->whose == ANY && !wd_str_eq(whose, WD_STR("any")))
        return false;
    for (size_t i = 0; i < WD_COUNT(words); i++)
        if (wd_str_eq(wd_str_part(all, 0, colon), wd_str_c(words[i].word))) {
            g->actions = words[i].action;
            return true;
        }
    return false;
}

/* ["*", "!token"] as "*, !token". */
static bool
read_attributes(struct wd_arena *a, const json_t *list, struct grant *g)
{
    struct wd_buf text wd_auto(wd_buf_done) = { 0 };

    if (!json_is_array(list))
        return false;
    for (size_t i = 0; i < json_array_size(list); i++) {
        const char *one = json_string_value(json_array_get(list, i));
        if (!one)
            return false;
        wd_buf_printf(&text, "%s%s", i ? ", " : "", one);
    }
    g->attributes = wd_arena_str(a, wd_buf_view(&text)).p;
    return true;
}

static bool
add_role(struct http_roles *r, const char *role, json_t *resources, struct wd_error *err)
{
    const char *resource, *action;
    json_t *actions, *attributes;

    json_object_foreach(resources, resource, actions)
        json_object_foreach(actions, action, attributes)
        {
            struct grant g = { .role = wd_arena_str(r->arena, wd_str_c(role)).p,
                               .resource = wd_arena_str(r->arena, wd_str_c(resource)).p };
            if (!read_action(action, &g) || !read_attributes(r->arena, attributes, &g))
                return wd_fail(err, WD_INVALID, "api.roles: %s.%s.%s is not understood", role, resource, action);
            wd_vec_push(&r->grants, g);
        }
    return true;
}

static bool
add_file(struct http_roles *r, const char *file, struct wd_error *err)
{
    json_error_t where;
    json_t *all = json_load_file(file, JSON_REJECT_DUPLICATES, &where), *resources;
    const char *role;
    bool ok = true;

    if (!json_is_object(all)) {
        json_decref(all);
        return wd_fail(err, WD_INVALID, "api.roles: %s line %d: %s", file, where.line, where.text);
    }
    json_object_foreach(all, role, resources)
        ok = ok && add_role(r, role, resources, err);
    json_decref(all);
    return ok;
}

struct http_roles *
http_roles_new(const char *file, struct wd_error *err)
{
    struct http_roles *r = WD_NEW(struct http_roles);

    r->arena = wd_arena_new(0);
    if (!file)
        add_shipped(r);
    else if (!add_file(r, file, err)) {
        http_roles_free(r);
        return NULL;
    }
    return r;
}

void
http_roles_free(struct http_roles *r)
{
    if (!r)
        return;
    wd_vec_done(&r->grants);
    wd_arena_free(r->arena);
    free(r);
}

bool
http_roles_known(const struct http_roles *r, const char *role)
{
    for (size_t i = 0; i < r->grants.n; i++)
        if (strcmp(r->grants.p[i].role, role) == 0)
            return true;
    return false;
}

/* ---- what they may ---- */

struct http_permission
http_permission(const struct http_roles *r, const char *role, const char *resource, enum http_action action)
{
    struct http_permission found = { .granted = false };

    for (size_t i = 0; i < r->grants.n; i++) {
        const struct grant *g = &r->grants.p[i];
        if (!(g->actions & action) || strcmp(g->role, role) != 0 || strcmp(g->resource, resource) != 0)
            continue;
        if (!found.granted || (found.own && g->whose == ANY))
            found = (struct http_permission){ true, g->whose == OWN, g->attributes };
    }
    return found;
}

bool
http_attribute_allowed(const char *attributes, const char *name)
{
    struct wd_str rest = wd_str_c(attributes), one;
    bool allowed = false;

    while (wd_str_split(&rest, ',', &one)) {
        one = wd_str_trim(one);
        if (wd_str_starts(one, WD_STR("!")) && wd_str_eq(wd_str_part(one, 1, one.n), wd_str_c(name)))
            return false;
        if (wd_str_eq(one, WD_STR("*")) || wd_str_eq(one, wd_str_c(name)))
            allowed = true;
    }
    return allowed;
}

static void
filter_one(const char *attributes, json_t *object)
{
    const char *name;
    json_t *value;
    void *next;

    json_object_foreach_safe(object, next, name, value)
        if (!http_attribute_allowed(attributes, name))
            json_object_del(object, name);
}

void
http_attributes_filter(const char *attributes, json_t *object)
{
    json_t *results = json_object_get(object, "results");

    if (strcmp(attributes, "*") == 0)
        return;
    for (size_t i = 0; i < json_array_size(results); i++)
        filter_one(attributes, json_array_get(results, i));
    json_incref(results);
    filter_one(attributes, object);
    if (results && !json_object_get(object, "results"))
        json_object_set(object, "results", results); /* the list itself is not an attribute of its rows */
    json_decref(results);
}
