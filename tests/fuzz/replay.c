/* tests/fuzz/replay.c – runs a fuzz target on the files and directories that are named: the corpus under ASan. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/buf.h"
#include "common/base/lifetime.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
replay_file(const char *path)
{
    struct wd_buf content wd_auto(wd_buf_done) = { 0 };
    FILE *file = fopen(path, "rb");
    size_t got;

    if (!file) {
        perror(path);
        return false;
    }
    while ((got = fread(wd_buf_reserve(&content, 65536), 1, 65536, file)) > 0)
        content.n += got;
    fclose(file);
    LLVMFuzzerTestOneInput((const uint8_t *)content.p, content.n);
    return true;
}

static bool
replay_directory(const char *path)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    bool ok = n >= 0;

    if (n < 0)
        perror(path);
    for (int i = 0; i < n; i++) {
        struct wd_buf full wd_auto(wd_buf_done) = { 0 };
        wd_buf_printf(&full, "%s/%s%c", path, names[i]->d_name, '\0');
        if (names[i]->d_name[0] != '.')
            ok = replay_file(full.p) && ok;
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    return ok;
}

int
main(int argc, char **argv)
{
    bool ok = argc > 1;

    for (int i = 1; i < argc; i++) {
        struct stat at;
        bool directory = stat(argv[i], &at) == 0 && S_ISDIR(at.st_mode);
        ok = (directory ? replay_directory(argv[i]) : replay_file(argv[i])) && ok;
    }
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}
