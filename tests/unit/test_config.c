/* test_config.c: the options from every source: order, spelling, and errors that say where, which key and which value. */
#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* One reading: flags and environment as lists ended by NULL, the file's text (NULL: none), and what came out. */
struct reading {
    struct fc_config config;
    enum fc_config_action action;
    enum fc_status status;
    struct fc_error error;
    char path[64];
};

static struct reading read_all(const char *file, size_t file_size, const char *const *environment, const char *const *flags)
{
    struct reading r = { .status = FC_OK };
    const char *argv[16] = { "forecastd" };
    int argc = 1;
    if (file) {
        strcpy(r.path, "/tmp/forecastd-test-XXXXXX");
        int fd = mkstemp(r.path);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, file, file_size), (ssize_t)file_size);
        assert_int_equal(close(fd), 0);
        argv[argc++] = "--config";
        argv[argc++] = r.path;
    }
    for (; flags && *flags && argc < 16; flags++)
        argv[argc++] = *flags;
    r.status = fc_config_read(argc, (char *const *)argv, (char *const *)environment, &r.config, &r.action, &r.error);
    if (file)
        assert_int_equal(unlink(r.path), 0);
    return r;
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define FILE_OF(text) read_all(text, strlen(text), NULL, NULL)
#define FLAGS(...) read_all(NULL, 0, NULL, LIST(__VA_ARGS__))
#define ENVIRONMENT(...) read_all(NULL, 0, LIST(__VA_ARGS__), NULL)

/* The reading failed, and its message holds each part. */
static void assert_fails(const struct reading *r, const char *code, const char *const *parts)
{
    assert_int_not_equal(r->status, FC_OK);
    assert_string_equal(r->error.code, code);
    for (; *parts; parts++) {
        if (!strstr(r->error.detail, *parts))
            fail_msg("\"%s\" does not say \"%s\"", r->error.detail, *parts);
    }
}
#define ASSERT_FAILS(call, code, ...) do { struct reading fails = call; assert_fails(&fails, code, LIST(__VA_ARGS__)); } while (0)

static void test_defaults(void **state)
{
    (void)state;
    struct reading r = read_all(NULL, 0, NULL, NULL);
    assert_int_equal(r.status, FC_OK);
    assert_int_equal(r.action, FC_CONFIG_SERVE);
    assert_string_equal(r.config.listen.address, "127.0.0.1");
    assert_int_equal(r.config.listen.port, 8077);
    assert_string_equal(r.config.database, "forecastd.db");
    assert_int_equal(r.config.workers, 0);
    assert_int_equal(r.config.request_workers, 4);
    assert_int_equal(r.config.log_level, 2);
    assert_int_equal(r.config.log_format, FC_FORMAT_LOGFMT);
    assert_int_equal(r.config.body_limit, 64u << 20);
    assert_int_equal(r.config.queue_limit, 1000);
    assert_int_equal(r.config.max_horizon, 10000);
}

/* Walks the table: each row has a good default, a flag, a variable and a line in the file, and each of them says where it came from. */
static void test_every_option_from_every_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < FC_OPTIONS; i++) {
        const struct fc_option *o = &fc_options[i];
        char flag[128], variable[128], line[128];
        snprintf(flag, sizeof flag, "--%s=%s", o->name, o->fallback);
        snprintf(variable, sizeof variable, "FORECASTD_%s=%s", o->name, o->fallback);
        snprintf(line, sizeof line, "%s = %s\n", o->name, o->fallback);
        for (char *p = flag; *p != '='; p++)
            *p = (char)(*p == '_' ? '-' : *p);
        for (char *p = variable; *p != '='; p++)
            *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
        struct reading r[] = { read_all(NULL, 0, NULL, NULL), FILE_OF(line), ENVIRONMENT(variable), FLAGS(flag) };
        for (int origin = FC_FROM_DEFAULT; origin <= FC_FROM_FLAG; origin++) {
            if (r[origin].status != FC_OK)
                fail_msg("%s: %s", o->name, r[origin].error.detail);
            assert_int_equal(r[origin].config.origin[i], origin);
            assert_true(fc_config_same(&r[0].config, &r[origin].config, i));
        }
        assert_true(o->help[0] && o->form[0] && (o->lo < o->hi || o->hi == 0));
    }
}

