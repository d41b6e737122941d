/* A disk that fails: preloaded into a process, it fails, or cuts the power at, the k-th change of files below one folder.
 *
 * Of every file below the folder it keeps in memory what a disk would hold: the content at the last fsync that
 * succeeded, and the writes since. A folder's entries are held the same way: a file made, renamed or removed is so
 * on the disk only after an fsync of the folder, which is stricter than most file systems and what POSIX promises.
 * Folders themselves are taken to be on the disk at once. Shared memory beside a database ("-shm") is no disk's
 * matter and is left alone. Not seen: writes through mmap, stdio inside libc, dup, and other processes.
 *
 *   fault_arm(folder, kind, at, n, seed)   from now on; kinds below; `at` counts from 1, 0 only counts
 *   fault_count()                          changes so far
 *   fault_cut()                            cut the power now
 *
 *   "kill"    the process dies before its k-th change; what it wrote is kept, as by the page cache
 *   "cut"     the same, and every write since each file's last fsync is lost
 *   "torn"    the same, and each of these writes is lost, kept, or kept up to a sector, by chance
 *   "full"    from the k-th change on, n of them long, no file grows: ENOSPC, the first time after half the bytes
 *   "eio"     n changes from the k-th on fail with EIO; what a failed fsync should have written is never written
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N_FD 4096
#define N_NAME 4096
#define SECTOR 512

enum kind { COUNT, KILL, CUT, TORN, FULL, EIO_ };

struct change { /* one write, or with data == NULL a new length */
    off_t offset;
    size_t n;
    unsigned char *data;
    struct change *next;
};

struct file { /* what the disk holds of one file, and what it does not hold yet */
    unsigned char *bytes;
    size_t n, room;
    struct change *first, *last;
};

struct name {
    char *path;
    struct file *on_disk, *now; /* NULL: no such entry */
};

static pthread_mutex_t lock = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
static char folder[4096];
static size_t n_folder;
static enum kind kind;
static long at, length, count;
static int is_armed, was_short;
static uint64_t chance;
static struct name names[N_NAME];
static int n_name;
static struct file *fd_file[N_FD];
static char *fd_folder[N_FD];
static char fd_appends[N_FD];

static int (*real_open)(const char *, int, ...);
static int (*real_close)(int);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_ftruncate)(int, off_t);
static int (*real_truncate)(const char *, off_t);
static int (*real_rename)(const char *, const char *);
static int (*real_unlink)(const char *);

__attribute__((constructor)) static void find_real(void)
{
    real_open = dlsym(RTLD_NEXT, "open64");
    real_close = dlsym(RTLD_NEXT, "close");
    real_write = dlsym(RTLD_NEXT, "write");
    real_pwrite = dlsym(RTLD_NEXT, "pwrite64");
    real_fsync = dlsym(RTLD_NEXT, "fsync");
    real_fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    real_ftruncate = dlsym(RTLD_NEXT, "ftruncate64");
    real_truncate = dlsym(RTLD_NEXT, "truncate64");
    real_rename = dlsym(RTLD_NEXT, "rename");
    real_unlink = dlsym(RTLD_NEXT, "unlink");
}

static void broken(const char *what)
{
    fprintf(stderr, "faulty disk: %s\n", what);
    abort();
}

static void *some(void *old, size_t n)
{
    void *got = realloc(old, n ? n : 1);
    if (got == NULL)
        broken("no memory");
    return got;
}

static uint64_t draw(void) /* xorshift: the same seed, the same losses */
{
    chance ^= chance << 13;
    chance ^= chance >> 7;
    chance ^= chance << 17;
    return chance;
}

/* The path as it is kept here; NULL where it is not below the folder. */
static const char *ours(const char *path, char *room)
{
    if (!is_armed || path == NULL)
        return NULL;
    if (path[0] != '/') {
        if (getcwd(room, 4096) == NULL || strlen(room) + strlen(path) + 2 > 8192)
            return NULL;
        strcat(strcat(room, "/"), path);
        path = room;
    }
    if (strncmp(path, folder, n_folder) != 0 || (path[n_folder] != '/' && path[n_folder] != 0))
        return NULL;
    size_t n = strlen(path);
    return n > 4 && strcmp(path + n - 4, "-shm") == 0 ? NULL : path;
}

