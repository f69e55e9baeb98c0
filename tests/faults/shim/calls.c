/* SPDX-License-Identifier: MIT
 *
 * The functions that stand before libc's. What is outside the tree goes straight on; what changes a file or a name
 * inside it is told to the model first. What the model cannot follow (a shared writable mapping, stdio, copying inside
 * the kernel) ends the process: a shim that overlooks a write would call durable what is not.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/faults/shim/shim.h"

static void impossible(const char *what, const char *path)
{
    shim_report("impossible: %s of %s cannot be followed\n", what, path);
    abort();
}

/* ---- paths ---- */

/* Appends the parts of `path` to the absolute path in `to`; `.` and `..` are resolved as they stand. */
static void append_parts(char to[PATH_MAX], const char *path)
{
    size_t length = strlen(to);
    for (const char *part = path; *part != '\0';) {
        size_t part_length = strcspn(part, "/");
        if (part_length == 2 && strncmp(part, "..", 2) == 0)
            while (length > 0 && to[--length] != '/')
                ;
        else if (part_length > 0 && strncmp(part, ".", part_length) != 0 && length + part_length + 2 < PATH_MAX) {
            to[length++] = '/';
            memcpy(to + length, part, part_length);
            length += part_length;
        }
        to[length] = '\0';
        part += part_length + (part[part_length] == '/');
    }
}

/* False: outside the tree, or not readable. */
static bool inside(int at, const char *path, char absolute[PATH_MAX])
{
    char text[PATH_MAX] = "", own[64];
    absolute[0] = '\0';
    if (shim.root[0] == '\0' || path == NULL)
        return false;
    if (path[0] != '/') {
        snprintf(own, sizeof own, "/proc/self/fd/%d", at);
        ssize_t length = readlink(at == AT_FDCWD ? "/proc/self/cwd" : own, text, sizeof text - 1);
        if (length < 0)
            return false;
        text[length] = '\0';
        append_parts(absolute, text);
    }
    append_parts(absolute, path);
    return shim_is_inside(absolute);
}

/* ---- open and close ---- */

static int open_inside(int at, const char *path, int flags, mode_t mode, const char *absolute)
{
    bool writes = (flags & O_ACCMODE) != O_RDONLY;
    shim_lock();
    bool existed = syscall(SYS_faccessat, AT_FDCWD, absolute, F_OK) == 0;
    if (shim.models && existed && (flags & O_TRUNC) != 0) { /* what it held goes with the call */
        int fd = (int)syscall(SYS_openat, AT_FDCWD, absolute, O_RDWR | O_CLOEXEC, 0);
        if (fd >= 0) {
            struct tw_disk_file *file = tw_disk_file(fd, false, absolute);
            tw_disk_change(file, 0, tw_disk_file_size(file));
            syscall(SYS_close, fd);
        }
    }
    int fd = (int)syscall(SYS_openat, at, path, flags, mode);
    int number = errno;
    if (fd >= 0) {
        bool created = !existed && (flags & O_CREAT) != 0;
        shim_opened(fd, absolute, created, writes);
        if (shim.models && created)
            tw_disk_created(absolute);
    }
    errno = number;
    shim_unlock();
    return fd;
}

static int open_any(int at, const char *path, int flags, mode_t mode)
{
    char absolute[PATH_MAX];
    if (!inside(at, path, absolute))
        return (int)syscall(SYS_openat, at, path, flags, mode);
    return open_inside(at, path, flags, mode, absolute);
}

#define MODE_OF(flags, mode)                                                                                           \
    do {                                                                                                               \
        if (((flags) & (O_CREAT | O_TMPFILE)) != 0) {                                                                  \
            va_list arguments;                                                                                         \
            va_start(arguments, flags);                                                                                \
            mode = va_arg(arguments, mode_t);                                                                          \
            va_end(arguments);                                                                                         \
        }                                                                                                              \
    } while (0)

