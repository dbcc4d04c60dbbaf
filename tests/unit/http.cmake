wd_test(frontends/http/test_map.c DEPS wd_http)
wd_test(frontends/http/test_params.c DEPS wd_http)
