/* calendar.h: instants and steps. A leaf: anyone may include it; pure functions, any thread, no clock, no locale.
 *
 * An fc_time is milliseconds since 1970-01-01T00:00:00Z (proleptic Gregorian, no leap seconds), years 1000 to 9999.
 * A step is either a fixed number of milliseconds or a number of calendar months; exactly one of the two is above zero, and both are
 * zero when the step is unknown. Step k of a monthly grid is the anchor plus k months with its day clamped to the month's end:
 * Jan 31, Feb 28, Mar 31 (never Mar 28: always counted from the anchor). */
#ifndef FC_CALENDAR_H
#define FC_CALENDAR_H

#include "error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int64_t fc_time;

struct fc_step {
    int64_t ms;     /* fixed length in milliseconds, or 0 */
    int32_t months; /* calendar months, or 0 */
};

#define FC_TIME_MIN INT64_C(-30610224000000) /* 1000-01-01T00:00:00Z */
#define FC_TIME_MAX INT64_C(253402300799999) /* 9999-12-31T23:59:59.999Z */
#define FC_TIME_TEXT 32                      /* room for a formatted time with its NUL */
#define FC_STEP_TEXT 32

/* RFC 3339 (a space may stand for the T, no offset is UTC, a date alone is midnight; "2026-02-30" is an error).
 * Sub-millisecond digits are truncated. text need not end in NUL. Error: FC_INVALID, code "bad_timestamp". */
FC_MUST_CHECK enum fc_status fc_time_parse(const char *text, size_t n, fc_time *out, struct fc_error *e);
/* A number of seconds, milliseconds, microseconds or nanoseconds ("s", "ms", "us", "ns") to a time; rounded to the millisecond. */
FC_MUST_CHECK enum fc_status fc_time_from_number(double x, const char *precision, fc_time *out, struct fc_error *e);
/* "2026-01-31T00:00:00Z", milliseconds only when not zero. Returns the length. */
size_t fc_time_format(fc_time t, char out[FC_TIME_TEXT]);
/* The civil parts of a time, in UTC. weekday: 0 is Monday. */
struct fc_civil { int year, month, day, hour, minute, second, ms, weekday; };
struct fc_civil fc_time_civil(fc_time t);

/* `100ms 30s 15m 1h 1d 1w 1mo 3mo 1y`, pandas aliases (H D W MS M QS Q Y A min T S, with a count in front), ISO 8601 durations (PT15M P1D P1M P1Y).
 * Error: FC_INVALID, code "bad_step". */
FC_MUST_CHECK enum fc_status fc_step_parse(const char *text, size_t n, struct fc_step *out, struct fc_error *e);
/* The largest whole unit: 24 h is "1d", 12 months "1y". "" when unknown. Returns the length. */
size_t fc_step_format(struct fc_step s, char out[FC_STEP_TEXT]);
bool fc_step_known(struct fc_step s);
bool fc_step_equal(struct fc_step a, struct fc_step b);
/* The nominal length in milliseconds (a month is 365.2425/12 days), for comparing and for time-outs only. */
int64_t fc_step_nominal_ms(struct fc_step s);

/* Grid instant k: anchor + k steps. The caller keeps k small enough (|k| ≤ 10 million is always safe); the result is clamped to the years 1000 to 9999. */
fc_time fc_step_at(struct fc_step s, fc_time anchor, int64_t k);
/* The same for a grid of months whose day before clamping is not the anchor's own: with day 31, Apr 30 is followed by May 31.
 * 0: the anchor's own day. Has no effect on steps of a fixed length. */
fc_time fc_step_at_day(struct fc_step s, fc_time anchor, int day, int64_t k);
/* The largest k with fc_step_at(s, anchor, k) <= t. */
int64_t fc_step_index(struct fc_step s, fc_time anchor, fc_time t);
/* The anchor of the UTC calendar's own grid: midnight for whole parts of days, Monday for weeks, January 1st for months and years. */
fc_time fc_step_calendar_anchor(struct fc_step s);

#endif
