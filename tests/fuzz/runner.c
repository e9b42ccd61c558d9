/* runner.c: a fuzz target without libFuzzer: runs each file of a corpus directory (in order of name), then ROUNDS seeded mutations of them.
 * usage: fuzz_X CORPUS_DIR [ROUNDS [SEED]] | fuzz_X FILE. On a crash: the last line printed repeats it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "base/prng.h"

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);

enum { FILES_MAX = 512, SIZE_MAX_BYTES = 16384 };
struct input {
    unsigned char *bytes;
    size_t size;
};
static struct input inputs[FILES_MAX];
static int input_count;

static int load(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (!file || input_count == FILES_MAX)
        return -1;
    struct input *input = &inputs[input_count++];
    input->bytes = malloc(SIZE_MAX_BYTES);
    input->size = fread(input->bytes, 1, SIZE_MAX_BYTES, file);
    fclose(file);
    return 0;
}

static void load_directory(const char *directory)
{
    struct dirent **names;
    int count = scandir(directory, &names, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", directory, names[i]->d_name);
        if (names[i]->d_name[0] != '.')
            load(path);
        free(names[i]);
    }
    if (count >= 0)
        free(names);
}

/* Some bytes changed, a part removed, repeated, or taken from another input. */
static size_t mutate(struct prng *prng, const struct input *from, unsigned char *out)
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
            if (size + n <= SIZE_MAX_BYTES) {
                memmove(out + at + n, out + at, size - at);
                size += n;
            }
            break;
        default: {
            const struct input *other = &inputs[prng_below(prng, (uint64_t)input_count)];
            size_t start = other->size ? prng_below(prng, other->size) : 0, take = other->size - start;
            take = take < SIZE_MAX_BYTES - at ? take : SIZE_MAX_BYTES - at;
            memcpy(out + at, other->bytes + start, take);
            size = at + take > size ? at + take : size;
        }
        }
    }
    return size;
}

int main(int argc, char **argv)
{
    struct stat st;
    if (argc < 2 || stat(argv[1], &st) != 0) {
        fprintf(stderr, "usage: %s CORPUS_DIR [ROUNDS [SEED]] | FILE\n", argv[0]);
        return 2;
    }
    if (S_ISDIR(st.st_mode))
        load_directory(argv[1]);
    else
        load(argv[1]);
    for (int i = 0; i < input_count; i++)
        LLVMFuzzerTestOneInput(inputs[i].bytes, inputs[i].size);
    unsigned long rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0, seed = argc > 3 ? strtoul(argv[3], NULL, 10) : 1;
    static unsigned char bytes[SIZE_MAX_BYTES];
    for (unsigned long i = 0; i < rounds && input_count; i++) {
        struct prng prng;
        prng_seed(&prng, seed + i);
        const struct input *from = &inputs[prng_below(&prng, (uint64_t)input_count)];
        size_t size = mutate(&prng, from, bytes);
        if (argc > 4) { /* to a file, instead of running it */
            FILE *file = fopen(argv[4], "wb");
            if (file) {
                fwrite(bytes, 1, size, file);
                fclose(file);
            }
        }
        /* a crash is repeated by: this program, the corpus, 1, seed + i */
        if (i % 1000 == 0)
            fprintf(stderr, "%s %s 1000 %lu\n", argv[0], argv[1], seed + i);
        LLVMFuzzerTestOneInput(bytes, size);
    }
    printf("%d inputs, %lu mutations\n", input_count, rounds);
    for (int i = 0; i < input_count; i++)
        free(inputs[i].bytes);
    return 0;
}
