#include "store-svc/rpc/services.h"

#include "wd/v1/admin.pb-c.h"
#include "wd/v1/auth.pb-c.h"
#include "wd/v1/delivery.pb-c.h"
#include "wd/v1/events.pb-c.h"
#include "wd/v1/mailboxes.pb-c.h"
#include "wd/v1/maildrop.pb-c.h"
#include "wd/v1/messages.pb-c.h"
#include "wd/v1/users.pb-c.h"

/* Each in the file of its name. */
extern Wd__V1__Users_Service wd_store_users;
extern Wd__V1__Auth_Service wd_store_auth;
extern Wd__V1__Mailboxes_Service wd_store_mailboxes;
extern Wd__V1__Messages_Service wd_store_messages;
extern Wd__V1__Maildrop_Service wd_store_maildrop;
extern Wd__V1__Delivery_Service wd_store_delivery;
extern Wd__V1__Events_Service wd_store_events;
extern Wd__V1__Admin_Service wd_store_admin;

ProtobufCService *const *
wd_store_services(void)
{
    static ProtobufCService *const services[] = {
        &wd_store_users.base,    &wd_store_auth.base,     &wd_store_mailboxes.base, &wd_store_messages.base,
        &wd_store_maildrop.base, &wd_store_delivery.base, &wd_store_events.base,    &wd_store_admin.base,
        NULL,
    };

    return services;
}
