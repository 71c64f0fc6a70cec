/* api_points.c: POST, GET and DELETE /v1/series/{id}/points, POST /v1/points.
 *
 * A POST is decoded to its last byte where the HTTP layer put it (small ones on the HTTP thread, which never waits), queued for the writer, and
 * answered on the writer's thread after the COMMIT. GET and DELETE run on request workers. */
#include "api.h"
#include "api_parts.h"
#include "codec_points.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- POST ---- */

struct post {
    struct fc_request *r;
    struct fc_upload upload;
    bool many;
};

static void post_free(void *work)
{
    struct post *p = work;
    fc_upload_free(&p->upload);
    free(p);
}

static enum fc_status post_apply(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct post *p = arg;
    enum fc_status s = FC_OK;
    for (size_t i = 0; i < p->upload.n && s == FC_OK; i++)
        s = fc_tx_points_put(tx, &p->upload.series[i], e);
    return s;
}

/* {"series":"load" or how many,"received":24,"inserted":24,"updated":0} */
static void post_done(void *arg, const struct fc_error *e)
{
    struct post *p = arg;
    struct fc_request *r = p->r;
    struct fc_buf body = {0};
    struct fc_out o = {&body, false};
    size_t inserted = 0, updated = 0;
    if (e) {
        (void)fc_reply_error(r, e);
        fc_request_finish(r);
        return;
    }
    for (size_t i = 0; i < p->upload.n; i++) {
        inserted += p->upload.series[i].inserted;
        updated += p->upload.series[i].updated;
    }
    fc_out_open(&o, NULL, '{');
    if (p->many)
        fc_out_integer(&o, "series", (int64_t)p->upload.distinct);
    else
        fc_out_string(&o, "series", p->upload.series[0].id);
    fc_out_integer(&o, "received", (int64_t)p->upload.points);
    fc_out_integer(&o, "inserted", (int64_t)inserted);
    fc_out_integer(&o, "updated", (int64_t)updated);
    fc_out_close(&o, '}');
    (void)fc_reply(r, 200, FC_JSON, &body, false);
    fc_request_finish(r);
}

static enum fc_status post_decode(struct fc_request *r, const char *id, struct fc_upload *out, struct fc_error *e)
{
    const char *precision = fc_query(r, "precision");
    bool csv = fc_content_is(r, "text/csv");
    enum fc_status s = id ? fc_id_check(id, strlen(id), "", e) : FC_OK;
    if (s != FC_OK)
        return s;
    if (id)
        return csv ? fc_codec_points_csv(&r->body, id, precision, out, e) : fc_codec_points_one(&r->body, id, precision, out, e);
    return csv ? fc_codec_points_csv_many(&r->body, precision, out, e) : fc_codec_points_many(&r->body, precision, NULL, out, e);
}

/* id NULL: many series. */
static enum fc_next post(struct fc_request *r, const char *id)
{
    struct fc_error e;
    struct post *p = calloc(1, sizeof *p);
    if (!p) {
        (void)fc_fail_nomem(&e, sizeof *p);
        return fc_reply_error(r, &e);
    }
    p->r = r;
    p->many = id == NULL;
    r->work = p;
    r->work_free = post_free;
    enum fc_status s = post_decode(r, id, &p->upload, &e);
    if (s == FC_OK)
        s = fc_store_write(r->app->store, post_apply, post_done, p, &e);
    return s == FC_OK ? FC_PENDING : fc_reply_error(r, &e);
}

enum fc_next fc_api_points_post(struct fc_request *r)
{
    return post(r, r->param[0]);
}

enum fc_next fc_api_points_post_many(struct fc_request *r)
{
    return post(r, NULL);
}

/* ---- the range that a query names ---- */

struct range {
    fc_time start, end; /* start <= t < end */
};

static enum fc_status read_range(const struct fc_request *r, struct range *out, struct fc_error *e)
{
    enum fc_status s = fc_query_time(r, "start", FC_TIME_MIN, &out->start, e);
    if (s == FC_OK)
        s = fc_query_time(r, "end", FC_TIME_MAX + 1, &out->end, e);
    if (s == FC_OK && out->start > out->end)
        s = fc_fail(e, FC_INVALID, "bad_range", "start must not be after end: start=%s, end=%s", fc_query(r, "start"), fc_query(r, "end"));
    return s;
}

/* ---- GET ---- */

/* A page of points. The cursor is the time of the last point of the page before, in milliseconds. */
struct page {
    struct range range;      /* as asked */
    struct range rest;       /* what the cursor leaves of it */
    uint64_t limit;
    bool descending;
    enum fc_time_style style;
};

static enum fc_status read_cursor(const struct fc_request *r, struct page *p, struct fc_error *e)
{
    const char *cursor = fc_query(r, "cursor");
    char text[24], *end;
    p->rest = p->range;
    if (!cursor)
        return FC_OK;
    enum fc_status s = fc_cursor_read(cursor, text, sizeof text, e);
    if (s != FC_OK)
        return s;
    long long t = strtoll(text, &end, 10);
    if (*end || end == text || t < FC_TIME_MIN || t > FC_TIME_MAX)
        return fc_fail(e, FC_INVALID, "bad_cursor", "cursor \"%.40s\" is none that this server gave out", cursor);
    if (p->descending)
        p->rest.end = t < p->range.end ? t : p->range.end;
    else
        p->rest.start = t + 1 > p->range.start ? t + 1 : p->range.start;
    return FC_OK;
}