static struct name *name_of(const char *path)
{
    for (int i = 0; i < n_name; i++)
        if (strcmp(names[i].path, path) == 0)
            return &names[i];
    if (n_name == N_NAME)
        broken("too many files");
    names[n_name] = (struct name){strdup(path), NULL, NULL};
    return &names[n_name++];
}

static void resize(struct file *file, size_t n)
{
    if (n > file->room) {
        file->room = 2 * n;
        file->bytes = some(file->bytes, file->room);
    }
    if (n > file->n)
        memset(file->bytes + file->n, 0, n - file->n);
    file->n = n;
}

static void apply(struct file *file, const struct change *change, size_t n)
{
    if (change->data == NULL) {
        resize(file, (size_t)change->offset);
        return;
    }
    size_t end = (size_t)change->offset + n;
    if (end > file->n)
        resize(file, end);
    memcpy(file->bytes + change->offset, change->data, n);
}

static void forget(struct file *file)
{
    while (file->first != NULL) {
        struct change *change = file->first;
        file->first = change->next;
        free(change->data);
        free(change);
    }
    file->last = NULL;
}

static void note(struct file *file, off_t offset, const void *data, size_t n)
{
    struct change *change = some(NULL, sizeof *change);
    *change = (struct change){offset, n, NULL, NULL};
    if (data != NULL)
        change->data = memcpy(some(NULL, n), data, n);
    if (file->last != NULL)
        file->last->next = change;
    else
        file->first = change;
    file->last = change;
}

static void reached_disk(struct file *file)
{
    for (const struct change *change = file->first; change != NULL; change = change->next)
        apply(file, change, change->n);
    forget(file);
}

static void put_back(const struct name *name)
{
    real_unlink(name->path);
    if (name->on_disk == NULL)
        return;
    int fd = real_open(name->path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    if (fd < 0)
        broken("a file cannot be put back");
    for (size_t done = 0; done < name->on_disk->n;) {
        ssize_t n = real_write(fd, name->on_disk->bytes + done, name->on_disk->n - done);
        if (n <= 0)
            broken("a file cannot be put back");
        done += (size_t)n;
    }
    real_close(fd);
}

static void die(void)
{
    if (kind != KILL && kind != COUNT) {
        for (int i = 0; i < n_name; i++) {
            struct file *file = names[i].on_disk;
            if (kind == TORN && file != NULL) {
                for (const struct change *change = file->first; change != NULL; change = change->next) {
                    uint64_t what = draw() % 3;
                    size_t n = change->n;
                    if (what == 2)
                        n = change->data == NULL ? 0 : (size_t)(draw() % (n / SECTOR + 1)) * SECTOR;
                    if (what == 1 || (what == 2 && n > 0))
                        apply(file, change, n);
                }
                forget(file);
            }
        }
        for (int i = 0; i < n_name; i++)
            put_back(&names[i]);
    }
    syscall(SYS_kill, getpid(), SIGKILL);
    for (;;)
        pause();
}

/* Count one change; return 0 to let it happen, or the error it fails with. */
static int change_fails(int grows)
{
    count++;
    if (at <= 0 || count < at)
        return 0;
    if (kind == KILL || kind == CUT || kind == TORN)
        die();
    if (count >= at + length)
        return 0;
    if (kind == FULL)
        return grows ? ENOSPC : 0;
    return kind == EIO_ ? EIO : 0;
}

static void scan(const char *path)
{
    DIR *entries = opendir(path);
    if (entries == NULL)
        broken("the folder cannot be read");
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        char below[8192];
        struct stat about;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        if (lstat(below, &about) != 0)
            continue;
        if (S_ISDIR(about.st_mode)) {
            scan(below);
        } else if (S_ISREG(about.st_mode)) {
            char room[8192];
            if (ours(below, room) == NULL)
                continue;
            struct name *name = name_of(below);
            name->on_disk = name->now = some(NULL, sizeof(struct file));
            *name->now = (struct file){0};
            resize(name->now, (size_t)about.st_size);
            int fd = real_open(below, O_RDONLY);
            if (fd < 0 || read(fd, name->now->bytes, name->now->n) != (ssize_t)name->now->n)
                broken("a file cannot be read");
            real_close(fd);
        }
    }
    closedir(entries);
}

