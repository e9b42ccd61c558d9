/* runner.c: a fuzz target without libFuzzer: runs each file of a corpus directory and its folders (in order of name), then ROUNDS seeded
 * mutations of them. usage: fuzz_X CORPUS_DIR [ROUNDS [SEED]] | fuzz_X FILE. An input that crashes, or turns for a minute, is told by its
 * seed: `fuzz_X CORPUS_DIR 1 SEED` repeats it, and a fourth argument writes it to a file. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "fuzz.h"

enum { INPUTS_MAX = 8192, SECONDS_MAX = 60 };
static struct fuzz_input inputs[INPUTS_MAX];
static int input_count;
static char now_running[128]; /* what on_end tells */

static void on_end(int sig)
{
    (void)!write(STDERR_FILENO, now_running, strlen(now_running));
    signal(sig, SIG_DFL);
    raise(sig);
}

static void load(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || input_count == INPUTS_MAX) {
        fprintf(stderr, "%s cannot be read, or is one too many\n", path);
        exit(2);
    }
    struct fuzz_input *input = &inputs[input_count++];
    static uint8_t bytes[FUZZ_SIZE_MAX];
    input->size = fread(bytes, 1, sizeof bytes, file);
    input->bytes = malloc(input->size + 1);
    memcpy(input->bytes, bytes, input->size);
    fclose(file);
}

static void load_directory(const char *directory)
{
    struct dirent **names;
    int count = scandir(directory, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[1024];
        struct stat st;
        snprintf(path, sizeof path, "%s/%s", directory, names[i]->d_name);
        if (names[i]->d_name[0] != '.' && stat(path, &st) == 0)
            S_ISDIR(st.st_mode) ? load_directory(path) : load(path);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
}

/* Some bytes changed, a part removed, repeated, or taken from another input. */
static size_t change_bytes(struct prng *prng, const struct fuzz_input *from, const struct fuzz_input *other, uint8_t *out)
{
    size_t size = from->size;
    memcpy(out, from->bytes, size);
    unsigned changes = 1 + (unsigned)prng_below(prng, 6);
    while (changes-- && size > 4) {
        size_t at = prng_below(prng, size), n = 1 + prng_below(prng, 16);
        n = n < size - at ? n : size - at;
        switch (prng_below(prng, 6)) {
        case 0:
            out[at] ^= (unsigned char)(1 << prng_below(prng, 8));
            break;
        case 1:
            out[at] = (unsigned char)prng_next(prng);
            break;
        case 2: {
            static const unsigned char edges[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 4, 5, 40};
            out[at] = edges[prng_below(prng, sizeof edges)];
            break;
        }
        case 3:
            memmove(out + at, out + at + n, size - at - n);
            size -= n;
            break;
        case 4:
            if (size + n <= (size_t)FUZZ_SIZE_MAX) {
                memmove(out + at + n, out + at, size - at);
                size += n;
            }
            break;
        default: {
            size_t start = other->size ? prng_below(prng, other->size) : 0, take = other->size - start;
            take = take < (size_t)FUZZ_SIZE_MAX - at ? take : (size_t)FUZZ_SIZE_MAX - at;
            memcpy(out + at, other->bytes + start, take);
            size = at + take > size ? at + take : size;
        }
        }
    }
    return size;
}

static void run(const uint8_t *bytes, size_t size)
{
    alarm(SECONDS_MAX);
    LLVMFuzzerTestOneInput(bytes, size);
    alarm(0);
}

static void run_mutation(uint64_t seed, const char *corpus, const char *write_to)
{
    static uint8_t bytes[FUZZ_SIZE_MAX];
    struct prng prng;
    prng_seed(&prng, seed);
    const struct fuzz_input *from = &inputs[prng_below(&prng, (uint64_t)input_count)],
                            *other = &inputs[prng_below(&prng, (uint64_t)input_count)];
    size_t size = fuzz_mutate ? fuzz_mutate(&prng, from, other, bytes, sizeof bytes) : change_bytes(&prng, from, other, bytes);
    snprintf(now_running, sizeof now_running, "to repeat it: %.60s 1 %llu\n", corpus, (unsigned long long)seed);
    FILE *file = write_to ? fopen(write_to, "wb") : NULL;
    if (file) {
        fwrite(bytes, 1, size, file);
        fclose(file);
    }
    run(bytes, size);
}

int main(int argc, char **argv)
{
    struct stat st;
    if (argc < 2 || stat(argv[1], &st) != 0) {
        fprintf(stderr, "usage: %s CORPUS_DIR [ROUNDS [SEED [FILE]]] | FILE\n", argv[0]);
        return 2;
    }
    for (const int *sig = (const int[]){SIGALRM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, 0}; *sig; sig++)
        signal(*sig, on_end);
    S_ISDIR(st.st_mode) ? load_directory(argv[1]) : load(argv[1]);
    uint64_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, seed = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    for (int i = 0; i < input_count && rounds != 1; i++) {
        snprintf(now_running, sizeof now_running, "input %d of %s\n", i, argv[1]);
        run(inputs[i].bytes, inputs[i].size);
    }
    for (uint64_t i = 0; i < rounds && input_count; i++)
        run_mutation(seed + i, argv[1], argc > 4 ? argv[4] : NULL);
    printf("%d inputs, %llu mutations\n", input_count, (unsigned long long)rounds);
    for (int i = 0; i < input_count; i++)
        free(inputs[i].bytes);
    return 0;
}