static void test_precedence(void **state)
{
    (void)state;
    const char *file = "workers = 1\nqueue_limit = 11\nmax_horizon = 111\n";
    struct reading r = read_all(file, strlen(file), LIST("HOME=/root", "FORECASTD_QUEUE_LIMIT=22", "FORECASTD_MAX_HORIZON=222"), LIST("--max-horizon", "333"));
    assert_int_equal(r.status, FC_OK);
    assert_int_equal(r.config.workers, 1);
    assert_int_equal(r.config.queue_limit, 22);
    assert_int_equal(r.config.max_horizon, 333);
    assert_int_equal(r.config.request_workers, 4);
    r = FLAGS("--workers", "1", "--workers=2");
    assert_int_equal(r.status, FC_OK);
    assert_int_equal(r.config.workers, 2);
}

static void test_file_named_by_environment(void **state)
{
    (void)state;
    ASSERT_FAILS(ENVIRONMENT("FORECASTD_CONFIG=/nowhere/a.conf"), "bad_config_file", "/nowhere/a.conf", "No such file");
    ASSERT_FAILS(FLAGS("--config", "/"), "bad_config_file", "cannot read", "directory");
    const char *file = "workers = 3\n";
    struct reading r = read_all(file, strlen(file), LIST("FORECASTD_CONFIG=/nowhere/a.conf"), NULL);
    assert_int_equal(r.status, FC_OK); /* the flag beats it */
    assert_int_equal(r.config.workers, 3);
}

static void test_file_forms(void **state)
{
    (void)state;
    struct reading r = FILE_OF("\xEF\xBB\xBF# a comment\n; another\n\n[forecastd]\r\n  listen = [::1]:0\n\tworkers=2 ; inline\n  database = a = b.db\nlog_format: json");
    if (r.status != FC_OK)
        fail_msg("%s", r.error.detail);
    assert_string_equal(r.config.listen.address, "::1");
    assert_int_equal(r.config.listen.port, 0);
    assert_int_equal(r.config.workers, 2);
    assert_string_equal(r.config.database, "a = b.db");
    assert_int_equal(r.config.log_format, FC_FORMAT_JSON);
    r = FILE_OF("");
    assert_int_equal(r.status, FC_OK);
}

static void test_file_errors_name_line_key_and_value(void **state)
{
    (void)state;
    struct reading r = FILE_OF("# first\nworkers = many\n");
    char where[160];
    snprintf(where, sizeof where, "%s:2: workers = \"many\": must be a whole number from 0 to 256", r.path);
    assert_fails(&r, "bad_option", LIST(where));
    assert_string_equal(r.error.pointer, "line 2");
    ASSERT_FAILS(FILE_OF("\n\nworker = 2\n"), "unknown_option", ":3:", "unknown option worker = \"2\"");
    ASSERT_FAILS(FILE_OF("Workers = 2\n"), "unknown_option", ":1:", "Workers");
    ASSERT_FAILS(FILE_OF("[server]\nworkers = 2\n"), "unknown_option", ":2:", "[server]", "workers", "2");
    ASSERT_FAILS(FILE_OF("workers = 2\nlog_level = info\nworkers = 3\n"), "duplicate_option", ":3:", "workers = \"3\"", "line 1");
    ASSERT_FAILS(FILE_OF("workers = 2\nhello\nworkers = x\n"), "bad_config_file", ":2:");
    ASSERT_FAILS(FILE_OF("workers = x\nhello\n"), "bad_option", ":1:", "workers");
    ASSERT_FAILS(FILE_OF("[forecastd\nworkers = 2\n"), "bad_config_file", ":1:");
    ASSERT_FAILS(read_all("workers = 2\0\n", 13, NULL, NULL), "bad_config_file", ":1:", "NUL");
    char wide[5000] = "database = ";
    memset(wide + 11, 'x', sizeof wide - 12);
    wide[sizeof wide - 1] = 0;
    ASSERT_FAILS(FILE_OF(wide), "bad_config_file", ":1:", "longer than");
}

static void test_unknown_names(void **state)
{
    (void)state;
    ASSERT_FAILS(FLAGS("--worker", "2"), "unknown_option", "unknown flag", "--worker");
    ASSERT_FAILS(FLAGS("--log_level", "info"), "unknown_option", "--log_level");
    ASSERT_FAILS(FLAGS("-x"), "unknown_option", "unknown flag", "-x");
    ASSERT_FAILS(FLAGS("--"), "unknown_option", "--");
    ASSERT_FAILS(FLAGS("--=2"), "unknown_option", "--=2");
    ASSERT_FAILS(FLAGS("series.db"), "unknown_option", "unknown argument", "series.db");
    ASSERT_FAILS(FLAGS("--help=yes"), "unknown_option", "--help=yes");
    ASSERT_FAILS(ENVIRONMENT("FORECASTD_WORKER=2"), "unknown_option", "environment", "FORECASTD_WORKER = \"2\"");
    ASSERT_FAILS(ENVIRONMENT("FORECASTD_workers=2"), "unknown_option", "FORECASTD_workers");
    ASSERT_FAILS(ENVIRONMENT("FORECASTD_=2"), "unknown_option", "FORECASTD_");
    struct reading r = ENVIRONMENT("FORECASTD_BIN=build/forecastd", "FORECAST=1", "XFORECASTD_A=1");
    assert_int_equal(r.status, FC_OK);
}

