/* calendar.c: times and steps of calendar.h: civil dates, RFC 3339, step names, grids.
 *
 * All pure. Days are counted with eras of 400 years that begin on March 1st, so that the leap day comes last and needs no special case.
 * Everything that a user can send is range-checked before it is multiplied; grids are clamped at the years 1000 and 9999. */
#include "calendar.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MS_SECOND INT64_C(1000)
#define MS_MINUTE INT64_C(60000)
#define MS_HOUR INT64_C(3600000)
#define MS_DAY INT64_C(86400000)
#define MS_WEEK (7 * MS_DAY)
#define MS_MONTH INT64_C(2629746000) /* 365.2425 / 12 days */
#define STEP_YEARS_MAX 1000
#define GRID_ORIGIN INT64_C(946684800000) /* 2000-01-01T00:00:00Z: its year is a multiple of every usual number of years */
#define GRID_MONDAY INT64_C(345600000)    /* 1970-01-05T00:00:00Z */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* ---- civil dates ---- */

/* Days since 1970-01-01 of a date in the years 1000 to 9999; day may be beyond the month's end. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = y / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1; /* from March 1st */
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int month_days(int64_t year, int month)
{
    static const int days[13] = { 0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month];
}

struct fc_civil fc_time_civil(fc_time t)
{
    int64_t day = floor_div(t, MS_DAY), ms = t - day * MS_DAY;
    int64_t z = day + 719468, era = floor_div(z, 146097), of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t mp = (5 * of_year + 2) / 153; /* month from March */
    int month = (int)(mp < 10 ? mp + 3 : mp - 9);
    return (struct fc_civil){
        .year = (int)(year + era * 400 + (month <= 2)),
        .month = month,
        .day = (int)(of_year - (153 * mp + 2) / 5 + 1),
        .hour = (int)(ms / MS_HOUR),
        .minute = (int)(ms / MS_MINUTE % 60),
        .second = (int)(ms / MS_SECOND % 60),
        .ms = (int)(ms % 1000),
        .weekday = (int)(day + 3 - 7 * floor_div(day + 3, 7)),
    };
}

/* ---- times as text ---- */

static enum fc_status bad_time(struct fc_error *e, const char *text, size_t n, const char *why)
{
    return fc_fail(e, FC_INVALID, "bad_timestamp", "timestamp \"%.*s\"%s: %s", (int)(n < 64 ? n : 64), text, n > 64 ? "…" : "", why);
}

/* count decimal digits at s as a number, -1 when one of them is none. */
static int digits(const char *s, int count)
{
    int x = 0;
    unsigned bad = 0;
    for (int i = 0; i < count; i++) {
        unsigned d = (unsigned)(unsigned char)s[i] - '0';
        bad |= d > 9;
        x = x * 10 + (int)d;
    }
    return bad ? -1 : x;
}

/* "hh:mm", "hh:mm:ss" or "hh:mm:ss.fraction" at s: milliseconds of the day in *ms and the length in *used; NULL or what is wrong. */
static const char *parse_clock(const char *s, size_t n, int64_t *ms, size_t *used)
{
    if (n < 5 || s[2] != ':')
        return "the time of day must be hh:mm or hh:mm:ss";
    int hour = digits(s, 2), minute = digits(s + 3, 2), second = 0, fraction = 0;
    size_t i = 5;
    if (i < n && s[i] == ':') {
        if (n < 8)
            return "the seconds need two digits";
        second = digits(s + 6, 2);
        i = 8;
        if (i < n && s[i] == '.') {
            size_t first = ++i;
            for (int scale = 100; i < n && s[i] >= '0' && s[i] <= '9'; i++, scale /= 10)
                fraction += (s[i] - '0') * scale;
            if (i == first)
                return "the fraction of the second has no digits";
        }
    }
    if (hour < 0 || minute < 0 || second < 0)
        return "the time of day must be hh:mm or hh:mm:ss";
    if (hour > 23)
        return "the hour must be 00 to 23";
    if (minute > 59)
        return "the minute must be 00 to 59";
    if (second > 59)
        return second == 60 ? "leap seconds are not supported: the second must be 00 to 59" : "the second must be 00 to 59";
    *ms = hour * MS_HOUR + minute * MS_MINUTE + second * MS_SECOND + fraction;
    *used = i;
    return NULL;
}

