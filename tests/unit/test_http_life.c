/* test_http_life.c: the HTTP layer under threads, slow and vanishing peers, streams and stopping, over real sockets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "http_fixture.h"

static int start(void **state)
{
    (void)state;
    return server_start((struct fc_http_limits){0}, 2) ? 0 : -1;
}

/* Whatever a test did, each stream and each handler's work was freed. */
static int stop(void **state)
{
    (void)state;
    server_stop(2000);
    assert_int_equal(streams_made, streams_freed);
    assert_int_equal(works_made, works_freed);
    return 0;
}

/* ---- answers from other threads ---- */

static atomic_int wrong;

/* Many requests of each kind of handler over one connection, in pairs. */
static void *hammer(void *arg)
{
    static const char late_request[] = "POST /late HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n", defer_request[] = "GET /defer HTTP/1.1\r\nHost: t\r\n\r\n",
                      worker_request[] = "GET /worker HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n", shared_request[] = "GET /shared HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n";
    static const char *const requests[] = {late_request, defer_request, worker_request, shared_request};
    struct client c = dial();
    (void)arg;
    for (int i = 0; i < 200; i++) {
        const char *a = requests[i % 4], *b = requests[i / 4 % 4];
        client_send(&c, a, strlen(a));
        client_send(&c, b, strlen(b)); /* pipelined */
        for (int k = 0; k < 2; k++) {
            struct reply r = client_hear(&c, false);
            const char *which = k ? b : a;
            size_t n = which == late_request ? 4 : which == defer_request ? 10000 : which == worker_request ? 11 : 0;
            if (r.status != 200 || !r.whole || (n && r.n != n))
                atomic_fetch_add(&wrong, 1);
            reply_free(&r);
        }
    }
    client_close(&c);
    return NULL;
}

static void answers_come_from_any_thread(void **state)
{
    (void)state;
    pthread_t t[8];
    wrong = 0;
    for (int i = 0; i < 8; i++)
        assert_int_equal(pthread_create(&t[i], NULL, hammer, NULL), 0);
    for (int i = 0; i < 8; i++)
        pthread_join(t[i], NULL);
    assert_int_equal(wrong, 0);
}

