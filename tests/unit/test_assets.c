/* test_assets.c: the dashboard's files are in the binary, whole, and do not cost it its non-executable stack. */
#include "assets.h"

#include <link.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *prefix, *folder;
} folders[] = { { "dygraph.", FC_DYGRAPHS }, { "", "server/web" } };

static size_t size_of(const struct fc_asset *a)
{
    return (size_t)(a->end - a->data);
}

static void every_file_is_whole(void **state)
{
    (void)state;
    for (const struct fc_asset *a = fc_assets; a->name; a++) {
        size_t f = strncmp(a->name, folders[0].prefix, strlen(folders[0].prefix)) == 0 ? 0 : 1;
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folders[f].folder, a->name);
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        size_t n = size_of(a);
        assert_true(n > 0);
        char *bytes = malloc(n + 1);
        assert_non_null(bytes);
        assert_int_equal(fread(bytes, 1, n + 1, file), n);
        assert_memory_equal(bytes, a->data, n);
        assert_int_equal(fclose(file), 0);
        free(bytes);
        assert_ptr_equal(fc_asset_find(a->name), a);
    }
    assert_null(fc_asset_find("../assets.c"));
    assert_null(fc_asset_find(""));
}

/* Each /assets/NAME in the page and each "./NAME" that a script imports has its row. */
static void names_after(const struct fc_asset *a, const char *mark, const char *stop, size_t *found)
{
    const char *p = (const char *)a->data, *end = (const char *)a->end;
    while ((p = memmem(p, (size_t)(end - p), mark, strlen(mark)))) {
        p += strlen(mark);
        char name[128] = "";
        size_t n = strcspn(p, stop);
        assert_true(n < sizeof name);
        memcpy(name, p, n);
        if (!fc_asset_find(name))
            fail_msg("%s refers to \"%s\", which is not in the table", a->name, name);
        ++*found;
    }
}
static void every_reference_has_its_row(void **state)
{
    (void)state;
    size_t in_page = 0, in_scripts = 0;
    names_after(fc_asset_find("index.html"), "/assets/", "\"", &in_page);
    assert_true(in_page >= 5);
    for (const struct fc_asset *a = fc_assets; a->name; a++)
        if (strncmp(a->name, "dygraph.", 8) != 0)
            names_after(a, "from \"./", "\"", &in_scripts);
    assert_true(in_scripts >= 5);
}

/* The policy forbids inline code: the page must not need any. */
static void the_page_has_no_inline_code(void **state)
{
    (void)state;
    const struct fc_asset *page = fc_asset_find("index.html");
    assert_null(memmem(page->data, size_of(page), " style=", 7));
    assert_null(memmem(page->data, size_of(page), "<style", 6));
    assert_null(memmem(page->data, size_of(page), " onclick=", 9));
    assert_null(memmem(page->data, size_of(page), "<script>", 8));
    assert_null(strstr(fc_assets_policy, "'unsafe-inline'"));
    assert_null(strstr(fc_assets_policy, "'unsafe-eval'"));
}

static int look_at_stack(struct dl_phdr_info *info, size_t size, void *flags)
{
    (void)size;
    for (int i = 0; i < info->dlpi_phnum; i++)
        if (info->dlpi_phdr[i].p_type == PT_GNU_STACK)
            *(unsigned *)flags = info->dlpi_phdr[i].p_flags;
    return 1; /* the first object is the program itself */
}
static void the_stack_is_not_executable(void **state)
{
    (void)state;
    unsigned flags = PF_X;
    dl_iterate_phdr(look_at_stack, &flags);
    assert_int_equal(flags & PF_X, 0);
}

static void answer(struct fc_request *r, char *name)
{
    *r = (struct fc_request){ .method = "GET", .params = name ? 1 : 0, .param = { name } };
    assert_int_equal(fc_api_asset(r), FC_ANSWERED);
}
static void the_handler_answers_by_name(void **state)
{
    (void)state;
    struct fc_request r;
    char style[] = "dashboard.css", unknown[] = "dashboard.css.map";
    answer(&r, NULL);
    assert_int_equal(r.response.status, 200);
    assert_string_equal(r.response.type, "text/html; charset=utf-8");
    assert_ptr_equal(r.response.security_policy, fc_assets_policy);
    struct fc_shared_body *page = r.response.shared;
    assert_non_null(page);
    fc_shared_body_unref(page);
    answer(&r, style);
    assert_string_equal(r.response.type, "text/css; charset=utf-8");
    assert_ptr_not_equal(r.response.shared, page);
    fc_shared_body_unref(r.response.shared);
    answer(&r, unknown);
    assert_int_equal(r.response.status, 404);
    assert_null(r.response.shared);
    assert_non_null(memmem(r.response.body.data, r.response.body.n, unknown, strlen(unknown)));
    fc_buf_free(&r.response.body);
    fc_assets_close();
}

static void open_and_close_leave_nothing(void **state)
{
    (void)state;
    struct fc_error e = { 0 };
    for (int i = 0; i < 2; i++) {
        assert_int_equal(fc_assets_open(&e), FC_OK);
        assert_int_equal(fc_assets_open(&e), FC_OK);
        fc_assets_close();
    }
    fc_assets_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_is_whole),         cmocka_unit_test(every_reference_has_its_row), cmocka_unit_test(the_page_has_no_inline_code),
        cmocka_unit_test(the_stack_is_not_executable), cmocka_unit_test(the_handler_answers_by_name), cmocka_unit_test(open_and_close_leave_nothing),
    };
    return cmocka_run_group_tests_name("assets", tests, NULL, NULL);
}
