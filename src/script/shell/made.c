/* made.c: the files that `commands` see and make: parameters, /proc, what stands beside the script, what they wrote; and the
 * programs that handle files: cat, tee, cp, mv, rm, touch, dd, truncate, fallocate. Nothing is written outside of the run; of a
 * file of zeros only its size is kept (disk_file.c sends it). */
#include <stdlib.h>
#include <string.h>
#include "script/shell/shell.h"

struct made_file {
    struct made_file *next;
    const char *name, *text;
    int64_t zeros;      /* bytes behind the text */
    bool is_gone;
};

static struct made_file *find(const struct run *run, const char *path)
{
    struct made_file *file = run->made;
    while (file && strcmp(file->name, path) != 0)
        file = file->next;
    return file;
}

static struct made_file *make(struct run *run, const char *path)
{
    struct made_file *file = find(run, path);
    if (!file) {
        file = arena_alloc(&run->script.arena, sizeof *file);
        *file = (struct made_file){.next = run->made, .name = arena_copy(&run->script.arena, path, strlen(path)), .is_gone = true};
        run->made = file;
    }
    if (file->is_gone)
        *file = (struct made_file){.next = file->next, .name = file->name, .text = ""};
    return file;
}

bool shell_file_is_gone(const struct run *run, const char *path)
{
    const struct made_file *file = find(run, path);
    return file && file->is_gone;
}

bool shell_file_size(const struct run *run, const char *path, int64_t *size)
{
    const struct made_file *file = find(run, path);
    if (!file || file->is_gone)
        return false;
    *size = (int64_t)strlen(file->text) + file->zeros;
    return true;
}

/* What `>` and tee do with a path. */
int shell_file_write(struct shell *shell, const char *path, const char *text, bool append)
{
    struct arena *arena = &shell->run->script.arena;
    if (strncmp(path, "/proc/sys/", 10) == 0)
        return shell_sysctl_set(shell, path, arena_copy(arena, text, strcspn(text, "\n")));
    if (strncmp(path, "/dev/", 5) == 0)
        return 0;
    struct made_file *file = make(shell->run, path);
    if (append && file->zeros)
        run_skip(shell->run, "command: text behind the zeros of %s is not known here", path);
    file->text = append ? arena_printf(arena, "%s%s", file->text, text) : arena_copy(arena, text, strlen(text));
    file->zeros = 0;
    return 0;
}

/* --- what is there to read ---------------------------------------------------------------------------------------- */
static char *read_file(struct arena *arena, const char *path)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return NULL;
    char *text = arena_alloc(arena, SHELL_OUTPUT);
    size_t length = fread(text, 1, SHELL_OUTPUT - 1, file);
    fclose(file);
    text[length] = 0;
    return text;
}

/* A path as the script's: beside the script first, then as it stands. */
char *shell_file_beside(struct shell *shell, const char *path)
{
    struct arena *arena = &shell->run->script.arena;
    const char *script = shell->run->script.path, *slash = strrchr(script, '/');
    char *text = NULL;
    if (path[0] != '/' && slash)
        text = read_file(arena, arena_printf(arena, "%.*s/%s", (int)(slash - script), script, path));
    return text ? text : read_file(arena, path);
}

const char *shell_file(struct shell *shell, const char *path)
{
    const struct made_file *made = find(shell->run, path);
    const char *text;
    char value[256];
    if (made || strcmp(path, "/dev/null") == 0)
        return !made ? "" : made->is_gone ? NULL : made->text;
    if ((text = shell_look(shell, path)))
        return text;
    if (strncmp(path, "/proc/sys/", 10) == 0) {
        shell_sysctl_get(shell, path, value, sizeof value);
        return arena_printf(&shell->run->script.arena, "%s\n", value);
    }
    bool is_machine = strncmp(path, "/proc/", 6) == 0 || strncmp(path, "/sys/", 5) == 0 || strncmp(path, "/dev/", 5) == 0;
    return is_machine ? NULL : shell_file_beside(shell, path);
}

/* --- programs ------------------------------------------------------------------------------------------------------ */
static const char *must_read(struct shell *shell, const char *program, const char *path)
{
    const char *text = shell_file(shell, path);
    if (!text)
        run_skip(shell->run, "command: %s: no file %s", program, path);
    return text;
}

static int do_cat(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    if (argc == 1)
        shell_print(io, "%s", io->input);
    for (int i = 1; i < argc; i++)
        shell_print(io, "%s", strcmp(argv[i], "-") == 0 ? io->input : must_read(shell, "cat", argv[i]));
    return 0;
}

static int do_tee(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    bool append = argc > 1 && (strcmp(argv[1], "-a") == 0 || strcmp(argv[1], "--append") == 0);
    int status = 0;
    for (int i = 1 + append; i < argc; i++)
        status |= shell_file_write(shell, argv[i], io->input, append);
    shell_print(io, "%s", io->input);
    return status;
}

