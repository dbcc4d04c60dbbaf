/* common/admin/metrics.h – counters, gauges and histograms of a process, written in Prometheus' text format.
 * Any thread may register and count; counting takes no lock. */
#ifndef WD_ADMIN_METRICS_H
#define WD_ADMIN_METRICS_H
#include <stdint.h>

#include "common/base/buf.h"

struct wd_metrics;
struct wd_metric; /* one time series; lives as long as its registry */

struct wd_label {
    const char *name, *value; /* copied; the value may hold anything */
};
/* wd_metrics_counter(m, "wd_rpc_calls_total", "RPC calls", WD_LABELS({ "method", "Users.Find" })); NULL: no labels.
 * Only labels with few values: each combination is kept for ever. */
#define WD_LABELS(...) ((const struct wd_label[]){ __VA_ARGS__, { NULL, NULL } })

enum wd_metric_type { WD_COUNTER, WD_GAUGE, WD_HISTOGRAM };

struct wd_metrics *wd_metrics_new(void);
/** NULL is fine. */
void wd_metrics_free(struct wd_metrics *m);

/** The series of this name and these labels, made when it is not there yet. A name has one type and one help text
 *  (another type is our own bug: assert). */
struct wd_metric *wd_metrics_counter(struct wd_metrics *m, const char *name, const char *help,
                                     const struct wd_label *labels);
struct wd_metric *wd_metrics_gauge(struct wd_metrics *m, const char *name, const char *help,
                                   const struct wd_label *labels);
/** Durations, in buckets from 1 ms to 10 s; the name should end in _seconds. */
struct wd_metric *wd_metrics_histogram(struct wd_metrics *m, const char *name, const char *help,
                                       const struct wd_label *labels);
/** A value that is asked for when it is written (on the thread that writes). */
void wd_metrics_ask(struct wd_metrics *m, enum wd_metric_type type, const char *name, const char *help,
                    const struct wd_label *labels, int64_t (*ask)(void *data), void *data);

void wd_metric_add(struct wd_metric *metric, int64_t n);
void wd_metric_set(struct wd_metric *metric, int64_t value);
/** One duration of a histogram, in microseconds. */
void wd_metric_took_us(struct wd_metric *metric, int64_t us);

/** Appends everything, in the order in which it was registered. */
void wd_metrics_write(struct wd_metrics *m, struct wd_buf *out);
#endif
