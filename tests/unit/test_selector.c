/* test_selector.c: Prometheus selectors: what they take, what they refuse. */
#include "selector.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const char labels[] = "{\"site\":\"a\",\"kind\":\"wind power\",\"k.x\":\"v\",\"q\":\"say \\\"hi\\\"\",\"e\":\"\\u00e9\"}";

static void test_match(void **state)
{
    (void)state;
    static const struct { const char *selector; bool want; } row[] = {
        {"{}", true}, {" { } ", true}, {"{site=\"a\"}", true}, {"{site=\"b\"}", false}, {"{site!=\"b\"}", true}, {"{site=\"a\",}", true}, {"{ site = 'a' , kind != `x` }", true},
        {"{site=\"a\",kind=\"x\"}", false}, {"{site=~\"a|b\"}", true}, {"{site=~\"\"}", false}, {"{kind=~\"wind\"}", false}, {"{kind=~\"wind.*\"}", true}, {"{kind!~\"wind.*\"}", false},
        {"{kind=~\"w|wind power\"}", true}, {"{kind=~\".+ power\"}", true}, {"{site=~\"[a-c]\"}", true}, {"{site=~\"[^a-c]\"}", false}, {"{site=~\"[[:alpha:]]\"}", true},
        {"{absent=\"\"}", true}, {"{absent!=\"\"}", false}, {"{absent=~\".*\"}", true}, {"{absent=~\".+\"}", false}, {"{absent!~\"x\"}", true},
        {"{id=\"load.1\"}", true}, {"{id=~\"load\\\\..\"}", true}, {"{id=~\"load..\"}", true}, {"{id=~\"loadx.\"}", false}, {"{id!=\"load.1\"}", false}, {"{\"k.x\"=\"v\"}", true},
        {"{q=\"say \\\"hi\\\"\"}", true}, {"{e=\"\xC3\xA9\"}", true}, {"{id=~\"(load|other).[0-9]{1,3}\"}", true}, {"{id=~`load\\.1`}", true},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        struct fc_selector *s = NULL;
        struct fc_error e = {0};
        bool got = !row[i].want;
        if (fc_selector_parse(row[i].selector, &s, &e) != FC_OK)
            fail_msg("%s: %s", row[i].selector, e.detail);
        assert_int_equal(fc_selector_match(s, "load.1", labels, &got, &e), FC_OK);
        if (got != row[i].want)
            fail_msg("%s: %d", row[i].selector, got);
        fc_selector_free(s);
    }
}

static void test_refused(void **state)
{
    (void)state;
    static const char *const no[] = {
        "", "site=\"a\"", "{", "{site}", "{site=}", "{site=a}", "{site=\"a}", "{site==\"a\"}", "{site\"a\"}", "{=\"a\"}", "{1a=\"b\"}", "{site=\"a\" kind=\"b\"}", "{,}", "{site=\"a\",,}",
        "{site=\"a\"}x", "{site=\"\\d\"}", "{site=\"\\\"}", "{site<\"a\"}", "{site=~\"(\"}", "{site=~\"[\"}", "{site=~\"a)|(b\"}", "{site=~\"\\\\d+\"}", "{site=~\"(a)\\\\1\"}",
        "{site=~\"(?i)a\"}", "{site=~\"(?:a)\"}", "{site=~\"a{1,200}\"}", "{site=~\"((a{50}){50}){50}\"}", "{site=~\"a{99999999999999999999999}\"}", "{site=~\"a\\\\\"}", "{site=~\"[\\\\d]\"}",
    };
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        struct fc_selector *s = NULL;
        struct fc_error e = {0};
        if (fc_selector_parse(no[i], &s, &e) != FC_INVALID)
            fail_msg("%s was taken", no[i]);
        assert_string_equal(e.code, "bad_selector");
        assert_true(e.detail[0] != 0);
        assert_null(s);
    }
}

static void test_limits(void **state)
{
    (void)state;
    struct fc_error e;
    for (int n = 32; n <= 33; n++) {
        char text[1024] = "{";
        struct fc_selector *s = NULL;
        for (int i = 0; i < n; i++)
            strcat(text, "a=~\"b\",");
        strcat(text, "}");
        assert_int_equal(fc_selector_parse(text, &s, &e), n == 32 ? FC_OK : FC_INVALID);
        fc_selector_free(s);
    }
    for (int groups = 4; groups <= 60; groups += 56) { /* 22 of them took glibc 4 s to compile, 60 for ever */
        char text[1024] = "{a=~\"";
        struct fc_selector *s = NULL;
        for (int i = 0; i < groups; i++)
            strcat(text, "(a*)*");
        strcat(text, "b\"}");
        assert_int_equal(fc_selector_parse(text, &s, &e), groups == 4 ? FC_OK : FC_INVALID);
        fc_selector_free(s);
    }
    for (size_t n = 500; n <= 501; n++) {
        char text[1024];
        struct fc_selector *s = NULL;
        size_t at = (size_t)sprintf(text, "{a=~\"");
        memset(text + at, '.', n);
        strcpy(text + at + n, "\"}");
        assert_int_equal(fc_selector_parse(text, &s, &e), n == 500 ? FC_OK : FC_INVALID);
        fc_selector_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_match), cmocka_unit_test(test_refused), cmocka_unit_test(test_limits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