/* "Z", "+hh:mm" or "-hh:mm", all n bytes of it; nothing is UTC. */
static const char *parse_offset(const char *s, size_t n, int64_t *ms)
{
    *ms = 0;
    if (n == 0 || (n == 1 && (s[0] == 'Z' || s[0] == 'z')))
        return NULL;
    if (n != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' || digits(s + 1, 2) < 0 || digits(s + 4, 2) < 0)
        return "the offset must be Z, +hh:mm or -hh:mm";
    if (digits(s + 1, 2) > 23 || digits(s + 4, 2) > 59)
        return "the offset must be within 23:59";
    *ms = digits(s + 1, 2) * MS_HOUR + digits(s + 4, 2) * MS_MINUTE;
    if (s[0] == '-')
        *ms = -*ms;
    return NULL;
}

enum fc_status fc_time_parse(const char *text, size_t n, fc_time *out, struct fc_error *e)
{
    if (n < 10 || text[4] != '-' || text[7] != '-')
        return bad_time(e, text, n, "not an RFC 3339 time such as 2026-01-31T00:00:00Z");
    int year = digits(text, 4), month = digits(text + 5, 2), day = digits(text + 8, 2);
    if (year < 0 || month < 0 || day < 0)
        return bad_time(e, text, n, "not an RFC 3339 time such as 2026-01-31T00:00:00Z");
    if (year < 1000)
        return bad_time(e, text, n, "the year must be 1000 to 9999");
    if (month < 1 || month > 12)
        return bad_time(e, text, n, "the month must be 01 to 12");
    if (day < 1 || day > month_days(year, month))
        return bad_time(e, text, n, "the month has no such day");
    int64_t clock = 0, offset = 0;
    if (n > 10) {
        if (text[10] != 'T' && text[10] != 't' && text[10] != ' ')
            return bad_time(e, text, n, "a T or a space must stand between date and time");
        size_t used = 0;
        const char *why = parse_clock(text + 11, n - 11, &clock, &used);
        if (!why)
            why = parse_offset(text + 11 + used, n - 11 - used, &offset);
        if (why)
            return bad_time(e, text, n, why);
    }
    fc_time t = days_of(year, month, day) * MS_DAY + clock - offset;
    if (t < FC_TIME_MIN || t > FC_TIME_MAX)
        return bad_time(e, text, n, "the year must be 1000 to 9999 in UTC");
    *out = t;
    return FC_OK;
}

enum fc_status fc_time_from_number(double x, const char *precision, fc_time *out, struct fc_error *e)
{
    static const struct {
        const char *name;
        double times, over;
    } precisions[] = { { "s", 1e3, 1 }, { "ms", 1, 1 }, { "us", 1, 1e3 }, { "ns", 1, 1e6 } };
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++) {
        if (strcmp(precisions[i].name, precision) != 0)
            continue;
        double ms = round(x * precisions[i].times / precisions[i].over);
        if (!(ms >= (double)FC_TIME_MIN && ms <= (double)FC_TIME_MAX))
            return fc_fail(e, FC_INVALID, "bad_timestamp", "timestamp %.17g in %s: the year must be 1000 to 9999", x, precision);
        *out = (fc_time)ms;
        return FC_OK;
    }
    return fc_fail(e, FC_INVALID, "bad_precision", "precision \"%.32s\": must be s, ms, us or ns", precision);
}

static char *put_digits(char *at, int x, int count)
{
    for (int i = count - 1; i >= 0; i--, x /= 10)
        at[i] = (char)('0' + x % 10);
    return at + count;
}