int fault_arm(const char *path, const char *what, long first, long n, unsigned seed)
{
    static const char *const kinds[] = {"count", "kill", "cut", "torn", "full", "eio"};
    int found = -1;
    for (int i = 0; i < 6; i++)
        if (strcmp(what, kinds[i]) == 0)
            found = i;
    if (found < 0 || realpath(path, folder) == NULL)
        return -1;
    kind = (enum kind)found;
    n_folder = strlen(folder);
    at = first, length = n, count = 0, chance = 0x9E3779B97F4A7C15u ^ seed, is_armed = 1;
    scan(folder);
    return 0;
}

long fault_count(void) { return count; }

void fault_cut(void)
{
    pthread_mutex_lock(&lock);
    if (kind == COUNT || kind == KILL || kind == FULL || kind == EIO_)
        kind = CUT;
    die();
}

static int opened(const char *path, int flags, mode_t mode)
{
    char room[8192];
    pthread_mutex_lock(&lock);
    const char *mine = ours(path, room);
    struct name *name = NULL;
    struct stat about;
    int is_folder = mine != NULL && stat(mine, &about) == 0 && S_ISDIR(about.st_mode);
    if (mine != NULL && !is_folder) {
        name = name_of(mine);
        if (name->now == NULL && flags & O_CREAT) {
            int error = change_fails(1);
            if (error) {
                errno = error;
                pthread_mutex_unlock(&lock);
                return -1;
            }
        }
    }
    int fd = real_open(path, flags, mode);
    if (fd >= 0 && mine != NULL) {
        if (fd >= N_FD)
            broken("too many open files");
        if (is_folder) {
            fd_folder[fd] = strdup(mine);
        } else {
            if (name->now == NULL) {
                name->now = some(NULL, sizeof(struct file));
                *name->now = (struct file){0};
            } else if (flags & O_TRUNC) {
                note(name->now, 0, NULL, 0);
            }
            fd_file[fd] = name->now;
            fd_appends[fd] = (flags & O_APPEND) != 0;
        }
    }
    pthread_mutex_unlock(&lock);
    return fd;
}

static mode_t mode_in(int flags, va_list list) { return flags & (O_CREAT | __O_TMPFILE) ? va_arg(list, mode_t) : 0; }

#define OPEN(NAME)                                                                                                     \
    int NAME(const char *path, int flags, ...)                                                                         \
    {                                                                                                                  \
        va_list list;                                                                                                  \
        va_start(list, flags);                                                                                         \
        mode_t mode = mode_in(flags, list);                                                                            \
        va_end(list);                                                                                                  \
        return opened(path, flags, mode);                                                                              \
    }
OPEN(open)
OPEN(open64)

int __open_2(const char *path, int flags) { return opened(path, flags, 0); }
int __open64_2(const char *path, int flags) { return opened(path, flags, 0); }
int creat(const char *path, mode_t mode) { return opened(path, O_WRONLY | O_CREAT | O_TRUNC, mode); }

int close(int fd)
{
    if (fd >= 0 && fd < N_FD && is_armed) {
        pthread_mutex_lock(&lock);
        fd_file[fd] = NULL;
        free(fd_folder[fd]);
        fd_folder[fd] = NULL;
        pthread_mutex_unlock(&lock);
    }
    return real_close(fd);
}