static void a_slow_handler_delays_nobody_else(void **state)
{
    (void)state;
    struct client slow = dial(), fast = dial();
    client_say(&slow, "GET /slow?ms=400 HTTP/1.1\r\nHost: t\r\n\r\n");
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    for (int i = 0; i < 20; i++) {
        client_say(&fast, "GET /worker HTTP/1.1\r\nHost: t\r\n\r\n");
        struct reply r = client_hear(&fast, false);
        assert_int_equal(r.status, 200);
        reply_free(&r);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    assert_true((double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9 < 0.35);
    struct reply r = client_hear(&slow, false);
    assert_int_equal(r.status, 200);
    reply_free(&r);
    client_close(&slow);
    client_close(&fast);
}

/* ---- streams ---- */

static void streams_arrive_whole(void **state)
{
    (void)state;
    for (int gzip = 0; gzip < 2; gzip++) {
        char request[256], value[256];
        snprintf(request, sizeof request, "GET /stream?n=40&bytes=60000 HTTP/1.1\r\nHost: t\r\n%s\r\n", gzip ? "Accept-Encoding: gzip\r\n" : "");
        struct reply r = ask(request);
        assert_int_equal(r.status, 200);
        assert_true(r.whole);
        assert_true(r.chunked);
        assert_string_equal(reply_header(&r, "ETag", value), "");
        assert_string_equal(reply_header(&r, "Content-Encoding", value), gzip ? "gzip" : "");
        struct fc_buf plain = {0}, wanted = {0};
        for (unsigned left = 39; left < 40; left--) {
            struct fc_buf piece = {0};
            fill_text(&piece, 60000, left);
            fc_buf_add(&wanted, piece.data, piece.n);
            fc_buf_free(&piece);
        }
        if (gzip)
            assert_int_equal(fc_gzip_inflate(r.body, r.n, 1 << 24, &plain, NULL), FC_OK);
        else
            fc_buf_add(&plain, r.body, r.n);
        assert_int_equal(plain.n, wanted.n);
        assert_memory_equal(plain.data, wanted.data, wanted.n);
        fc_buf_free(&plain);
        fc_buf_free(&wanted);
        reply_free(&r);
    }
    struct reply r = ask("GET /stream?n=5&bytes=0 HTTP/1.1\r\nHost: t\r\n\r\n"); /* pieces may be empty */
    assert_true(r.whole);
    assert_int_equal(r.n, 0);
    reply_free(&r);
}

/* A stream that fails in its middle must not look like one that ended. */
static void a_failed_stream_has_no_last_chunk(void **state)
{
    (void)state;
    for (int gzip = 0; gzip < 2; gzip++) {
        struct client c = dial();
        client_say(&c, "GET /stream?n=3&fail=1 HTTP/1.1\r\nHost: t\r\n%s\r\n", gzip ? "Accept-Encoding: gzip\r\n" : "");
        struct reply r = client_hear(&c, false);
        assert_int_equal(r.status, 200);
        assert_false(r.whole);
        assert_true(gzip ? r.n > 100 : r.n >= 100000);
        reply_free(&r);
        client_close(&c);
    }
}

/* ---- peers that leave ---- */

static void leave(const char *request, long after_ms)
{
    struct client c = dial();
    client_send(&c, request, strlen(request));
    nap_ms(after_ms);
    if (after_ms % 2) { /* with a reset */
        struct linger hard = {.l_onoff = 1};
        setsockopt(c.fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    }
    client_close(&c);
}

static void peers_may_leave_at_any_time(void **state)
{
    (void)state;
    for (long ms = 0; ms < 6; ms++) {
        leave("GET /sm", ms);
        leave("GET /small HTTP/1.1\r\nHost: t\r\n", ms);
        leave("POST /body HTTP/1.1\r\nHost: t\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nabc", ms);
        leave("POST /body HTTP/1.1\r\nHost: t\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", ms);
        leave("POST /late HTTP/1.1\r\nHost: t\r\nContent-Length: 0\r\n\r\n", ms);
        leave("GET /slow?ms=5 HTTP/1.1\r\nHost: t\r\n\r\n", ms);
        leave("GET /big?n=5000000 HTTP/1.1\r\nHost: t\r\n\r\n", ms);
        leave("GET /stream?n=1000&bytes=100000 HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\n\r\n", ms);
        leave("GET /stream?n=1000&bytes=100000 HTTP/1.1\r\nHost: t\r\n\r\n", ms);
        leave("POST /body HTTP/1.1\r\nHost: t\r\nContent-Length: 90000000\r\n\r\nabc", ms);
    }
    struct fc_http_stats s;
    for (int i = 0; i < 1000; i++) { /* all of it ends by itself, long before the deadlines */
        fc_http_get_stats(server, &s);
        if (s.open == 0 && s.suspended == 0 && s.queued == 0)
            break;
        nap_ms(10);
    }
    assert_int_equal(s.open, 0);
    assert_int_equal(s.suspended, 0);
    assert_int_equal(streams_made, streams_freed);
}

/* ---- time ---- */

static int start_impatient(void **state)
{
    (void)state;
    return server_start((struct fc_http_limits){.header_ms = 200, .body_ms = 200, .send_ms = 300, .idle_ms = 300, .rate = 1 << 20}, 2) ? 0 : -1;
}

/* Sends the bytes one by one, 20 ms apart, until the server ends the connection; how long that took in ms, -1 when it did not. */
static long drip(struct client *c, const char *bytes, int most)
{
    for (int i = 0; i < most; i++) {
        char in;
        if (send(c->fd, &bytes[(size_t)i % strlen(bytes)], 1, MSG_NOSIGNAL) < 0 || recv(c->fd, &in, 1, MSG_DONTWAIT) == 0)
            return i * 20;
        nap_ms(20);
    }
    return -1;
}

static void slow_senders_are_cut_off(void **state)
{
    (void)state;
    struct client c = dial();
    assert_in_range(drip(&c, "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 100), 150, 1000);
    client_close(&c);
    c = dial();
    client_say(&c, "GET /small HTTP/1.1\r\nHost: t\r\nX: ");
    assert_in_range(drip(&c, "aaaa", 100), 150, 1000);
    client_close(&c);
    c = dial();
    client_say(&c, "POST /body HTTP/1.1\r\nHost: t\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\n");
    assert_in_range(drip(&c, "aaaa", 100), 150, 1000);
    client_close(&c);
    c = dial(); /* an idle connection after a request; a byte now and then does not help it */
    client_say(&c, "GET /small HTTP/1.1\r\nHost: t\r\n\r\n");
    struct reply r = client_hear(&c, false);
    reply_free(&r);
    assert_in_range(drip(&c, "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 100), 200, 1000);
    client_close(&c);
    c = dial(); /* who reads nothing of a large answer */
    client_say(&c, "GET /stream?n=100000&bytes=100000 HTTP/1.1\r\nHost: t\r\n\r\n");
    struct fc_http_stats s;
    for (int i = 0; i < 300; i++) {
        fc_http_get_stats(server, &s);
        if (s.open == 0)
            break;
        nap_ms(20);
    }
    assert_int_equal(s.open, 0);
    client_close(&c);
}

static void a_handler_may_take_longer_than_any_deadline(void **state)
{
    (void)state;
    struct reply r = ask("GET /slow?ms=1500 HTTP/1.1\r\nHost: t\r\n\r\n");
    assert_int_equal(r.status, 200);
    assert_true(r.whole);
    reply_free(&r);
}

/* ---- a full queue ---- */

static int start_narrow(void **state)
{
    (void)state;
    return server_start((struct fc_http_limits){.queue = 2}, 1) ? 0 : -1;
}

static void a_full_queue_is_said_so(void **state)
{
    (void)state;
    struct client c[8];
    unsigned ok = 0, busy = 0;
    for (int i = 0; i < 8; i++) {
        c[i] = dial();
        client_say(&c[i], "GET /slow?ms=200 HTTP/1.1\r\nHost: t\r\n\r\n");
    }
    for (int i = 0; i < 8; i++) {
        char value[256];
        struct reply r = client_hear(&c[i], false);
        if (r.status == 200)
            ok++;
        else if (r.status == 503 && reply_header(&r, "Retry-After", value)[0])
            busy++;
        reply_free(&r);
        client_close(&c[i]);
    }
    assert_int_equal(ok + busy, 8);
    assert_in_range(ok, 2, 3);
}

/* ---- stopping ---- */

static void *stop_soon(void *grace_ms)
{
    server_stop((int64_t)(intptr_t)grace_ms);
    return NULL;
}

/* Open requests end with their answers, new ones on open connections get 503, new connections none. */
static void stopping_lets_open_requests_end(void **state)
{
    (void)state;
    assert_true(server_start((struct fc_http_limits){0}, 2));
    uint16_t port = fc_http_port(server);
    struct client slow = dial(), idle = dial(), streaming = dial();
    struct reply r;
    client_say(&idle, "GET /small HTTP/1.1\r\nHost: t\r\n\r\n");
    r = client_hear(&idle, false);
    reply_free(&r);
    client_say(&slow, "GET /slow?ms=500 HTTP/1.1\r\nHost: t\r\n\r\n");
    client_say(&streaming, "GET /stream?n=300&bytes=50000 HTTP/1.1\r\nHost: t\r\n\r\n");
    nap_ms(100);
    pthread_t t;
    assert_int_equal(pthread_create(&t, NULL, stop_soon, (void *)(intptr_t)5000), 0);
    nap_ms(100);
    struct client late_client = client_dial(port);
    assert_int_equal(late_client.fd, -1);
    client_say(&idle, "GET /small HTTP/1.1\r\nHost: t\r\n\r\n");
    r = client_hear(&idle, false);
    char value[256];
    assert_int_equal(r.status, 503);
    assert_string_equal(reply_header(&r, "Connection", value), "close");
    assert_true(reply_header(&r, "Retry-After", value)[0] != 0);
    reply_free(&r);
    r = client_hear(&slow, false);
    assert_int_equal(r.status, 200);
    assert_string_equal(reply_header(&r, "Connection", value), "close");
    reply_free(&r);
    r = client_hear(&streaming, false);
    assert_true(r.whole);
    assert_int_equal(r.n, 300 * 50000);
    reply_free(&r);
    pthread_join(t, NULL);
    client_close(&slow);
    client_close(&idle);
    client_close(&streaming);
}

/* With no grace left: what runs is waited for, what waits gets 503, streams are cut. */
static void stopping_at_once_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_true(server_start((struct fc_http_limits){0}, 1));
    struct client running = dial(), waiting = dial(), half = dial(), endless = dial();
    client_say(&endless, "GET /stream?n=100000&bytes=100000 HTTP/1.1\r\nHost: t\r\n\r\n");
    client_say(&half, "POST /body HTTP/1.1\r\nHost: t\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\nabc");
    nap_ms(50);
    client_say(&running, "GET /slow?ms=400 HTTP/1.1\r\nHost: t\r\n\r\n");
    nap_ms(100);
    client_say(&waiting, "GET /slow?ms=400 HTTP/1.1\r\nHost: t\r\n\r\n");
    nap_ms(100);
    server_stop(50);
    struct reply r = client_hear(&endless, false);
    assert_false(r.whole);
    reply_free(&r);
    client_close(&running);
    client_close(&waiting);
    client_close(&half);
    client_close(&endless);
    assert_int_equal(streams_made, streams_freed);
}

static void starting_where_another_listens_fails(void **state)
{
    (void)state;
    struct fc_http_options o = {.address = "127.0.0.1", .port = fc_http_port(server), .body_limit = 1, .routes = test_routes};
    struct fc_http *second = NULL;
    struct fc_error e;
    assert_int_equal(fc_http_start(&o, NULL, &second, &e), FC_IO);
    assert_null(second);
    assert_string_equal(e.code, "cannot_listen");
    o.address = "no.such.host.invalid";
    assert_int_equal(fc_http_start(&o, NULL, &second, &e), FC_INVALID);
}

static void counters_add_up(void **state)
{
    (void)state;
    struct fc_http_stats a, b;
    fc_http_get_stats(server, &a);
    struct reply r = ask("GET /small HTTP/1.1\r\nHost: t\r\n\r\n");
    reply_free(&r);
    r = ask("GET /nothing HTTP/1.1\r\nHost: t\r\n\r\n");
    reply_free(&r);
    r = ask("POST /body HTTP/1.1\r\nHost: t\r\nContent-Type: text/csv\r\nContent-Length: 3\r\n\r\nabc");
    reply_free(&r);
    nap_ms(100);
    fc_http_get_stats(server, &b);
    uint64_t in_buckets = 0;
    for (size_t i = 0; i < FC_HTTP_BUCKETS; i++)
        in_buckets += b.bucket[i];
    assert_int_equal(b.requests - a.requests, 3);
    assert_int_equal(b.responses_by_class[2] - a.responses_by_class[2], 2);
    assert_int_equal(b.responses_by_class[4] - a.responses_by_class[4], 1);
    assert_int_equal(b.bytes_in - a.bytes_in, 3);
    assert_true(b.bytes_out - a.bytes_out > 11);
    assert_int_equal(in_buckets, b.requests);
    assert_true(b.seconds_sum > a.seconds_sum);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(answers_come_from_any_thread, start, stop),
        cmocka_unit_test_setup_teardown(a_slow_handler_delays_nobody_else, start, stop),
        cmocka_unit_test_setup_teardown(streams_arrive_whole, start, stop),
        cmocka_unit_test_setup_teardown(a_failed_stream_has_no_last_chunk, start, stop),
        cmocka_unit_test_setup_teardown(peers_may_leave_at_any_time, start, stop),
        cmocka_unit_test_setup_teardown(slow_senders_are_cut_off, start_impatient, stop),
        cmocka_unit_test_setup_teardown(a_handler_may_take_longer_than_any_deadline, start_impatient, stop),
        cmocka_unit_test_setup_teardown(a_full_queue_is_said_so, start_narrow, stop),
        cmocka_unit_test(stopping_lets_open_requests_end),
        cmocka_unit_test(stopping_at_once_leaves_nothing_behind),
        cmocka_unit_test_setup_teardown(starting_where_another_listens_fails, start, stop),
        cmocka_unit_test_setup_teardown(counters_add_up, start, stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
