/* test_md5.c: RFC 1321 A.5, in one piece and byte for byte. */
#include "unit/check.h"
#include "base/md5.h"

static const struct { const char *text, *digest; } vectors[] = {
    {"", "d41d8cd98f00b204e9800998ecf8427e"},
    {"a", "0cc175b9c0f1b6a831c399e269772661"},
    {"abc", "900150983cd24fb0d6963f7d28e17f72"},
    {"message digest", "f96b697d7cb7938d525a2f31aaf161d0"},
    {"abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"},
    {"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789", "d174ab98d277d9f5a5611c2c9f419d9f"},
    {"12345678901234567890123456789012345678901234567890123456789012345678901234567890", "57edf4a22be3c955ac49da2e2107b67a"}};

static void test_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_COUNT(vectors); i++) {
        for (size_t step = 1; step <= 100; step += 99) {
            struct md5 md5;
            uint8_t digest[MD5_LENGTH];
            char text[2 * MD5_LENGTH + 1];
            size_t length = strlen(vectors[i].text);
            md5_init(&md5);
            for (size_t at = 0; at < length; at += step)
                md5_add(&md5, vectors[i].text + at, length - at < step ? length - at : step);
            md5_end(&md5, digest);
            for (unsigned j = 0; j < MD5_LENGTH; j++)
                snprintf(text + 2 * j, 3, "%02x", digest[j]);
            assert_string_equal(text, vectors[i].digest);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_vectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
