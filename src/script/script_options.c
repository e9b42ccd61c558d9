/* script_options.c: the options of a command line and of a script's head. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/base.h"
#include "script/script.h"

void script_config_init(struct script_config *config)
{
    *config = (struct script_config){.bind_port = 8080,
                                     .connect_port = 8080,
                                     .tolerance_ns = 4 * NS_PER_MS,
                                     .tolerance_percent = 12.5,
                                     .patience_ns = 300 * NS_PER_S,
                                     .seed = 1};
}

static int set_number(const char *value, long long high, long long *number)
{
    char *end;
    errno = 0;
    *number = strtoll(value, &end, 0);
    return *value && !*end && !errno && *number >= 0 && *number <= high ? 0 : -EINVAL;
}

static bool is_port(const char *name)
{
    return strcmp(name, "bind_port") == 0 || strcmp(name, "connect_port") == 0;
}

static int set_numeric(struct script_config *config, const char *name, const char *value)
{
    long long number;
    if (strcmp(name, "tolerance_percent") == 0) {
        char *end;
        config->tolerance_percent = strtod(value, &end);
        return *value && !*end ? 0 : -EINVAL;
    }
    int error = set_number(value, is_port(name) ? UINT16_MAX : 1000000000000ll, &number);
    if (error)
        return error;
    if (strcmp(name, "tolerance_usecs") == 0)
        config->tolerance_ns = (uint64_t)number * NS_PER_US;
    else if (strcmp(name, "mtu") == 0)
        config->mtu = (unsigned)number;
    else if (strcmp(name, "mss") == 0)
        config->mtu = (unsigned)number + (config->ip == SCRIPT_IPV6 ? 60 : 40);
    else if (strcmp(name, "bind_port") == 0)
        config->bind_port = (uint16_t)number;
    else if (strcmp(name, "connect_port") == 0)
        config->connect_port = (uint16_t)number;
    else if (strcmp(name, "tcp_ts_tick_usecs") == 0)
        config->ts_tick_ns = (uint64_t)number * NS_PER_US;
    else if (strcmp(name, "seed") == 0)
        config->seed = (uint64_t)number;
    else
        return -ENOENT;
    return 0;
}

static int set_ip_version(struct script_config *config, const char *value)
{
    if (strcmp(value, "ipv4") == 0)
        config->ip = SCRIPT_IPV4;
    else if (strcmp(value, "ipv6") == 0)
        config->ip = SCRIPT_IPV6;
    else if (strcmp(value, "ipv4-mapped-ipv6") == 0)
        config->ip = SCRIPT_IPV4_MAPPED;
    else
        return -EINVAL;
    return 0;
}

const char *script_config_form(const char *name)
{
    if (strcmp(name, "ip_version") == 0)
        return "ipv4, ipv6 or ipv4-mapped-ipv6";
    if (is_port(name))
        return "a port up to 65535";
    return strcmp(name, "tolerance_percent") == 0 ? "a number" : "a whole number";
}

static bool is_one_of(const char *name, const char *const *names)
{
    for (; *names; names++)
        if (strcmp(name, *names) == 0)
            return true;
    return false;
}

static int set_text(struct script_config *config, const char *name, const char *value)
{
    if (strcmp(name, "local_ip") == 0)
        config->local_ip = value;
    else if (strcmp(name, "remote_ip") == 0)
        config->remote_ip = value;
    else if (strcmp(name, "gateway_ip") == 0)
        config->gateway_ip = value;
    else if (strcmp(name, "netmask_ip") == 0)
        config->netmask_ip = value;
    else if (strcmp(name, "init_scripts") == 0)
        config->init_scripts = value;
    else if (strcmp(name, "profile") == 0)
        config->profile = value;
    else
        return -ENOENT;
    return 0;
}

/* All options of both packetdrills; those of the machine it runs on (tun devices, remote wire) mean nothing here. */
int script_config_set(struct script_config *config, const char *name, const char *value)
{
    static const char *const texts[] = {"local_ip", "remote_ip", "gateway_ip", "netmask_ip", "init_scripts", "profile", NULL};
    static const char *const numbers[] = {"tolerance_usecs", "tolerance_percent", "mtu", "mss", "bind_port", "connect_port",
                                          "tcp_ts_tick_usecs", "seed", NULL};
    static const char *const ignored[] = {"speed", "verbose", "debug", "wire_client", "wire_server", "wire_server_ip", "wire_server_port",
        "wire_client_dev", "wire_server_dev", "no_cleanup", "send_omit_free", "code", "persistent_tun_dev",
        "so_filename", "so_flags", "local_linux",
        "udp_encapsulation", "tcp_ts_ecr_scaled", "dump_dir", "prefix_len", "user", "is_anyip", "define", "code_command", "code_format",
        "code_sockopt",
        "wire_server_at", "live_bind_ip", "live_connect_ip", "live_bind_port", "live_connect_port", "live_remote_ip",
        "live_local_ip", "live_gateway_ip", "live_netmask_ip", "udp_encaps", "log", "timeout", "dry", "remote_prefix",
        "live_prefix_len", "tun_driver", "check_mem", "strict_timing", NULL};
    if (is_one_of(name, texts))
        return set_text(config, name, value);
    if (is_one_of(name, numbers))
        return set_numeric(config, name, value);
    if (strcmp(name, "ip_version") == 0)
        return set_ip_version(config, value);
    if (strcmp(name, "strict_segments") == 0) {
        config->strict_segments = strcmp(value, "0") != 0 && strcmp(value, "false") != 0;
    } else if (strcmp(name, "strict") == 0) {
        config->strict = true;
    } else if (strcmp(name, "dry_run") == 0) {
        config->dry_run = true;
    } else if (strcmp(name, "non_fatal") == 0) {
        config->non_fatal_packet = strstr(value, "packet") != NULL;
        if (config->non_fatal_packet) /* what does not come is not waited for for long, here as by the kernel's oracle */
            config->patience_ns = 3 * NS_PER_S;
        config->non_fatal_call = strstr(value, "syscall") != NULL;
    } else if (!is_one_of(name, ignored)) {
        return -ENOENT;
    }
    return 0;
}
