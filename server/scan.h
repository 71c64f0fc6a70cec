/* scan.h: strict scanners over bytes that came from outside: JSON, CSV and numbers. No allocation but the key list of fc_json_check,
 * no locale, no state: any thread.
 *
 * Place in the flow: a body is first checked to its last byte (fc_json_check), then read: bulk arrays of points with fc_json_reader, which
 * makes no nodes, and small documents through codec.h. CSV is checked while it is read (fc_csv_next).
 * Invariant: after fc_json_check returned FC_OK the text is RFC 8259 JSON in valid UTF-8 of depth at most FC_JSON_DEPTH, without
 * duplicate keys, without \u0000, and each number in it is finite as a double. */
#ifndef FC_SCAN_H
#define FC_SCAN_H

#include "error.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FC_JSON_DEPTH 64 /* arrays and objects inside one another */

/* The whole text, strictly. Errors:
 * FC_UNREADABLE "empty_body": no bytes, or white space alone;
 * FC_UNREADABLE "invalid_json": grammar, UTF-8, BOM, depth; detail has line, column and byte offset;
 * FC_INVALID "number_out_of_range" (1e999), "duplicate_key" (compared after unescaping), "nul_character" (\u0000): with JSON pointer.
 * O(n log n) time for any input; memory: 8 bytes (16 while sorting) for each key of the objects that are open at once. */
FC_MUST_CHECK enum fc_status fc_json_check(const char *text, size_t n, struct fc_error *e);

/* Validates UTF-8 (no overlong forms, no surrogates). */
bool fc_utf8_valid(const char *text, size_t n);

/* ---- numbers ---- */

/* Scans the JSON number at p: its end, or NULL when there is none. *out may be an infinity when it overflows. Correctly rounded. */
const char *fc_scan_json_number(const char *p, const char *end, double *out);
/* The whole text as a decimal number as people write them: JSON's form, also with `+`, `.5`, `5.` and leading zeros. No hex, inf or nan.
 * False when it is not one. *out may be an infinity when it overflows. */
bool fc_scan_decimal(const char *text, size_t n, double *out);

/* ---- the pull reader ----
 * Over text that fc_json_check passed. On other text its answers are nonsense, but it never reads outside [text, text + n).
 *
 *     fc_json_enter(&r);                        at an object
 *     while (fc_json_next_key(&r, &key))
 *         if (fc_json_text_is(&key, "values") && fc_json_kind(&r) == FC_JSON_ARRAY) {
 *             fc_json_enter(&r);
 *             while (fc_json_next(&r)) x = fc_json_number(&r);
 *         } else
 *             fc_json_skip(&r);
 */
struct fc_json_reader { const char *p, *end; };
enum fc_json_kind { FC_JSON_END, FC_JSON_NULL, FC_JSON_FALSE, FC_JSON_TRUE, FC_JSON_NUMBER, FC_JSON_STRING, FC_JSON_ARRAY, FC_JSON_OBJECT };
/* A string between its quotes, as written. Unescaped it is never longer. */
struct fc_json_text { const char *text; size_t n; bool escaped; };

void fc_json_reader_init(struct fc_json_reader *r, const char *text, size_t n);
/* What comes next; skips white space. */
enum fc_json_kind fc_json_kind(struct fc_json_reader *r);
/* Enters the array or object that comes next. */
void fc_json_enter(struct fc_json_reader *r);
/* Inside an array: true when another element comes next; false when the array has ended (and was left). */
bool fc_json_next(struct fc_json_reader *r);
/* Inside an object: true when there is another key, its value comes next; false when the object has ended (and was left). */
bool fc_json_next_key(struct fc_json_reader *r, struct fc_json_text *key);
/* The number that comes next; 0 when it is not one. */
double fc_json_number(struct fc_json_reader *r);
/* The string that comes next. */
struct fc_json_text fc_json_string(struct fc_json_reader *r);
/* Passes over the value that comes next, whatever it is. */
void fc_json_skip(struct fc_json_reader *r);
/* Equal to this word (ASCII, NUL-terminated), after unescaping. */
bool fc_json_text_is(const struct fc_json_text *t, const char *word);
/* Order by unescaped bytes, and a hash of them: the same for "a" and "\\u0061". */
int fc_json_text_compare(const struct fc_json_text *a, const struct fc_json_text *b);
uint32_t fc_json_text_hash(const struct fc_json_text *t);
/* Writes the unescaped bytes, at most t->n of them, without a NUL; returns how many. */
size_t fc_json_unescape(const struct fc_json_text *t, char *out);
/* Appends "/segment" to the JSON pointer of length n in out (~ as ~0, / as ~1), as much as fits, and a NUL; returns the new length. */
size_t fc_json_pointer_add(char *out, size_t n, size_t cap, const char *segment, size_t len);
size_t fc_json_pointer_add_index(char *out, size_t n, size_t cap, size_t index);

/* ---- CSV ----
 * RFC 4180: comma, optional quotes ("" inside), CRLF or LF. A byte order mark at the start and blank lines at the end are passed over.
 * White space around an unquoted cell is not part of it. */
struct fc_csv {
    const char *p, *end;
    size_t line; /* the line at which the last record started, from 1 */
    size_t next_line;
};
struct fc_csv_cell { const char *text; size_t n; bool quoted, escaped; }; /* text: between the quotes, "" still doubled when escaped */
void fc_csv_init(struct fc_csv *c, const char *text, size_t n);
/* Reads one record. *n: its cells, 0 at the end; cells beyond max are counted but not kept. Errors: FC_UNREADABLE "invalid_csv" (an open quote,
 * bytes after a closing quote, a NUL), pointer "line 7". */
FC_MUST_CHECK enum fc_status fc_csv_next(struct fc_csv *c, struct fc_csv_cell *cell, size_t max, size_t *n, struct fc_error *e);
/* Writes the bytes with doubled quotes made single, at most cell->n of them; returns how many. */
size_t fc_csv_unquote(const struct fc_csv_cell *cell, char *out);

#endif