int open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    MODE_OF(flags, mode);
    return open_any(AT_FDCWD, path, flags, mode);
}
int openat(int at, const char *path, int flags, ...)
{
    mode_t mode = 0;
    MODE_OF(flags, mode);
    return open_any(at, path, flags, mode);
}
int creat(const char *path, mode_t mode)
{
    return open_any(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

FILE *fopen(const char *path, const char *mode)
{
    static FILE *(*real)(const char *, const char *);
    char absolute[PATH_MAX];
    if (strpbrk(mode, "wa+") != NULL && inside(AT_FDCWD, path, absolute))
        impossible("stdio", absolute);
    if (real == NULL)
        real = (FILE * (*)(const char *, const char *)) dlsym(RTLD_NEXT, "fopen");
    return real(path, mode);
}
FILE *fdopen(int fd, const char *mode)
{
    static FILE *(*real)(int, const char *);
    struct shim_descriptor *open_one = shim_descriptor(fd);
    if (strpbrk(mode, "wa+") != NULL && open_one != NULL)
        impossible("stdio", open_one->path);
    if (real == NULL)
        real = (FILE * (*)(int, const char *)) dlsym(RTLD_NEXT, "fdopen");
    return real(fd, mode);
}

int close(int fd)
{
    if (shim_descriptor(fd) != NULL) {
        shim_lock();
        shim_closed(fd);
        shim_unlock();
    }
    return (int)syscall(SYS_close, fd);
}

/* ---- writing ---- */

/* The lock is taken if the model wants to know of the write; NULL: it does not. */
static struct tw_disk_file *changing(int fd)
{
    if (shim_descriptor(fd) == NULL || !shim.models)
        return NULL;
    shim_lock();
    struct shim_descriptor *open_one = shim_descriptor(fd);
    if (open_one == NULL || open_one->is_directory) {
        shim_unlock();
        return NULL;
    }
    if (open_one->file == NULL)
        open_one->file = tw_disk_file(fd, false, open_one->path);
    return open_one->file;
}

/* offset -1: where the descriptor stands, or the end. */
static ssize_t write_any(int fd, const struct iovec *parts, int count, off_t offset)
{
    struct tw_disk_file *file = changing(fd);
    if (file != NULL) {
        uint64_t length = 0;
        for (int i = 0; i < count; i++)
            length += parts[i].iov_len;
        off_t at = offset >= 0 ? offset : lseek(fd, 0, SEEK_CUR);
        if ((fcntl(fd, F_GETFL) & O_APPEND) != 0)
            at = (off_t)tw_disk_file_size(file);
        tw_disk_change(file, (uint64_t)at, length);
    }
    ssize_t written = 0;
    if (offset >= 0)
        written = count == 1 ? syscall(SYS_pwrite64, fd, parts->iov_base, parts->iov_len, offset)
                             : syscall(SYS_pwritev, fd, parts, count, offset, 0L);
    else
        written = count == 1 ? syscall(SYS_write, fd, parts->iov_base, parts->iov_len)
                             : syscall(SYS_writev, fd, parts, count);
    if (file != NULL)
        shim_unlock();
    return written;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    struct iovec part = {(void *)(uintptr_t)bytes, length};
    return write_any(fd, &part, 1, -1);
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    struct iovec part = {(void *)(uintptr_t)bytes, length};
    return write_any(fd, &part, 1, offset);
}
ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return write_any(fd, parts, count, -1);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return write_any(fd, parts, count, offset);
}

static void resize(struct tw_disk_file *file, uint64_t length)
{
    uint64_t size = tw_disk_file_size(file);
    tw_disk_change(file, length < size ? length : size, length < size ? size - length : length - size);
}

int ftruncate(int fd, off_t length)
{
    struct tw_disk_file *file = changing(fd);
    if (file != NULL)
        resize(file, (uint64_t)length);
    int result = (int)syscall(SYS_ftruncate, fd, length);
    if (file != NULL)
        shim_unlock();
    return result;
}

int fallocate(int fd, int mode, off_t offset, off_t length)
{
    struct tw_disk_file *file = changing(fd);
    if (file != NULL && (mode & ~FALLOC_FL_KEEP_SIZE) != 0) /* holes */
        tw_disk_change(file, (uint64_t)offset, (uint64_t)length);
    else if (file != NULL && mode == 0 && (uint64_t)(offset + length) > tw_disk_file_size(file))
        resize(file, (uint64_t)(offset + length));
    int result = (int)syscall(SYS_fallocate, fd, mode, offset, length);
    if (file != NULL)
        shim_unlock();
    return result;
}
int posix_fallocate(int fd, off_t offset, off_t length)
{
    return fallocate(fd, 0, offset, length) == 0 ? 0 : errno;
}

/* ---- names ---- */

static int unlink_any(int at, const char *path, int flags)
{
    char absolute[PATH_MAX];
    if (!shim.models || !inside(at, path, absolute))
        return (int)syscall(SYS_unlinkat, at, path, flags);
    if ((flags & AT_REMOVEDIR) != 0)
        impossible("removing the directory", absolute);
    shim_lock();
    int result = tw_disk_remove(absolute);
    shim_unlock();
    return result;
}
int unlink(const char *path)
{
    return unlink_any(AT_FDCWD, path, 0);
}
int unlinkat(int at, const char *path, int flags)
{
    return unlink_any(at, path, flags);
}
int rmdir(const char *path)
{
    return unlink_any(AT_FDCWD, path, AT_REMOVEDIR);
}
int remove(const char *path)
{
    struct stat status;
    bool directory = lstat(path, &status) == 0 && S_ISDIR(status.st_mode);
    return unlink_any(AT_FDCWD, path, directory ? AT_REMOVEDIR : 0);
}

static int rename_any(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    char from_path[PATH_MAX], to_path[PATH_MAX];
    bool from_inside = inside(from_at, from, from_path), to_inside = inside(to_at, to, to_path);
    if (!shim.models || (!from_inside && !to_inside))
        return (int)syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    if (!from_inside || !to_inside || flags != 0)
        impossible("renaming", from_inside ? from_path : to_path);
    shim_lock();
    int result = tw_disk_rename(from_path, to_path);
    shim_unlock();
    return result;
}
int rename(const char *from, const char *to)
{
    return rename_any(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int renameat(int from_at, const char *from, int to_at, const char *to)
{
    return rename_any(from_at, from, to_at, to, 0);
}
int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags)
{
    return rename_any(from_at, from, to_at, to, flags);
}

static int created_by(int result, int at, const char *path)
{
    char absolute[PATH_MAX];
    int number = errno;
    if (result == 0 && shim.models && inside(at, path, absolute))
        tw_disk_created(absolute);
    errno = number;
    return result;
}
int linkat(int from_at, const char *from, int to_at, const char *to, int flags)
{
    shim_lock();
    int result = created_by((int)syscall(SYS_linkat, from_at, from, to_at, to, flags), to_at, to);
    shim_unlock();
    return result;
}
int link(const char *from, const char *to)
{
    return linkat(AT_FDCWD, from, AT_FDCWD, to, 0);
}
int mkdirat(int at, const char *path, mode_t mode)
{
    shim_lock();
    char absolute[PATH_MAX];
    int result = (int)syscall(SYS_mkdirat, at, path, mode);
    /* The tree's own root is taken as durable: its parent is outside. */
    if (inside(at, path, absolute) && strcmp(absolute, shim.root) != 0)
        created_by(result, at, path);
    shim_unlock();
    return result;
}
int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

/* ---- syncs ---- */

int fsync(int fd)
{
    return shim_sync(fd, "fsync", SYS_fsync);
}
int fdatasync(int fd)
{
    return shim_sync(fd, "fdatasync", SYS_fdatasync);
}
/* Begins to write, and promises nothing: no sync. */
int sync_file_range(int fd, off_t offset, off_t length, unsigned flags)
{
    return (int)syscall(SYS_sync_file_range, fd, offset, length, flags);
}

/* ---- what cannot be followed ---- */

static void refuse_in_model(int fd, const char *what)
{
    struct shim_descriptor *open_one = shim_descriptor(fd);
    if (shim.models && open_one != NULL)
        impossible(what, open_one->path);
}

void *mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
    if (fd >= 0 && (flags & MAP_SHARED) != 0 && (protection & PROT_WRITE) != 0)
        refuse_in_model(fd, "a shared writable mapping");
    return (void *)syscall(SYS_mmap, address, length, protection, flags, fd, offset);
}
ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t length, unsigned flags)
{
    refuse_in_model(out, "copying inside the kernel");
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, length, flags);
}
ssize_t sendfile(int out, int in, off_t *at, size_t length)
{
    refuse_in_model(out, "copying inside the kernel");
    return syscall(SYS_sendfile, out, in, at, length);
}
int truncate(const char *path, off_t length)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC), result = -1;
    if (fd < 0)
        return -1;
    result = ftruncate(fd, length);
    close(fd);
    return result;
}

