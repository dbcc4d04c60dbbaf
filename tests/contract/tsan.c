/* What TSan must not report: libmongoc and libbson are not built with it, so it does not see the atomics by which they
 * hand memory (topology descriptions, server sessions) from one thread to another. */
const char *__tsan_default_suppressions(void);

const char *
__tsan_default_suppressions(void)
{
    return "race:libmongoc-1.0.so\n"
           "race:libbson-1.0.so\n";
}
