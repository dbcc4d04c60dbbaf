#include "common/admin/metrics.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "common/base/alloc.h"
#include "common/base/lifetime.h"
#include "common/base/vec.h"

static const struct {
    int64_t us;
    const char *text; /* in seconds */
} bounds[] = { { 1000, "0.001" },  { 5000, "0.005" },  { 10000, "0.01" },   { 25000, "0.025" },
               { 50000, "0.05" },  { 100000, "0.1" },  { 250000, "0.25" },  { 500000, "0.5" },
               { 1000000, "1" },   { 2500000, "2.5" }, { 5000000, "5" },    { 10000000, "10" } };

struct wd_metric {
    char *labels; /* method="FETCH",status="OK"; owned */
    _Atomic int64_t value; /* of a histogram: the sum in microseconds */
    _Atomic int64_t buckets[WD_COUNT(bounds) + 1]; /* of a histogram; the last is above every bound */
    int64_t (*ask)(void *data);
    void *data;
};

struct family {
    char *name, *help; /* owned */
    enum wd_metric_type type;
    struct WD_VEC(struct wd_metric *) series;
};

struct wd_metrics {
    pthread_mutex_t lock; /* guards the lists; the values are atomic */
    struct WD_VEC(struct family) families;
};

static const char *const type_names[] = {
    [WD_COUNTER] = "counter", [WD_GAUGE] = "gauge", [WD_HISTOGRAM] = "histogram"
};

