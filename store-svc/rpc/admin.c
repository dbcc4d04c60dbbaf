/* The Admin service (proto/wd/v1/admin.proto): operating a store. */
#include "common/base/clock.h"
#include "store-svc/domain/check.h"
#include "store-svc/domain/doc.h"
#include "store-svc/domain/maintenance.h"
#include "store-svc/domain/schema.h"
#include "store-svc/rpc/call.h"
#include "wd/v1/admin.pb-c.h"

enum { PROBLEMS_BYTES = 512 * 1024 }; /* of problem lines in a reply; all are counted */

extern Wd__V1__Admin_Service wd_store_admin;

/* Reads, and writes a row that goes by itself. */
static bool
try_database(struct wd_domain *d, int64_t *users, struct wd_error *err)
{
    bson_t all wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t filter wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t update wd_auto(bson_destroy) = BSON_INITIALIZER;
    bson_t set;

    bson_append_utf8(&filter, "_id", -1, "health", -1);
    bson_append_document_begin(&update, "$set", -1, &set);
    wd_doc_add_date(&set, "created", wd_now_ms());
    bson_append_document_end(&update, &set);
    return wd_docs_count(d->users, WD_USERS, &all, users, err) &&
           wd_docs_update(d->docs, WD_REQUESTS, &filter, &update, WD_UPDATE_UPSERT, NULL, err);
}

/* Admin.Health */
static void
admin_health(Wd__V1__Admin_Service *svc, const Wd__V1__HealthRequest *req, Wd__V1__HealthReply_Closure reply,
             void *closure)
{
    static char version[] = WD_VERSION;
    struct wd_call *call = closure;
    struct wd_domain *d = wd_call_domain(call);
    Wd__V1__HealthReply out = WD__V1__HEALTH_REPLY__INIT;
    struct wd_str driver;
    int64_t users;

    (void)svc;
    (void)req;
    if (!try_database(d, &users, &call->err)) {
        wd_call_fail(call);
        return;
    }
    driver = wd_str_c(d->docs->ops->name);
    out.version = version;
    out.driver = memcpy(wd_arena_alloc(call->arena, driver.n + 1), driver.p, driver.n);
    out.started_ms = d->started_ms;
    out.has_users = true;
    out.users = (uint64_t)users;
    reply(&out, call);
}

/* Admin.Check: counts everything again. */
static void
admin_check(Wd__V1__Admin_Service *svc, const Wd__V1__CheckRequest *req, Wd__V1__CheckReply_Closure reply,
            void *closure)
{
    struct wd_call *call = closure;
    struct wd_check_options options = { .repair = req->repair, .bodies = req->bodies };
    struct wd_check_report report wd_auto(wd_check_report_done) = { 0 };
    Wd__V1__CheckReply out = WD__V1__CHECK_REPLY__INIT;
    size_t bytes = 0;

    (void)svc;
    if (!wd_check(wd_call_domain(call), &options, &report, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.users = report.users;
    out.mailboxes = report.mailboxes;
    out.messages = report.messages;
    out.blobs = report.blobs;
    out.problems = report.problems;
    while (out.n_problems < report.n_problems && bytes < PROBLEMS_BYTES)
        bytes += strlen(report.problems[out.n_problems++]);
    out.problem_count = report.problem_count;
    out.has_repaired = req->repair;
    out.repaired = report.repaired;
    reply(&out, call);
}

/* Admin.Collect: one round of housekeeping. */
static void
admin_collect(Wd__V1__Admin_Service *svc, const Wd__V1__CollectRequest *req, Wd__V1__CollectReply_Closure reply,
              void *closure)
{
    struct wd_call *call = closure;
    struct wd_maintenance_stats stats;
    Wd__V1__CollectReply out = WD__V1__COLLECT_REPLY__INIT;

    (void)svc;
    if (!wd_maintenance_round(wd_call_domain(call), req->everything, &stats, &call->err)) {
        wd_call_fail(call);
        return;
    }
    out.messages = stats.messages + stats.purged;
    out.blobs = stats.blobs;
    out.uploads = stats.uploads;
    reply(&out, call);
}

Wd__V1__Admin_Service wd_store_admin = WD__V1__ADMIN__INIT(admin_);