static ssize_t written(int fd, const void *data, size_t n, off_t offset, int has_offset)
{
    struct file *file = is_armed && fd >= 0 && fd < N_FD ? fd_file[fd] : NULL;
    if (file == NULL)
        return has_offset ? real_pwrite(fd, data, n, offset) : real_write(fd, data, n);
    pthread_mutex_lock(&lock);
    struct stat about;
    fstat(fd, &about);
    off_t place = has_offset ? offset : fd_appends[fd] ? about.st_size : lseek(fd, 0, SEEK_CUR);
    int error = change_fails(place + (off_t)n > about.st_size);
    ssize_t done = -1;
    if (error == ENOSPC && !was_short && n > 1) {
        was_short = 1, error = 0, n /= 2; /* a disk fills in the middle of a write */
    }
    if (error)
        errno = error;
    else
        done = has_offset ? real_pwrite(fd, data, n, offset) : real_write(fd, data, n);
    if (done > 0)
        note(file, place, data, (size_t)done);
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t write(int fd, const void *data, size_t n) { return written(fd, data, n, 0, 0); }
ssize_t pwrite(int fd, const void *data, size_t n, off_t offset) { return written(fd, data, n, offset, 1); }
ssize_t pwrite64(int fd, const void *data, size_t n, off64_t offset) { return written(fd, data, n, offset, 1); }

static int synced(int fd, int (*real)(int))
{
    struct file *file = is_armed && fd >= 0 && fd < N_FD ? fd_file[fd] : NULL;
    const char *entries = is_armed && fd >= 0 && fd < N_FD ? fd_folder[fd] : NULL;
    if (file == NULL && entries == NULL)
        return real(fd);
    pthread_mutex_lock(&lock);
    int error = change_fails(0);
    if (error) {
        if (file != NULL)
            forget(file); /* the pages are marked clean and were never written */
        errno = error;
    } else if (file != NULL) {
        reached_disk(file); /* no need to make the real disk turn */
    } else {
        size_t n = strlen(entries);
        for (int i = 0; i < n_name; i++)
            if (strncmp(names[i].path, entries, n) == 0 && names[i].path[n] == '/' &&
                strchr(names[i].path + n + 1, '/') == NULL)
                names[i].on_disk = names[i].now;
    }
    pthread_mutex_unlock(&lock);
    return error ? -1 : 0;
}

int fsync(int fd) { return synced(fd, real_fsync); }
int fdatasync(int fd) { return synced(fd, real_fdatasync); }

int ftruncate(int fd, off_t size)
{
    struct file *file = is_armed && fd >= 0 && fd < N_FD ? fd_file[fd] : NULL;
    if (file == NULL)
        return real_ftruncate(fd, size);
    pthread_mutex_lock(&lock);
    struct stat about;
    fstat(fd, &about);
    int error = change_fails(size > about.st_size), done = -1;
    if (error)
        errno = error;
    else if ((done = real_ftruncate(fd, size)) == 0)
        note(file, size, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

int truncate(const char *path, off_t size)
{
    char room[8192];
    pthread_mutex_lock(&lock);
    const char *mine = ours(path, room);
    int error = mine != NULL ? change_fails(0) : 0, done = -1;
    if (error)
        errno = error;
    else if ((done = real_truncate(path, size)) == 0 && mine != NULL && name_of(mine)->now != NULL)
        note(name_of(mine)->now, size, NULL, 0);
    pthread_mutex_unlock(&lock);
    return done;
}

int truncate64(const char *path, off64_t size) { return truncate(path, size); }

int rename(const char *from, const char *to)
{
    char room[8192], other[8192];
    pthread_mutex_lock(&lock);
    const char *mine = ours(from, room), *target = ours(to, other);
    int error = mine != NULL || target != NULL ? change_fails(0) : 0, done = -1;
    if (error)
        errno = error;
    else if ((done = real_rename(from, to)) == 0 && mine != NULL && target != NULL) {
        struct file *file = name_of(mine)->now;
        name_of(target)->now = file;
        name_of(mine)->now = NULL;
    }
    pthread_mutex_unlock(&lock);
    return done;
}

int unlink(const char *path)
{
    char room[8192];
    pthread_mutex_lock(&lock);
    const char *mine = ours(path, room);
    int error = mine != NULL ? change_fails(0) : 0, done = -1;
    if (error)
        errno = error;
    else if ((done = real_unlink(path)) == 0 && mine != NULL)
        name_of(mine)->now = NULL;
    pthread_mutex_unlock(&lock);
    return done;
}
