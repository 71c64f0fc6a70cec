/* codec_points_csv.c: points in CSV, in. See codec_points.h.
 *
 * Rows are read once, in order. In the CSV of many series each row carries the index of its series; when the rows of a series are not all
 * together, a stable counting sort by that index puts them so: the later of two equal times stays the later. */
#include "codec_points_build.h"

#include "scan.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum column { COLUMN_TIME, COLUMN_VALUE, COLUMN_SERIES, COLUMNS };

/* The names that a header may use; the first one of each kind is ours. */
static const struct { const char *name; enum column column; } column_names[] = {
    {"timestamp", COLUMN_TIME}, {"time", COLUMN_TIME}, {"ds", COLUMN_TIME}, {"date", COLUMN_TIME}, {"datetime", COLUMN_TIME},
    {"value", COLUMN_VALUE},    {"y", COLUMN_VALUE},
    {"series", COLUMN_SERIES},  {"unique_id", COLUMN_SERIES}, {"id", COLUMN_SERIES},
};

static const char *const missing_words[] = {"NA", "NaN", "nan", "null"};

struct decode {
    struct fc_csv csv;
    struct fc_build b;
    const char *precision;
    bool many;
    size_t columns;                 /* 2, or 3 for many */
    enum column order[COLUMNS];     /* of the columns */
    const char *name[COLUMNS];      /* of each kind, as the header says */
    /* many: */
    uint32_t *series;               /* [rows] index of each row's series, owned */
    size_t series_cap;
    uint32_t *slot;                 /* [slots] hash table: index of a series plus 1, 0 when free; owned */
    size_t slots;
    size_t *id_at;                  /* [b.n] where each id starts in b.ids, owned */
    size_t id_cap;
    uint64_t seed;
    bool scattered;                 /* the rows of some series are not all together */
    struct fc_error *e;
};

/* ---- errors ---- */

static enum fc_status fail_line(struct decode *d, const char *code, const char *what)
{
    char where[32];
    snprintf(where, sizeof where, "line %zu", d->csv.line);
    return fc_fail_at(d->e, FC_INVALID, code, where, "%s: %s", where, what);
}

static enum fc_status fail_cell(struct decode *d, const char *code, enum column column, const struct fc_csv_cell *cell, const char *what)
{
    char text[384];
    snprintf(text, sizeof text, "column %s: \"%.*s\"%s %s", d->name[column], cell->n > 40 ? 40 : (int)cell->n, cell->text, cell->n > 40 ? "…" : "", what);
    return fail_line(d, code, text);
}

/* ---- the header ---- */

static int find_column(const struct fc_csv_cell *cell)
{
    for (size_t i = 0; i < sizeof column_names / sizeof *column_names; i++)
        if (strlen(column_names[i].name) == cell->n && strncasecmp(column_names[i].name, cell->text, cell->n) == 0)
            return (int)i;
    return -1;
}

/* Data start with a digit, a sign or a point (or an empty cell); names don't. */
static bool is_header(const struct fc_csv_cell *first)
{
    return first->n > 0 && !strchr("0123456789+-.", first->text[0]);
}

static enum fc_status read_header(struct decode *d, const struct fc_csv_cell *cell, size_t n)
{
    bool seen[COLUMNS] = {0};
    char what[256];
    for (size_t i = 0; i < n && i < COLUMNS; i++) {
        int at = find_column(&cell[i]);
        if (at < 0 || (column_names[at].column == COLUMN_SERIES && !d->many)) {
            snprintf(what, sizeof what, "unknown column \"%.*s\"; known here: timestamp (time, ds, date, datetime), value (y)%s",
                     cell[i].n > 40 ? 40 : (int)cell[i].n, cell[i].text, d->many ? ", series (unique_id, id)" : "; for many series POST /v1/points");
            return fail_line(d, "unknown_column", what);
        }
        enum column c = column_names[at].column;
        if (seen[c]) {
            snprintf(what, sizeof what, "column \"%.*s\" comes second: %s is there already", (int)cell[i].n, cell[i].text, d->name[c]);
            return fail_line(d, "duplicate_column", what);
        }
        seen[c] = true;
        d->order[i] = c;
        d->name[c] = column_names[at].name;
    }
    for (enum column c = 0; c < d->columns; c++)
        if (!seen[c]) {
            snprintf(what, sizeof what, "the header has no column %s", d->name[c]);
            return fail_line(d, "missing_column", what);
        }
    if (n == d->columns)
        return FC_OK;
    snprintf(what, sizeof what, "the header has %zu columns, %zu are known", n, d->columns);
    return fail_line(d, "unknown_column", what);
}

