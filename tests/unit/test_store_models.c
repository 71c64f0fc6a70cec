/* test_store_models.c: models and versions, what they learned from, weights and their checksum, jobs, issued forecasts. */
#include "test_store_fixture.h"

static struct fc_model_create create(struct fixture *f, const char *name, const char *const *series, size_t n)
{
    struct fc_model_create c = {.name = name, .spec = "{\"horizon\":3}", .series = series, .nseries = n, .request = "{\"r\":1}"};
    assert_write(f, write_model_create, &c);
    return c;
}

static void ready(struct fixture *f, const char *model, int version, const char *const *series, size_t n, const void *weights, size_t size)
{
    struct fc_model_ready r = {.model = model, .version = version, .report = "{\"ok\":true}", .weights = weights, .weights_n = size,
                               .series = series, .nseries = n, .trained_until = 77};
    assert_write(f, write_model_ready, &r);
}

static struct fc_model_row get_model(struct fixture *f, const char *id, int version)
{
    struct fc_model_row m = {0};
    struct fc_error e = {0};
    if (fc_store_model_get(f->store, id, version, &m, &e) != FC_OK)
        fail_msg("model %s: %s", id, e.detail);
    return m;
}

struct fail { const char *model; int version; const char *state; };
static enum fc_status write_failed(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct fail *x = arg;
    return fc_tx_model_failed(tx, x->model, x->version, x->state, e);
}

static void point(struct fixture *f, const char *id)
{
    put_points(f, id, (fc_time[]){1}, (double[]){1}, 1, 1, 0);
}

static void assert_strings(const struct fc_strings *s, const char *const *want, size_t n)
{
    assert_int_equal(s->n, n);
    for (size_t i = 0; i < n; i++)
        assert_string_equal(s->item[i], want[i]);
}

static void versions_follow_the_name(void **state)
{
    struct fixture *f = *state;
    static const char *const ab[] = {"a", "b", "a"};
    point(f, "a");
    uint64_t stamp = fc_store_models_stamp(f->store);
    struct fc_model_create one = create(f, "day", ab, 3);
    assert_true(fc_store_models_stamp(f->store) != stamp);
    assert_int_equal(one.version, 1);
    assert_int_equal(strlen(one.model), 14);
    assert_memory_equal(one.model, "m_", 2);
    assert_memory_equal(one.job, "j_", 2);
    struct fc_model_row m = get_model(f, "day", 0);
    assert_string_equal(m.id, one.model);
    assert_string_equal(m.name, "day");
    assert_string_equal(m.state, "training");
    assert_string_equal(m.job, one.job);
    assert_string_equal(m.spec, "{\"horizon\":3}");
    assert_true(!m.report && m.version == 1 && m.ready_version == 0 && m.trained_until == 0 && m.created_at > 0);
    fc_model_row_free(&m);

    ready(f, one.model, 1, ab, 1, "w", 1);
    struct fc_model_create two = create(f, "day", ab, 1);
    assert_int_equal(two.version, 2);
    assert_string_equal(two.model, one.model);
    assert_string_not_equal(two.job, one.job);
    m = get_model(f, one.model, 0); /* the ready one answers while the next trains */
    assert_true(m.version == 1 && m.ready_version == 1 && m.trained_until == 77);
    assert_string_equal(m.report, "{\"ok\":true}");
    fc_model_row_free(&m);
    assert_write(f, write_failed, (&(struct fail){one.model, 2, "cancelled"}));
    m = get_model(f, "day", 2);
    assert_string_equal(m.state, "cancelled");
    assert_int_equal(m.ready_version, 1);
    fc_model_row_free(&m);
    struct fc_model_create three = create(f, "day", ab, 1);
    assert_int_equal(three.version, 3);
    ready(f, one.model, 3, ab, 1, "w3", 2);
    m = get_model(f, "day", 0);
    assert_true(m.version == 3 && m.ready_version == 3);
    fc_model_row_free(&m);
    struct fc_model_create other = create(f, NULL, NULL, 0), more = create(f, NULL, NULL, 0);
    assert_string_not_equal(other.model, more.model);
    m = get_model(f, other.model, 0);
    assert_null(m.name);
    fc_model_row_free(&m);
}

