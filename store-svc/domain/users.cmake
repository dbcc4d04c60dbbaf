list(APPEND domain_sources access_token.c address.c alias.c auth.c auth_cache.c auth_try.c authlog.c domain.c page.c password.c
    password_crypt.c quota.c resolve.c token.c user.c user_create.c user_update.c)