size_t fc_time_format(fc_time t, char out[FC_TIME_TEXT])
{
    fc_time in_range = t < FC_TIME_MIN ? FC_TIME_MIN : t > FC_TIME_MAX ? FC_TIME_MAX : t;
    struct fc_civil c = fc_time_civil(in_range);
    char *at = put_digits(out, c.year, 4);
    *at++ = '-';
    at = put_digits(at, c.month, 2);
    *at++ = '-';
    at = put_digits(at, c.day, 2);
    *at++ = 'T';
    at = put_digits(at, c.hour, 2);
    *at++ = ':';
    at = put_digits(at, c.minute, 2);
    *at++ = ':';
    at = put_digits(at, c.second, 2);
    if (c.ms) {
        *at++ = '.';
        at = put_digits(at, c.ms, 3);
    }
    *at++ = 'Z';
    *at = '\0';
    return (size_t)(at - out);
}

/* ---- steps as text ---- */

enum anchors { NO_ANCHOR, WEEKDAYS, MONTHS }; /* which suffixes pandas allows, as in W-SUN and Q-DEC */

/* The names of a simple step, case-sensitive: m is minutes and M is months. First ours, then those of pandas. */
static const struct unit {
    const char *name;
    int64_t ms;
    int32_t months;
    enum anchors anchors;
} units[] = {
    { "ms", 1, 0, NO_ANCHOR },
    { "s", MS_SECOND, 0, NO_ANCHOR },
    { "m", MS_MINUTE, 0, NO_ANCHOR },
    { "min", MS_MINUTE, 0, NO_ANCHOR },
    { "h", MS_HOUR, 0, NO_ANCHOR },
    { "d", MS_DAY, 0, NO_ANCHOR },
    { "w", MS_WEEK, 0, NO_ANCHOR },
    { "mo", 0, 1, NO_ANCHOR },
    { "y", 0, 12, NO_ANCHOR },
    { "L", 1, 0, NO_ANCHOR },
    { "S", MS_SECOND, 0, NO_ANCHOR },
    { "T", MS_MINUTE, 0, NO_ANCHOR },
    { "H", MS_HOUR, 0, NO_ANCHOR },
    { "D", MS_DAY, 0, NO_ANCHOR },
    { "W", MS_WEEK, 0, WEEKDAYS },
    { "M", 0, 1, NO_ANCHOR },
    { "MS", 0, 1, NO_ANCHOR },
    { "ME", 0, 1, NO_ANCHOR },
    { "Q", 0, 3, MONTHS },
    { "QS", 0, 3, MONTHS },
    { "QE", 0, 3, MONTHS },
    { "A", 0, 12, MONTHS },
    { "AS", 0, 12, MONTHS },
    { "Y", 0, 12, MONTHS },
    { "YS", 0, 12, MONTHS },
    { "YE", 0, 12, MONTHS },
};
static const char weekdays[] = "MON TUE WED THU FRI SAT SUN ";
static const char months[] = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC ";

/* The designators of an ISO 8601 duration, before and after its T. */
static const struct unit iso_date[] = { { "Y", 0, 12, 0 }, { "M", 0, 1, 0 }, { "W", MS_WEEK, 0, 0 }, { "D", MS_DAY, 0, 0 }, { NULL, 0, 0, 0 } };
static const struct unit iso_time[] = { { "H", MS_HOUR, 0, 0 }, { "M", MS_MINUTE, 0, 0 }, { "S", MS_SECOND, 0, 0 }, { NULL, 0, 0, 0 } };

static enum fc_status bad_step(struct fc_error *e, const char *text, size_t n, const char *why)
{
    return fc_fail(e, FC_INVALID, "bad_step", "step \"%.*s\"%s: %s", (int)(n < 64 ? n : 64), text, n > 64 ? "…" : "", why);
}

/* A decimal count: whole + billionths / 1e9. */
struct count {
    int64_t whole, billionths;
};

/* Reads digits and perhaps a fraction; returns the bytes read, 0 when there is no number there or it is too long to mean anything. */
static size_t parse_count(const char *s, size_t n, struct count *c)
{
    size_t i = 0;
    *c = (struct count){ 0, 0 };
    for (; i < n && s[i] >= '0' && s[i] <= '9'; i++) {
        if (c->whole > INT64_C(100000000000000))
            return 0;
        c->whole = c->whole * 10 + (s[i] - '0');
    }
    if (i == 0 || i >= n || (s[i] != '.' && s[i] != ','))
        return i;
    size_t first = ++i;
    for (int64_t scale = 100000000; i < n && s[i] >= '0' && s[i] <= '9'; i++, scale /= 10) {
        if (scale == 0 && s[i] != '0')
            return 0;
        c->billionths += (s[i] - '0') * scale;
    }
    return i > first ? i : 0;
}

