/* buf.c: the growing buffer of buf.h and the writers of numbers and JSON strings.
 *
 * Invariants: n <= cap; data is NULL exactly when cap is 0; after a failure nothing is appended any more, so a half-written text is
 * never mistaken for a whole one. Numbers are written without printf on the fast path: observations are mostly integers or
 * decimals of a few places, and bulk answers hold hundreds of thousands of them. */
#include "buf.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_ROOM 40 /* "-2.2250738585072014e-308" and more */

void fc_buf_free(struct fc_buf *b)
{
    free(b->data);
    *b = (struct fc_buf){ 0 };
}

bool fc_buf_room(struct fc_buf *b, size_t n)
{
    if (b->failed)
        return false;
    if (n <= b->cap - b->n)
        return true;
    size_t cap = b->cap < 256 ? 256 : b->cap;
    while (cap - b->n < n) {
        if (cap > SIZE_MAX / 2) {
            b->failed = true;
            return false;
        }
        cap *= 2;
    }
    char *data = realloc(b->data, cap);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void fc_buf_add(struct fc_buf *b, const void *bytes, size_t n)
{
    if (n == 0 || !fc_buf_room(b, n))
        return;
    memcpy(b->data + b->n, bytes, n);
    b->n += n;
}

void fc_buf_text(struct fc_buf *b, const char *text)
{
    fc_buf_add(b, text, strlen(text));
}

void fc_buf_char(struct fc_buf *b, char c)
{
    if (fc_buf_room(b, 1))
        b->data[b->n++] = c;
}

void fc_buf_format(struct fc_buf *b, const char *fmt, ...)
{
    for (size_t room = 128;;) {
        if (!fc_buf_room(b, room))
            return;
        va_list args;
        va_start(args, fmt);
        int len = vsnprintf(b->data + b->n, b->cap - b->n, fmt, args);
        va_end(args);
        if (len < 0) {
            b->failed = true;
            return;
        }
        if ((size_t)len < b->cap - b->n) {
            b->n += (size_t)len;
            return;
        }
        room = (size_t)len + 1;
    }
}

bool fc_buf_terminate(struct fc_buf *b)
{
    if (!fc_buf_room(b, 1))
        return false;
    b->data[b->n] = '\0';
    return true;
}

/* ---- numbers ---- */

static const char two_digits[] = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
                                 "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

/* The decimal digits of u, ending before end; returns where they start. */
static char *digits_before(char *end, uint64_t u)
{
    while (u >= 100) {
        end -= 2;
        memcpy(end, two_digits + u % 100 * 2, 2);
        u /= 100;
    }
    if (u >= 10) {
        end -= 2;
        memcpy(end, two_digits + u * 2, 2);
    } else {
        *--end = (char)('0' + u);
    }
    return end;
}

void fc_buf_integer(struct fc_buf *b, int64_t x)
{
    char text[24], *end = text + sizeof text;
    char *at = digits_before(end, x < 0 ? 0 - (uint64_t)x : (uint64_t)x);
    if (x < 0)
        *--at = '-';
    fc_buf_add(b, at, (size_t)(end - at));
}

/* x as i / 10^places with the fewest places; false when it is no decimal of at most 15 digits and 6 places. Both i and 10^places are
 * exact doubles, so the quotient is the double that a reader of that decimal gets, and no two decimals of 15 digits share a double. */
static bool short_decimal(double x, uint64_t *i, unsigned *places)
{
    static const double pow10[] = { 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6 };
    for (unsigned k = 0; k < sizeof pow10 / sizeof *pow10; k++) {
        double scaled = x * pow10[k];
        if (!(scaled < 1e15))
            return false;
        int64_t rounded = (int64_t)(scaled + 0.5);
        if ((double)rounded / pow10[k] == x) {
            *i = (uint64_t)rounded;
            *places = k;
            return true;
        }
    }
    return false;
}

static uint64_t power_of_ten(unsigned k) /* k <= 19 */
{
    uint64_t p = 1;
    while (k--)
        p *= 10;
    return p;
}

/* The shortest decimal i / 10^places of any x in [1e-4, 1e15) but powers of two, in exact integers. x = m 2^e; scaled by 10^k it has 17 digits before
 * the point; V = 2m 10^k and s = 1 - e make that V / 2^s, and the decimals that read back as x are those within 10^k / 2^s of it. V takes at
 * most 121 bits. The multiples of 100, 10 and 1 nearest to it are the best decimals of 15, 16 and 17 digits. */
static bool long_decimal(double x, uint64_t *i, unsigned *places)
{
    static const double digits_end[] = { 1e-3, 1e-2, 1e-1, 1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint64_t m = (bits & UINT64_C(0xfffffffffffff)) | UINT64_C(0x10000000000000);
    if (!(x >= 1e-4 && x < 1e15) || m == UINT64_C(0x10000000000000))
        return false;
    unsigned k = 20, s = 1076 - (unsigned)(bits >> 52); /* 1 - e, e = exponent - 1075 */
    while (x >= digits_end[20 - k])
        k--;
    unsigned __int128 reach = (unsigned __int128)power_of_ten(k / 2) * power_of_ten(k - k / 2), v = reach * (2 * m);
    uint64_t floor17 = (uint64_t)(v >> s);
    for (unsigned dropped = 3; dropped-- > 0;) {
        uint64_t unit = power_of_ten(dropped), low = floor17 / unit;
        unsigned __int128 below = v - ((unsigned __int128)(low * unit) << s), above = ((unsigned __int128)(low * unit + unit) << s) - v;
        bool up = above < below || (above == below && low % 2);
        unsigned __int128 off = up ? above : below;
        if (dropped && !(off < reach || (off == reach && m % 2 == 0)))
            continue;
        *i = low + up;
        *places = k - dropped;
        break;
    }
    for (; *places > 0 && *i % 10 == 0; --*places)
        *i /= 10;
    return true;
}

/* Any finite x through printf, and the twin that the tests hold the fast paths against: the fewest significant digits that read back as x. */
void fc_buf_number_slowly(struct fc_buf *b, double x)
{
    char text[NUMBER_ROOM];
    int fewest = fabs(x) < DBL_MIN ? 1 : 15; /* subnormals have fewer digits than the 15 that every other double keeps */
    for (int digits = fewest; digits <= 17; digits++) {
        int len = snprintf(text, sizeof text, "%.*g", digits, x);
        int exponent;
        if (digits == 16 && strtod(text, NULL) != x && fabs(frexp(x, &exponent)) == 0.5 && fabs(x) > 0x1p-1000) {
            /* Below a power of two doubles lie twice as dense as above it, so the nearest 16 digits may miss x while the next ones
             * above hit it: aim at the middle of the interval that reads back as x. */
            len = snprintf(text, sizeof text, "%.16Lg", (long double)x * (1 + 0x1p-55L));
        }
        if (len < 0 || len >= (int)sizeof text) {
            b->failed = true;
            return;
        }
        if (digits == 17 || strtod(text, NULL) == x) {
            fc_buf_add(b, text, (size_t)len);
            return;
        }
    }
}

void fc_buf_number(struct fc_buf *b, double x)
{
    if (!isfinite(x)) {
        fc_buf_add(b, "null", 4);
        return;
    }
    uint64_t i;
    unsigned places;
    if (!short_decimal(fabs(x), &i, &places) && !long_decimal(fabs(x), &i, &places)) {
        fc_buf_number_slowly(b, x);
        return;
    }
    char text[NUMBER_ROOM], *end = text + sizeof text, *at = end;
    if (places) {
        /* i has at most 17 digits: with 18 places or more it is all behind the point. */
        uint64_t scale = power_of_ten(places < 18 ? places : 18);
        char *point = end - places - 1;
        memset(point, '0', places + 1);
        digits_before(end, i % scale);
        *point = '.';
        at = point;
        i /= scale;
    }
    at = digits_before(at, i);
    if (signbit(x))
        *--at = '-';
    fc_buf_add(b, at, (size_t)(end - at));
}

/* ---- JSON strings ---- */

/* Table 3-7 of the Unicode standard. */
size_t fc_utf8_sequence(const char *text, size_t left)
{
    const unsigned char *s = (const unsigned char *)text;
    size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : s[0] < 0xf5 ? 4 : 0;
    if (n == 0 || n > left)
        return 0;
    if (n > 1) {
        unsigned char low = s[0] == 0xe0 ? 0xa0 : s[0] == 0xf0 ? 0x90 : 0x80;
        unsigned char high = s[0] == 0xed ? 0x9f : s[0] == 0xf4 ? 0x8f : 0xbf;
        if (s[1] < low || s[1] > high)
            return 0;
    }
    for (size_t i = 2; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

static void escape_byte(struct fc_buf *b, unsigned char c)
{
    static const char plain[] = "\"\\\b\f\n\r\t", letter[] = "\"\\bfnrt";
    const char *found = c ? strchr(plain, c) : NULL;
    if (found)
        fc_buf_format(b, "\\%c", letter[found - plain]);
    else
        fc_buf_format(b, "\\u%04x", c);
}

void fc_buf_json_string(struct fc_buf *b, const char *text, size_t n)
{
    size_t kept = 0; /* everything before it is written */
    fc_buf_char(b, '"');
    for (size_t i = 0; i < n;) {
        size_t len = fc_utf8_sequence(text + i, n - i);
        bool plain = len > 1 || (len == 1 && (unsigned char)text[i] >= 0x20 && text[i] != '"' && text[i] != '\\');
        if (plain) {
            i += len;
            continue;
        }
        fc_buf_add(b, text + kept, i - kept);
        if (len)
            escape_byte(b, (unsigned char)text[i]);
        else
            fc_buf_text(b, "\xef\xbf\xbd"); /* U+FFFD: an error message may quote bytes that are not UTF-8, an answer may not */
        kept = ++i;
    }
    fc_buf_add(b, text + kept, n - kept);
    fc_buf_char(b, '"');
}
