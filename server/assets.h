/* assets.h: the dashboard's files, built into the binary, and the handler that serves them.
 *
 * The table is constant; the answers made from it (ETags, gzip form) are made once and shared by all requests. Any thread. */
#ifndef FC_ASSETS_H
#define FC_ASSETS_H

#include "http.h"

struct fc_asset {
    const char *name;              /* under /assets/ */
    const char *type;              /* media type, a string constant */
    const unsigned char *data;     /* [end - data] static */
    const unsigned char *end;
};
extern const struct fc_asset fc_assets[]; /* ends with a row whose name is NULL */

/* What the dashboard may load and do; sent with each of its files. */
extern const char fc_assets_policy[];

/* NULL when there is no such file. */
const struct fc_asset *fc_asset_find(const char *name);

/* Makes the answers, once; later calls do nothing. main may call it before the first request, else the first one pays for the copies. */
FC_MUST_CHECK enum fc_status fc_assets_open(struct fc_error *e);
/* Frees what open made; no request may be running. */
void fc_assets_close(void);

/* GET / and GET /assets/{name}. INLINE. */
enum fc_next fc_api_asset(struct fc_request *r);

#endif