/* Adds count units to *step; NULL or what is wrong. */
static const char *add_units(struct fc_step *step, struct count c, const struct unit *u)
{
    /* Bounds every product below 2^63, and with them the sum. */
    int64_t unit_ms = u->ms ? u->ms : u->months * MS_MONTH, limit = STEP_YEARS_MAX * 12 * MS_MONTH;
    if (c.whole > limit / unit_ms)
        return "longer than 1000 years";
    if (u->months) {
        if (c.billionths)
            return "months, quarters and years come in whole numbers";
        step->months += (int32_t)c.whole * u->months;
        return NULL;
    }
    /* billionths < 1e9 and ms of a unit <= 6.048e8: the product fits. */
    if (c.billionths * u->ms % 1000000000)
        return "not a whole number of milliseconds";
    step->ms += c.whole * u->ms + c.billionths * u->ms / 1000000000;
    return NULL;
}

static const char *parse_iso(const char *s, size_t n, struct fc_step *step)
{
    static const char *const wrong = "not an ISO 8601 duration such as PT15M, P1D, P1M or P1Y";
    const struct unit *next = iso_date; /* designators come in this order, each at most once */
    size_t i = 1;
    bool time = false, any = false;
    while (i < n) {
        if (s[i] == 'T' && !time) {
            time = true;
            next = iso_time;
            i++;
            any = false;
            continue;
        }
        struct count c;
        size_t used = parse_count(s + i, n - i, &c);
        i += used;
        if (used == 0 || i >= n)
            return wrong;
        while (next->name && next->name[0] != s[i])
            next++;
        if (!next->name)
            return wrong;
        const char *why = add_units(step, c, next++);
        if (why)
            return why;
        any = true;
        i++;
    }
    return any ? NULL : wrong;
}

static bool anchor_fits(enum anchors kind, const char *s, size_t n)
{
    const char *names = kind == WEEKDAYS ? weekdays : months;
    if (kind == NO_ANCHOR || n != 4 || s[0] != '-')
        return false;
    for (; *names; names += 4)
        if (memcmp(names, s + 1, 3) == 0)
            return true;
    return false;
}

static const char *parse_simple(const char *s, size_t n, struct fc_step *step)
{
    struct count c = { 1, 0 };
    size_t i = 0;
    if (n && s[0] == '-')
        return "must be above zero";
    if (n && s[0] >= '0' && s[0] <= '9') {
        i = parse_count(s, n, &c);
        if (i == 0)
            return "not a number, or one with too many digits";
    }
    size_t len = 0;
    while (i + len < n && s[i + len] != '-')
        len++;
    for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
        if (strlen(units[k].name) != len || memcmp(units[k].name, s + i, len) != 0)
            continue;
        if (i + len < n && !anchor_fits(units[k].anchors, s + i + len, n - i - len))
            continue;
        return add_units(step, c, &units[k]);
    }
    return "must be a count and a unit (ms s m h d w mo y), a pandas alias or an ISO 8601 duration";
}

enum fc_status fc_step_parse(const char *text, size_t n, struct fc_step *out, struct fc_error *e)
{
    struct fc_step step = { 0, 0 };
    const char *why = n && text[0] == 'P' ? parse_iso(text, n, &step) : parse_simple(text, n, &step);
    if (!why && step.ms && step.months)
        why = "months or years cannot be mixed with fixed lengths";
    if (!why && step.ms == 0 && step.months == 0)
        why = "must be above zero";
    if (!why && fc_step_nominal_ms(step) > STEP_YEARS_MAX * 12 * MS_MONTH)
        why = "longer than 1000 years";
    if (why)
        return bad_step(e, text, n, why);
    *out = step;
    return FC_OK;
}