/* ---- cells ---- */

static enum fc_status read_time(struct decode *d, const struct fc_csv_cell *cell, fc_time *out)
{
    struct fc_error why;
    double x;
    enum fc_status s;
    if (cell->n == 0)
        return fail_cell(d, "bad_timestamp", COLUMN_TIME, cell, "is empty: each point needs a time");
    if (!(cell->n > 4 && cell->text[4] == '-') && fc_scan_decimal(cell->text, cell->n, &x))
        s = fc_time_from_number(x, d->precision, out, &why);
    else
        s = fc_time_parse(cell->text, cell->n, out, &why);
    if (s == FC_OK)
        return s;
    char what[320];
    snprintf(what, sizeof what, "is no time: %.300s", why.detail);
    return fail_cell(d, why.code, COLUMN_TIME, cell, what);
}

static enum fc_status read_value(struct decode *d, const struct fc_csv_cell *cell, double *out)
{
    *out = NAN;
    if (cell->n == 0)
        return FC_OK;
    if (fc_scan_decimal(cell->text, cell->n, out))
        return isfinite(*out) ? FC_OK : fail_cell(d, "number_out_of_range", COLUMN_VALUE, cell, "is too large for a double");
    for (size_t i = 0; i < sizeof missing_words / sizeof *missing_words; i++)
        if (strlen(missing_words[i]) == cell->n && memcmp(missing_words[i], cell->text, cell->n) == 0)
            return FC_OK;
    return fail_cell(d, "bad_value", COLUMN_VALUE, cell, "is no number (a missing value is an empty cell, NA, NaN or null)");
}

/* ---- which series a row belongs to ---- */

