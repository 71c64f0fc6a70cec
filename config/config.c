/* config.c: the sources of the configuration and their order: defaults, file, environment, flags.
 *
 * The command line and the environment are sorted into one slot for each option first (unknown names stop here), since they say which file
 * to read; then the values are set source by source, every one checked even when a later source overrides it. */
#include "config.h"

#include "value.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX "FORECASTD_"

#define OPTION_ROW(name, kind, fallback, lo, hi, form, live, help) \
    { #name, FC_OPTION_##kind, offsetof(struct fc_config, name), fallback, lo, hi, form, live, help },
const struct fc_option fc_options[FC_OPTIONS] = { FC_OPTION_TABLE(OPTION_ROW) };

#define ACTION_ROW(action, flag, help) { "--" flag, FC_CONFIG_##action },
static const struct {
    const char *flag;
    enum fc_config_action action;
} actions[] = { FC_ACTION_TABLE(ACTION_ROW) };

/* Variables with our prefix that are no options: which program the tests run. */
static const char *const not_options[] = { PREFIX "BIN" };

/* What was found before anything is set; the texts belong to argv and the environment. */
struct sources {
    const char *flag[FC_OPTIONS];
    const char *environment[FC_OPTIONS];
    const char *path; /* the configuration file, NULL when there is none */
    enum fc_config_action action;
};

/* ---- setting one value ---- */

/* Sets option i from text; an error becomes "WHERE NAME = TEXT: must be …", where the name is spelled as in its source. */
static enum fc_status set_option(struct fc_config *c, size_t i, enum fc_origin origin, const char *where, const char *name, const char *text,
                                 struct fc_error *e)
{
    struct fc_error why;
    if (fc_value_parse(&fc_options[i], text, c, &why) != FC_OK)
        return fc_fail(e, FC_INVALID, why.code, "%s%s = \"%.200s\": %s", where, name, text, why.detail);
    c->origin[i] = (unsigned char)origin;
    return FC_OK;
}

/* True when the n bytes at name are a's name in another spelling: upper and lower case by fold, '-' for '_' by dash. */
static bool same_name(const char *option, const char *name, size_t n, bool fold, bool dash)
{
    for (size_t i = 0; i < n; i++) {
        char c = option[i];
        if (fold && c >= 'a' && c <= 'z')
            c = (char)(c - 'a' + 'A');
        if (dash && c == '_')
            c = '-';
        if (!option[i] || c != name[i])
            return false;
    }
    return option[n] == 0;
}

static size_t find_option(const char *name, size_t n, bool fold, bool dash)
{
    size_t i = 0;
    while (i < FC_OPTIONS && !same_name(fc_options[i].name, name, n, fold, dash))
        i++;
    return i;
}

/* ---- flags ---- */

static bool find_action(const char *flag, enum fc_config_action *out)
{
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (strcmp(actions[i].flag, flag) == 0) {
            *out = actions[i].action;
            return true;
        }
    }
    return false;
}

/* Sorts argv into s. Stops at the first flag that only prints something. */
static enum fc_status read_flags(int argc, char *const *argv, struct sources *s, struct fc_error *e)
{
    for (int i = 1; i < argc; i++) {
        const char *flag = argv[i], *equals = strchr(flag, '=');
        if (find_action(flag, &s->action)) {
            if (s->action != FC_CONFIG_CHECK)
                return FC_OK;
            continue;
        }
        size_t n = equals ? (size_t)(equals - flag) : strlen(flag);
        bool is_flag = n > 2 && flag[0] == '-' && flag[1] == '-';
        bool is_path = n == strlen("--config") && strncmp(flag, "--config", n) == 0;
        size_t option = is_flag ? find_option(flag + 2, n - 2, false, true) : FC_OPTIONS;
        if (!is_path && option == FC_OPTIONS)
            return fc_fail(e, FC_INVALID, "unknown_option", "command line: unknown %s \"%.200s\" (--help lists what there is)",
                           flag[0] == '-' ? "flag" : "argument", flag);
        const char *text = equals ? equals + 1 : argv[i + 1 < argc ? ++i : i];
        if (!equals && (text == flag || strncmp(text, "--", 2) == 0))
            return fc_fail(e, FC_INVALID, "bad_option", "command line: %s needs a value", flag);
        *(is_path ? &s->path : &s->flag[option]) = text;
    }
    return FC_OK;
}

