/* unit.h: cmocka with what it needs, and comparisons of arrays that NaN fails. */
#ifndef FC_UNIT_H
#define FC_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

/* max|a−b| / max|b|: how far two tensors are apart; NaN when any number is. */
#define TENSOR_DISTANCE(n, a, b) \
    __extension__({ \
        double worst_ = 0, size_ = 0; \
        for (size_t i_ = 0; i_ < (n); i_++) { \
            double d_ = fabs((double)(a)[i_] - (double)(b)[i_]), s_ = fabs((double)(b)[i_]); \
            worst_ = d_ <= worst_ ? worst_ : d_; \
            size_ = s_ <= size_ ? size_ : s_; \
            if (isnan(d_)) \
                worst_ = NAN, size_ = 1, i_ = (n) - 1; \
        } \
        size_ > 0 ? worst_ / size_ : worst_; \
    })

#define assert_tensor_near(n, a, b, tolerance) \
    do { \
        double far_ = TENSOR_DISTANCE(n, a, b); \
        if (!(far_ <= (tolerance))) \
            print_error("%s and %s are %g apart\n", #a, #b, far_); \
        assert_true(far_ <= (tolerance)); \
    } while (0)

#endif