/* rm, and a folder's files with it; touch. */
static int do_remove(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)io;
    for (int i = 1; i < argc; i++) {
        size_t length = strlen(argv[i]);
        if (argv[i][0] == '-')
            continue;
        for (struct made_file *file = shell->run->made; file; file = file->next)
            file->is_gone |= strncmp(file->name, argv[i], length) == 0 && file->name[length] == '/';
        make(shell->run, argv[i])->is_gone = true;
    }
    return 0;
}

static int do_touch(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    (void)io;
    for (int i = 1; i < argc; i++)
        if (argv[i][0] != '-' && !shell_file(shell, argv[i]))
            (void)make(shell->run, argv[i]);
    return 0;
}

/* cp and mv of one file. */
static int do_copy(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int first = 1;
    (void)io;
    while (first < argc && argv[first][0] == '-')
        first++;
    if (argc - first != 2)
        run_skip(shell->run, "command: %s: one file to another is what is known here", argv[0]);
    const char *text = must_read(shell, argv[0], argv[first]);
    const struct made_file *from = find(shell->run, argv[first]);
    int64_t zeros = from ? from->zeros : 0;
    struct made_file *to = make(shell->run, argv[first + 1]);
    to->text = text;
    to->zeros = zeros;
    if (argv[0][0] == 'm')
        make(shell->run, argv[first])->is_gone = true;
    return 0;
}

/* 10, 4k, 1M, 2KiB, 1MB: bytes; -1: none of these. */
static int64_t bytes_of(const char *text)
{
    static const char letters[] = "ckMGT";
    char *end;
    double number = strtod(text, &end);
    const char *found = *end ? strchr(letters, *end == 'K' ? 'k' : *end) : letters;
    bool decimal = *end && end[1] == 'B';
    for (const char *p = letters; found && p < found; p++)
        number *= decimal ? 1000 : 1024;
    return end == text || !found ? -1 : (int64_t)number;
}

/* dd if=/dev/zero of=FILE bs=SIZE count=N */
static int do_dd(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    const char *from = "", *to = "/dev/stdout";
    int64_t block = 512, count = -1;
    (void)io;
    for (int i = 1; i < argc; i++) {
        const char *value = strchr(argv[i], '=') ? strchr(argv[i], '=') + 1 : "";
        if (strncmp(argv[i], "if=", 3) == 0)
            from = value;
        else if (strncmp(argv[i], "of=", 3) == 0)
            to = value;
        else if (strncmp(argv[i], "bs=", 3) == 0 || strncmp(argv[i], "ibs=", 4) == 0)
            block = bytes_of(value);
        else if (strncmp(argv[i], "count=", 6) == 0)
            count = bytes_of(value);
        else if (strncmp(argv[i], "status=", 7) != 0 && strncmp(argv[i], "conv=", 5) != 0 && strncmp(argv[i], "obs=", 4) != 0)
            run_skip(shell->run, "command: dd %s is not known here", argv[i]);
    }
    if ((strcmp(from, "/dev/zero") != 0 && strcmp(from, "/dev/urandom") != 0) || block < 0 || count < 0)
        run_skip(shell->run, "command: dd: a number of blocks from /dev/zero or /dev/urandom is what is known here");
    if (strncmp(to, "/dev/", 5) == 0)
        return 0;
    struct made_file *file = make(shell->run, to);
    file->text = "";
    file->zeros = block * count;
    return 0;
}

/* truncate -s SIZE FILE ..., fallocate -l SIZE FILE */
static int do_resize(struct shell *shell, int argc, char **argv, struct shell_io *io)
{
    int64_t size = -1;
    (void)io;
    for (int i = 1; i < argc; i++) {
        bool is_size = argv[i][0] == '-' && strchr("sl", argv[i][1]) && argv[i][1];
        if (is_size || argv[i][0] == '-') {
            size = !is_size ? size : argv[i][2] ? bytes_of(argv[i] + 2) : i + 1 < argc ? bytes_of(argv[++i]) : -1;
            continue;
        }
        if (size < 0)
            run_skip(shell->run, "command: %s: no size that is known here", argv[0]);
        struct made_file *file = make(shell->run, argv[i]);
        int64_t text = (int64_t)strlen(file->text);
        file->text = size < text ? arena_copy(&shell->run->script.arena, file->text, (size_t)size) : file->text;
        file->zeros = size < text ? 0 : size - text;
    }
    return 0;
}

bool shell_files(struct shell *shell, int argc, char **argv, struct shell_io *io, int *status)
{
    static const struct shell_program programs[] = {
        {"cat", do_cat}, {"tee", do_tee}, {"rm", do_remove}, {"unlink", do_remove}, {"touch", do_touch},
        {"cp", do_copy}, {"mv", do_copy}, {"dd", do_dd}, {"truncate", do_resize}, {"fallocate", do_resize},
    };
    return shell_find(programs, ARRAY_COUNT(programs), shell, argc, argv, io, status);
}