static void weights_are_checked(void **state)
{
    struct fixture *f = *state;
    enum { N = 300000 };
    static unsigned char weights[N];
    struct fc_blob b = {0};
    struct fc_error e = {0};
    for (size_t i = 0; i < N; i++)
        weights[i] = (unsigned char)(i * 31 + i / 255);
    struct fc_model_create c = create(f, "w", NULL, 0), empty = create(f, "empty", NULL, 0);
    assert_fails(fc_store_model_weights(f->store, c.model, 1, &b, &e), FC_CONFLICT, "model_not_ready", e);
    ready(f, c.model, 1, NULL, 0, weights, N);
    ready(f, empty.model, 1, NULL, 0, NULL, 0);
    fixture_reopen(f);
    assert_int_equal(fc_store_model_weights(f->store, c.model, 1, &b, &e), FC_OK);
    assert_int_equal(b.n, N);
    assert_memory_equal(b.data, weights, N);
    free(b.data);
    b = (struct fc_blob){0};
    assert_int_equal(fc_store_model_weights(f->store, empty.model, 1, &b, &e), FC_OK);
    assert_int_equal(b.n, 0);
    free(b.data);
    assert_fails(fc_store_model_weights(f->store, c.model, 2, &b, &e), FC_NOT_FOUND, "unknown_model", e);

    /* One bit of one byte turns. */
    fc_store_close(f->store);
    f->store = NULL;
    weights[N / 2] ^= 4;
    sqlite3 *db = NULL;
    sqlite3_stmt *s = NULL;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "UPDATE model_versions SET weights = ?1 WHERE model = ?2", -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_bind_blob(s, 1, weights, N, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_bind_text(s, 2, c.model, -1, SQLITE_STATIC), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_DONE);
    sqlite3_finalize(s);
    sqlite3_close(db);
    fixture_open(f);
    b = (struct fc_blob){0};
    assert_fails(fc_store_model_weights(f->store, c.model, 1, &b, &e), FC_CORRUPT, "weights_corrupt", e);
    assert_null(b.data);
}

static void learned_series_and_removed_ones(void **state)
{
    struct fixture *f = *state;
    static const char *const request[] = {"a", "b", "c", "d"}, *const learned[] = {"c", "a", "b"}, *const stand[] = {"a", "c"};
    struct fc_strings have = {0}, gone = {0};
    struct fc_error e = {0};
    char model[FC_NAME_MAX] = "untouched";
    int version = -1;
    for (size_t i = 0; i < 4; i++)
        point(f, request[i]);
    assert_fails(fc_store_model_for_series(f->store, "a", model, &version, &e), FC_NOT_FOUND, "no_model", e);
    struct fc_model_create c = create(f, NULL, request, 4);
    assert_int_equal(fc_store_model_series(f->store, c.model, 1, &have, &gone, &e), FC_OK);
    assert_strings(&have, request, 4);
    assert_strings(&gone, NULL, 0);
    fc_strings_free(&have);
    fc_strings_free(&gone);
    assert_fails(fc_store_model_for_series(f->store, "a", model, &version, &e), FC_NOT_FOUND, "no_model", e);
    assert_string_equal(model, "untouched");

    /* b goes while the model trains, and d was skipped. */
    assert_write(f, write_series_delete, &(struct named){"b"});
    ready(f, c.model, 1, learned, 3, "w", 1);
    assert_int_equal(fc_store_model_series(f->store, c.model, 1, &have, &gone, &e), FC_OK);
    assert_strings(&have, stand, 2);
    assert_strings(&gone, (const char *const[]){"b"}, 1);
    fc_strings_free(&have);
    fc_strings_free(&gone);
    assert_int_equal(fc_store_model_for_series(f->store, "a", model, &version, &e), FC_OK);
    assert_string_equal(model, c.model);
    assert_int_equal(version, 1);
    assert_fails(fc_store_model_for_series(f->store, "d", model, &version, &e), FC_NOT_FOUND, "no_model", e);

    /* c goes later and comes back as another series: still removed for this model. */
    assert_write(f, write_series_delete, &(struct named){"c"});
    point(f, "c");
    assert_fails(fc_store_model_for_series(f->store, "c", model, &version, &e), FC_NOT_FOUND, "no_model", e);
    assert_int_equal(fc_store_model_series(f->store, c.model, 1, NULL, &gone, &e), FC_OK);
    assert_strings(&gone, (const char *const[]){"b", "c"}, 2);
    fc_strings_free(&gone);
    assert_fails(fc_store_model_series(f->store, c.model, 2, &have, &gone, &e), FC_NOT_FOUND, "unknown_model", e);
}