size_t fc_step_format(struct fc_step s, char out[FC_STEP_TEXT])
{
    static const struct {
        const char *name;
        int64_t length;
    } fixed[] = {
        { "w", MS_WEEK }, { "d", MS_DAY }, { "h", MS_HOUR }, { "m", MS_MINUTE }, { "s", MS_SECOND }, { "ms", 1 },
    };
    int len = 0;
    out[0] = '\0';
    if (s.months > 0)
        len = snprintf(out, FC_STEP_TEXT, "%d%s", s.months % 12 ? s.months : s.months / 12, s.months % 12 ? "mo" : "y");
    for (size_t i = 0; s.ms > 0 && len == 0 && i < sizeof fixed / sizeof *fixed; i++)
        if (s.ms % fixed[i].length == 0)
            len = snprintf(out, FC_STEP_TEXT, "%lld%s", (long long)(s.ms / fixed[i].length), fixed[i].name);
    return (size_t)len;
}

bool fc_step_known(struct fc_step s)
{
    return s.ms > 0 || s.months > 0;
}

bool fc_step_equal(struct fc_step a, struct fc_step b)
{
    return a.ms == b.ms && a.months == b.months;
}

int64_t fc_step_nominal_ms(struct fc_step s)
{
    return s.months ? s.months * MS_MONTH : s.ms;
}

/* ---- grids ---- */

static fc_time clamp_time(fc_time t)
{
    return t < FC_TIME_MIN ? FC_TIME_MIN : t > FC_TIME_MAX ? FC_TIME_MAX : t;
}

/* The anchor's time of day on the given day (clamped to the month's end) so many months later; day 0: the anchor's own. */
static fc_time add_months(fc_time anchor, int day, int64_t months_later)
{
    struct fc_civil c = fc_time_civil(anchor);
    int wanted = day ? day : c.day;
    int64_t index, first = INT64_C(1000) * 12, last = INT64_C(9999) * 12 + 11;
    if (__builtin_add_overflow((int64_t)c.year * 12 + c.month - 1, months_later, &index))
        return months_later < 0 ? FC_TIME_MIN : FC_TIME_MAX;
    if (index < first || index > last)
        return index < first ? FC_TIME_MIN : FC_TIME_MAX;
    int64_t year = index / 12;
    int month = (int)(index % 12) + 1, end = month_days(year, month);
    return days_of(year, month, wanted < end ? wanted : end) * MS_DAY + (anchor - floor_div(anchor, MS_DAY) * MS_DAY);
}

fc_time fc_step_at(struct fc_step s, fc_time anchor, int64_t k)
{
    return fc_step_at_day(s, anchor, 0, k);
}

fc_time fc_step_at_day(struct fc_step s, fc_time anchor, int day, int64_t k)
{
    int64_t distance, t;
    if (__builtin_mul_overflow(k, s.months ? s.months : s.ms, &distance))
        return k < 0 ? FC_TIME_MIN : FC_TIME_MAX;
    if (s.months)
        return add_months(anchor, day, distance);
    if (__builtin_add_overflow(anchor, distance, &t))
        return k < 0 ? FC_TIME_MIN : FC_TIME_MAX;
    return clamp_time(t);
}

int64_t fc_step_index(struct fc_step s, fc_time anchor, fc_time t)
{
    if (s.months) {
        struct fc_civil a = fc_time_civil(anchor), c = fc_time_civil(t);
        int64_t apart = (int64_t)(c.year - a.year) * 12 + c.month - a.month;
        int64_t k = floor_div(apart, s.months);
        /* k steps reach at most t's own month; only there can the day and the time of day decide. */
        return k * s.months == apart && add_months(anchor, 0, apart) > t ? k - 1 : k;
    }
    return s.ms ? floor_div(t - anchor, s.ms) : 0;
}

fc_time fc_step_calendar_anchor(struct fc_step s)
{
    if (s.months)
        return GRID_ORIGIN;
    return s.ms && s.ms % MS_WEEK == 0 ? GRID_MONDAY : 0;
}
