/* test_gradients.c: every backward pass against central differences, in a double build of the very source that trains in float.
 *
 * The numeric files are compiled into this test with FC_DOUBLE; their float twins in the library are not linked. Each cell of the table with several
 * shapes and each loss of its table is walked: a new row is checked by being there. Kinks of ReLU and |e| are stepped around by the size of the step. */
#define FC_DOUBLE
#include "unit.h"

#include "../../core/cell_gru.c"
#include "../../core/cells.c"
#include "../../core/kernel_portable.c"
#include "../../core/loss.c"
#include "../../core/matrix.c"
#include "../../core/network.c"

#include <stdlib.h>

/* The double build has one family of kernels. */
const struct fc_kernel *fc_kernel(void)
{
    return &fc_kernel_portable;
}

#define STEP 1e-6
#define TOLERANCE 1e-6

struct problem {
    struct fc_network net;
    const struct fc_loss *loss;
    size_t B;
    double *params, *x, *target, *weight, *out, *grad, *work;
};

static double *random_array(struct fc_rng *rng, size_t n, double size)
{
    double *a = malloc((n + 1) * sizeof *a);
    assert_non_null(a);
    for (size_t i = 0; i < n; i++)
        a[i] = size * fc_rng_normal(rng);
    return a;
}

static double value(const struct problem *p)
{
    fc_network_forward(&p->net, p->params, p->B, p->x, p->out, p->work);
    return p->loss->value(p->B * p->net.shape.horizon, p->out, p->target, p->weight, 1, p->grad);
}

static void check_problem(struct problem *p)
{
    const size_t n = p->net.params, outs = p->B * p->net.shape.horizon;
    double *analytic = calloc(n, sizeof *analytic), *numeric = calloc(n, sizeof *numeric);
    assert_true(analytic && numeric);
    (void)value(p);
    fc_network_backward(&p->net, p->params, p->B, p->x, p->grad, analytic, p->work);
    for (size_t i = 0; i < n; i++) {
        double keep = p->params[i];
        p->params[i] = keep + STEP;
        double up = value(p);
        p->params[i] = keep - STEP;
        double down = value(p);
        p->params[i] = keep;
        numeric[i] = (up - down) / (2 * STEP);
    }
    for (size_t t = 0; t < p->net.tensors; t++) { /* tensor by tensor, so that a small one cannot hide behind a large one */
        const struct fc_tensor *tensor = &p->net.tensor[t];
        size_t size = tensor->rows * tensor->cols;
        double far = TENSOR_DISTANCE(size, analytic + tensor->offset, numeric + tensor->offset);
        if (!(far <= TOLERANCE))
            print_error("%s, loss %s, outputs %zu: %s is %g off\n", p->net.shape.cell->name, p->loss->name, outs, tensor->name, far);
        assert_true(far <= TOLERANCE);
        double largest = 0;
        for (size_t i = 0; i < size; i++)
            largest = fmax(largest, fabs(analytic[tensor->offset + i]));
        assert_true(largest > 0); /* a backward that does nothing would pass against a network that does nothing */
    }
    free(analytic);
    free(numeric);
}

static void check_shape(const struct fc_shape *shape, size_t B, const struct fc_loss *loss, uint64_t seed)
{
    struct problem p = {.loss = loss, .B = B};
    struct fc_error e;
    struct fc_rng rng;
    fc_rng_init(&rng, seed, 0);
    assert_int_equal(fc_network_init(shape, &p.net, &e), FC_OK);
    size_t outs = B * shape->horizon;
    p.params = random_array(&rng, p.net.params, 0.5);
    p.x = random_array(&rng, shape->steps * B * shape->patch, 1);
    p.target = random_array(&rng, outs, 3);
    p.weight = random_array(&rng, outs, 1);
    p.out = random_array(&rng, outs, 1);
    p.grad = random_array(&rng, outs, 1);
    p.work = random_array(&rng, fc_network_workspace(&p.net, B), 1);
    for (size_t i = 0; i < outs; i++)
        p.weight[i] = i % 5 == 3 ? 0 : fabs(p.weight[i]); /* some are masked */
    check_problem(&p);
    free(p.params), free(p.x), free(p.target), free(p.weight), free(p.out), free(p.grad), free(p.work);
}

static void gradients_are_central_differences(void **state)
{
    (void)state;
    static const struct { size_t B, patch, steps, embed, layers, hidden, horizon; bool skip; } shapes[] = {
        {1, 1, 2, 0, 1, 1, 1, false}, {2, 1, 7, 0, 1, 5, 3, false}, {3, 2, 4, 0, 2, 4, 2, true}, {2, 3, 5, 6, 1, 7, 4, false},
        {4, 4, 3, 5, 2, 3, 5, true},  {1, 6, 2, 9, 3, 4, 1, true},
    };
    size_t checked = 0;
    for (size_t c = 0; fc_cells[c]; c++) {
        assert_non_null(fc_cells[c]->backward);
        for (const struct fc_loss *l = fc_losses; l->name; l++) {
            for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++, checked++) {
                struct fc_shape s = {fc_cells[c], shapes[i].patch, shapes[i].steps, shapes[i].embed, shapes[i].layers, shapes[i].hidden, shapes[i].horizon, shapes[i].skip};
                check_shape(&s, shapes[i].B, l, 7 + i);
            }
        }
    }
    assert_true(checked >= 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(gradients_are_central_differences)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
