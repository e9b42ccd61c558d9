/* fault.h: an allocator whose n-th allocation, and as many after it as are wanted, fail; it counts what is out. */
#ifndef TEST_FAULT_H
#define TEST_FAULT_H
#include <stdint.h>
#include <stdlib.h>

struct fault {
    uint64_t count, fail_at, fail_until; /* allocations [fail_at, fail_until) fail */
    int64_t live_bytes, live_objects;
};
static void *allocate(void *ctx, size_t size)
{
    struct fault *fault = ctx;
    uint64_t number = fault->count++;
    void *memory = number >= fault->fail_at && number < fault->fail_until ? NULL : malloc(size);

    if (memory) {
        fault->live_bytes += (int64_t)size;
        fault->live_objects++;
    }
    return memory;
}

static void release(void *ctx, void *memory, size_t size)
{
    struct fault *fault = ctx;

    if (!memory)
        return;
    fault->live_bytes -= (int64_t)size;
    fault->live_objects--;
    free(memory);
}
#endif
