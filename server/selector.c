/* selector.c: see selector.h. */
#include "selector.h"

#include "scan.h"

#include <ctype.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MATCHERS_MAX 32
#define PATTERN_MAX 500
#define COUNT_MAX 100 /* of a{n,m}: POSIX engines write the copies out, so nested counts multiply */
#define REPEATS_MAX 20
#define REPEATED_GROUPS_MAX 4

enum operator { EQUAL, NOT_EQUAL, LIKE, NOT_LIKE };

struct matcher {
    char *name, *value; /* owned */
    enum operator op;
    regex_t regex;
    bool compiled;
};

struct fc_selector {
    size_t n;
    struct matcher matcher[MATCHERS_MAX];
};

struct parse {
    const char *text, *p;
    struct fc_error *e;
};

void fc_selector_free(struct fc_selector *s)
{
    for (size_t i = 0; s && i < s->n; i++) {
        free(s->matcher[i].name);
        free(s->matcher[i].value);
        if (s->matcher[i].compiled)
            regfree(&s->matcher[i].regex);
    }
    free(s);
}

/* ---- parsing ---- */

static enum fc_status fail(const struct parse *c, const char *wanted)
{
    char found[16] = "the end";
    if (*c->p)
        snprintf(found, sizeof found, *c->p > ' ' && *c->p < 0x7F ? "'%c'" : "byte 0x%02X", (unsigned char)*c->p);
    return fc_fail(c->e, FC_INVALID, "bad_selector", "match=%.100s: expected %s at byte %zu, found %s", c->text, wanted, (size_t)(c->p - c->text), found);
}

static void skip_space(struct parse *c)
{
    c->p += strspn(c->p, " \t\r\n");
}

static bool is_name_byte(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (!first && c >= '0' && c <= '9');
}

/* A text in double quotes, single quotes or backticks (no escapes in the last). */
static enum fc_status parse_quoted(struct parse *c, const char *wanted, char **out)
{
    char quote = *c->p;
    if (quote != '"' && quote != '\'' && quote != '`')
        return fail(c, wanted);
    char *text = malloc(strlen(c->p) + 1);
    size_t n = 0;
    if (!text)
        return fc_fail_nomem(c->e, strlen(c->p) + 1);
    for (c->p++; *c->p && *c->p != quote; c->p++) {
        static const char from[] = "abfnrtv\\'\"", to[] = "\a\b\f\n\r\t\v\\'\"";
        if (*c->p != '\\' || quote == '`') {
            text[n++] = *c->p;
            continue;
        }
        const char *at = *++c->p ? strchr(from, *c->p) : NULL;
        if (!at) {
            free(text);
            return fail(c, "one of \\a \\b \\f \\n \\r \\t \\v \\\\ \\' \\\"");
        }
        text[n++] = to[at - from];
    }
    if (!*c->p) {
        free(text);
        return fail(c, "a closing quote");
    }
    c->p++;
    text[n] = 0;
    *out = text;
    return FC_OK;
}

static enum fc_status parse_name(struct parse *c, char **out)
{
    if (!is_name_byte(*c->p, true))
        return parse_quoted(c, "a label's name", out);
    const char *start = c->p;
    while (is_name_byte(*c->p, false))
        c->p++;
    *out = strndup(start, (size_t)(c->p - start));
    return *out ? FC_OK : fc_fail_nomem(c->e, (size_t)(c->p - start));
}

static enum fc_status parse_operator(struct parse *c, enum operator *out)
{
    static const struct { const char *text; enum operator op; } row[] = {{"=~", LIKE}, {"!~", NOT_LIKE}, {"!=", NOT_EQUAL}, {"=", EQUAL}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++)
        if (strncmp(c->p, row[i].text, strlen(row[i].text)) == 0) {
            c->p += strlen(row[i].text);
            *out = row[i].op;
            return FC_OK;
        }
    return fail(c, "=, !=, =~ or !~");
}

/* ---- regular expressions ---- */

/* Passes over [...] at p; NULL when it does not end. */
static const char *bracket_end(const char *p)
{
    p++;
    p += *p == '^';
    p += *p == ']';
    while (*p && *p != ']') {
        if (*p == '[' && (p[1] == ':' || p[1] == '.' || p[1] == '=')) {
            char closing[3] = {p[1], ']', 0};
            p = strstr(p + 2, closing);
            if (!p)
                return NULL;
            p++;
        }
        p++;
    }
    return *p ? p : NULL;
}

