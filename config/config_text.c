/* config_text.c: the table of options as text for people: --help, the sample file, and a configuration as it stands. */
#include "config.h"

#include "value.h"

#include <string.h>

static const char *const origins[] = {
    [FC_FROM_DEFAULT] = "default",
    [FC_FROM_FILE] = "file",
    [FC_FROM_ENVIRONMENT] = "environment",
    [FC_FROM_FLAG] = "flag",
};

/* Pads with blanks to the column, which counts from the buffer's length at the line's start; at least two blanks. */
static void pad(struct fc_buf *out, size_t line, size_t column)
{
    size_t missing = line + column > out->n + 2 ? line + column - out->n : 2;
    fc_buf_format(out, "%*s", (int)missing, "");
}

static void help_line(struct fc_buf *out, const char *flag, const char *form, const char *help, const char *fallback)
{
    size_t line = out->n;
    fc_buf_text(out, "  --");
    for (const char *p = flag; *p; p++)
        fc_buf_char(out, *p == '_' ? '-' : *p);
    fc_buf_format(out, " %s", form);
    pad(out, line, 40);
    fc_buf_text(out, help);
    if (fallback)
        fc_buf_format(out, " (default %s)", fallback);
    fc_buf_char(out, '\n');
}

void fc_config_help(struct fc_buf *out)
{
    fc_buf_text(out, "forecastd " FC_VERSION ": POST a time series, GET its forecast.\n\nUsage: forecastd [--config FILE] [--OPTION VALUE]...\n\n");
    for (size_t i = 0; i < FC_OPTIONS; i++)
        help_line(out, fc_options[i].name, fc_options[i].form, fc_options[i].help, fc_options[i].fallback);
    fc_buf_char(out, '\n');
    help_line(out, "config", "FILE", "read options from this file; none is read unless it is named", NULL);
#define ACTION_HELP(action, flag, help) help_line(out, flag, "", help, NULL);
    FC_ACTION_TABLE(ACTION_HELP)
    fc_buf_text(out, "\nEach option is also a line in the file (log_level = info) and a variable in the environment (FORECASTD_LOG_LEVEL=info;\n"
                     "FORECASTD_CONFIG names the file). Flags beat the environment, the environment beats the file.\n"
                     "SIGTERM stops in order; a second one at once. SIGHUP reads the configuration again.\n");
}

void fc_config_sample(struct fc_buf *out)
{
    fc_buf_text(out, "# forecastd " FC_VERSION ": sample configuration. Each line shows the default; remove the # before an option to change it.\n"
                     "# Use it with: forecastd --config FILE   Check it with: forecastd --config FILE --check-config\n");
    for (size_t i = 0; i < FC_OPTIONS; i++) {
        const struct fc_option *o = &fc_options[i];
        fc_buf_format(out, "\n# %s: %s%s\n#%s = %s\n", o->form, o->help, o->live ? " (SIGHUP applies a change)" : "", o->name, o->fallback);
    }
}

void fc_config_print(const struct fc_config *c, struct fc_buf *out)
{
    for (size_t i = 0; i < FC_OPTIONS; i++) {
        size_t line = out->n;
        fc_buf_format(out, "%s = ", fc_options[i].name);
        fc_value_format(&fc_options[i], c, out);
        pad(out, line, 40);
        fc_buf_format(out, "; %s\n", origins[c->origin[i]]);
    }
}

bool fc_config_same(const struct fc_config *a, const struct fc_config *b, size_t option)
{
    struct fc_buf x = { 0 }, y = { 0 };
    fc_value_format(&fc_options[option], a, &x);
    fc_value_format(&fc_options[option], b, &y);
    bool same = !x.failed && !y.failed && x.n == y.n && memcmp(x.data, y.data, x.n) == 0;
    fc_buf_free(&x);
    fc_buf_free(&y);
    return same;
}
