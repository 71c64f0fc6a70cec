/* main.c: start and stop, in order.
 *
 * Start: BLAS guard (may execute the program again) → configuration → log → store → service → jobs → assets → http → "listening on …" on stdout.
 * Stop, on SIGTERM or SIGINT: not ready → http (open requests end) → assets → jobs (trainings go back to the queue) → service → store.
 * Each layer uses only those that started before it, so stopping in reverse leaves nobody with a dead pointer; stop() also undoes half a start.
 *
 * Signals: OpenBLAS starts a thread before main runs, and that thread has no signal blocked; so sigwait would lose signals to it, and with them
 * the process. Handlers that only note what came and post a semaphore work whichever thread takes the signal; the main thread waits for it.
 * All three are blocked while the other threads start, so that none of those is interrupted later.
 * Exit status: 0 after a stop, 1 when something would not start, 2 for a bad configuration. Nothing but this file ends the process. */
#include "app.h"
#include "assets.h"
#include "blas_guard.h"
#include "clock.h"
#include "jobs.h"
#include "log.h"
#include "service.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HTTP_THREADS 2
#define STOP_GRACE_MS 5000 /* open requests may take so long to end; supervisors kill after 10 s at the earliest */
#define EXIT_START 1
#define EXIT_CONFIG 2

/* What signals have asked for, written by their handler. */
static struct {
    sem_t any;       /* posted after each */
    atomic_int stop; /* SIGTERM or SIGINT, 0 for none */
    atomic_bool reload;
} asked;
static const int caught[] = { SIGTERM, SIGINT, SIGHUP };

/* Writes what --help and its like print, and says whether that worked. */
static int print_text(struct fc_buf *text)
{
    bool printed = !text->failed && fwrite(text->data, 1, text->n, stdout) == text->n && fflush(stdout) == 0;
    fc_buf_free(text);
    if (!printed)
        fprintf(stderr, "forecastd: cannot write to stdout\n");
    return printed ? EXIT_SUCCESS : EXIT_START;
}

static int print_action(enum fc_config_action action, const struct fc_config *config)
{
    struct fc_buf text = { 0 };
    if (action == FC_CONFIG_HELP)
        fc_config_help(&text);
    else if (action == FC_CONFIG_VERSION)
        fc_buf_text(&text, "forecastd " FC_VERSION "\n");
    else if (action == FC_CONFIG_SAMPLE)
        fc_config_sample(&text);
    else {
        fc_buf_text(&text, "configuration ok\n");
        fc_config_print(config, &text);
    }
    return print_text(&text);
}

/* One connection for each thread that reads: request workers and training lanes. */
static size_t count_readers(const struct fc_config *config)
{
    cpu_set_t allowed;
    size_t cores = sched_getaffinity(0, sizeof allowed, &allowed) == 0 ? (size_t)CPU_COUNT(&allowed) : 1;
    return config->request_workers + (config->workers ? config->workers : cores);
}

static enum fc_status start(const struct fc_config *config, struct fc_app *app, struct fc_error *e)
{
    const struct fc_jobs_options jobs = { .lanes = config->workers, .queue_limit = config->queue_limit };
    const struct fc_http_options http = {
        .address = config->listen.address,
        .port = config->listen.port,
        .body_limit = config->body_limit,
        .threads = HTTP_THREADS,
        .workers = config->request_workers,
        .log_json = config->log_format == FC_FORMAT_JSON,
        .log_level = config->log_level,
    };
    struct fc_error why;
    enum fc_status status = fc_store_open(config->database, count_readers(config), &app->store, &why);
    if (status != FC_OK)
        return fc_fail(e, status, why.code, "database %.200s: %s", config->database, why.detail);
    status = fc_service_new(app->store, &app->service, e);
    if (status == FC_OK)
        status = fc_jobs_start(&jobs, app, &app->jobs, e);
    if (status == FC_OK)
        status = fc_assets_open(e);
    if (status == FC_OK)
        status = fc_http_start(&http, app, &app->http, e);
    return status;
}

static void stop(struct fc_app *app)
{
    app->ready = false;
    if (app->http)
        fc_http_stop(app->http, STOP_GRACE_MS);
    fc_assets_close();
    fc_jobs_stop(app->jobs);
    if (app->service)
        fc_service_free(app->service);
    fc_store_close(app->store);
}