/* Keyed with a seed of its own for each upload, so that nobody can choose ids that collide. */
static uint64_t hash_id(uint64_t seed, const char *id, size_t n)
{
    uint64_t h = seed ^ n;
    for (size_t i = 0; i < n; i += 8) {
        uint64_t part = 0;
        memcpy(&part, id + i, n - i < 8 ? n - i : 8);
        unsigned __int128 m = (unsigned __int128)(h ^ part) * (seed | 1);
        h = (uint64_t)m ^ (uint64_t)(m >> 64);
    }
    unsigned __int128 m = (unsigned __int128)h * UINT64_C(0x9E3779B97F4A7C15);
    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* The slot that holds this id, or the free one where it belongs. */
static size_t find_slot(const struct decode *d, const char *id, size_t n)
{
    size_t i = hash_id(d->seed, id, n) & (d->slots - 1);
    while (d->slot[i]) {
        const char *there = d->b.ids + d->id_at[d->slot[i] - 1];
        if (strlen(there) == n && memcmp(there, id, n) == 0)
            break;
        i = (i + 1) & (d->slots - 1);
    }
    return i;
}

/* Keeps the table at most half full. */
static enum fc_status grow_slots(struct decode *d)
{
    if (d->slots > 2 * (d->b.n + 1))
        return FC_OK;
    size_t slots = d->slots ? d->slots * 2 : 64;
    uint32_t *slot = calloc(slots, sizeof *slot);
    if (!slot)
        return fc_fail_nomem(d->e, slots * sizeof *slot);
    free(d->slot);
    d->slot = slot;
    d->slots = slots;
    for (size_t i = 0; i < d->b.n; i++) {
        const char *id = d->b.ids + d->id_at[i];
        d->slot[find_slot(d, id, strlen(id))] = (uint32_t)i + 1;
    }
    return FC_OK;
}

static enum fc_status add_series(struct decode *d, const char *id, size_t n, const struct fc_csv_cell *cell)
{
    struct fc_error why;
    struct fc_points_write w = {0};
    enum fc_status s = fc_id_check(id, n, "", &why);
    if (s != FC_OK) {
        char what[256];
        snprintf(what, sizeof what, "is no series id: %.200s", why.detail);
        return fail_cell(d, why.code, COLUMN_SERIES, cell, what);
    }
    if (d->b.n == d->id_cap)
        s = fc_build_grow(&d->id_at, sizeof *d->id_at, &d->id_cap, d->b.n + 1, d->e);
    if (s != FC_OK)
        return s;
    d->id_at[d->b.n] = d->b.ids_n;
    s = fc_build_add_id(&d->b, id, n, d->e);
    return s == FC_OK ? fc_build_add_entry(&d->b, &w, d->e) : s;
}

/* Finds or adds the row's series and counts the row. */
static enum fc_status read_series(struct decode *d, const struct fc_csv_cell *cell)
{
    char plain[2 * FC_ID_MAX + 2];
    const char *id = cell->text;
    size_t n = cell->n, row = d->b.values - 1, last = row > 0 ? d->series[row - 1] : 0;
    enum fc_status s = FC_OK;
    if (cell->escaped && n <= sizeof plain) {
        n = fc_csv_unquote(cell, plain);
        id = plain;
    }
    if (n > FC_ID_MAX)
        return add_series(d, id, n, cell); /* says what is wrong */
    size_t index = last;
    bool same = row > 0 && strlen(d->b.ids + d->id_at[last]) == n && memcmp(d->b.ids + d->id_at[last], id, n) == 0;
    if (!same) {
        s = grow_slots(d);
        if (s != FC_OK)
            return s;
        size_t slot = find_slot(d, id, n);
        index = d->slot[slot] ? d->slot[slot] - 1 : d->b.n;
        d->scattered |= d->slot[slot] != 0;
        if (!d->slot[slot])
            s = add_series(d, id, n, cell);
        d->slot[slot] = (uint32_t)index + 1;
    }
    if (s == FC_OK && row == d->series_cap)
        s = fc_build_grow(&d->series, sizeof *d->series, &d->series_cap, row + 1, d->e);
    if (s != FC_OK)
        return s;
    d->series[row] = (uint32_t)index;
    d->b.entry[index].n++;
    return FC_OK;
}

/* Stable counting sort of one array of 8-byte items by the series of each row; *items is replaced. */
static enum fc_status gather(const struct decode *d, const size_t *from, void **items)
{
    enum { SIZE = 8 };
    size_t n = d->b.values;
    char *old = *items, *sorted = malloc(n * SIZE);
    size_t *next = malloc(d->b.n * sizeof *next);
    if (!sorted || !next) {
        free(sorted);
        free(next);
        return fc_fail_nomem(d->e, n * SIZE);
    }
    memcpy(next, from, d->b.n * sizeof *next);
    for (size_t i = 0; i < n; i++)
        memcpy(sorted + SIZE * next[d->series[i]]++, old + SIZE * i, SIZE);
    *items = sorted;
    free(old);
    free(next);
    return FC_OK;
}

static enum fc_status put_together(struct decode *d)
{
    size_t *from = malloc(d->b.n * sizeof *from), n = 0;
    if (!from)
        return fc_fail_nomem(d->e, d->b.n * sizeof *from);
    for (size_t i = 0; i < d->b.n; n += d->b.entry[i++].n)
        from[i] = n;
    void *time = d->b.time, *value = d->b.value;
    enum fc_status s = gather(d, from, &time);
    d->b.time = time;
    if (s == FC_OK)
        s = gather(d, from, &value);
    d->b.value = value;
    free(from);
    return s;
}

/* ---- the whole ---- */

static enum fc_status read_row(struct decode *d, const struct fc_csv_cell *cell, size_t n)
{
    const struct fc_csv_cell *of[COLUMNS];
    fc_time t;
    double x;
    if (n != d->columns) {
        char what[96];
        snprintf(what, sizeof what, "%zu columns where %zu are wanted", n, d->columns);
        return fail_line(d, "wrong_column_count", what);
    }
    for (size_t i = 0; i < n; i++)
        of[d->order[i]] = &cell[i];
    enum fc_status s = read_time(d, of[COLUMN_TIME], &t);
    if (s == FC_OK)
        s = read_value(d, of[COLUMN_VALUE], &x);
    if (s == FC_OK)
        s = fc_build_add_time(&d->b, t, d->e);
    if (s == FC_OK)
        s = fc_build_add_value(&d->b, x, d->e);
    return s == FC_OK && d->many ? read_series(d, of[COLUMN_SERIES]) : s;
}

static enum fc_status read_all(struct decode *d)
{
    struct fc_csv_cell cell[COLUMNS];
    size_t n;
    enum fc_status s = fc_csv_next(&d->csv, cell, COLUMNS, &n, d->e);
    if (s != FC_OK)
        return s;
    if (n == 0)
        return fc_fail(d->e, FC_UNREADABLE, "empty_body", "the body is empty");
    bool header = is_header(&cell[0]);
    if (d->many && !header)
        return fail_line(d, "header_required", "CSV of many series needs a header such as series,timestamp,value");
    s = header ? read_header(d, cell, n) : read_row(d, cell, n);
    while (s == FC_OK) {
        s = fc_csv_next(&d->csv, cell, COLUMNS, &n, d->e);
        if (s != FC_OK || n == 0)
            break;
        s = read_row(d, cell, n);
    }
    if (s == FC_OK && d->b.values == 0)
        s = fail_line(d, "no_points", "there are no points behind the header");
    return s;
}

static enum fc_status decode_csv(const struct fc_buf *body, const char *id, const char *precision, struct fc_upload *out, struct fc_error *e)
{
    struct decode d = {.precision = precision, .many = id == NULL, .columns = id ? 2 : 3, .e = e};
    d.order[0] = d.many ? COLUMN_SERIES : COLUMN_TIME;
    d.order[1] = d.many ? COLUMN_TIME : COLUMN_VALUE;
    d.order[2] = COLUMN_VALUE;
    for (size_t i = sizeof column_names / sizeof *column_names; i-- > 0;)
        d.name[column_names[i].column] = column_names[i].name;
    if (d.many && getrandom(&d.seed, sizeof d.seed, GRND_NONBLOCK) != (ssize_t)sizeof d.seed)
        d.seed = (uint64_t)(uintptr_t)&d ^ (uint64_t)(uintptr_t)body->data; /* address space is random too */
    fc_csv_init(&d.csv, body->data ? body->data : "", body->n);
    enum fc_status s = fc_build_precision(&d.precision, e);
    if (s == FC_OK && body->n > UINT32_MAX)
        s = fc_fail(e, FC_TOO_LARGE, "body_too_large", "a CSV body of %zu bytes is more than can be read", body->n);
    if (s == FC_OK)
        s = read_all(&d);
    if (s == FC_OK && id) {
        struct fc_points_write w = {.n = d.b.values};
        s = fc_build_add_entry(&d.b, &w, e);
    }
    if (s == FC_OK && d.scattered)
        s = put_together(&d);
    if (s == FC_OK)
        s = fc_build_finish(&d.b, id, out, e);
    fc_build_free(&d.b);
    free(d.series);
    free(d.slot);
    free(d.id_at);
    return s;
}

enum fc_status fc_codec_points_csv(const struct fc_buf *body, const char *id, const char *precision, struct fc_upload *out, struct fc_error *e)
{
    return decode_csv(body, id, precision, out, e);
}

enum fc_status fc_codec_points_csv_many(const struct fc_buf *body, const char *precision, struct fc_upload *out, struct fc_error *e)
{
    return decode_csv(body, NULL, precision, out, e);
}
