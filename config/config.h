/* config.h: what the daemon was told, from defaults, file, environment and flags, each beating the one before it.
 *
 * Read once by main before any thread starts, and again on SIGHUP into a second struct; after that a struct fc_config is plain data that
 * any thread may read. Every bad key and value stops the reading with a sentence that names where it stood, the key and the value. */
#ifndef FC_CONFIG_H
#define FC_CONFIG_H

#include "buf.h"
#include "error.h"
#include "options.h"

#define FC_ADDRESS_MAX 64
#define FC_FILE_MAX 1024

/* Where to serve: a numeric loopback address without brackets ("127.0.0.1", "::1"), port 0 for a free one. */
struct fc_listen {
    char address[FC_ADDRESS_MAX];
    uint16_t port;
};

enum fc_option_kind { FC_OPTION_LISTEN, FC_OPTION_PATH, FC_OPTION_COUNT, FC_OPTION_BYTES, FC_OPTION_CHOICE };
enum fc_origin { FC_FROM_DEFAULT, FC_FROM_FILE, FC_FROM_ENVIRONMENT, FC_FROM_FLAG };

/* log_level is 0 error, 1 warn, 2 info, 3 debug; log_format is one of these. */
enum fc_log_format { FC_FORMAT_LOGFMT, FC_FORMAT_JSON };

#define FC_FIELD_LISTEN(name) struct fc_listen name;
#define FC_FIELD_PATH(name) char name[FC_FILE_MAX];
#define FC_FIELD_COUNT(name) size_t name;
#define FC_FIELD_BYTES(name) size_t name;
#define FC_FIELD_CHOICE(name) int name;
#define FC_FIELD(name, kind, fallback, lo, hi, form, live, help) FC_FIELD_##kind(name)
#define FC_INDEX(name, kind, fallback, lo, hi, form, live, help) FC_INDEX_##name,

enum { FC_OPTION_TABLE(FC_INDEX) FC_OPTIONS };

struct fc_config {
    FC_OPTION_TABLE(FC_FIELD)
    unsigned char origin[FC_OPTIONS]; /* enum fc_origin of each option, in the table's order */
};

/* A row of options.h as data. */
struct fc_option {
    const char *name;
    enum fc_option_kind kind;
    size_t offset; /* of the field in struct fc_config */
    const char *fallback;
    size_t lo, hi;
    const char *form;
    bool live;
    const char *help;
};
extern const struct fc_option fc_options[FC_OPTIONS];

/* What the command line asks for: FC_CONFIG_SERVE, or one of FC_ACTION_TABLE. For HELP, VERSION and SAMPLE nothing else was read. */
#define FC_ACTION_ENUM(action, flag, help) FC_CONFIG_##action,
enum fc_config_action { FC_CONFIG_SERVE, FC_ACTION_TABLE(FC_ACTION_ENUM) };

/* Reads flags (argv[1] on), environment ("NAME=value", ended by NULL) and the file that --config or FORECASTD_CONFIG names, if any.
 * FC_INVALID with code unknown_option, bad_option, duplicate_option or bad_config_file; FC_IO when the file can't be read; pointer is
 * "line N" for the file. *out and *action change only on success. */
FC_MUST_CHECK enum fc_status fc_config_read(int argc, char *const *argv, char *const *environment, struct fc_config *out,
                                            enum fc_config_action *action, struct fc_error *e);

/* The text of --help, of the sample file, and of a configuration as the lines that would give it again (each with its origin as a comment). */
void fc_config_help(struct fc_buf *out);
void fc_config_sample(struct fc_buf *out);
void fc_config_print(const struct fc_config *c, struct fc_buf *out);

/* True when both hold the same value for option (its index in fc_options). */
bool fc_config_same(const struct fc_config *a, const struct fc_config *b, size_t option);

#endif