static enum fc_status read_page(const struct fc_request *r, struct page *p, struct fc_error *e)
{
    const char *order = fc_query(r, "order");
    enum fc_status s = read_range(r, &p->range, e);
    if (s == FC_OK) s = fc_query_uint(r, "limit", 1, 100000, 10000, &p->limit, e);
    if (s == FC_OK) s = fc_time_style_from(fc_query(r, "time"), &p->style, e);
    if (s == FC_OK && order && strcmp(order, "asc") != 0 && strcmp(order, "desc") != 0)
        s = fc_fail(e, FC_INVALID, "bad_parameter", "order must be asc or desc, not \"%.40s\"", order);
    p->descending = order && strcmp(order, "desc") == 0;
    return s == FC_OK ? read_cursor(r, p, e) : s;
}

/* RFC 8288: the next page's address, made of what was understood, so that its length is bounded whatever the client wrote. */
static void put_link(struct fc_request *r, const struct page *p, const char *next)
{
    static const char *const styles[] = {"", "&time=s", "&time=ms"};
    char *link = r->response.link;
    size_t cap = sizeof r->response.link, n = (size_t)snprintf(link, cap, "</v1/series/");
    for (const char *c = r->param[0]; *c && n + 4 < cap; c++) {
        bool plain = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || strchr("-._~", *c);
        n += (size_t)snprintf(link + n, cap - n, plain ? "%c" : "%%%02X", (unsigned char)*c);
    }
    n += (size_t)snprintf(link + n, cap - n, "/points?limit=%llu&order=%s%s", (unsigned long long)p->limit, p->descending ? "desc" : "asc", styles[p->style]);
    if (p->range.start != FC_TIME_MIN || p->range.end <= FC_TIME_MAX)
        n += (size_t)snprintf(link + n, cap - n, "&precision=ms");
    if (p->range.start != FC_TIME_MIN)
        n += (size_t)snprintf(link + n, cap - n, "&start=%lld", (long long)p->range.start);
    if (p->range.end <= FC_TIME_MAX)
        n += (size_t)snprintf(link + n, cap - n, "&end=%lld", (long long)p->range.end);
    snprintf(link + n, cap - n, "&cursor=%s>; rel=\"next\"", next);
}

enum fc_next fc_api_points_get(struct fc_request *r)
{
    static const char offered[] = "application/json text/csv";
    struct fc_error e;
    struct page p;
    struct fc_points points = {0};
    struct fc_buf body = {0};
    bool more = false;
    char next[FC_CURSOR_TEXT], last[24];
    int type = fc_accepts(r, offered);
    if (type < 0)
        return fc_reply_not_acceptable(r, offered);
    enum fc_status s = read_page(r, &p, &e);
    if (s == FC_OK)
        s = fc_store_points_range(r->app->store, r->param[0], p.rest.start, p.rest.end, p.descending, p.limit, NULL, &points, &more, &e);
    if (s != FC_OK)
        return fc_reply_error(r, &e);
    more = more && points.n > 0;
    if (more) {
        snprintf(last, sizeof last, "%lld", (long long)points.time[points.n - 1]);
        fc_cursor_make(last, next);
    }
    if (type == 1)
        fc_codec_points_to_csv(&body, &points, p.style);
    else
        fc_codec_points_json(&body, r->param[0], &points, p.style, more ? next : NULL);
    fc_points_free(&points);
    enum fc_next answer = fc_reply(r, 200, type == 1 ? FC_CSV : FC_JSON, &body, true);
    if (more && type == 1 && r->response.status == 200)
        put_link(r, &p, next);
    return answer;
}

/* ---- DELETE ---- */

struct removal {
    const char *id;
    struct range range;
    int64_t deleted;
};

static enum fc_status delete_apply(struct fc_store_tx *tx, void *arg, struct fc_error *e)
{
    struct removal *d = arg;
    return fc_tx_points_delete(tx, d->id, d->range.start, d->range.end, &d->deleted, e);
}

/* Everything must be asked for in so many words. */
static enum fc_status read_removal(const struct fc_request *r, struct removal *d, struct fc_error *e)
{
    const char *all = fc_query(r, "all");
    bool bounded = fc_query(r, "start") || fc_query(r, "end");
    if (all && strcmp(all, "true") != 0)
        return fc_fail(e, FC_INVALID, "bad_parameter", "all must be true, not \"%.40s\"", all);
    if (all && bounded)
        return fc_fail(e, FC_INVALID, "bad_range", "all=true can't be mixed with start or end");
    if (!all && !bounded)
        return fc_fail(e, FC_INVALID, "range_required", "name start or end, or all=true to delete every point");
    return read_range(r, &d->range, e);
}

enum fc_next fc_api_points_delete(struct fc_request *r)
{
    struct fc_error e;
    struct fc_buf body = {0};
    struct fc_out o = {&body, false};
    struct removal d = {.id = r->param[0]};
    enum fc_status s = read_removal(r, &d, &e);
    if (s == FC_OK)
        s = fc_store_write_wait(r->app->store, delete_apply, &d, &e);
    if (s != FC_OK)
        return fc_reply_error(r, &e);
    fc_out_open(&o, NULL, '{');
    fc_out_integer(&o, "deleted", d.deleted);
    fc_out_close(&o, '}');
    return fc_reply(r, 200, FC_JSON, &body, false);
}
