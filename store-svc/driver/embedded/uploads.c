/* Uploads: one plain file each, named by its id. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/clock.h"
#include "store-svc/driver/embedded/embedded_priv.h"

static char *
path_of(struct wd_blobs *b, struct wd_id upload, struct wd_buf *path)
{
    char hex[WD_ID_HEX + 1];

    wd_buf_printf(path, "%s/uploads/%s", ((struct em_blobs *)b)->store->directory, wd_id_hex(upload, hex));
    wd_buf_chr(path, '\0');
    return path->p;
}

static bool
failed(struct wd_error *err, const char *what)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return wd_fail(err, WD_DATABASE, "upload: the disk is full");
    return wd_fail(err, WD_DATABASE, "upload: %s: %s", what, strerror(errno));
}

static bool
write_at(int fd, uint64_t offset, struct wd_str bytes, struct wd_error *err)
{
    while (bytes.n) {
        ssize_t n = pwrite(fd, bytes.p, bytes.n, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return failed(err, "write");
        offset += (uint64_t)n;
        bytes = wd_str_part(bytes, (size_t)n, bytes.n);
    }
    return true;
}

static bool
write_checked(int fd, uint64_t offset, struct wd_str bytes, uint64_t *size, struct wd_error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return failed(err, "stat");
    if (offset > (uint64_t)st.st_size)
        return wd_fail(err, WD_INVALID, "upload: the offset is behind its end");
    if (!write_at(fd, offset, bytes, err))
        return false;
    *size = offset + bytes.n > (uint64_t)st.st_size ? offset + bytes.n : (uint64_t)st.st_size;
    return true;
}

bool
em_upload_write(struct wd_blobs *b, struct wd_id upload, uint64_t offset, struct wd_str bytes, uint64_t *size,
                struct wd_error *err)
{
    struct wd_buf path wd_auto(wd_buf_done) = { 0 };
    int fd = open(path_of(b, upload, &path), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    bool ok;

    if (fd < 0)
        return failed(err, "open");
    ok = write_checked(fd, offset, bytes, size, err);
    close(fd);
    return ok;
}

static bool
read_at(int fd, uint64_t offset, size_t n, struct wd_buf *out, struct wd_error *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return failed(err, "stat");
    if (offset >= (uint64_t)st.st_size)
        return true;
    n = n < (uint64_t)st.st_size - offset ? n : (size_t)((uint64_t)st.st_size - offset);
    while (n) {
        ssize_t got = pread(fd, wd_buf_reserve(out, n), n, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return failed(err, "read");
        if (got == 0)
            break;
        out->n += (size_t)got;
        offset += (uint64_t)got;
        n -= (size_t)got;
    }
    return true;
}

bool
em_upload_read(struct wd_blobs *b, struct wd_id upload, uint64_t offset, size_t n, struct wd_buf *out,
               struct wd_error *err)
{
    struct wd_buf path wd_auto(wd_buf_done) = { 0 };
    int fd = open(path_of(b, upload, &path), O_RDONLY | O_CLOEXEC);
    bool ok;

    if (fd < 0 && errno == ENOENT)
        return wd_fail(err, WD_UPLOAD_NOT_FOUND, "no such upload");
    if (fd < 0)
        return failed(err, "open");
    ok = read_at(fd, offset, n, out, err);
    close(fd);
    return ok;
}

bool
em_upload_drop(struct wd_blobs *b, struct wd_id upload, struct wd_error *err)
{
    struct wd_buf path wd_auto(wd_buf_done) = { 0 };

    return unlink(path_of(b, upload, &path)) == 0 || errno == ENOENT || failed(err, "remove");
}

static bool
is_old(int directory, const char *name, int64_t before_ms)
{
    struct wd_id id;
    struct stat st;

    return wd_id_parse(wd_str_c(name), &id) && fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
           (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000 < before_ms;
}

bool
em_upload_expire(struct wd_blobs *b, int64_t unused_for_s, uint64_t *removed, struct wd_error *err)
{
    struct wd_buf path wd_auto(wd_buf_done) = { 0 };
    int64_t before_ms = wd_now_ms() - unused_for_s * 1000;
    struct dirent *entry;
    DIR *dir;

    wd_buf_printf(&path, "%s/uploads", ((struct em_blobs *)b)->store->directory);
    wd_buf_chr(&path, '\0');
    dir = opendir(path.p);
    if (!dir)
        return failed(err, "directory");
    *removed = 0;
    while ((entry = readdir(dir)))
        if (is_old(dirfd(dir), entry->d_name, before_ms) && unlinkat(dirfd(dir), entry->d_name, 0) == 0)
            (*removed)++;
    closedir(dir);
    return true;
}
