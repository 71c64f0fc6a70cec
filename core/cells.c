/* cells.c: the table of recurrent cells. See cell.h. */
#include "cell.h"

#include <string.h>

const struct fc_cell *const fc_cells[] = {&fc_cell_gru, NULL};

const struct fc_cell *fc_cell_find(const char *name)
{
    for (size_t i = 0; fc_cells[i]; i++)
        if (strcmp(fc_cells[i]->name, name) == 0)
            return fc_cells[i];
    return NULL;
}

size_t fc_cell_params(const struct fc_cell *c, size_t I, size_t H)
{
    struct fc_tensor t[FC_CELL_TENSORS];
    size_t n = c->tensors(I, H, t), sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += t[i].rows * t[i].cols;
    return sum;
}
