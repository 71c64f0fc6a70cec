/* selector.h: match={site="a",kind!="test"}: Prometheus selectors over the labels of a series and its `id`.
 *
 * Operators =, !=, =~, !~; all matchers must hold; a label that is not there is the empty text, as in Prometheus. Regular expressions are POSIX
 * extended ones over bytes, anchored at both ends; what would match something else than in Prometheus (\d, (?i), back-references) or take
 * long (counts above 100, texts above 500 bytes) is refused. A label's name may stand in quotes when it is no identifier.
 * A parsed selector may be used by one thread at a time. */
#ifndef FC_SELECTOR_H
#define FC_SELECTOR_H

#include "error.h"
#include <stdbool.h>

struct fc_selector;
/* FC_INVALID "bad_selector" with what was expected and where. fc_selector_free. */
FC_MUST_CHECK enum fc_status fc_selector_parse(const char *text, struct fc_selector **out, struct fc_error *e);
void fc_selector_free(struct fc_selector *s);
/* labels: the JSON object text of fc_series_row.labels. FC_NOMEM. */
FC_MUST_CHECK enum fc_status fc_selector_match(const struct fc_selector *s, const char *id, const char *labels, bool *out, struct fc_error *e);

#endif