static int duplicated(int fd)
{
    if (fd >= 0)
        refuse_in_model(fd, "a second descriptor");
    return fd;
}
int dup(int fd)
{
    return (int)syscall(SYS_dup, duplicated(fd));
}
int dup2(int fd, int other)
{
    return (int)syscall(SYS_dup3, duplicated(fd), other, 0);
}

/* ---- the same under the names of large files ---- */

int open64(const char *path, int flags, ...) __attribute__((alias("open")));
int openat64(int at, const char *path, int flags, ...) __attribute__((alias("openat")));
int creat64(const char *path, mode_t mode) __attribute__((alias("creat")));
FILE *fopen64(const char *path, const char *mode) __attribute__((alias("fopen")));
ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) __attribute__((alias("pwrite")));
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) __attribute__((alias("pwritev")));
int ftruncate64(int fd, off64_t length) __attribute__((alias("ftruncate")));
int truncate64(const char *path, off64_t length) __attribute__((alias("truncate")));
int fallocate64(int fd, int mode, off64_t offset, off64_t length) __attribute__((alias("fallocate")));
int posix_fallocate64(int fd, off64_t offset, off64_t length) __attribute__((alias("posix_fallocate")));
void *mmap64(void *address, size_t length, int protection, int flags, int fd, off64_t offset)
    __attribute__((alias("mmap")));
