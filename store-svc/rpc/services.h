/* store-svc/rpc/services.h – every service that wd-store serves. */
#ifndef WD_STORE_RPC_SERVICES_H
#define WD_STORE_RPC_SERVICES_H
#include <protobuf-c/protobuf-c.h>

/** The generated service structs, ended by NULL, for wd_rpc_server_options.services. */
ProtobufCService *const *wd_store_services(void);
#endif
