/* store-svc/publish.h – beacons of the bus go to the front ends, and end what is remembered here of sessions. */
#ifndef WD_STORE_PUBLISH_H
#define WD_STORE_PUBLISH_H
#include "common/rpc/events.h"
#include "store-svc/domain/domain.h"

struct store_publisher {
    struct wd_domain *domain;
    struct wd_publisher *to;
};

/** Subscribes for the life of the bus; p must live as long. Call before the first call is served. */
bool store_publish_start(struct store_publisher *p, struct wd_error *err) WD_CHECKED;
#endif
