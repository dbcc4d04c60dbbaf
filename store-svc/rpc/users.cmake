list(APPEND rpc_sources access.c auth.c auth_log.c auth_token.c convert_users.c page.c services.c users.c)
