list(APPEND rpc_sources access.c auth.c convert_users.c services.c users.c)
