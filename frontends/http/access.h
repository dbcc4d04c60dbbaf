/* frontends/http/access.h – roles, what they may do to which resource, and which attributes they see. */
#ifndef WD_HTTP_ACCESS_H
#define WD_HTTP_ACCESS_H
#include <jansson.h>

#include "common/base/error.h"
#include "frontends/http/route.h"

struct http_roles;

/** The roles of a JSON file, {"<role>": {"<resource>": {"<create|read|update|delete>:<any|own>": ["*", "!token"]}}};
 *  NULL: those of roles.def. WD_INVALID. */
struct http_roles *http_roles_new(const char *file, struct wd_error *err);
/** NULL is fine. */
void http_roles_free(struct http_roles *r);
bool http_roles_known(const struct http_roles *r, const char *role);

struct http_permission {
    bool granted;
    bool own;               /* only for the role's own user */
    const char *attributes; /* "*, !token" */
};

/** What a role may: for any user if it may that, or else for its own. */
struct http_permission http_permission(const struct http_roles *r, const char *role, const char *resource,
                                       enum http_action action);

/** Is the attribute among those of a permission? */
bool http_attribute_allowed(const char *attributes, const char *name);
/** Removes the members that a permission hides from an object, and from the objects of its member "results". */
void http_attributes_filter(const char *attributes, json_t *object);
#endif