static void newest_ready_model_answers(void **state)
{
    struct fixture *f = *state;
    static const char *const a[] = {"a"};
    char model[FC_NAME_MAX];
    int version;
    struct fc_error e = {0};
    point(f, "a");
    struct fc_model_create first = create(f, NULL, a, 1), second = create(f, NULL, a, 1);
    ready(f, second.model, 1, a, 1, "w", 1);
    ready(f, first.model, 1, a, 1, "w", 1); /* became ready later */
    assert_int_equal(fc_store_model_for_series(f->store, "a", model, &version, &e), FC_OK);
    assert_string_equal(model, first.model);
    assert_write(f, write_failed, (&(struct fail){first.model, 1, "failed"}));
    assert_int_equal(fc_store_model_for_series(f->store, "a", model, &version, &e), FC_OK);
    assert_string_equal(model, second.model);
}

static enum fc_status write_issue(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_issue(tx, arg, e);
}

/* Two steps, two levels; the numbers follow from the seed. */
struct issue { struct fc_issued f; fc_time time[2]; double mean[2], median[2], level[2], lower[4], upper[4]; };
static void issue(struct fixture *f, struct issue *x, const char *series, const char *model, fc_time at)
{
    *x = (struct issue){.time = {at + 1, at + 2}, .mean = {1, 2}, .median = {3, NAN}, .level = {80, 97.5}, .lower = {4, 5, 6, 7}, .upper = {8, 9, 10, 11}};
    x->f = (struct fc_issued){.version = model[0] != 0, .method = "gru", .issued_at = at, .last = at - 1, .revision = 5, .n = 2, .nlevels = 2,
                              .time = x->time, .mean = x->mean, .median = x->median, .level = x->level, .lower = x->lower, .upper = x->upper};
    snprintf(x->f.series, sizeof x->f.series, "%s", series);
    snprintf(x->f.model, sizeof x->f.model, "%s", model);
    assert_write(f, write_issue, &x->f);
}

static size_t issued(struct fixture *f, const char *series, fc_time start, fc_time end, fc_time before, const char *after, size_t limit,
                     struct fc_issued **rows)
{
    size_t n = 0;
    struct fc_error e = {0};
    if (fc_store_issued_list(f->store, series, start, end, before, after, limit, rows, &n, &e) != FC_OK)
        fail_msg("issued: %s", e.detail);
    return n;
}

static void issued_forecasts_read_back(void **state)
{
    struct fixture *f = *state;
    struct issue x[4];
    struct fc_issued *rows;
    struct fc_error e = {0};
    point(f, "a");
    point(f, "b");
    struct fc_model_create m = create(f, "day", NULL, 0);
    issue(f, &x[0], "a", m.model, 100);
    issue(f, &x[1], "a", "", 200);
    issue(f, &x[2], "a", m.model, 200);
    issue(f, &x[3], "b", "", 0);
    assert_true(x[3].f.issued_at > 1000000); /* 0: now */
    size_t n = issued(f, "a", FC_TIME_MIN, FC_TIME_MAX, FC_TIME_MAX, NULL, 10, &rows);
    assert_int_equal(n, 3);
    assert_string_equal(rows[0].id, x[2].f.id); /* newest first, of equal times the later */
    assert_string_equal(rows[1].id, x[1].f.id);
    assert_string_equal(rows[1].model, "");
    assert_string_equal(rows[2].id, x[0].f.id);
    struct fc_issued *r = &rows[2];
    assert_string_equal(r->series, "a");
    assert_string_equal(r->model, m.model);
    assert_string_equal(r->method, "gru");
    assert_true(r->version == 1 && r->issued_at == 100 && r->last == 99 && r->revision == 5 && r->n == 2 && r->nlevels == 2);
    assert_memory_equal(r->time, x[0].time, sizeof x[0].time);
    assert_memory_equal(r->mean, x[0].mean, sizeof x[0].mean);
    assert_true(r->median[0] == 3 && isnan(r->median[1]));
    assert_memory_equal(r->level, x[0].level, sizeof x[0].level);
    assert_memory_equal(r->lower, x[0].lower, sizeof x[0].lower);
    assert_memory_equal(r->upper, x[0].upper, sizeof x[0].upper);
    fc_issued_rows_free(rows, n);
    n = issued(f, "a", 100, 200, FC_TIME_MAX, NULL, 10, &rows);
    assert_int_equal(n, 1);
    fc_issued_rows_free(rows, n);
    n = issued(f, "a", 0, FC_TIME_MAX, 200, "", 10, &rows);
    assert_int_equal(n, 1);
    fc_issued_rows_free(rows, n);
    n = issued(f, "a", 0, FC_TIME_MAX, FC_TIME_MAX, x[2].f.id, 1, &rows);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].id, x[1].f.id);
    fc_issued_rows_free(rows, n);
    assert_fails(fc_store_issued_list(f->store, "none", 0, 1, 1, NULL, 1, &rows, &n, &e), FC_NOT_FOUND, "unknown_series", e);
    assert_fails(fc_store_issued_list(f->store, "b", 0, 1, 1, x[0].f.id, 1, &rows, &n, &e), FC_INVALID, "unknown_cursor", e);
    struct issue bad = x[0];
    strcpy(bad.f.series, "none");
    assert_fails(fc_store_write_wait(f->store, write_issue, &bad.f, &e), FC_NOT_FOUND, "unknown_series", e);
    strcpy(bad.f.series, "a");
    strcpy(bad.f.model, "m_none");
    assert_fails(fc_store_write_wait(f->store, write_issue, &bad.f, &e), FC_NOT_FOUND, "unknown_model", e);

    assert_write(f, write_series_delete, &(struct named){"b"});
    assert_write(f, write_model_delete, &(struct named){"day"});
    size_t kept = issued(f, "a", 0, FC_TIME_MAX, FC_TIME_MAX, NULL, 10, &rows); /* a model's issued forecasts outlive it; a series' do not */
    assert_true(kept > 1);
    fc_issued_rows_free(rows, kept);
    assert_int_equal(outside_sql(f, "SELECT count(*) FROM issued"), kept);
}

