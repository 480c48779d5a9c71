/* A disk that is slow for one maildrop: loaded before the others (LD_PRELOAD), it lets reads or syncs of files whose
 * path has SLOW_PATH in it wait SLOW_MS milliseconds, while the files SLOW_SWITCH.read or SLOW_SWITCH.sync exist. Each
 * wait adds an octet to SLOW_SWITCH.log, so that whoever switched it on sees that it was at work: "M" for one of the
 * main thread, which holds up all that it serves, "t" for one of another.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define MOST 65536
static unsigned char is_slow[MOST];

static void mark(int fd, const char *path) {
    const char *part = getenv("SLOW_PATH");
    if (fd >= 0 && fd < MOST) is_slow[fd] = part && path && strstr(path, part) != NULL;
}

static void maybe_wait(int fd, const char *what) {
    char path[4096];
    const char *toggle = getenv("SLOW_SWITCH"), *ms = getenv("SLOW_MS");
    if (fd < 0 || fd >= MOST || !is_slow[fd] || !toggle) return;
    snprintf(path, sizeof path, "%s.%s", toggle, what);
    if (access(path, F_OK)) return;
    snprintf(path, sizeof path, "%s.log", toggle);
    FILE *log = fopen(path, "a");
    if (log) {
        fputc(gettid() == getpid() ? 'M' : 't', log);
        fclose(log);
    }
    long wait = ms ? atol(ms) : 500;
    struct timespec time = {wait / 1000, wait % 1000 * 1000000};
    nanosleep(&time, NULL);
}

#define REAL(type, name, ...) \
    static type (*real)(__VA_ARGS__); \
    if (!real) real = (type(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        REAL(int, name, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        int fd = real(path, flags, mode); \
        mark(fd, path); \
        return fd; \
    }

OPEN(open)
OPEN(open64)

#define OPEN_AT(name) \
    int name(int at, const char *path, int flags, ...) { \
        REAL(int, name, int, const char *, int, ...); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = (flags & (O_CREAT | O_TMPFILE)) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        int fd = real(at, path, flags, mode); \
        mark(fd, path); \
        return fd; \
    }

OPEN_AT(openat)
OPEN_AT(openat64)

int close(int fd) {
    REAL(int, close, int);
    if (fd >= 0 && fd < MOST) is_slow[fd] = 0;
    return real(fd);
}

int fsync(int fd) {
    REAL(int, fsync, int);
    maybe_wait(fd, "sync");
    return real(fd);
}

int fdatasync(int fd) {
    REAL(int, fdatasync, int);
    maybe_wait(fd, "sync");
    return real(fd);
}

#define PREAD(name, offset_type) \
    ssize_t name(int fd, void *to, size_t size, offset_type at) { \
        REAL(ssize_t, name, int, void *, size_t, offset_type); \
        maybe_wait(fd, "read"); \
        return real(fd, to, size, at); \
    }

PREAD(pread, off_t)
PREAD(pread64, off64_t)

/* preadv2 with RWF_NOWAIT asks what is in memory: on a slow disk the answer is "nothing". */
ssize_t preadv2(int fd, const struct iovec *to, int count, off_t at, int flags) {
    REAL(ssize_t, preadv2, int, const struct iovec *, int, off_t, int);
    if (!(flags & 8)) maybe_wait(fd, "read");
    return real(fd, to, count, at, flags);
}
