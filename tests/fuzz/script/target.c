/* target.c: whatever a script does to a host, in whatever order, neither the host nor the script's reader crashes,
 * leaks or turns forever. An input is a script's text. What its lines expect is not judged (a mutated script is nearly
 * always wrong): it goes on past a wrong packet or result, so that calls and segments meet the host in states that
 * nobody wrote down. lines.c makes new scripts of old ones. */
#include "../fuzz.h"
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "script/script.h"

/* An event that stands on one line. */
bool fuzz_may_change(const char *line, size_t length)
{
    return (isdigit((unsigned char)*line) || *line == '+' || *line == '*') && !memchr(line, '{', length);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const profiles[] = {"linux", "linux", "freebsd", "freebsd13", "4.4bsd", "4.2bsd", "solaris", "windows"};
    struct script_config config;
    struct script_report report;
    unsigned sum = 0;
    char *text = malloc(size + 1);
    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i < size; i++)
        sum = sum * 31 + data[i];
    script_config_init(&config);
    config.profile = profiles[sum % (sizeof profiles / sizeof *profiles)];
    config.ip = sum / 8 % 2 ? SCRIPT_IPV6 : SCRIPT_IPV4;
    config.non_fatal_packet = config.non_fatal_call = true;
    config.patience_ns = 1000000000;
    script_run_text("input", text, &config, &report);
    free(text);
    return 0;
}