static void damaged_issued_rows_are_refused(void **state)
{
    struct fixture *f = *state;
    struct issue x;
    struct fc_issued *rows = NULL;
    size_t n = 0;
    struct fc_error e = {0};
    point(f, "a");
    issue(f, &x, "a", "", 100);
    fc_store_close(f->store);
    f->store = NULL;
    outside_sql(f, "UPDATE issued SET steps = 3");
    fixture_open(f);
    assert_fails(fc_store_issued_list(f->store, "a", 0, 1000, 1000, NULL, 1, &rows, &n, &e), FC_CORRUPT, "storage_corrupt", e);
    assert_null(rows);
}

static void deleting_a_model_clears_pins_and_keeps_jobs(void **state)
{
    struct fixture *f = *state;
    static const char *const a[] = {"a"};
    struct fc_series_row r = {0};
    struct fc_job_row j = {0};
    struct fc_error e = {0};
    struct fc_model_row m = {0};
    point(f, "a");
    struct fc_model_create c = create(f, "day", a, 1);
    ready(f, c.model, 1, a, 1, "w", 1);
    uint64_t models = fc_store_models_stamp(f->store), series = fc_store_series_stamp(f->store, "a");
    struct put p = {.mask = FC_SET_MODEL, .row = {.id = "a", .model = (char[]){"day"}}}; /* by name: the id is kept */
    assert_write(f, write_series_put, &p);
    assert_int_equal(fc_store_series_get(f->store, "a", &r, &e), FC_OK);
    assert_string_equal(r.model, c.model);
    assert_int_equal(r.revision, 2);
    fc_series_row_free(&r);
    assert_true(fc_store_models_stamp(f->store) != models && fc_store_series_stamp(f->store, "a") != series);
    models = fc_store_models_stamp(f->store);
    series = fc_store_series_stamp(f->store, "a");
    assert_write(f, write_model_delete, &(struct named){c.model});
    assert_true(fc_store_models_stamp(f->store) != models && fc_store_series_stamp(f->store, "a") != series);
    assert_int_equal(fc_store_series_get(f->store, "a", &r, &e), FC_OK);
    assert_null(r.model);
    assert_int_equal(r.revision, 3);
    fc_series_row_free(&r);
    assert_fails(fc_store_model_get(f->store, "day", 0, &m, &e), FC_NOT_FOUND, "unknown_model", e);
    assert_fails(fc_store_write_wait(f->store, write_model_delete, &(struct named){c.model}, &e), FC_NOT_FOUND, "unknown_model", e);
    assert_int_equal(fc_store_job_get(f->store, c.job, &j, &e), FC_OK);
    fc_job_row_free(&j);
    assert_int_equal(outside_sql(f, "SELECT count(*) FROM model_series"), 0);
    assert_int_equal(create(f, "day", a, 1).version, 1);
    fixture_reopen(f);
    assert_integrity(f);
}