/* ---- environment ---- */

static enum fc_status read_environment(char *const *environment, struct sources *s, struct fc_error *e)
{
    for (; environment && *environment; environment++) {
        const char *variable = *environment, *equals = strchr(variable, '=');
        if (!equals || strncmp(variable, PREFIX, strlen(PREFIX)) != 0)
            continue;
        size_t n = (size_t)(equals - variable);
        const char *name = variable + strlen(PREFIX);
        bool ours = true;
        for (size_t i = 0; i < sizeof not_options / sizeof *not_options; i++)
            ours = ours && !(strlen(not_options[i]) == n && strncmp(not_options[i], variable, n) == 0);
        size_t option = find_option(name, n - strlen(PREFIX), true, false);
        if (!ours)
            continue;
        if (strncmp(variable, PREFIX "CONFIG=", strlen(PREFIX "CONFIG=")) == 0)
            s->path = s->path ? s->path : equals + 1;
        else if (option < FC_OPTIONS)
            s->environment[option] = equals + 1;
        else
            return fc_fail(e, FC_INVALID, "unknown_option", "environment: unknown variable %.*s = \"%.200s\"", (int)n, variable, equals + 1);
    }
    return FC_OK;
}

/* ---- file ---- */

struct file_reading {
    struct fc_config *config;
    const char *path;
    FILE *file;
    char *line; /* owned by getline */
    size_t cap;
    int lines;           /* read so far, which is the number of the line being parsed */
    int set[FC_OPTIONS]; /* the line that set each option, 0 for none */
    enum fc_status status;
    struct fc_error *e;
};

#define FILE_FAIL(r, code, ...) ((r)->status = file_fail(r, code, __VA_ARGS__))

static enum fc_status file_fail(struct file_reading *r, const char *code, const char *fmt, ...) FC_PRINTF(3, 4);
static enum fc_status file_fail(struct file_reading *r, const char *code, const char *fmt, ...)
{
    char text[400], pointer[32];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    snprintf(pointer, sizeof pointer, "line %d", r->lines);
    return fc_fail_at(r->e, FC_INVALID, code, pointer, "%.200s:%d: %s", r->path, r->lines, text);
}

/* The fgets that libinih asks for. It ends the reading after an error, so that the first one is the one reported, and it takes the blanks off
 * the front: libinih would read an indented line as the rest of the value above. */
static char *next_line(char *out, int size, void *arg)
{
    struct file_reading *r = arg;
    ssize_t n = r->status == FC_OK ? getline(&r->line, &r->cap, r->file) : -1;
    if (n < 0)
        return NULL;
    r->lines++;
    char *line = r->line;
    while (*line == ' ' || *line == '\t')
        line++;
    size_t length = strlen(line);
    if (line + length != r->line + n)
        FILE_FAIL(r, "bad_config_file", "the line holds a NUL byte");
    else if (length >= (size_t)size)
        FILE_FAIL(r, "bad_config_file", "the line is longer than %d bytes", size - 1);
    if (r->status != FC_OK)
        return NULL;
    memcpy(out, line, length + 1);
    return out;
}

