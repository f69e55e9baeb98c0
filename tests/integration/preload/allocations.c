/* SPDX-License-Identifier: MIT
 *
 * Counts allocations in a process: per thread, and by who asked for the memory (the executable, libzmq, RocksDB, any
 * other library), as told by the return address. Loaded by LD_PRELOAD; writes its table into the file that TW_COUNT_TO
 * names, where a test reads it while the process runs.
 *
 * The file: slots of `struct slot`, in the order in which threads first asked for memory; tid 0 is free.
 */
#include <fcntl.h>
#include <link.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SLOTS 256
#define RANGES_MAX 128

enum who { WHO_PROGRAM, WHO_ZMQ, WHO_ROCKSDB, WHO_OTHER, WHO_COUNT };

struct slot {
    uint64_t tid;
    uint64_t calls[WHO_COUNT];
    uint64_t last; /* where the program last asked from: an offset into its file, for addr2line */
};

static struct slot none[SLOTS], *slots = none;
static atomic_int slots_used;
static __thread int own_slot __attribute__((tls_model("initial-exec"))); /* 0: none yet; else its place + 1 */

static struct {
    uintptr_t from, to;
    enum who who;
} ranges[RANGES_MAX];
static int range_count;
static uintptr_t program_base;

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t number, size_t bytes);
void *__libc_realloc(void *memory, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);
void *_Znwm(size_t bytes);
void *_Znam(size_t bytes);

static int add_ranges(struct dl_phdr_info *info, size_t size, void *first)
{
    enum who who = WHO_OTHER;
    (void)size;
    if (*(int *)first == 1) { /* the executable comes first */
        who = WHO_PROGRAM;
        program_base = info->dlpi_addr;
    } else if (strstr(info->dlpi_name, "libzmq.so") != NULL || strstr(info->dlpi_name, "libczmq.so") != NULL) {
        who = WHO_ZMQ;
    } else if (strstr(info->dlpi_name, "librocksdb.so") != NULL) {
        who = WHO_ROCKSDB;
    }
    *(int *)first = 0;
    for (int i = 0; i < info->dlpi_phnum && range_count < RANGES_MAX; i++) {
        const ElfW(Phdr) *part = &info->dlpi_phdr[i];
        if (part->p_type != PT_LOAD || (part->p_flags & PF_X) == 0)
            continue;
        ranges[range_count].from = info->dlpi_addr + part->p_vaddr;
        ranges[range_count].to = ranges[range_count].from + part->p_memsz;
        ranges[range_count++].who = who;
    }
    return 0;
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("TW_COUNT_TO");
    int first = 1, fd = path == NULL ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof none) != 0)
        return;
    void *map = mmap(NULL, sizeof none, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (map == MAP_FAILED)
        return;
    dl_iterate_phdr(add_ranges, &first);
    slots = map;
}

static void count(const void *asked_from)
{
    uintptr_t at = (uintptr_t)asked_from;
    enum who who = WHO_OTHER;
    if (slots == none)
        return;
    if (own_slot == 0) {
        int place = atomic_fetch_add(&slots_used, 1);
        own_slot = place < SLOTS ? place + 1 : SLOTS;
        slots[own_slot - 1].tid = (uint64_t)gettid();
    }
    for (int i = 0; i < range_count; i++)
        if (at >= ranges[i].from && at < ranges[i].to) {
            who = ranges[i].who;
            break;
        }
    struct slot *slot = &slots[own_slot - 1];
    if (who == WHO_PROGRAM)
        slot->last = at - program_base;
    slot->calls[who]++;
}

#define CALLER __builtin_return_address(0)

void *malloc(size_t bytes)
{
    count(CALLER);
    return __libc_malloc(bytes);
}
void *calloc(size_t number, size_t bytes)
{
    count(CALLER);
    return __libc_calloc(number, bytes);
}
void *realloc(void *memory, size_t bytes)
{
    count(CALLER);
    return __libc_realloc(memory, bytes);
}
void *memalign(size_t alignment, size_t bytes);
void *memalign(size_t alignment, size_t bytes)
{
    count(CALLER);
    return __libc_memalign(alignment, bytes);
}
void *aligned_alloc(size_t alignment, size_t bytes)
{
    count(CALLER);
    return __libc_memalign(alignment, bytes);
}
int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    count(CALLER);
    *memory = __libc_memalign(alignment, bytes);
    return *memory == NULL ? 12 /* ENOMEM */ : 0;
}
/* C++'s own: otherwise all that its libraries ask for would seem to come from libstdc++. */
void *_Znwm(size_t bytes)
{
    count(CALLER);
    void *memory = __libc_malloc(bytes == 0 ? 1 : bytes);
    if (memory == NULL)
        abort();
    return memory;
}
void *_Znam(size_t bytes)
{
    count(CALLER);
    void *memory = __libc_malloc(bytes == 0 ? 1 : bytes);
    if (memory == NULL)
        abort();
    return memory;
}