struct wd_metrics *
wd_metrics_new(void)
{
    struct wd_metrics *m = WD_NEW(struct wd_metrics);

    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void
wd_metrics_free(struct wd_metrics *m)
{
    if (!m)
        return;
    for (size_t i = 0; i < m->families.n; i++) {
        struct family *f = &m->families.p[i];
        for (size_t j = 0; j < f->series.n; j++) {
            free(f->series.p[j]->labels);
            free(f->series.p[j]);
        }
        wd_vec_done(&f->series);
        free(f->name);
        free(f->help);
    }
    wd_vec_done(&m->families);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static char *
copy(const char *text)
{
    size_t n = strlen(text) + 1;

    return memcpy(wd_alloc(n), text, n);
}

/* A backslash and a line's end are escaped; a quote only where the text stands in quotes. */
static void
add_escaped(struct wd_buf *out, const char *text, bool in_quotes)
{
    for (; *text; text++) {
        if (*text == '\n') {
            wd_buf_c(out, "\\n");
            continue;
        }
        if ((in_quotes && *text == '"') || *text == '\\')
            wd_buf_chr(out, '\\');
        wd_buf_chr(out, *text);
    }
}

static char *
labels_text(const struct wd_label *labels)
{
    struct wd_buf out wd_auto(wd_buf_done) = { 0 };

    for (const struct wd_label *l = labels; l && l->name; l++) {
        wd_buf_printf(&out, "%s%s=\"", l == labels ? "" : ",", l->name);
        add_escaped(&out, l->value, true);
        wd_buf_chr(&out, '"');
    }
    wd_buf_chr(&out, '\0');
    return copy(out.p);
}

static struct family *
find_family(struct wd_metrics *m, enum wd_metric_type type, const char *name, const char *help)
{
    for (size_t i = 0; i < m->families.n; i++)
        if (strcmp(m->families.p[i].name, name) == 0) {
            assert(m->families.p[i].type == type);
            return &m->families.p[i];
        }
    wd_vec_push(&m->families, (struct family){ .name = copy(name), .help = copy(help), .type = type });
    return &m->families.p[m->families.n - 1];
}

static struct wd_metric *
find_series(struct family *f, const struct wd_label *labels)
{
    char *text = labels_text(labels);
    struct wd_metric *made;

    for (size_t i = 0; i < f->series.n; i++)
        if (strcmp(f->series.p[i]->labels, text) == 0) {
            free(text);
            return f->series.p[i];
        }
    made = WD_NEW(struct wd_metric);
    made->labels = text;
    wd_vec_push(&f->series, made);
    return made;
}

static struct wd_metric *
find(struct wd_metrics *m, enum wd_metric_type type, const char *name, const char *help,
     const struct wd_label *labels)
{
    struct wd_metric *found;

    pthread_mutex_lock(&m->lock);
    found = find_series(find_family(m, type, name, help), labels);
    pthread_mutex_unlock(&m->lock);
    return found;
}

struct wd_metric *
wd_metrics_counter(struct wd_metrics *m, const char *name, const char *help, const struct wd_label *labels)
{
    return find(m, WD_COUNTER, name, help, labels);
}

struct wd_metric *
wd_metrics_gauge(struct wd_metrics *m, const char *name, const char *help, const struct wd_label *labels)
{
    return find(m, WD_GAUGE, name, help, labels);
}

struct wd_metric *
wd_metrics_histogram(struct wd_metrics *m, const char *name, const char *help, const struct wd_label *labels)
{
    return find(m, WD_HISTOGRAM, name, help, labels);
}

void
wd_metrics_ask(struct wd_metrics *m, enum wd_metric_type type, const char *name, const char *help,
               const struct wd_label *labels, int64_t (*ask)(void *data), void *data)
{
    struct wd_metric *metric;

    assert(type != WD_HISTOGRAM);
    pthread_mutex_lock(&m->lock);
    metric = find_series(find_family(m, type, name, help), labels);
    metric->ask = ask;
    metric->data = data;
    pthread_mutex_unlock(&m->lock);
}

void
wd_metric_add(struct wd_metric *metric, int64_t n)
{
    atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
}

void
wd_metric_set(struct wd_metric *metric, int64_t value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

void
wd_metric_took_us(struct wd_metric *metric, int64_t us)
{
    size_t i = 0;

    while (i < WD_COUNT(bounds) && us > bounds[i].us)
        i++;
    atomic_fetch_add_explicit(&metric->buckets[i], 1, memory_order_relaxed);
    wd_metric_add(metric, us);
}

static void
write_value(struct wd_buf *out, const struct family *f, struct wd_metric *s)
{
    int64_t value = s->ask ? s->ask(s->data) : atomic_load_explicit(&s->value, memory_order_relaxed);

    wd_buf_printf(out, s->labels[0] ? "%s{%s} %lld\n" : "%s%s %lld\n", f->name, s->labels, (long long)value);
}

static void
write_histogram(struct wd_buf *out, const struct family *f, struct wd_metric *s)
{
    int64_t sum = atomic_load_explicit(&s->value, memory_order_relaxed), total = 0;
    const char *comma = s->labels[0] ? "," : "";
    struct wd_buf braces wd_auto(wd_buf_done) = { 0 };

    wd_buf_printf(&braces, s->labels[0] ? "{%s}" : "%s", s->labels);
    wd_buf_chr(&braces, '\0');
    for (size_t i = 0; i <= WD_COUNT(bounds); i++) {
        total += atomic_load_explicit(&s->buckets[i], memory_order_relaxed);
        wd_buf_printf(out, "%s_bucket{%s%sle=\"%s\"} %lld\n", f->name, s->labels, comma,
                      i < WD_COUNT(bounds) ? bounds[i].text : "+Inf", (long long)total);
    }
    wd_buf_printf(out, "%s_sum%s %lld.%06lld\n", f->name, braces.p, (long long)(sum / 1000000),
                  (long long)(sum % 1000000));
    wd_buf_printf(out, "%s_count%s %lld\n", f->name, braces.p, (long long)total);
}

void
wd_metrics_write(struct wd_metrics *m, struct wd_buf *out)
{
    pthread_mutex_lock(&m->lock);
    for (size_t i = 0; i < m->families.n; i++) {
        const struct family *f = &m->families.p[i];
        wd_buf_printf(out, "# HELP %s ", f->name);
        add_escaped(out, f->help, false);
        wd_buf_printf(out, "\n# TYPE %s %s\n", f->name, type_names[f->type]);
        for (size_t j = 0; j < f->series.n; j++)
            (f->type == WD_HISTOGRAM ? write_histogram : write_value)(out, f, f->series.p[j]);
    }
    pthread_mutex_unlock(&m->lock);
}
