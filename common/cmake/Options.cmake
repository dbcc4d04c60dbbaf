# The flags that all of our own code is built with, in one interface target.
add_library(wd_options INTERFACE)
target_include_directories(wd_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_definitions(wd_options INTERFACE _GNU_SOURCE WD_VERSION="${PROJECT_VERSION}")
target_compile_options(wd_options INTERFACE
    $<$<COMPILE_LANGUAGE:C>:-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wformat=2
    -Wconversion -Wno-sign-conversion -Wcast-qual -Wimplicit-fallthrough -fno-common>
    $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra>)
if(WD_WERROR)
    target_compile_options(wd_options INTERFACE -Werror)
endif()
if(WD_SANITIZE)
    target_compile_options(wd_options INTERFACE -fsanitize=${WD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(wd_options INTERFACE -fsanitize=${WD_SANITIZE})
endif()
if(WD_FUZZ)
    target_compile_options(wd_options INTERFACE -fsanitize=fuzzer-no-link)
endif()
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # Link-time optimisation on all cores (CMake's own flag uses one, with a warning for each program).
    set(CMAKE_C_COMPILE_OPTIONS_IPO -flto=auto -fno-fat-lto-objects)
    set(CMAKE_CXX_COMPILE_OPTIONS_IPO -flto=auto -fno-fat-lto-objects)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
    target_compile_options(wd_options INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
    target_link_options(wd_options INTERFACE -Wl,-z,relro,-z,now)
endif()
