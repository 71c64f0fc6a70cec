/* http_callbacks.h: what http.c gives to http_server.c: the callbacks of libmicrohttpd. cls is the struct fc_http. HTTP threads only. */
#ifndef FC_HTTP_CALLBACKS_H
#define FC_HTTP_CALLBACKS_H

#include "http_call.h"

#include <microhttpd.h>

/* A request line came: the raw target. Returns the call, NULL when out of memory. */
void *fc_on_request_line(void *cls, const char *target, struct MHD_Connection *mhd);
/* The head, each piece of the body, the end of the body, and a resumed request. */
enum MHD_Result fc_on_request(void *cls, struct MHD_Connection *mhd, const char *url, const char *method, const char *version, const char *data,
                              size_t *n, void **con_cls);
/* The request ended, one way or the other. */
void fc_on_end(void *cls, struct MHD_Connection *mhd, void **con_cls, enum MHD_RequestTerminationCode why);
/* A connection was accepted, or is about to be closed. */
void fc_on_connection(void *cls, struct MHD_Connection *mhd, void **socket_context, enum MHD_ConnectionNotificationCode what);

#endif