/* SIGHUP: a bad file changes nothing. Of a good one the live options apply at once; the others are named as waiting for a restart. */
static void reload(int argc, char **argv, const struct fc_config *running)
{
    struct fc_config next;
    enum fc_config_action action;
    struct fc_error e;
    if (fc_config_read(argc, argv, environ, &next, &action, &e) != FC_OK) {
        fc_log(FC_LOG_ERROR, "reload_failed", "%s", e.detail);
        return;
    }
    fc_log_init(next.log_level, running->log_format == FC_FORMAT_JSON);
    for (size_t i = 0; i < FC_OPTIONS; i++) {
        if (!fc_options[i].live && !fc_config_same(running, &next, i))
            fc_log(FC_LOG_WARN, "needs_restart", "%s has changed: the change waits for a restart", fc_options[i].name);
    }
    fc_log(FC_LOG_INFO, "reloaded", "read the configuration again");
}

/* Runs on any thread at any moment: only what is safe there. */
static void note_signal(int number)
{
    int saved = errno;
    if (number == SIGHUP)
        atomic_store(&asked.reload, true);
    else
        atomic_store(&asked.stop, number);
    sem_post(&asked.any);
    errno = saved;
}

/* Puts the handlers up and blocks the signals for the threads to come; *before is the mask to go back to when they have started. */
static enum fc_status catch_signals(sigset_t *before, struct fc_error *e)
{
    struct sigaction note = { .sa_handler = note_signal, .sa_flags = SA_RESTART };
    sigset_t signals;
    sigemptyset(&signals);
    if (sem_init(&asked.any, 0, 0) != 0)
        return fc_fail(e, FC_INTERNAL, "signals", "cannot make a semaphore: %s", strerror(errno));
    for (size_t i = 0; i < sizeof caught / sizeof *caught; i++) {
        sigaddset(&signals, caught[i]);
        if (sigaction(caught[i], &note, NULL) != 0)
            return fc_fail(e, FC_INTERNAL, "signals", "cannot catch signal %d: %s", caught[i], strerror(errno));
    }
    signal(SIGPIPE, SIG_IGN); /* a peer that left is an error of its write */
    pthread_sigmask(SIG_BLOCK, &signals, before);
    return FC_OK;
}

/* Returns when it is time to stop. From then on a second signal ends the process at once: the store is safe at any moment. */
static void serve(int argc, char **argv, const struct fc_config *config)
{
    int number = 0;
    while ((number = atomic_load(&asked.stop)) == 0) {
        if (atomic_exchange(&asked.reload, false))
            reload(argc, argv, config);
        while (sem_wait(&asked.any) != 0 && errno == EINTR)
            ;
    }
    fc_log(FC_LOG_INFO, "stopping", "%s received", number == SIGTERM ? "SIGTERM" : "SIGINT");
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
}

/* The one line on stdout: whoever started the daemon waits for it and learns the port. */
static void announce(const struct fc_config *config, const struct fc_app *app)
{
    bool ipv6 = strchr(config->listen.address, ':') != NULL;
    printf("listening on http://%s%s%s:%u\n", ipv6 ? "[" : "", config->listen.address, ipv6 ? "]" : "", (unsigned)fc_http_port(app->http));
    if (fflush(stdout) != 0)
        fc_log(FC_LOG_WARN, "stdout", "cannot write the address to stdout");
}

int main(int argc, char **argv)
{
    const char *blas_warning = fc_blas_guard(argv);
    static struct fc_config config;
    enum fc_config_action action;
    struct fc_error e;
    if (fc_config_read(argc, argv, environ, &config, &action, &e) != FC_OK) {
        fprintf(stderr, "forecastd: %s\n", e.detail);
        return EXIT_CONFIG;
    }
    if (action != FC_CONFIG_SERVE)
        return print_action(action, &config);

    sigset_t before;
    fc_log_init(config.log_level, config.log_format == FC_FORMAT_JSON);
    if (blas_warning)
        fc_log(FC_LOG_WARN, "blas", "%s", blas_warning);
    static struct fc_app app;
    app.config = &config;
    app.started_ms = fc_clock_now();
    int result = EXIT_SUCCESS;
    if (catch_signals(&before, &e) == FC_OK && start(&config, &app, &e) == FC_OK) {
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        app.ready = true;
        fc_log(FC_LOG_INFO, "started", "version %s, database %s, BLAS kernels %s", FC_VERSION, config.database, fc_blas_core());
        announce(&config, &app);
        serve(argc, argv, &config);
    } else {
        fc_log_flush(); /* what was logged before it comes first */
        fprintf(stderr, "forecastd: cannot start: %s\n", e.detail);
        result = EXIT_START;
    }
    stop(&app);
    if (result == EXIT_SUCCESS)
        fc_log(FC_LOG_INFO, "stopped", "in order, %" PRId64 " s after the start", (fc_clock_now() - app.started_ms) / 1000);
    return result;
}
