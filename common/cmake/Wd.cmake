# The helpers that every CMakeLists.txt of the tree uses.

# wd_library(NAME SOURCES a.c b.c DEPS wd_base OpenSSL::Crypto)
# One per directory; DEPS is all that its sources may include (docs/development.md has the table).
function(wd_library name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
    add_library(${name} STATIC ${arg_SOURCES})
    target_link_libraries(${name} PUBLIC ${arg_DEPS} PRIVATE wd_options)
endfunction()

# wd_program(NAME SOURCES main.c DEPS …): a daemon or a tool, installed to bin/.
function(wd_program name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE ${arg_DEPS} wd_options)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
    install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# wd_test(common/base/test_error.c DEPS wd_base): one Check program, one CTest entry.
# The path is under tests/unit; extra SOURCES and a TIMEOUT in seconds may follow. THREADS: also run under TSan. MONGO: run
# once more on the mongo driver, at the server of WD_TEST_MONGO_URI (label mongo).
function(wd_test path)
    cmake_parse_arguments(arg "THREADS;MONGO" "TIMEOUT" "SOURCES;DEPS" ${ARGN})
    string(REPLACE "/" "." name "${path}")
    string(REGEX REPLACE "\\.c$" "" name "${name}")
    string(REPLACE "test_" "" name "${name}")
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    add_executable(test.${name} ${path} ${arg_SOURCES})
    target_link_libraries(test.${name} PRIVATE ${arg_DEPS} PkgConfig::check wd_options)
    set_target_properties(test.${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND test.${name})
    # Check's four seconds for one test are few on a busy machine.
    set_tests_properties(${name} PROPERTIES TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "CK_DEFAULT_TIMEOUT=60")
    if(arg_MONGO)
        add_test(NAME ${name}.mongo COMMAND test.${name})
        set_tests_properties(${name}.mongo PROPERTIES TIMEOUT 600 LABELS mongo ENVIRONMENT "WD_TEST_DRIVER=mongo;CK_DEFAULT_TIMEOUT=60")
    endif()
    if(arg_THREADS)
        set_tests_properties(${name} PROPERTIES LABELS threads)
        add_dependencies(tsan-tests test.${name})
    endif()
endfunction()

# wd_fuzz(mime DEPS wd_mime): fuzz/<name>.c has LLVMFuzzerTestOneInput. With WD_FUZZ it becomes a libFuzzer
# program; without it, a program that replays the files and directories named on its command line.
function(wd_fuzz name)
    cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
    add_executable(fuzz.${name} ${name}.c ${arg_SOURCES})
    if(WD_FUZZ)
        target_link_options(fuzz.${name} PRIVATE -fsanitize=fuzzer)
    else()
        target_sources(fuzz.${name} PRIVATE replay.c)
    endif()
    target_link_libraries(fuzz.${name} PRIVATE ${arg_DEPS} wd_options)
    set_target_properties(fuzz.${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
    if(NOT WD_FUZZ)
        add_test(NAME fuzz.${name} COMMAND fuzz.${name} ${CMAKE_CURRENT_SOURCE_DIR}/corpus/${name})
    endif()
endfunction()