/* One "key = value" of the file: libinih's handler, which answers 1 for success. */
static int take_pair(void *arg, const char *section, const char *name, const char *value)
{
    struct file_reading *r = arg;
    if (*section && strcmp(section, "forecastd") != 0) {
        FILE_FAIL(r, "unknown_option", "unknown section [%.100s] of %s = \"%.200s\": options stand in no section or in [forecastd]", section, name,
                  value);
        return 0;
    }
    size_t i = find_option(name, strlen(name), false, false);
    if (i == FC_OPTIONS) {
        FILE_FAIL(r, "unknown_option", "unknown option %.100s = \"%.200s\"", name, value);
        return 0;
    }
    if (r->set[i]) {
        FILE_FAIL(r, "duplicate_option", "%s = \"%.200s\": line %d has set it already", name, value, r->set[i]);
        return 0;
    }
    r->set[i] = r->lines;
    struct fc_error why;
    if (set_option(r->config, i, FC_FROM_FILE, "", name, value, &why) != FC_OK)
        FILE_FAIL(r, why.code, "%s", why.detail);
    return r->status == FC_OK;
}

static enum fc_status read_file(const char *path, struct fc_config *c, struct fc_error *e)
{
    struct file_reading r = { .config = c, .path = path, .status = FC_OK, .e = e };
    errno = 0;
    r.file = fopen(path, "re");
    if (!r.file)
        return fc_fail(e, FC_IO, "bad_config_file", "cannot read the configuration file %.200s: %s", path, strerror(errno));
    int bad_line = ini_parse_stream(next_line, &r, take_pair, &r);
    if (ferror(r.file))
        r.status = fc_fail(e, FC_IO, "bad_config_file", "cannot read the configuration file %.200s: %s", path, strerror(errno));
    else if (bad_line > 0 && (r.status == FC_OK || bad_line < r.lines)) {
        r.lines = bad_line; /* libinih goes on after a line that it could not read; that line came first */
        FILE_FAIL(&r, "bad_config_file", "neither \"option = value\" nor a comment");
    } else if (bad_line < 0)
        r.status = fc_fail_nomem(e, r.cap);
    free(r.line);
    fclose(r.file); /* only read: nothing can be lost */
    return r.status;
}

/* ---- all of it ---- */

static enum fc_status set_all(const struct sources *s, struct fc_config *c, struct fc_error *e)
{
    for (size_t i = 0; i < FC_OPTIONS; i++) {
        enum fc_status status = set_option(c, i, FC_FROM_DEFAULT, "default: ", fc_options[i].name, fc_options[i].fallback, e);
        if (status != FC_OK)
            return status;
    }
    enum fc_status status = s->path ? read_file(s->path, c, e) : FC_OK;
    char name[64];
    for (size_t i = 0; i < FC_OPTIONS && status == FC_OK; i++) {
        if (!s->environment[i])
            continue;
        snprintf(name, sizeof name, PREFIX "%s", fc_options[i].name);
        for (char *p = name; *p; p++)
            *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);
        status = set_option(c, i, FC_FROM_ENVIRONMENT, "environment: ", name, s->environment[i], e);
    }
    for (size_t i = 0; i < FC_OPTIONS && status == FC_OK; i++) {
        if (!s->flag[i])
            continue;
        snprintf(name, sizeof name, "--%s", fc_options[i].name);
        for (char *p = name; *p; p++)
            *p = (char)(*p == '_' ? '-' : *p);
        status = set_option(c, i, FC_FROM_FLAG, "command line: ", name, s->flag[i], e);
    }
    return status;
}

enum fc_status fc_config_read(int argc, char *const *argv, char *const *environment, struct fc_config *out, enum fc_config_action *action,
                              struct fc_error *e)
{
    struct sources s = { .action = FC_CONFIG_SERVE };
    struct fc_config c = { .origin = { 0 } };
    enum fc_status status = read_flags(argc, argv, &s, e);
    bool prints = s.action == FC_CONFIG_HELP || s.action == FC_CONFIG_VERSION || s.action == FC_CONFIG_SAMPLE;
    if (status == FC_OK && !prints)
        status = read_environment(environment, &s, e);
    if (status == FC_OK && !prints)
        status = set_all(&s, &c, e);
    if (status != FC_OK)
        return status;
    if (!prints)
        *out = c;
    *action = s.action;
    return FC_OK;
}
