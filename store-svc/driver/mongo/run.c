/* store-svc/driver/mongo/run.c – runs a command, tries it again where that is safe, and says what failed. */
#include <time.h>

#include "common/base/clock.h"
#include "store-svc/driver/mongo/link_priv.h"

enum {
    TRIES = 5,
    FIRST_PAUSE_MS = 20, /* doubling */
};

/* What a failed attempt means. */
enum verdict {
    FINAL,     /* the server's last word */
    REFUSED,   /* the server can not make sense of it: our bug, or a document of an unexpected shape */
    DUPLICATE, /* a unique index forbids it */
    NOT_DONE,  /* it surely did not happen: try again */
    UNKNOWN,   /* it may have happened: try again if that is harmless */
};

/* ---- classification ---- */

static const struct {
    int code;
    enum verdict verdict;
} server_codes[] = {
    { 11000, DUPLICATE }, { 11001, DUPLICATE }, { 12582, DUPLICATE },
    { 2, REFUSED },       /* BadValue */
    { 9, REFUSED },       /* FailedToParse */
    { 14, REFUSED },      /* TypeMismatch */
    { 28, REFUSED },      /* PathNotViable */
    { 40, REFUSED },      /* ConflictingUpdateOperators */
    { 66, REFUSED },      /* ImmutableField */
    { 51091, REFUSED },   /* a bad regular expression */
    { 10107, NOT_DONE },  /* NotWritablePrimary */
    { 13435, NOT_DONE },  /* NotPrimaryNoSecondaryOk */
    { 13436, NOT_DONE },  /* NotPrimaryOrSecondary */
    { 10058, NOT_DONE },  /* LegacyNotPrimary */
    { 133, NOT_DONE },    /* FailedToSatisfyReadPreference: mongos found no primary */
    { 189, UNKNOWN },     /* PrimarySteppedDown */
    { 91, UNKNOWN },      /* ShutdownInProgress */
    { 11600, UNKNOWN },   /* InterruptedAtShutdown */
    { 11602, UNKNOWN },   /* InterruptedDueToReplStateChange */
    { 6, UNKNOWN },       /* HostUnreachable */
    { 7, UNKNOWN },       /* HostNotFound */
    { 89, UNKNOWN },      /* NetworkTimeout */
    { 9001, UNKNOWN },    /* SocketException */
    { 262, UNKNOWN },     /* ExceededTimeLimit, of a mongos */
    { 112, NOT_DONE },    /* WriteConflict */
};

static enum verdict
verdict_of_code(int code)
{
    for (size_t i = 0; i < WD_COUNT(server_codes); i++)
        if (server_codes[i].code == code)
            return server_codes[i].verdict;
    return FINAL;
}

/* DocumentDB's find-and-modify hands its PostgreSQL's own error through, which does not know the name of the index. */
static bool
is_exclusion(const char *message)
{
    return strstr(message, "violates exclusion constraint") != NULL;
}

static enum verdict
classify(const bson_error_t *why)
{
    switch (why->domain) {
    case MONGOC_ERROR_STREAM:
        return why->code == MONGOC_ERROR_STREAM_CONNECT || why->code == MONGOC_ERROR_STREAM_NAME_RESOLUTION
                   ? NOT_DONE
                   : UNKNOWN;
    case MONGOC_ERROR_SERVER_SELECTION:
        return NOT_DONE;
    case MONGOC_ERROR_PROTOCOL:
        return why->code == MONGOC_ERROR_PROTOCOL_BAD_WIRE_VERSION ? FINAL : UNKNOWN;
    case MONGOC_ERROR_CLIENT: /* the connection of the pool's client was closed by another's failure */
        return why->code == MONGOC_ERROR_CLIENT_NOT_READY ? NOT_DONE : FINAL;
    case MONGOC_ERROR_SERVER:
    case MONGOC_ERROR_WRITE_CONCERN:
        return is_exclusion(why->message) ? DUPLICATE : verdict_of_code((int)why->code);
    default:
        return FINAL;
    }
}

/* ---- duplicates ---- */

/* The name of the index in "E11000 … index: users_dotless dup key: …" (MongoDB) or "… Index 'users_dotless'"; the key
 * itself stays out of our text. */
static struct wd_str
index_in(const char *message)
{
    struct wd_str s = wd_str_c(message);
    size_t at = wd_str_ifind(s, WD_STR("index"));
    size_t n = 0;

    if (at == SIZE_MAX || is_exclusion(message))
        return WD_STR("?");
    s = wd_str_part(s, at + 5, s.n);
    while (s.n && strchr(": '\"", *s.p))
        s = wd_str_part(s, 1, s.n);
    while (n < s.n && !strchr(" '\",", s.p[n]))
        n++;
    s = wd_str_part(s, 0, n);
    at = wd_str_rchr(s, '$'); /* before MongoDB 4.4: database.collection.$name */
    return at == SIZE_MAX ? s : wd_str_part(s, at + 1, s.n);
}

/* ---- attempts ---- */

static void
pause_ms(int ms)
{
    struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

    nanosleep(&t, NULL);
}

static bool
give_up(struct mongo_link *l, enum wd_docs_database database, enum verdict verdict, const bson_error_t *why,
        const char *doing, struct wd_error *err)
{
    if (verdict == DUPLICATE)
        return wd_fail(err, WD_DUPLICATE, "%s: a duplicate in index %.*s", doing, WD_FMT(index_in(why->message)));
    if (verdict == REFUSED)
        return wd_fail(err, WD_INVALID, "%s: %s (%d)", doing, why->message, (int)why->code);
    if (why->domain == MONGOC_ERROR_SERVER || why->domain == MONGOC_ERROR_WRITE_CONCERN)
        return wd_fail(err, WD_DATABASE, "%s: %s (%d)", doing, why->message, (int)why->code);
    return wd_fail(err, WD_DATABASE, "%s: %s: %s", doing, mongo_link_where(l, database), why->message);
}

bool
mongo_run_with(struct mongo_link *l, enum wd_docs_database database, const struct mongo_lease *lease,
               enum mongo_repeat repeat, mongo_attempt *attempt, void *data, const char *doing, struct wd_error *err)
{
    int64_t until = wd_mono_ms() + mongo_link_timeout_ms(l);
    bool again = false;

    for (int try = 0;; try++) {
        bson_t reply wd_auto(bson_destroy) = BSON_INITIALIZER;
        bson_error_t why = { 0 };
        enum verdict verdict;

        if (attempt(lease, data, again, &reply, &why))
            return true;
        verdict = classify(&why);
        if ((verdict != NOT_DONE && verdict != UNKNOWN) || (verdict == UNKNOWN && repeat == MONGO_REPEAT_NEVER) ||
            try + 1 >= TRIES || wd_mono_ms() + (FIRST_PAUSE_MS << try) >= until)
            return give_up(l, database, verdict, &why, doing, err);
        again = again || verdict == UNKNOWN;
        pause_ms(FIRST_PAUSE_MS << try);
    }
}

bool
mongo_run(struct mongo_link *l, enum wd_docs_database database, enum mongo_repeat repeat, mongo_attempt *attempt,
          void *data, const char *doing, struct wd_error *err)
{
    struct mongo_lease lease wd_auto(mongo_lease_give) = { 0 };

    if (!mongo_lease_take(l, database, &lease, err))
        return wd_fail_in(err, doing);
    return mongo_run_with(l, database, &lease, repeat, attempt, data, doing, err);
}