static void models_list_newest_first(void **state)
{
    struct fixture *f = *state;
    struct fc_model_create c[5];
    struct fc_error e = {0};
    struct fc_model_row *rows = NULL;
    size_t n = 0;
    for (size_t i = 0; i < 5; i++)
        c[i] = create(f, i % 2 ? NULL : (const char *[]){"p", "", "q", "", "r"}[i], NULL, 0);
    char after[FC_NAME_MAX] = "";
    for (size_t seen = 0; seen < 5;) {
        assert_int_equal(fc_store_model_list(f->store, after, 2, &rows, &n, &e), FC_OK);
        assert_int_equal(n, seen == 4 ? 1 : 2);
        for (size_t i = 0; i < n; i++)
            assert_string_equal(rows[i].id, c[4 - seen++].model);
        strcpy(after, rows[n - 1].id);
        fc_model_rows_free(rows, n);
    }
    assert_fails(fc_store_model_list(f->store, "m_gone", 2, &rows, &n, &e), FC_INVALID, "unknown_cursor", e);
}

static enum fc_status write_job(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    return fc_tx_job_update(tx, arg, e);
}

static void jobs_read_back(void **state)
{
    struct fixture *f = *state;
    struct fc_job_row j = {0}, *rows = NULL;
    struct fc_error e = {0};
    size_t n = 0;
    struct fc_model_create c = create(f, "day", NULL, 0), d = create(f, "day", NULL, 0);
    assert_int_equal(fc_store_job_get(f->store, c.job, &j, &e), FC_OK);
    assert_string_equal(j.kind, "train");
    assert_string_equal(j.state, "queued");
    assert_string_equal(j.model, c.model);
    assert_string_equal(j.request, "{\"r\":1}");
    assert_string_equal(j.skipped, "[]");
    assert_true(j.version == 1 && isnan(j.loss) && isnan(j.validation_loss) && isnan(j.eta_seconds) && !j.error && j.created_at > 0);
    assert_true(j.progress == 0 && j.started_at == 0 && j.finished_at == 0 && j.deaths == 0);
    struct fc_job_row u = j;
    strcpy(u.state, "running");
    u.progress = 0.5, u.epoch = 3, u.epochs = 9, u.loss = 0.25, u.eta_seconds = 4, u.deaths = 2, u.started_at = 11, u.finished_at = 12;
    u.skipped = (char[]){"[1]"};
    u.error = (char[]){"{}"};
    assert_write(f, write_job, &u);
    fc_job_row_free(&j);
    assert_int_equal(fc_store_job_get(f->store, c.job, &j, &e), FC_OK);
    assert_string_equal(j.state, "running");
    assert_string_equal(j.skipped, "[1]");
    assert_string_equal(j.error, "{}");
    assert_true(j.progress == 0.5 && j.epoch == 3 && j.epochs == 9 && j.loss == 0.25 && isnan(j.validation_loss) && j.eta_seconds == 4);
    assert_true(j.deaths == 2 && j.started_at == 11 && j.finished_at == 12);
    fc_job_row_free(&j);
    assert_int_equal(fc_store_job_list(f->store, NULL, NULL, 9, &rows, &n, &e), FC_OK);
    assert_int_equal(n, 2);
    assert_string_equal(rows[0].id, d.job);
    fc_job_rows_free(rows, n);
    assert_int_equal(fc_store_job_list(f->store, NULL, d.job, 9, &rows, &n, &e), FC_OK);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].id, c.job);
    fc_job_rows_free(rows, n);
    assert_int_equal(fc_store_job_list(f->store, "queued", NULL, 9, &rows, &n, &e), FC_OK);
    assert_int_equal(n, 1);
    assert_string_equal(rows[0].id, d.job);
    fc_job_rows_free(rows, n);
    strcpy(u.id, "j_none");
    assert_fails(fc_store_write_wait(f->store, write_job, &u, &e), FC_NOT_FOUND, "unknown_job", e);
    assert_fails(fc_store_job_get(f->store, "j_none", &j, &e), FC_NOT_FOUND, "unknown_job", e);
    assert_fails(fc_store_job_list(f->store, NULL, "j_none", 9, &rows, &n, &e), FC_INVALID, "unknown_cursor", e);
}

int main(void)
{
#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        WITH_STORE(versions_follow_the_name), WITH_STORE(weights_are_checked), WITH_STORE(learned_series_and_removed_ones),
        WITH_STORE(newest_ready_model_answers), WITH_STORE(issued_forecasts_read_back), WITH_STORE(damaged_issued_rows_are_refused),
        WITH_STORE(deleting_a_model_clears_pins_and_keeps_jobs), WITH_STORE(models_list_newest_first), WITH_STORE(jobs_read_back),
    };
    return cmocka_run_group_tests_name("store_models", tests, NULL, NULL);
}
