/* value.h: the kinds of option values: text to field and back. Used by config.c and config_text.c alone. Pure functions, any thread. */
#ifndef FC_VALUE_H
#define FC_VALUE_H

#include "config.h"

/* Parses text into the option's field of *c. FC_INVALID "bad_option", with what the value must be as the detail ("must be …"). */
FC_MUST_CHECK enum fc_status fc_value_parse(const struct fc_option *o, const char *text, struct fc_config *c, struct fc_error *e);
/* Appends the field's value in the form that fc_value_parse reads back as the same. */
void fc_value_format(const struct fc_option *o, const struct fc_config *c, struct fc_buf *out);

#endif
