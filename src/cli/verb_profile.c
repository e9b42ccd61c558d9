/* verb_profile.c: `lilliput profile list | show P | diff P Q ...`: what each stack does, value by value, with source and confidence. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"
#include "host/profile.h"
#include "lilliput/host.h"

enum { VALUES_MAX = 512, PROFILES_MAX = 20 };
struct value {
    const char *name, *source;
    char *value;
    char confidence[2];
};
struct shown {
    const char *profile;
    struct value values[VALUES_MAX];
    int count;
};

static void collect(void *ctx, const char *name, const char *value, const char *source, const char *confidence)
{
    struct shown *shown = ctx;
    if (shown->count == VALUES_MAX)
        return;
    struct value *v = &shown->values[shown->count++];
    v->name = name;
    v->value = strdup(value);
    v->source = strdup(source);
    v->confidence[0] = confidence[0];
    v->confidence[1] = 0;
}

static void shown_free(struct shown *shown)
{
    for (int i = 0; shown && i < shown->count; i++) {
        free(shown->values[i].value);
        free((char *)shown->values[i].source);
    }
    free(shown);
}

/* NULL: no such profile, said so. */
static struct shown *load(const char *profile)
{
    struct shown *shown = cli_profile("profile", profile) == CLI_OK ? calloc(1, sizeof *shown) : NULL;
    if (!shown)
        return NULL;
    shown->profile = profile;
    (void)!lil_profile_each(profile, collect, shown);
    return shown;
}

static int list(bool json)
{
    json_t *root = json ? json_array() : NULL;
    for (const char *const *name = lil_profile_names(); *name; name++) {
        const struct profile *profile = profile_find(*name);
        if (json)
            json_array_append_new(root, json_pack("{s:s, s:s, s:s}", "name", *name, "base", profile->base, "summary", profile->summary));
        else
            printf("%-10s %-9s %s\n", *name, profile->base[0] ? profile->base : "-", profile->summary);
    }
    if (json)
        cli_print_json(root);
    return CLI_OK;
}

static int show(const char *profile, bool json)
{
    struct shown *shown = load(profile);
    if (!shown)
        return CLI_USAGE;
    json_t *root = json ? json_object() : NULL;
    int name_width = 0, value_width = 0;
    for (int i = 0; i < shown->count; i++) {
        int n = (int)strlen(shown->values[i].name), v = (int)strlen(shown->values[i].value);
        name_width = n > name_width ? n : name_width;
        value_width = v > value_width && v <= 44 ? v : value_width;
    }
    for (int i = 0; i < shown->count; i++) {
        const struct value *v = &shown->values[i];
        if (json)
            json_object_set_new(
                root, v->name,
                json_pack("{s:s, s:s, s:s}", "value", v->value, "source", v->source, "confidence", v->confidence));
        else
            printf("%-*s  %-*s  %s  %s\n", name_width, v->name, value_width, v->value, v->confidence, v->source);
    }
    if (json)
        cli_print_json(root);
    shown_free(shown);
    return CLI_OK;
}

static bool differs(struct shown *const *all, int count, int row)
{
    for (int i = 1; i < count; i++)
        if (strcmp(all[0]->values[row].value, all[i]->values[row].value))
            return true;
    return false;
}

static void diff_json(struct shown *const *all, int count)
{
    json_t *root = json_object();
    for (int row = 0; row < all[0]->count; row++) {
        if (!differs(all, count, row))
            continue;
        json_t *object = json_object();
        for (int i = 0; i < count; i++)
            json_object_set_new(object, all[i]->profile, json_string(all[i]->values[row].value));
        json_object_set_new(root, all[0]->values[row].name, object);
    }
    cli_print_json(root);
}

static void diff_table(struct shown *const *all, int count)
{
    int width[PROFILES_MAX], name_width = 0;
    for (int i = 0; i < count; i++)
        width[i] = (int)strlen(all[i]->profile);
    for (int row = 0; row < all[0]->count; row++) {
        if (!differs(all, count, row))
            continue;
        int n = (int)strlen(all[0]->values[row].name);
        name_width = n > name_width ? n : name_width;
        for (int i = 0; i < count; i++) {
            int v = (int)strlen(all[i]->values[row].value);
            width[i] = v > width[i] ? v : width[i];
        }
    }
    printf("%-*s", name_width, "");
    for (int i = 0; i < count - 1; i++)
        printf("  %-*s", width[i], all[i]->profile);
    printf("  %s\n", all[count - 1]->profile);
    for (int row = 0; row < all[0]->count; row++) {
        if (!differs(all, count, row))
            continue;
        printf("%-*s", name_width, all[0]->values[row].name);
        for (int i = 0; i < count - 1; i++)
            printf("  %-*s", width[i], all[i]->values[row].value);
        printf("  %s\n", all[count - 1]->values[row].value);
    }
}

static int diff(char **profiles, int count, bool json)
{
    struct shown *all[PROFILES_MAX] = {0};
    int status = CLI_OK;
    for (int i = 0; i < count && status == CLI_OK; i++)
        if (!(all[i] = load(profiles[i])))
            status = CLI_USAGE;
    if (status == CLI_OK && json)
        diff_json(all, count);
    else if (status == CLI_OK)
        diff_table(all, count);
    for (int i = 0; i < count; i++)
        shown_free(all[i]);
    return status;
}

static const char help[] = "usage: lilliput profile list [--json]           the profiles, what each derives from\n"
                           "       lilliput profile show P [--json]         every value: name, value, confidence (H, M, L), source\n"
                           "       lilliput profile diff P Q ... [--json]   the values in which they differ\n";

int profile_main(int argc, char **argv)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {0}};
    static const char *const verbs[] = {"list", "show", "diff", NULL}, instead[] = "`lilliput profile --help` tells how";
    char *words[PROFILES_MAX + 1] = {0};
    int count = 0, option;
    bool json = false;

    optind = 1;
    for (;;) { /* options may stand behind words */
        option = cli_getopt("profile", argc, argv, options);
        if (option == 'h')
            return fputs(help, stdout), CLI_OK;
        if (option == '?')
            return CLI_USAGE;
        if (option == 'j')
            json = true;
        else if (optind == argc)
            break;
        else if (count > PROFILES_MAX)
            return cli_wrong("profile", "%s: too many profiles", argv[optind], instead);
        else
            words[count++] = argv[optind++];
    }
    if (!count)
        return cli_wrong("profile", "%s is wanted", "list, show or diff", instead);
    if (!strcmp(words[0], "list"))
        return count == 1 ? list(json) : cli_wrong("profile", "list %s: it takes no name", words[1], "`lilliput profile show P` shows one");
    if (!strcmp(words[0], "show"))
        return count == 2 ? show(words[1], json) : cli_wrong("profile", "%s wants one profile", "show", instead);
    if (!strcmp(words[0], "diff"))
        return count >= 3 ? diff(words + 1, count - 1, json) : cli_wrong("profile", "%s wants two profiles or more", "diff", instead);
    return cli_unknown("profile", "%s: list, show or diff is wanted", words[0], nearest_word(words[0], verbs), instead);
}
