/* test_log.c: the lines of the log, read back from the file that stands behind stderr. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "log.h"
#include "scan.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int real_stderr;
static FILE *file;

/* Puts a fresh file behind stderr. */
static int open_file(void **state)
{
    (void)state;
    real_stderr = dup(STDERR_FILENO);
    file = tmpfile();
    return file && dup2(fileno(file), STDERR_FILENO) >= 0 ? 0 : -1;
}

static int close_file(void **state)
{
    (void)state;
    fc_log_flush();
    int rc = dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    fclose(file);
    return rc < 0;
}

/* What was logged since the start, NUL-terminated; the caller frees. */
static char *logged(void)
{
    fc_log_flush();
    off_t n = lseek(fileno(file), 0, SEEK_END);
    char *text = calloc(1, (size_t)n + 1);
    assert_int_equal(pread(fileno(file), text, (size_t)n, 0), n);
    return text;
}

static const struct fc_log_request request = {.method = "GET", .target = "/v1/series/\xff\"\n\x7f\xc3\xa9", .remote = "127.0.0.1:5", .status = 200, .bytes = 12, .seconds = 0.0015};

static void logfmt(void **state)
{
    (void)state;
    fc_log_init(FC_LOG_INFO, false);
    fc_log(FC_LOG_INFO, "started", "port %d", 7);
    fc_log(FC_LOG_DEBUG, "hidden", "nothing");
    fc_log_request(FC_LOG_INFO, &request);
    fc_log_request(FC_LOG_DEBUG, &request);
    char *text = logged();
    assert_non_null(strstr(text, "level=info event=started message=\"port 7\"\n"));
    assert_null(strstr(text, "hidden"));
    assert_non_null(strstr(text, "event=request method=\"GET\" target=\"/v1/series/\\ufffd\\\"\\u000a\\u007f\xc3\xa9\" status=200 bytes=12 ms=1.500 remote=127.0.0.1:5\n"));
    assert_int_equal(strncmp(text, "time=20", 7), 0);
    int lines = 0;
    for (const char *p = text; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 2);
    free(text);
}

/* Each line is one strict JSON document, however long and strange its text. */
static void json(void **state)
{
    (void)state;
    fc_log_init(FC_LOG_DEBUG, true);
    char long_target[5000];
    memset(long_target, 1, sizeof long_target - 1);
    long_target[sizeof long_target - 1] = 0;
    struct fc_log_request long_request = request;
    long_request.target = long_target;
    fc_log_request(FC_LOG_DEBUG, &request);
    fc_log_request(FC_LOG_INFO, &long_request);
    fc_log(FC_LOG_ERROR, "failed", "%.3000s", long_target);
    char *text = logged();
    int lines = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        struct fc_error e = {0};
        if (fc_json_check(line, strlen(line), &e) != FC_OK)
            print_message("%s: %s\n", e.detail, line);
        assert_int_equal(fc_json_check(line, strlen(line), &e), FC_OK);
        assert_true(strlen(line) < 2048);
    }
    assert_int_equal(lines, 3);
    free(text);
}

static void *write_many(void *arg)
{
    for (int i = 0; i < 20000; i++)
        fc_log(FC_LOG_INFO, "many", "thread %d line %d", (int)(intptr_t)arg, i);
    return NULL;
}

/* Many writers: each line is whole, and written or counted as dropped. */
static void no_line_is_lost_silently(void **state)
{
    (void)state;
    fc_log_init(FC_LOG_INFO, false);
    uint64_t before = fc_log_dropped();
    pthread_t t[4];
    for (intptr_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&t[i], NULL, write_many, (void *)i), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    char *text = logged();
    uint64_t written = 0, reported = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        const char *report = strstr(line, "event=log_dropped lines=");
        if (report)
            reported += strtoull(report + sizeof "event=log_dropped lines=" - 1, NULL, 10);
        else
            written += strncmp(line, "time=", 5) == 0 && strstr(line, "event=many message=\"thread ") != NULL;
    }
    assert_int_equal(reported, fc_log_dropped() - before);
    assert_int_equal(written + reported, 80000);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(logfmt, open_file, close_file),
        cmocka_unit_test_setup_teardown(json, open_file, close_file),
        cmocka_unit_test_setup_teardown(no_line_is_lost_silently, open_file, close_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
