/* assets.c: the dashboard's files. Role: serves GET / and GET /assets/{name} out of the binary itself.
 *
 * The files are pulled in by the assembler (.incbin), with paths relative to the repository's root, where make runs; dygraphs comes from the
 * folder that FC_DYGRAPHS names. Top-level asm inside a C file keeps the compiler's own .note.GNU-stack, so the stack stays non-executable.
 * Each file becomes one shared body, whose ETags and gzip form are made once. Any thread may enter fc_api_asset; open is serialised by a mutex. */
#include "assets.h"

#include <pthread.h>
#include <string.h>

/* clang-format off: tables */
/* One row a file: symbol, name under /assets/, media type, path. The first row is the page itself. */
#define WEB "server/web/"
#define SCRIPT "text/javascript; charset=utf-8"
#define STYLE "text/css; charset=utf-8"
#define FILES(X) \
    X(page, "index.html", "text/html; charset=utf-8", WEB "index.html") \
    X(icon, "icon.svg", "image/svg+xml", WEB "icon.svg") \
    X(style, "dashboard.css", STYLE, WEB "dashboard.css") \
    X(script, "dashboard.js", SCRIPT, WEB "dashboard.js") \
    X(api, "api.js", SCRIPT, WEB "api.js") \
    X(chart, "chart.js", SCRIPT, WEB "chart.js") \
    X(format, "format.js", SCRIPT, WEB "format.js") \
    X(dom, "dom.js", SCRIPT, WEB "dom.js") \
    X(detail, "detail.js", SCRIPT, WEB "detail.js") \
    X(lists, "lists.js", SCRIPT, WEB "lists.js") \
    X(dygraph, "dygraph.min.js", SCRIPT, FC_DYGRAPHS "/dygraph.min.js") \
    X(dygraph_css, "dygraph.min.css", STYLE, FC_DYGRAPHS "/dygraph.min.css")

#define EMBED(symbol, name, type, path) \
    __asm__(".pushsection .rodata\n" \
            ".balign 16\n" \
            "fc_asset_" #symbol "_data:\n" \
            ".incbin \"" path "\"\n" \
            "fc_asset_" #symbol "_end:\n" \
            ".byte 0\n" \
            ".popsection\n"); \
    extern const unsigned char fc_asset_##symbol##_data[] __attribute__((visibility("hidden"))); \
    extern const unsigned char fc_asset_##symbol##_end[] __attribute__((visibility("hidden")));
FILES(EMBED)

#define ROW(symbol, name, type, path) { name, type, fc_asset_##symbol##_data, fc_asset_##symbol##_end },
const struct fc_asset fc_assets[] = { FILES(ROW){ NULL, NULL, NULL, NULL } };
#define NASSETS (sizeof fc_assets / sizeof *fc_assets - 1)

/* clang-format on */

/* No inline script or style, nothing from elsewhere, no framing. The hash is of the one style attribute that dygraphs sets by string
 * (to measure an em); tests/web computes it from the installed dygraphs. */
const char fc_assets_policy[] = "default-src 'self'; style-src 'self' 'unsafe-hashes' 'sha256-MJyOH6fkfzWPCLv2CfAAYjOtxkqoLBYZsmiMyy1D4sc='; "
                                "object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool opened;                          /* under lock */
static struct fc_shared_body *body[NASSETS]; /* [row], written under lock before opened, then constant until close */

const struct fc_asset *fc_asset_find(const char *name)
{
    for (const struct fc_asset *a = fc_assets; a->name; a++)
        if (strcmp(a->name, name) == 0)
            return a;
    return NULL;
}

static void unref_all(void)
{
    for (size_t i = 0; i < NASSETS; i++) {
        if (body[i])
            fc_shared_body_unref(body[i]);
        body[i] = NULL;
    }
}

enum fc_status fc_assets_open(struct fc_error *e)
{
    enum fc_status status = FC_OK;
    pthread_mutex_lock(&lock);
    for (size_t i = 0; !opened && i < NASSETS; i++) {
        struct fc_buf b = { 0 };
        size_t n = (size_t)(fc_assets[i].end - fc_assets[i].data);
        fc_buf_add(&b, fc_assets[i].data, n);
        body[i] = b.failed ? NULL : fc_shared_body_new(fc_assets[i].type, &b);
        if (!body[i]) {
            fc_buf_free(&b);
            status = fc_fail_nomem(e, n);
            goto out;
        }
    }
    opened = true;
out:
    if (status != FC_OK)
        unref_all();
    pthread_mutex_unlock(&lock);
    return status;
}

void fc_assets_close(void)
{
    pthread_mutex_lock(&lock);
    unref_all();
    opened = false;
    pthread_mutex_unlock(&lock);
}

enum fc_next fc_api_asset(struct fc_request *r)
{
    struct fc_error e = { 0 };
    if (fc_assets_open(&e) != FC_OK)
        return fc_reply_error(r, &e);
    const char *name = r->params ? r->param[0] : fc_assets[0].name;
    const struct fc_asset *a = fc_asset_find(name);
    if (!a) {
        fc_fail(&e, FC_NOT_FOUND, "unknown_asset", "there is no file \"%s\" under /assets/", name);
        return fc_reply_error(r, &e);
    }
    r->response.security_policy = fc_assets_policy;
    return fc_reply_shared(r, body[a - fc_assets]);
}
