list(APPEND rpc_sources admin.c append.c delivery.c)
