/* Bad weather between a program and its disk, put before libc with LD_PRELOAD. It acts on regular files only.
 *
 * WEATHER_FORGET=1   fsync and fdatasync do nothing and say that they have done it: what a campaign must notice.
 * WEATHER_SHORT=N    every N-th write takes three bytes at most, as a write may.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

static atomic_ulong writes;

static size_t allowed(int file, size_t bytes)
{
    const char *every = getenv("WEATHER_SHORT");
    struct stat about;
    if (!every || bytes <= 3 || fstat(file, &about) != 0 || !S_ISREG(about.st_mode))
        return bytes;
    return atomic_fetch_add(&writes, 1) % strtoul(every, 0, 10) == 0 ? 3 : bytes;
}

static int forgets(void) { return getenv("WEATHER_FORGET") != 0; }

int fsync(int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    return forgets() ? 0 : real(file);
}

int fdatasync(int file)
{
    int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    return forgets() ? 0 : real(file);
}

ssize_t pwrite64(int file, const void *bytes, size_t count, off64_t at)
{
    ssize_t (*real)(int, const void *, size_t, off64_t) =
        (ssize_t (*)(int, const void *, size_t, off64_t))dlsym(RTLD_NEXT, "pwrite64");
    return real(file, bytes, allowed(file, count), at);
}

ssize_t write(int file, const void *bytes, size_t count)
{
    ssize_t (*real)(int, const void *, size_t) = (ssize_t (*)(int, const void *, size_t))dlsym(RTLD_NEXT, "write");
    return real(file, bytes, allowed(file, count));
}
