#include "frontends/wd/maildir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/utf8.h"
#include "common/base/vec.h"
#include "common/mail/flags.h"
#include "common/mail/utf7.h"

struct folders WD_VEC(struct maildir_folder);
struct messages WD_VEC(struct maildir_message);

static const struct {
    char letter;
    unsigned flag;
} letters[] = {
    { 'D', WD_FLAG_DRAFT }, { 'F', WD_FLAG_FLAGGED }, { 'R', WD_FLAG_ANSWERED },
    { 'S', WD_FLAG_SEEN },  { 'T', WD_FLAG_DELETED },
};

void
maildir_name(struct wd_str name, struct maildir_message *out)
{
    size_t info = wd_str_find(name, WD_STR(":2,"));
    struct wd_str flags = info == SIZE_MAX ? WD_NONE : wd_str_part(name, info + 3, name.n);
    struct wd_str unique = wd_str_part(name, 0, wd_str_chr(name, ':'));

    out->key = wd_str_part(unique, 0, wd_str_chr(unique, ',')); /* ",S=…" may be added later */
    out->flags = 0;
    out->forwarded = wd_str_chr(flags, 'P') != SIZE_MAX;
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        if (wd_str_chr(flags, letters[i].letter) != SIZE_MAX)
            out->flags |= letters[i].flag;
}

struct wd_str
maildir_path(struct wd_arena *a, struct wd_str name)
{
    struct wd_buf path wd_auto(wd_buf_done) = { 0 };
    struct wd_buf utf8 wd_auto(wd_buf_done) = { 0 };

    wd_buf_str(&path, wd_str_part(name, 1, name.n));
    for (size_t i = 0; i < path.n; i++)
        path.p[i] = path.p[i] == '.' ? '/' : path.p[i];
    if (!wd_utf7_decode(&utf8, wd_buf_view(&path))) {
        utf8.n = 0;
        wd_utf8_repair(&utf8, wd_buf_view(&path));
    }
    return wd_arena_str(a, wd_buf_view(&utf8));
}

static bool
is_directory(struct wd_arena *a, struct wd_str parent, const char *name)
{
    struct stat st;

    return stat(wd_arena_printf(a, "%.*s/%s", WD_FMT(parent), name).p, &st) == 0 && S_ISDIR(st.st_mode);
}

static int
by_path(const void *one, const void *two)
{
    const struct maildir_folder *a = one, *b = two;

    return wd_str_cmp(a->path, b->path);
}

static void
add_folder(struct wd_arena *a, struct folders *list, struct wd_str parent, const char *name)
{
    struct maildir_folder folder = { .directory = wd_arena_printf(a, "%.*s/%s", WD_FMT(parent), name) };

    if (name[0] != '.' || name[1] == '\0' || name[1] == '.' || !is_directory(a, folder.directory, "cur"))
        return;
    folder.path = maildir_path(a, wd_str_c(name));
    wd_vec_push(list, folder);
}

bool
maildir_folders(struct wd_arena *a, const char *directory, struct maildir_folder **out, size_t *n,
                struct wd_error *err)
{
    struct maildir_folder root = { wd_arena_str(a, wd_str_c(directory)), WD_STR("INBOX") };
    struct folders list = { 0 };
    const struct dirent *entry;
    DIR *dir = opendir(directory);

    if (!dir)
        return wd_fail(err, WD_INVALID, "%s: %s", directory, strerror(errno));
    if (is_directory(a, root.directory, "cur"))
        wd_vec_push(&list, root);
    while ((entry = readdir(dir)))
        add_folder(a, &list, root.directory, entry->d_name);
    closedir(dir);
    if (list.n == 0)
        return wd_fail(err, WD_INVALID, "%s is no maildir: there is no cur in it", directory);
    qsort(list.p, list.n, sizeof *list.p, by_path);
    *out = WD_ARENA_ARRAY(a, struct maildir_folder, list.n);
    memcpy(*out, list.p, list.n * sizeof *list.p);
    *n = list.n;
    wd_vec_done(&list);
    return true;
}

/* Names begin with the time of delivery, but two programs may write it differently: the date first. */
static int
by_date(const void *one, const void *two)
{
    const struct maildir_message *a = one, *b = two;

    if (a->date_ms != b->date_ms)
        return a->date_ms < b->date_ms ? -1 : 1;
    return wd_str_cmp(a->key, b->key);
}

static bool
add_messages(struct wd_arena *a, struct messages *list, struct wd_str folder, const char *sub, struct wd_error *err)
{
    struct wd_str path = wd_arena_printf(a, "%.*s/%s", WD_FMT(folder), sub);
    const struct dirent *entry;
    DIR *dir = opendir(path.p);
    struct stat st;

    if (!dir)
        return errno == ENOENT || wd_fail(err, WD_INVALID, "%s: %s", path.p, strerror(errno));
    while ((entry = readdir(dir))) {
        struct maildir_message m = { .path = wd_arena_printf(a, "%s/%s", path.p, entry->d_name) };

        if (entry->d_name[0] == '.' || stat(m.path.p, &st) != 0 || !S_ISREG(st.st_mode))
            continue;
        maildir_name(wd_str_part(m.path, path.n + 1, m.path.n), &m);
        m.date_ms = (int64_t)st.st_mtim.tv_sec * 1000;
        m.size = (uint64_t)st.st_size;
        wd_vec_push(list, m);
    }
    closedir(dir);
    return true;
}

bool
maildir_messages(struct wd_arena *a, const struct maildir_folder *folder, struct maildir_message **out, size_t *n,
                 struct wd_error *err)
{
    struct messages list = { 0 };
    bool ok = add_messages(a, &list, folder->directory, "cur", err) &&
              add_messages(a, &list, folder->directory, "new", err);

    if (ok && list.n)
        qsort(list.p, list.n, sizeof *list.p, by_date);
    if (ok) {
        *out = WD_ARENA_ARRAY(a, struct maildir_message, list.n + 1);
        if (list.n)
            memcpy(*out, list.p, list.n * sizeof *list.p);
        *n = list.n;
    }
    wd_vec_done(&list);
    return ok;
}
