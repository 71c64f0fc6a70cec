/* scan_number.c: decimal text to double, correctly rounded, without a locale.
 *
 * Three ways, each exact where it is taken: Clinger's (mantissa below 2^53, power of ten up to 22: one rounding), the same in the 64 bits of an
 * x87 long double when its rounding to 53 bits can't be a tie, and strtod on a rewritten text for the rest. */
#include "scan.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_DIGITS 780 /* a double's rounding boundary has at most 767 significant digits; what follows only matters as "not zero" */
#define EXPONENT_CLAMP 100000

/* mantissa × 10^exponent, cut after 19 digits when dropped. */
struct decimal {
    uint64_t mantissa;
    int64_t exponent;
    bool negative, dropped;
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

/* Takes digits into *d; fraction: 1 behind the point, else 0. */
static const char *take_digits(const char *p, const char *end, int fraction, struct decimal *d)
{
    for (; p < end && is_digit(*p); p++) {
        unsigned digit = (unsigned)(*p - '0');
        if (d->mantissa < UINT64_C(1000000000000000000)) {
            d->mantissa = d->mantissa * 10 + digit;
            d->exponent -= fraction;
        } else {
            d->dropped |= digit != 0;
            d->exponent += 1 - fraction;
        }
    }
    return p;
}

/* Takes "e-12" when it stands at p; p itself when it doesn't, NULL when it is broken off. */
static const char *take_exponent(const char *p, const char *end, struct decimal *d)
{
    if (p >= end || (*p != 'e' && *p != 'E'))
        return p;
    p++;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+'))
        p++;
    if (p >= end || !is_digit(*p))
        return NULL;
    int64_t x = 0;
    for (; p < end && is_digit(*p); p++)
        if (x < EXPONENT_CLAMP)
            x = x * 10 + (*p - '0');
    d->exponent += negative ? -x : x;
    return p;
}

/* The number again as "digits e exponent", which strtod can't misread whatever stands behind it. */
static double convert_slowly(const char *p, const char *end)
{
    char text[KEPT_DIGITS + 40];
    size_t n = 0, kept = 0;
    struct decimal d = {0};
    bool point = false, rest = false;
    for (; p < end && *p != 'e' && *p != 'E'; p++) {
        if (*p == '-')
            text[n++] = '-';
        if (*p == '.')
            point = true;
        if (!is_digit(*p))
            continue;
        if (kept < KEPT_DIGITS && (kept > 0 || *p != '0')) {
            text[n++] = *p;
            kept++;
            d.exponent -= point;
        } else {
            rest |= *p != '0';
            d.exponent += kept > 0 ? !point : -(int)point;
        }
    }
    if (kept == 0)
        return text[0] == '-' && n == 1 ? -0.0 : 0.0;
    if (rest) {
        text[n++] = '1';
        d.exponent--;
    }
    (void)take_exponent(p, end, &d);
    int64_t x = d.exponent > EXPONENT_CLAMP ? EXPONENT_CLAMP : d.exponent < -EXPONENT_CLAMP ? -EXPONENT_CLAMP : d.exponent;
    snprintf(text + n, sizeof text - n, "e%d", (int)x);
    return strtod(text, NULL);
}

#if LDBL_MANT_DIG == 64
/* False when the 11 bits that a double drops are too near to a tie for the long double's own rounding error. */
static bool convert_extended(const struct decimal *d, double *out)
{
    static const long double power[28] = {1e0L,  1e1L,  1e2L,  1e3L,  1e4L,  1e5L,  1e6L,  1e7L,  1e8L,  1e9L,  1e10L, 1e11L, 1e12L, 1e13L,
                                          1e14L, 1e15L, 1e16L, 1e17L, 1e18L, 1e19L, 1e20L, 1e21L, 1e22L, 1e23L, 1e24L, 1e25L, 1e26L, 1e27L};
    if (d->dropped || d->exponent < -27 || d->exponent > 27)
        return false;
    long double x = (long double)d->mantissa;
    x = d->exponent < 0 ? x / power[-d->exponent] : x * power[d->exponent];
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    unsigned low = (unsigned)(bits & 0x7FF);
    if (low >= 0x3FF && low <= 0x401)
        return false;
    *out = (double)(d->negative ? -x : x);
    return true;
}
#endif

/* start to end is the whole number, sign included. */
static double convert(const struct decimal *d, const char *start, const char *end)
{
    static const double power[23] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                     1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (d->mantissa == 0)
        return d->negative ? -0.0 : 0.0;
    if (!d->dropped && d->mantissa <= UINT64_C(1) << 53 && d->exponent >= -22 && d->exponent <= 22) {
        double x = (double)d->mantissa;
        x = d->exponent < 0 ? x / power[-d->exponent] : x * power[d->exponent];
        return d->negative ? -x : x;
    }
#if LDBL_MANT_DIG == 64
    double x;
    if (convert_extended(d, &x))
        return x;
#endif
    return convert_slowly(start, end);
}

const char *fc_scan_json_number(const char *p, const char *end, double *out)
{
    const char *start = p;
    struct decimal d = {0};
    if (p < end && *p == '-') {
        d.negative = true;
        p++;
    }
    if (p >= end || !is_digit(*p))
        return NULL;
    p = *p == '0' ? p + 1 : take_digits(p, end, 0, &d);
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = take_digits(p, end, 1, &d);
        if (p == fraction)
            return NULL;
    }
    p = take_exponent(p, end, &d);
    if (p)
        *out = convert(&d, start, p);
    return p;
}

bool fc_scan_decimal(const char *text, size_t n, double *out)
{
    const char *p = text, *end = text + n;
    struct decimal d = {0};
    if (p < end && (*p == '-' || *p == '+'))
        d.negative = *p++ == '-';
    const char *start = p;
    p = take_digits(p, end, 0, &d);
    size_t digits = (size_t)(p - start);
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = take_digits(p, end, 1, &d);
        digits += (size_t)(p - fraction);
    }
    if (digits == 0)
        return false;
    p = take_exponent(p, end, &d);
    if (p != end)
        return false;
    *out = convert(&d, text, end);
    return true;
}
