/* test_http.c: what the HTTP layer refuses, routes, answers and leaves out, over real sockets. Threads, streams, time and stopping: test_http_life.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_fixture.h"

/* Sends the request and checks the status and, when not NULL, that the body holds the text. */
static void expect(const char *request, unsigned status, const char *text)
{
    struct reply r = ask(request);
    if (r.status != status || !r.whole || (text && !strstr(r.body, text)))
        print_message("%s\n-> %s\n%s\n", request, r.head, r.body);
    assert_int_equal(r.status, status);
    assert_true(r.whole);
    if (text)
        assert_non_null(strstr(r.body, text));
    reply_free(&r);
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: t\r\n\r\n"
#define JSON_TYPE "Content-Type: application/json\r\n"

static void ambiguous_framing_is_refused(void **state)
{
    (void)state;
    static const struct { const char *request; const char *code; } cases[] = {
        {"POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", "duplicate_header"},
        {"POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "duplicate_header"},
        {"POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Content-Length: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "ambiguous_length"},
        {"POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "bad_transfer_encoding"},
        {"POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Transfer-Encoding: identity\r\n\r\n", "bad_transfer_encoding"},
        {"POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "bad_transfer_encoding"},
        {"GET /small HTTP/1.1\r\nHost: t\r\nHost: u\r\n\r\n", "duplicate_header"},
        {"FOO;: /small HTTP/1.1\r\nHost: t\r\n\r\n", "bad_method"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct client c = dial();
        assert_true(client_send(&c, cases[i].request, strlen(cases[i].request)));
        struct reply r = client_hear(&c, false);
        char value[256];
        if (r.status != 400)
            print_message("%s\n%s%s\n", cases[i].request, r.head, r.body);
        assert_int_equal(r.status, 400);
        assert_non_null(strstr(r.body, cases[i].code));
        assert_string_equal(reply_header(&r, "Connection", value), "close");
        assert_true(client_ended(&c)); /* nothing behind it is taken for a request */
        reply_free(&r);
        client_close(&c);
    }
    struct client c = dial(); /* these libmicrohttpd refuses itself */
    client_say(&c, "GET /small HTTP/1.1\r\n\r\n");
    struct reply r = client_hear(&c, false);
    assert_int_equal(r.status, 400);
    reply_free(&r);
    client_close(&c);
    c = dial();
    client_say(&c, "POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Content-Length: -1\r\n\r\n");
    r = client_hear(&c, false);
    assert_int_equal(r.status, 400);
    reply_free(&r);
    client_close(&c);
}

static void paths_are_routed_raw_and_decoded_once(void **state)
{
    (void)state;
    expect(GET("/show/a%2Fb/and/%C3%A9"), 200, "[a/b][é]");
    expect(GET("/show/a+b/and/%252F"), 200, "[a+b][%2F]");
    expect(GET("/sh%6Fw/x/and/y?"), 200, "[x][y]");
    expect(GET("http://host:1/show/x/and/y?q=1"), 200, "[x][y]{q=1}");
    expect(GET("/show/a%00b/and/x"), 400, "bad_escape");
    expect(GET("/show/a%0/and/x"), 400, "bad_escape");
    expect(GET("/show/a%zz/and/x"), 400, "bad_escape");
    expect(GET("/show/%ff/and/x"), 400, "bad_utf8");
    expect(GET("/show/a#b/and/x"), 400, "bad_target");
    expect(GET("/show//and/x"), 404, "unknown_path");
    expect(GET("/show/a/and/x/"), 404, "unknown_path");
    expect(GET("/show/a/b/and/x"), 404, "unknown_path");
    expect(GET("/a/b/c/d/e/f/g/h/i/j"), 404, "unknown_path");
    expect(GET("/"), 404, "unknown_path");
    expect("GET host HTTP/1.1\r\nHost: t\r\n\r\n", 400, "bad_target");
    char *long_target = calloc(1, 20000);
    sprintf(long_target, "GET /%09000d HTTP/1.1\r\nHost: t\r\n\r\n", 1);
    expect(long_target, 414, "target_too_long");
    free(long_target);
}

static void query_parameters_are_checked(void **state)
{
    (void)state;
    expect(GET("/asks?one=a+b%2B&two="), 200, "{one=a b+}{two=}");
    expect(GET("/asks?&one&"), 200, "{one=}");
    expect(GET("/asks?three=1"), 422, "unknown_parameter");
    expect(GET("/asks?one%2Ctwo=1"), 422, "unknown_parameter");
    expect(GET("/asks?one=1&one=1"), 422, "duplicate_parameter");
    expect(GET("/asks?one=%"), 400, "bad_escape");
    expect(GET("/asks?one=%00"), 400, "bad_escape");
    expect(GET("/asks?one=%80"), 400, "bad_utf8");
    char many[1024] = "GET /show/a/and/b?x";
    for (int i = 0; i < 40; i++)
        sprintf(many + strlen(many), "&p%d=1", i);
    strcat(many, " HTTP/1.1\r\nHost: t\r\n\r\n");
    expect(many, 422, "too_many_parameters");
}

static void methods(void **state)
{
    (void)state;
    char value[256];
    struct reply r = ask("PUT /small HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(r.status, 405);
    assert_string_equal(reply_header(&r, "Allow", value), "GET, HEAD, DELETE, OPTIONS");
    assert_string_equal(reply_header(&r, "Content-Type", value), "application/problem+json");
    reply_free(&r);
    r = ask("OPTIONS /body HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_int_equal(r.status, 204);
    assert_string_equal(reply_header(&r, "Allow", value), "POST, OPTIONS");
    reply_free(&r);
    expect("OPTIONS * HTTP/1.1\r\nHost: t\r\n\r\n", 204, NULL);
    expect("BREW /small HTTP/1.1\r\nHost: t\r\n\r\n", 405, "method_not_allowed");
    expect("BREW /nothing HTTP/1.1\r\nHost: t\r\n\r\n", 404, "unknown_path");
    expect("GET /small HTTP/1.1\r\nHost: t\r\nContent-Length: 5\r\n\r\nhello", 200, "ok");
}

/* HEAD has the headers of GET and no body, and the connection goes on. */
static void head_is_get_without_body(void **state)
{
    (void)state;
    static const char *const targets[] = {"/small", "/shared", "/big", "/nothing"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        struct client c = dial();
        char a[256], b[256];
        client_say(&c, "GET %s HTTP/1.1\r\nHost: t\r\n\r\n", targets[i]);
        struct reply get = client_hear(&c, false);
        client_say(&c, "HEAD %s HTTP/1.1\r\nHost: t\r\n\r\nGET /small HTTP/1.1\r\nHost: t\r\n\r\n", targets[i]);
        struct reply head = client_hear(&c, true), after = client_hear(&c, false);
        assert_true(get.whole && head.whole && after.whole);
        assert_int_equal(get.status, head.status);
        assert_int_equal(after.status, 200);
        static const char *const names[] = {"Content-Length", "Content-Type", "ETag", "Vary"};
        for (size_t j = 0; j < sizeof names / sizeof *names; j++)
            assert_string_equal(reply_header(&get, names[j], a), reply_header(&head, names[j], b));
        reply_free(&get);
        reply_free(&head);
        reply_free(&after);
        client_close(&c);
    }
}

/* Without a length there is no way to go on but to close: not one byte may follow the head. */
static void head_of_a_stream_sends_no_chunk(void **state)
{
    (void)state;
    char value[256];
    struct client c = dial();
    client_say(&c, "HEAD /stream HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n");
    struct reply r = client_hear(&c, true);
    assert_int_equal(r.status, 200);
    assert_string_equal(reply_header(&r, "Content-Type", value), FC_NDJSON);
    assert_true(client_ended(&c));
    reply_free(&r);
    client_close(&c);
}

static void bodies(void **state)
{
    (void)state;
    expect("POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Content-Length: 2\r\n\r\n{}", 200, "2 248");
    expect("POST /body HTTP/1.1\r\nHost: t\r\nContent-Type: TEXT/CSV ; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}", 200, "2 248");
    expect("POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n", 200, "2 248");
    expect("POST /body HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n", 200, "0 0");
    expect("POST /body HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n{}", 415, "send Content-Type: application/json or Content-Type: text/csv");
    expect("POST /body HTTP/1.1\r\nHost: t\r\nContent-Type: text/html\r\nContent-Length: 2\r\n\r\n{}", 415, "text/html");
    expect("POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Content-Encoding: br\r\nContent-Length: 2\r\n\r\n{}", 415, "send Content-Encoding: gzip");
    expect("POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", 400, "bad_gzip");
}

/* A small body that is refused is read to its end, and the connection lives on. */
static void small_refusals_keep_the_connection(void **state)
{
    (void)state;
    struct client c = dial();
    client_say(&c, "POST /nothing HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n\r\n{}");
    struct reply r = client_hear(&c, false);
    assert_int_equal(r.status, 404);
    reply_free(&r);
    client_say(&c, "GET /small HTTP/1.1\r\nHost: t\r\n\r\n");
    r = client_hear(&c, false);
    assert_int_equal(r.status, 200);
    reply_free(&r);
    client_close(&c);
}

static void expect_100(void **state)
{
    (void)state;
    struct client c = dial();
    client_say(&c, "POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    struct reply r = client_hear(&c, false);
    assert_int_equal(r.status, 100);
    reply_free(&r);
    client_say(&c, "{}");
    r = client_hear(&c, false);
    assert_int_equal(r.status, 200);
    reply_free(&r);
    client_say(&c, "POST /body HTTP/1.1\r\nHost: t\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    r = client_hear(&c, false);
    assert_int_equal(r.status, 415); /* and no 100 before it */
    reply_free(&r);
    client_close(&c);
}

/* The answer arrives although the client goes on to send all of a body that nobody wants. */
static void too_large_with_length(void **state)
{
    (void)state;
    struct client c = dial();
    size_t n = 30 * BODY_LIMIT;
    char *much = calloc(1, n);
    assert_true(client_say(&c, "POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Content-Length: %zu\r\n\r\n", n));
    assert_true(client_send(&c, much, n));
    struct reply r = client_hear(&c, false);
    assert_int_equal(r.status, 413);
    assert_non_null(strstr(r.body, "body_too_large"));
    assert_non_null(strstr(r.body, "1000000"));
    assert_true(client_ended(&c));
    reply_free(&r);
    client_close(&c);
    free(much);
}

static void too_large_in_chunks(void **state)
{
    (void)state;
    struct client c = dial();
    char *much = calloc(1, 100000);
    client_say(&c, "POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 11; i++)
        assert_true(client_say(&c, "%x\r\n", 100000) && client_send(&c, much, 100000) && client_say(&c, "\r\n"));
    client_say(&c, "0\r\n\r\n");
    struct reply r = client_hear(&c, false);
    assert_int_equal(r.status, 413);
    reply_free(&r);
    client_say(&c, "GET /small HTTP/1.1\r\nHost: t\r\n\r\n");
    r = client_hear(&c, false);
    assert_int_equal(r.status, 200);
    reply_free(&r);
    client_close(&c);

    c = dial(); /* who never stops is cut off */
    client_say(&c, "POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Transfer-Encoding: chunked\r\n\r\n");
    int sent = 0;
    while (sent < 3000 && client_say(&c, "%x\r\n", 100000) && client_send(&c, much, 100000) && client_say(&c, "\r\n"))
        sent++;
    assert_in_range(sent, 40, 2000);
    client_close(&c);
    free(much);
}

static void post_gzip(const struct fc_buf *packed, unsigned status, const char *text)
{
    struct client c = dial();
    client_say(&c, "POST /body HTTP/1.1\r\nHost: t\r\n" JSON_TYPE "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", packed->n);
    assert_true(client_send(&c, packed->data, packed->n));
    struct reply r = client_hear(&c, false);
    assert_int_equal(r.status, status);
    assert_non_null(strstr(r.body, text));
    reply_free(&r);
    client_close(&c);
}

static void gzip_bodies_are_inflated_within_the_limit(void **state)
{
    (void)state;
    struct fc_buf plain = {0}, packed = {0};
    fill_text(&plain, BODY_LIMIT, 5);
    assert_true(fc_gzip_deflate(plain.data, plain.n, &packed));
    post_gzip(&packed, 200, "1000000 ");
    packed.n -= 5;
    post_gzip(&packed, 400, "bad_gzip");
    fc_buf_free(&packed);
    fill_text(&plain, BODY_LIMIT + 1, 5);
    assert_true(fc_gzip_deflate(plain.data, plain.n, &packed));
    post_gzip(&packed, 413, "body_too_large");
    fc_buf_free(&packed);
    fc_buf_free(&plain);
    plain.data = calloc(1, 900000000); /* a bomb: 900 MB in 900 KB */
    plain.n = 900000000;
    assert_true(fc_gzip_deflate(plain.data, plain.n, &packed));
    free(plain.data);
    if (packed.n <= BODY_LIMIT)
        post_gzip(&packed, 413, "body_too_large");
    else
        post_gzip(&packed, 413, "over the limit");
    fc_buf_free(&packed);
}

/* Asks with this Accept-Encoding and If-None-Match ("" none). */
static struct reply ask_tagged(const char *target, const char *coding, const char *tag)
{
    char request[1024];
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: t\r\n%s%s%s%s%s%s\r\n", target, *coding ? "Accept-Encoding: " : "", coding, *coding ? "\r\n" : "",
             *tag ? "If-None-Match: " : "", tag, *tag ? "\r\n" : "");
    return ask(request);
}

static void tags_and_codings(void **state)
{
    (void)state;
    static const char *const targets[] = {"/shared", "/big?n=10000", "/big?n=500000", "/big-inline?n=500000"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        char plain_tag[256], gzip_tag[256], value[256], list[600];
        struct reply plain = ask_tagged(targets[i], "", ""), packed = ask_tagged(targets[i], "br, gzip;q=0.5", "");
        assert_int_equal(plain.status, 200);
        assert_int_equal(packed.status, 200);
        reply_header(&plain, "ETag", plain_tag);
        reply_header(&packed, "ETag", gzip_tag);
        assert_int_equal(plain_tag[0], '"');
        assert_int_equal(strlen(plain_tag), 34);
        assert_string_not_equal(plain_tag, gzip_tag);
        assert_string_equal(reply_header(&plain, "Content-Encoding", value), "");
        assert_string_equal(reply_header(&packed, "Content-Encoding", value), "gzip");
        assert_string_equal(reply_header(&plain, "Vary", value), "Accept, Accept-Encoding");
        assert_string_equal(reply_header(&packed, "Vary", value), "Accept, Accept-Encoding");
        struct fc_buf back = {0};
        assert_int_equal(fc_gzip_inflate(packed.body, packed.n, 1 << 20, &back, NULL), FC_OK);
        assert_int_equal(back.n, plain.n);
        assert_memory_equal(back.data, plain.body, plain.n);
        fc_buf_free(&back);

        const struct { const char *coding; const char *tag; unsigned status; } cases[] = {
            {"", plain_tag, 304}, {"gzip", gzip_tag, 304}, {"", gzip_tag, 200}, {"gzip", plain_tag, 200}, {"", "*", 304}, {"gzip", "*", 304},
            {"", "\"x\"", 200}, {"", list, 304}, {"gzip;q=0", plain_tag, 304}, {"gzip;q=0, *", gzip_tag, 200}, {"*", gzip_tag, 304},
        };
        snprintf(list, sizeof list, "\"a,b\", W/%s , \"c\"", plain_tag);
        for (size_t j = 0; j < sizeof cases / sizeof *cases; j++) {
            struct reply r = ask_tagged(targets[i], cases[j].coding, cases[j].tag);
            if (r.status != cases[j].status)
                print_message("%s: %s | %s\n", targets[i], cases[j].coding, cases[j].tag);
            assert_int_equal(r.status, cases[j].status);
            if (r.status == 304) {
                assert_string_equal(reply_header(&r, "ETag", value), strcmp(cases[j].coding, "") && !strstr(cases[j].coding, "q=0") ? gzip_tag : plain_tag);
                assert_string_equal(reply_header(&r, "Vary", value), "Accept, Accept-Encoding");
            }
            reply_free(&r);
        }
        reply_free(&plain);
        reply_free(&packed);
    }
    struct reply r = ask_tagged("/small", "gzip", ""); /* too small to pay */
    char value[256];
    assert_string_equal(reply_header(&r, "Content-Encoding", value), "");
    reply_free(&r);
}

/* After a 304 and after HEAD the next response on the connection starts where it should. */
static void nothing_follows_a_304(void **state)
{
    (void)state;
    struct client c = dial();
    client_say(&c, "GET /shared HTTP/1.1\r\nHost: t\r\nIf-None-Match: *\r\n\r\nGET /small HTTP/1.1\r\nHost: t\r\n\r\n");
    struct reply a = client_hear(&c, false), b = client_hear(&c, false);
    assert_int_equal(a.status, 304);
    assert_int_equal(b.status, 200);
    assert_string_equal(b.body, "{\"ok\":true}");
    reply_free(&a);
    reply_free(&b);
    client_close(&c);
}

static void accept_chooses(void **state)
{
    (void)state;
    static const struct { const char *accept; unsigned status; const char *type; } cases[] = {
        {"*/*", 200, "application/json"}, {"text/csv", 200, "text/csv; charset=utf-8"}, {"text/*", 200, "text/csv; charset=utf-8"},
        {"application/json;q=0.1, text/csv;q=0.2", 200, "text/csv; charset=utf-8"}, {"text/html, */*;q=0.1", 200, "application/json"},
        {"text/csv;q=0.5, */*", 200, "application/json"}, {"application/json;q=0, */*", 200, "text/csv; charset=utf-8"},
        {"text/html", 406, "application/problem+json"}, {"text/csv;q=0", 406, "application/problem+json"}, {"TEXT/CSV;charset=x;q=1.0", 200, "text/csv; charset=utf-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[512], value[256];
        snprintf(request, sizeof request, "GET /choose HTTP/1.1\r\nHost: t\r\nAccept: %s\r\n\r\n", cases[i].accept);
        struct reply r = ask(request);
        if (r.status != cases[i].status)
            print_message("%s\n", cases[i].accept);
        assert_int_equal(r.status, cases[i].status);
        assert_string_equal(reply_header(&r, "Content-Type", value), cases[i].type);
        reply_free(&r);
    }
    expect("GET /choose HTTP/1.1\r\nHost: t\r\nAccept: text/html\r\nAccept: text/csv\r\n\r\n", 200, "a,b"); /* two lines are one list */
}

static void errors_map_to_statuses(void **state)
{
    (void)state;
    static const struct { enum fc_status status; unsigned http; } cases[] = {
        {FC_UNREADABLE, 400}, {FC_INVALID, 422}, {FC_NOT_FOUND, 404}, {FC_CONFLICT, 409}, {FC_TOO_LARGE, 413}, {FC_UNSUPPORTED, 415}, {FC_BUSY, 429},
        {FC_UNAVAILABLE, 503}, {FC_FULL, 507}, {FC_NOMEM, 500}, {FC_IO, 500}, {FC_CORRUPT, 500}, {FC_NUMERIC, 500}, {FC_CANCELLED, 503}, {FC_INTERNAL, 500},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[256], value[256], text[256];
        snprintf(request, sizeof request, "GET /fail?status=%d HTTP/1.1\r\nHost: t\r\n\r\n", cases[i].status);
        struct reply r = ask(request);
        assert_int_equal(r.status, cases[i].http);
        snprintf(text, sizeof text, "\"status\":%u,\"code\":\"some_code\",\"detail\":\"field a is \\\"b\\\"\",\"pointer\":\"/a/0\"}", cases[i].http);
        assert_non_null(strstr(r.body, text));
        assert_null(strstr(r.body, "\"title\":\"Error\""));
        assert_string_equal(reply_header(&r, "Content-Type", value), "application/problem+json");
        bool waits = r.status == 429 || r.status == 503;
        assert_int_equal(reply_header(&r, "Retry-After", value)[0] != 0, waits);
        reply_free(&r);
    }
    expect(GET("/fail?status=3&in_body=1"), 422, "some_code");
}

static void own_headers_go_out(void **state)
{
    (void)state;
    char value[256];
    struct reply r = ask("POST /made HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n");
    assert_int_equal(r.status, 202);
    assert_string_equal(reply_header(&r, "Location", value), "/v1/jobs/7");
    assert_string_equal(reply_header(&r, "Link", value), "</x>; rel=\"next\"");
    assert_string_equal(reply_header(&r, "Content-Security-Policy", value), "default-src 'self'");
    reply_free(&r);
}

static int start(void **state)
{
    (void)state;
    return server_start((struct fc_http_limits){0}, 2) ? 0 : -1;
}

static int stop(void **state)
{
    (void)state;
    server_stop(2000);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ambiguous_framing_is_refused),
        cmocka_unit_test(paths_are_routed_raw_and_decoded_once),
        cmocka_unit_test(query_parameters_are_checked),
        cmocka_unit_test(methods),
        cmocka_unit_test(head_is_get_without_body),
        cmocka_unit_test(head_of_a_stream_sends_no_chunk),
        cmocka_unit_test(bodies),
        cmocka_unit_test(small_refusals_keep_the_connection),
        cmocka_unit_test(expect_100),
        cmocka_unit_test(too_large_with_length),
        cmocka_unit_test(too_large_in_chunks),
        cmocka_unit_test(gzip_bodies_are_inflated_within_the_limit),
        cmocka_unit_test(tags_and_codings),
        cmocka_unit_test(nothing_follows_a_304),
        cmocka_unit_test(accept_chooses),
        cmocka_unit_test(errors_map_to_statuses),
        cmocka_unit_test(own_headers_go_out),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