/* What is wrong with the pattern for us, NULL when nothing. */
static const char *refuse(const char *pattern)
{
    unsigned long copies = 1;
    size_t depth = 0, repeats = 0, repeated_groups = 0;
    if (strlen(pattern) > PATTERN_MAX)
        return "is longer than 500 bytes";
    for (const char *p = pattern; *p; p++) {
        if (*p == '[') {
            const char *open = p;
            p = bracket_end(p);
            if (!p)
                return "has a [ without its ]";
            if (memchr(open, '\\', (size_t)(p - open)))
                return "has a \\ inside [ ], where POSIX takes it literally";
        } else if (*p == '\\') {
            p++;
            if (!*p)
                return "ends in a \\";
            if (isalnum((unsigned char)*p) || *p == '<' || *p == '>' || *p == '`' || *p == '\'')
                return "has an escape that is not supported (\\d, \\w, \\1 …)";
        } else if (*p == '(') {
            depth++;
            if (p[1] == '?')
                return "has a (? group, which is not supported";
        } else if (*p == ')') {
            if (depth-- == 0) /* it would close our own group and undo the anchors */
                return "has a ) without its (";
        } else if (*p == '*' || *p == '+' || *p == '?') {
            repeats++;
            repeated_groups += p > pattern && p[-1] == ')';
        } else if (*p == '{') {
            char *end;
            repeats++;
            repeated_groups += p > pattern && p[-1] == ')';
            unsigned long lo = strtoul(p + 1, &end, 10), hi = *end == ',' ? strtoul(end + 1, &end, 10) : lo;
            unsigned long most = hi > lo ? hi : lo;
            if (most > COUNT_MAX || (copies *= most > 1 ? most : 1) > COUNT_MAX)
                return "has counts {n,m} that multiply to more than 100";
        }
        if (repeats > REPEATS_MAX || repeated_groups > REPEATED_GROUPS_MAX) /* glibc takes exponential time to compile many */
            return "repeats too much: at most 20 times * + ? {}, and of groups at most 4";
    }
    return NULL;
}

/* As ^(pattern)$. */
static enum fc_status compile(struct parse *c, struct matcher *m)
{
    const char *why = refuse(m->value);
    char anchored[PATTERN_MAX + 8], text[128] = "";
    if (!why) {
        snprintf(anchored, sizeof anchored, "^(%s)$", m->value);
        int code = regcomp(&m->regex, anchored, REG_EXTENDED | REG_NOSUB);
        m->compiled = code == 0;
        if (code == REG_ESPACE)
            return fc_fail_nomem(c->e, sizeof m->regex);
        if (code != 0)
            regerror(code, &m->regex, text, sizeof text);
        why = code != 0 ? text : NULL;
    }
    return why ? fc_fail(c->e, FC_INVALID, "bad_selector", "match: the regular expression \"%.100s\" %s%s", m->value, why == text ? "is invalid: " : "", why) : FC_OK;
}

static enum fc_status parse_matcher(struct parse *c, struct matcher *m)
{
    enum fc_status s = parse_name(c, &m->name);
    skip_space(c);
    if (s == FC_OK)
        s = parse_operator(c, &m->op);
    skip_space(c);
    if (s == FC_OK)
        s = parse_quoted(c, "a value in quotes", &m->value);
    skip_space(c);
    return s == FC_OK && (m->op == LIKE || m->op == NOT_LIKE) ? compile(c, m) : s;
}

static enum fc_status parse_all(struct parse *c, struct fc_selector *sel)
{
    skip_space(c);
    if (*c->p != '{')
        return fail(c, "{");
    c->p++;
    skip_space(c);
    while (*c->p != '}') {
        if (sel->n == MATCHERS_MAX)
            return fail(c, "at most 32 matchers");
        enum fc_status s = parse_matcher(c, &sel->matcher[sel->n++]);
        if (s != FC_OK)
            return s;
        if (*c->p != ',' && *c->p != '}')
            return fail(c, ", or }");
        c->p += *c->p == ',';
        skip_space(c);
    }
    c->p++;
    skip_space(c);
    return *c->p ? fail(c, "the end") : FC_OK;
}

enum fc_status fc_selector_parse(const char *text, struct fc_selector **out, struct fc_error *e)
{
    struct parse c = {text, text, e};
    struct fc_selector *sel = calloc(1, sizeof *sel);
    if (!sel)
        return fc_fail_nomem(e, sizeof *sel);
    enum fc_status s = parse_all(&c, sel);
    if (s == FC_OK)
        *out = sel;
    else
        fc_selector_free(sel);
    return s;
}

/* ---- matching ---- */

/* The value of one label, owned; "" when it is not there. */
static char *label_value(const char *labels, const char *name)
{
    struct fc_json_reader r;
    struct fc_json_text key;
    fc_json_reader_init(&r, labels, strlen(labels));
    fc_json_enter(&r);
    while (fc_json_next_key(&r, &key)) {
        if (fc_json_kind(&r) != FC_JSON_STRING || !fc_json_text_is(&key, name)) {
            fc_json_skip(&r);
            continue;
        }
        struct fc_json_text t = fc_json_string(&r);
        char *value = malloc(t.n + 1);
        if (value)
            value[fc_json_unescape(&t, value)] = 0;
        return value;
    }
    return strdup("");
}

static bool holds(const struct matcher *m, const char *value)
{
    bool yes = m->op == LIKE || m->op == NOT_LIKE ? regexec(&m->regex, value, 0, NULL, 0) == 0 : strcmp(m->value, value) == 0;
    return yes == (m->op == EQUAL || m->op == LIKE);
}

enum fc_status fc_selector_match(const struct fc_selector *sel, const char *id, const char *labels, bool *out, struct fc_error *e)
{
    bool all = true;
    for (size_t i = 0; i < sel->n && all; i++) {
        const struct matcher *m = &sel->matcher[i];
        if (strcmp(m->name, "id") == 0) {
            all = holds(m, id);
            continue;
        }
        char *value = label_value(labels, m->name);
        if (!value)
            return fc_fail_nomem(e, strlen(labels));
        all = holds(m, value);
        free(value);
    }
    *out = all;
    return FC_OK;
}
