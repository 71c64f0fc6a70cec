/* test_routes.c: each row of the route table, and the matching of paths. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api.h"
#include "http_call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The route of a raw path; its parameters joined with "|". */
static const struct fc_route *find(const char *method, const char *target, char allow[64], char *params)
{
    static struct fc_request r;
    static char *decoded;
    struct fc_path path;
    struct fc_error e;
    free(decoded);
    decoded = NULL;
    r = (struct fc_request){.target = (char *)(uintptr_t)target};
    assert_int_equal(fc_target_parse(&r, &decoded, &path, &e), FC_OK);
    char *param[FC_PATH_PARAMS];
    size_t n;
    const struct fc_route *row = fc_route_find(fc_routes, method, &path, param, &n, allow);
    params[0] = 0;
    for (size_t i = 0; i < n; i++)
        sprintf(params + strlen(params), "%s%s", i ? "|" : "", param[i]);
    return row;
}

/* Each row is reached by its own pattern, is whole, and none hides another. */
static void each_row_is_reached(void **state)
{
    (void)state;
    char allow[64], params[256];
    size_t rows = 0;
    for (const struct fc_route *row = fc_routes; row->method; row++, rows++) {
        char target[256];
        size_t n = 0;
        for (const char *p = row->pattern; *p; p++)
            if (*p != '{' && *p != '}')
                target[n++] = *p;
        target[n] = 0;
        assert_ptr_equal(find(row->method, target, allow, params), row);
        assert_non_null(row->handler);
        assert_non_null(row->accepts);
        assert_true(row->where == FC_INLINE || row->where == FC_SMALL || row->where == FC_WORKER);
        bool reads = strcmp(row->method, "GET") == 0 || strcmp(row->method, "DELETE") == 0;
        assert_int_equal(reads, row->accepts[0] == 0);
        assert_null(find("BREW", target, allow, params));
        assert_true(fc_word_in(allow, row->method, strlen(row->method)));
        assert_true(strlen(allow) < sizeof allow - 1);
    }
    assert_int_equal(rows, 25);
}

static void paths_of_the_contract(void **state)
{
    (void)state;
    static const struct { const char *method, *target, *pattern, *params; } cases[] = {
        {"GET", "/", "/", ""},
        {"GET", "/?series=a%2Fb", "/", ""},
        {"GET", "/assets/chart.js", "/assets/{name}", "chart.js"},
        {"GET", "/v1/series", "/v1/series", ""},
        {"PUT", "/v1/series/a%2Fb", "/v1/series/{id}", "a/b"},
        {"GET", "/v1/series/forecast", "/v1/series/{id}", "forecast"},
        {"GET", "/v1/series/%7Bid%7D/forecast", "/v1/series/{id}/forecast", "{id}"},
        {"POST", "/v1/series/points/points", "/v1/series/{id}/points", "points"},
        {"POST", "/v1/points", "/v1/points", ""},
        {"POST", "/v1/series/x/forecasts?time=s", "/v1/series/{id}/forecasts", "x"},
        {"GET", "/v1/models/load-day-ahead/forecasts", "/v1/models/{id}/forecasts", "load-day-ahead"},
        {"DELETE", "/v1/jobs/7", "/v1/jobs/{id}", "7"},
        {"GET", "/v1", NULL, ""},
        {"GET", "/v1/", NULL, ""},
        {"GET", "/v1/series/", NULL, ""},
        {"GET", "//v1/series", NULL, ""},
        {"GET", "/V1/series", NULL, ""},
        {"GET", "/v1/series/a/b", NULL, ""},
        {"GET", "/v1/series%2Fa", NULL, ""},
        {"GET", "/v1/seriesx", NULL, ""},
        {"GET", "/healthz/", NULL, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char allow[64], params[256];
        const struct fc_route *row = find(cases[i].method, cases[i].target, allow, params);
        if (!row != !cases[i].pattern)
            print_message("%s\n", cases[i].target);
        assert_int_equal(!row, !cases[i].pattern);
        if (row)
            assert_string_equal(row->pattern, cases[i].pattern);
        else
            assert_string_equal(allow, "");
        assert_string_equal(params, cases[i].params);
    }
}

static void allow_lists_the_methods(void **state)
{
    (void)state;
    char allow[64], params[256];
    assert_null(find("PATCH", "/v1/series/a/points", allow, params));
    assert_string_equal(allow, "POST, GET, HEAD, DELETE, OPTIONS");
    assert_null(find("POST", "/v1/series/a", allow, params));
    assert_string_equal(allow, "PUT, GET, HEAD, DELETE, OPTIONS");
    assert_null(find("GET", "/v1/forecast", allow, params));
    assert_string_equal(allow, "POST, OPTIONS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_row_is_reached),
        cmocka_unit_test(paths_of_the_contract),
        cmocka_unit_test(allow_lists_the_methods),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