static void test_missing_values(void **state)
{
    (void)state;
    ASSERT_FAILS(FLAGS("--workers"), "bad_option", "--workers needs a value");
    ASSERT_FAILS(FLAGS("--config"), "bad_option", "--config needs a value");
    ASSERT_FAILS(FLAGS("--database", "--workers"), "bad_option", "--database needs a value");
    ASSERT_FAILS(FLAGS("--database="), "bad_option", "--database = \"\"");
    ASSERT_FAILS(ENVIRONMENT("FORECASTD_WORKERS="), "bad_option", "FORECASTD_WORKERS = \"\"");
    ASSERT_FAILS(FILE_OF("workers =\n"), "bad_option", "workers = \"\"");
}

static void test_listen(void **state)
{
    (void)state;
    const struct { const char *text, *address; int port; } good[] = {
        { "127.0.0.1:0", "127.0.0.1", 0 }, { "127.1.2.3:65535", "127.1.2.3", 65535 }, { "[::1]:8077", "::1", 8077 }, { "localhost:80", "127.0.0.1", 80 },
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct reading r = FLAGS("--listen", good[i].text);
        if (r.status != FC_OK)
            fail_msg("%s", r.error.detail);
        assert_string_equal(r.config.listen.address, good[i].address);
        assert_int_equal(r.config.listen.port, good[i].port);
    }
    const char *const open[] = { "0.0.0.0:8077", "[::]:8077", "192.168.1.5:8077", "128.0.0.1:1", "[::ffff:127.0.0.1]:80" };
    for (size_t i = 0; i < sizeof open / sizeof *open; i++)
        ASSERT_FAILS(FLAGS("--listen", open[i]), "bad_option", "--listen", open[i], "loopback");
    const char *const bad[] = { "8077", ":8077", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:+1", "127.0.0.1: 1", "::1:8077", "[127.0.0.1]:80",
                                "[]:80", "example.com:80", "127.1:80", "127.0.0.1:99999999999999999999999",
                                "1111111111111111111111111111111111111111111111111111111111111111111111111111:1" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ASSERT_FAILS(FLAGS("--listen", bad[i]), "bad_option", "--listen", bad[i], "such as 127.0.0.1:8077 or [::1]:8077");
}

static void test_numbers_and_sizes(void **state)
{
    (void)state;
    const char *const bad[] = { "-1", "+1", " 1", "1 ", "1.0", "0x10", "257", "18446744073709551617", "1e2" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ASSERT_FAILS(FLAGS("--workers", bad[i]), "bad_option", "--workers", bad[i], "0 to 256");
    ASSERT_FAILS(FLAGS("--queue-limit", "0"), "bad_option", "1 to 100000");
    const struct { const char *text; size_t bytes; } sizes[] = {
        { "1024", 1024 }, { "1024B", 1024 }, { "2KiB", 2048 }, { "2 KiB", 2048 }, { "2kB", 2000 }, { "3MB", 3000000 }, { "1GB", 1000000000 }, { "1GiB", 1u << 30 },
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct reading r = FLAGS("--body-limit", sizes[i].text);
        if (r.status != FC_OK)
            fail_msg("%s", r.error.detail);
        assert_int_equal(r.config.body_limit, sizes[i].bytes);
    }
    const char *const wrong[] = { "1023", "2GiB", "64 ", "64  MiB", "64mib", "64M", "MiB", "-1MiB", "1.5MiB", "18446744073709551615GiB" };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        ASSERT_FAILS(FLAGS("--body-limit", wrong[i]), "bad_option", "--body-limit", wrong[i], "MiB");
}

static void test_choices(void **state)
{
    (void)state;
    const char *const levels[] = { "error", "warn", "info", "debug" };
    for (int i = 0; i < 4; i++) {
        struct reading r = FLAGS("--log-level", levels[i]);
        assert_int_equal(r.status, FC_OK);
        assert_int_equal(r.config.log_level, i);
    }
    const char *const bad[] = { "warning", "inf", "INFO", "error|warn", "2", "|" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ASSERT_FAILS(FLAGS("--log-level", bad[i]), "bad_option", bad[i], "error|warn|info|debug");
}

static void test_actions(void **state)
{
    (void)state;
    assert_int_equal(FLAGS("--check-config").action, FC_CONFIG_CHECK);
    assert_int_equal(FLAGS("--sample-config").action, FC_CONFIG_SAMPLE);
    assert_int_equal(FLAGS("--version", "--nonsense").action, FC_CONFIG_VERSION);
    assert_int_equal(FLAGS("--workers", "many", "--help").action, FC_CONFIG_HELP);
    ASSERT_FAILS(FLAGS("--check-config", "--workers", "many"), "bad_option", "many");
}

static void test_failure_changes_nothing(void **state)
{
    (void)state;
    struct fc_config config, before;
    memset(&config, 0x5a, sizeof config);
    memcpy(&before, &config, sizeof config);
    enum fc_config_action action = FC_CONFIG_VERSION;
    const char *argv[] = { "forecastd", "--workers=2", "--queue-limit=x" };
    assert_int_equal(fc_config_read(3, (char *const *)argv, NULL, &config, &action, NULL), FC_INVALID);
    assert_memory_equal(&config, &before, sizeof config);
    assert_int_equal(action, FC_CONFIG_VERSION);
}

/* What is printed reads back as the same configuration. */
static void test_print_reads_back(void **state)
{
    (void)state;
    struct reading r = FLAGS("--listen=[::1]:9", "--database=a b.db", "--workers=7", "--body-limit=3000000", "--log-format=json", "--log-level=debug");
    assert_int_equal(r.status, FC_OK);
    struct fc_buf text = { 0 };
    fc_config_print(&r.config, &text);
    assert_true(fc_buf_terminate(&text));
    assert_non_null(strstr(text.data, "; flag\n"));
    assert_non_null(strstr(text.data, "; default\n"));
    struct reading again = FILE_OF(text.data);
    if (again.status != FC_OK)
        fail_msg("%s", again.error.detail);
    for (size_t i = 0; i < FC_OPTIONS; i++)
        assert_true(fc_config_same(&r.config, &again.config, i));
    struct reading other = FLAGS("--workers=8");
    assert_false(fc_config_same(&r.config, &other.config, FC_INDEX_workers));
    fc_buf_free(&text);
}

/* The sample as it is changes nothing, and with its options uncommented it still says the defaults; --help names each flag. */
static void test_sample_and_help(void **state)
{
    (void)state;
    struct fc_buf text = { 0 }, help = { 0 };
    fc_config_sample(&text);
    fc_config_help(&help);
    assert_true(fc_buf_terminate(&text) && fc_buf_terminate(&help));
    struct reading defaults = read_all(NULL, 0, NULL, NULL), commented = FILE_OF(text.data);
    assert_int_equal(commented.status, FC_OK);
    for (char *p = text.data; (p = strstr(p, "\n#")) != NULL; p++) {
        if (p[2] != ' ')
            p[1] = ' ';
    }
    struct reading r = FILE_OF(text.data);
    if (r.status != FC_OK)
        fail_msg("%s", r.error.detail);
    for (size_t i = 0; i < FC_OPTIONS; i++) {
        assert_int_equal(commented.config.origin[i], FC_FROM_DEFAULT);
        assert_int_equal(r.config.origin[i], FC_FROM_FILE);
        assert_true(fc_config_same(&defaults.config, &r.config, i));
        char flag[64];
        snprintf(flag, sizeof flag, "--%s ", fc_options[i].name);
        for (char *p = flag; *p; p++)
            *p = (char)(*p == '_' ? '-' : *p);
        assert_non_null(strstr(help.data, flag));
    }
    fc_buf_free(&text);
    fc_buf_free(&help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_every_option_from_every_source),
        cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_file_named_by_environment),
        cmocka_unit_test(test_file_forms),
        cmocka_unit_test(test_file_errors_name_line_key_and_value),
        cmocka_unit_test(test_unknown_names),
        cmocka_unit_test(test_missing_values),
        cmocka_unit_test(test_listen),
        cmocka_unit_test(test_numbers_and_sizes),
        cmocka_unit_test(test_choices),
        cmocka_unit_test(test_actions),
        cmocka_unit_test(test_failure_changes_nothing),
        cmocka_unit_test(test_print_reads_back),
        cmocka_unit_test(test_sample_and_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
