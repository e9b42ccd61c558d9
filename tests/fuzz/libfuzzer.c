/* libfuzzer.c: gives libFuzzer a target's own mutations, in turns with libFuzzer's. */
#include <string.h>
#include "fuzz.h"

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t most);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                                 size_t most, unsigned seed);

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t most, unsigned seed)
{
    static uint8_t out[FUZZ_SIZE_MAX];
    struct fuzz_input from = {data, size};
    struct prng prng;
    if (!fuzz_mutate || seed % 4 == 0)
        return LLVMFuzzerMutate(data, size, most);
    prng_seed(&prng, seed);
    size_t length = fuzz_mutate(&prng, &from, &from, out, most < sizeof out ? most : sizeof out);
    memcpy(data, out, length);
    return length;
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out, size_t most, unsigned seed)
{
    struct fuzz_input from = {(uint8_t *)a, a_size}, other = {(uint8_t *)b, b_size};
    struct prng prng;
    prng_seed(&prng, seed);
    if (fuzz_mutate)
        return fuzz_mutate(&prng, &from, &other, out, most);
    size_t first = a_size ? prng_below(&prng, a_size < most ? a_size : most) : 0, rest = b_size < most - first ? b_size : most - first;
    memcpy(out, a, first);
    memcpy(out + first, b, rest);
    return first + rest;
}
