/* Runs a fuzz target without libFuzzer: over every file of its corpus, then over mutations of them.
 *
 *   fuzz_NAME_corpus FOLDER ROUNDS [ROUND]
 *
 * The seed is printed (SLUICE_FUZZ_SEED sets it). A mutation depends on seed, round and corpus
 * only: after a crash, the last round printed (one line every 1000, and the failing one by number)
 * can be run alone by giving ROUND. Inputs stand in heap blocks of their exact size. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "tests/fuzz/fuzz.h"

#define SEED 20261122u
#define FILES_MAX 4096
#define INPUT_MAX ((size_t)256 * 1024)
#define GROWTH_MAX 64

struct input {
    uint8_t *data;
    size_t size;
};

static struct input files[FILES_MAX];
static size_t n_files;
static volatile unsigned long round_now;

/* xorshift64*: good enough to wander about, the same everywhere. */
static uint64_t
random_next(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dULL;
}

static size_t
random_below(uint64_t *state, size_t n)
{
    return n == 0 ? 0 : (size_t)(random_next(state) >> 11) % n;
}

static void
file_add(const char *folder, const char *name)
{
    char path[4096];
    uint8_t *data = mem_new(INPUT_MAX, 1);

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = fopen(path, "rb");
    if (f == NULL || n_files == FILES_MAX) {
        fprintf(stderr, "can't read %s, or more than %d files\n", path, FILES_MAX);
        exit(EXIT_FAILED);
    }
    size_t size = fread(data, 1, INPUT_MAX, f);
    fclose(f);
    files[n_files++] = (struct input){mem_grow(data, size > 0 ? size : 1, 1), size};
}

static int
entry_is_file(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void
corpus_load(const char *folder)
{
    struct dirent **names;
    int n = scandir(folder, &names, entry_is_file, alphasort);

    if (n <= 0) {
        fprintf(stderr, "no corpus in %s\n", folder);
        exit(EXIT_FAILED);
    }
    for (int i = 0; i < n; i++) {
        file_add(folder, names[i]->d_name);
        free(names[i]);
    }
    free(names);
}

static void
byte_change(struct input *in, uint64_t *state)
{
    static const uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xc1, 0xdd, 0xdf, 0xff};
    size_t at = random_below(state, in->size);

    if (in->size == 0)
        return;
    switch (random_below(state, 3)) {
    case 0:
        in->data[at] ^= (uint8_t)(1u << random_below(state, 8));
        break;
    case 1:
        in->data[at] = edges[random_below(state, sizeof(edges))];
        break;
    default:
        in->data[at] = (uint8_t)random_next(state);
        break;
    }
}

/* data has room for GROWTH_MAX bytes more a step. */
static void
bytes_insert(struct input *in, uint64_t *state)
{
    size_t at = random_below(state, in->size + 1), n = 1 + random_below(state, GROWTH_MAX);
    const struct input *from = &files[random_below(state, n_files)];

    memmove(in->data + at + n, in->data + at, in->size - at);
    for (size_t i = 0; i < n; i++)
        in->data[at + i] =
            from->size > 0 ? from->data[(at + i) % from->size] : (uint8_t)random_next(state);
    in->size += n;
}

static void
bytes_remove(struct input *in, uint64_t *state)
{
    size_t at = random_below(state, in->size), n = 1 + random_below(state, in->size - at);

    if (in->size == 0)
        return;
    memmove(in->data + at, in->data + at + n, in->size - at - n);
    in->size -= n;
}

static void
round_run(uint64_t seed, unsigned long round)
{
    uint64_t state = (seed + 1) * 0x9e3779b97f4a7c15ULL ^ (round + 1) * 0xbf58476d1ce4e5b9ULL;
    unsigned steps = 1 + (unsigned)random_below(&state, 8);
    const struct input *from = &files[random_below(&state, n_files)];
    struct input in = {mem_new(from->size + (size_t)steps * GROWTH_MAX, 1), from->size};

    if (from->size > 0)
        memcpy(in.data, from->data, from->size);
    for (unsigned i = 0; i < steps; i++) {
        switch (random_below(&state, 6)) {
        case 0:
            bytes_insert(&in, &state);
            break;
        case 1:
            bytes_remove(&in, &state);
            break;
        case 2:
            in.size = random_below(&state, in.size + 1);
            break;
        default:
            byte_change(&in, &state);
            break;
        }
    }
    in.data = mem_grow(in.data, in.size > 0 ? in.size : 1, 1);
    round_now = round;
    LLVMFuzzerTestOneInput(in.data, in.size);
    free(in.data);
}

/* Says which round it was; sanitizers report through here too where they abort. */
static void
on_abort(int signal_number)
{
    char line[64];
    int n = snprintf(line, sizeof(line), "died in round %lu\n", round_now);

    (void)!write(STDERR_FILENO, line, (size_t)n);
    signal(signal_number, SIG_DFL);
    raise(signal_number);
}

int
main(int argc, char **argv)
{
    const char *seed_text = getenv("SLUICE_FUZZ_SEED");
    uint64_t seed = seed_text != NULL ? strtoull(seed_text, NULL, 10) : SEED;

    if (argc < 3) {
        fprintf(stderr, "usage: %s FOLDER ROUNDS [ROUND]\n", argv[0]);
        return EXIT_USAGE;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGABRT, on_abort);
    corpus_load(argv[1]);
    printf("seed %llu, %zu files, %s rounds\n", (unsigned long long)seed, n_files, argv[2]);
    if (argc > 3) {
        round_run(seed, strtoul(argv[3], NULL, 10));
        return EXIT_DONE;
    }
    for (size_t i = 0; i < n_files; i++)
        LLVMFuzzerTestOneInput(files[i].data, files[i].size);
    unsigned long rounds = strtoul(argv[2], NULL, 10);
    for (unsigned long i = 0; i < rounds; i++) {
        if (i % 1000 == 0)
            printf("round %lu\n", i);
        round_run(seed, i);
    }
    for (size_t i = 0; i < n_files; i++)
        free(files[i].data);
    return EXIT_DONE;
}
