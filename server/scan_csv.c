/* scan_csv.c: RFC 4180 records. See scan.h. */
#include "scan.h"

#include <stdio.h>
#include <string.h>

static enum fc_status fail(const struct fc_csv *c, struct fc_error *e, const char *what)
{
    char where[32];
    snprintf(where, sizeof where, "line %zu", c->line);
    return fc_fail_at(e, FC_UNREADABLE, "invalid_csv", where, "line %zu: %s", c->line, what);
}

void fc_csv_init(struct fc_csv *c, const char *text, size_t n)
{
    *c = (struct fc_csv){text, text + n, 0, 1};
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0)
        c->p += 3;
    /* Lines that hold nothing at the end are no records. */
    while (c->end > c->p && strchr(" \t\r\n", c->end[-1]) && c->end[-1])
        c->end--;
}

static void skip_blanks(struct fc_csv *c)
{
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t'))
        c->p++;
}

/* c->p stands behind the opening quote. */
static enum fc_status read_quoted(struct fc_csv *c, struct fc_csv_cell *cell, struct fc_error *e)
{
    *cell = (struct fc_csv_cell){c->p, 0, true, false};
    for (; c->p < c->end; c->p++) {
        c->next_line += *c->p == '\n';
        if (*c->p != '"')
            continue;
        if (c->end - c->p < 2 || c->p[1] != '"')
            break;
        cell->escaped = true;
        c->p++;
    }
    cell->n = (size_t)(c->p - cell->text);
    if (c->p == c->end)
        return fail(c, e, "a quoted cell is never closed");
    if (memchr(cell->text, 0, cell->n))
        return fail(c, e, "a NUL byte");
    c->p++;
    skip_blanks(c);
    if (c->p < c->end && *c->p == '\r')
        c->p++;
    if (c->p < c->end && *c->p != '\n' && (*c->p != ',' || c->p[-1] == '\r'))
        return fail(c, e, "unexpected bytes after a closing quote");
    return FC_OK;
}

/* Reads the cell at c->p up to its comma, line feed or the end of the text. */
static enum fc_status read_cell(struct fc_csv *c, struct fc_csv_cell *cell, struct fc_error *e)
{
    skip_blanks(c);
    if (c->p < c->end && *c->p == '"') {
        c->p++;
        return read_quoted(c, cell, e);
    }
    const char *text = c->p;
    while (c->p < c->end && *c->p != ',' && *c->p != '\n')
        c->p++;
    size_t n = (size_t)(c->p - text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t' || text[n - 1] == '\r'))
        n--;
    *cell = (struct fc_csv_cell){text, n, false, false};
    return memchr(text, 0, n) ? fail(c, e, "a NUL byte") : FC_OK;
}

enum fc_status fc_csv_next(struct fc_csv *c, struct fc_csv_cell *cell, size_t max, size_t *n, struct fc_error *e)
{
    *n = 0;
    c->line = c->next_line;
    if (c->p >= c->end)
        return FC_OK;
    for (;;) {
        struct fc_csv_cell one;
        enum fc_status s = read_cell(c, &one, e);
        if (s != FC_OK)
            return s;
        if (*n < max)
            cell[*n] = one;
        (*n)++;
        bool more = c->p < c->end && *c->p == ',';
        if (c->p < c->end)
            c->p++;
        if (!more)
            break;
    }
    c->next_line++;
    return FC_OK;
}

size_t fc_csv_unquote(const struct fc_csv_cell *cell, char *out)
{
    if (!cell->escaped) {
        memcpy(out, cell->text, cell->n);
        return cell->n;
    }
    size_t n = 0;
    for (size_t i = 0; i < cell->n; i++) {
        out[n++] = cell->text[i];
        i += cell->text[i] == '"';
    }
    return n;
}
