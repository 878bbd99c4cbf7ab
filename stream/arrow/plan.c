/* Nodes from a schema: what is known of a column before its values. */
#include "arrow/arrow.h"

#include <stdio.h>
#include <stdlib.h>

static int plan_node(rj_arrow *a, rj__arrow_node *n, const struct ArrowSchema *schema, int depth);

/* `"name":`, escaped once. */
static int
make_key(rj_arrow *a, rj__arrow_node *n, const char *name)
{
    size_t length = strlen(name);
    if (!rj__utf8_valid((const uint8_t *)name, length))
        return rj__arrow_fail(a, n, RJ_EUTF8, "a name that is not valid UTF-8"), a->status;
    size_t capacity = length * 6 + RJ__TEXT_ROOM + 32;
    n->key = rj__allocate(&a->alloc, capacity);
    if (!n->key)
        return a->status = RJ_ENOMEM;
    rj__text text = {.data = name, .length = length, .kind = RJ__TEXT_UTF8};
    uint8_t *p = n->key;
    *p++ = '"';
    p = a->arch->put_text(&text, p, n->key + capacity);
    *p++ = '"';
    *p++ = ':';
    n->key_length = (size_t)(p - n->key);
    return RJ_OK;
}

/* The name lives as long as the plan: behind the key, which is as long at least. */
static int
name_node(rj_arrow *a, rj__arrow_node *n, const char *name)
{
    int rc = make_key(a, n, name);
    size_t size = strlen(name) + 1;
    if (rc != RJ_OK)
        return rc;
    uint8_t *both = rj__reallocate(&a->alloc, n->key, n->key_length + size + RJ__ARROW_KEY);
    if (!both)
        return a->status = RJ_ENOMEM;
    n->key = both;
    n->name = memcpy(both + n->key_length + RJ__ARROW_KEY, name, size);
    return RJ_OK;
}

static int
make_children(rj_arrow *a, rj__arrow_node *n, size_t count)
{
    if (count == 0)
        return RJ_OK;
    if (count > SIZE_MAX / sizeof *n || !(n->children = rj__allocate(&a->alloc, count * sizeof *n)))
        return a->status = RJ_ENOMEM;
    memset(n->children, 0, count * sizeof *n);
    n->child_count = count;
    for (size_t k = 0; k < count; k++) {
        n->children[k].parent = n;
        n->children[k].source = (int64_t)k;
    }
    return RJ_OK;
}

static int
by_name(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* An object has no name twice. */
static int
check_names(rj_arrow *a, const rj__arrow_node *n)
{
    size_t count = n->child_count;
    const char **names = rj__allocate(&a->alloc, (count + 1) * sizeof *names);
    if (!names)
        return a->status = RJ_ENOMEM;
    for (size_t k = 0; k < count; k++)
        names[k] = n->children[k].name;
    qsort(names, count, sizeof *names, by_name);
    for (size_t k = 1; k < count && a->status == RJ_OK; k++)
        if (strcmp(names[k - 1], names[k]) == 0) {
            char text[160];
            snprintf(text, sizeof text, "the name '%.100s' is there twice: rename one of them", names[k]);
            rj__arrow_fail(a, n, RJ_EINVAL, text);
        }
    rj__release(&a->alloc, names);
    return a->status;
}

static int64_t
find_column(const struct ArrowSchema *schema, const char *name)
{
    for (int64_t k = 0; k < schema->n_children; k++)
        if (strcmp(schema->children[k]->name ? schema->children[k]->name : "", name) == 0)
            return k;
    return -1;
}

static int
plan_struct(rj_arrow *a, rj__arrow_node *n, const struct ArrowSchema *schema, int depth)
{
    const char *const *columns = depth == 0 ? a->options.columns : NULL;
    n->kind = RJ__ARROW_STRUCT;
    n->put = rj__arrow_put_struct;
    int rc = make_children(a, n, columns ? a->options.column_count : (size_t)schema->n_children);
    for (size_t k = 0; k < n->child_count && rc == RJ_OK; k++) {
        rj__arrow_node *child = &n->children[k];
        child->source = columns ? find_column(schema, columns[k]) : (int64_t)k;
        if (child->source < 0) {
            char text[160];
            snprintf(text, sizeof text, "there is no column '%.100s'", columns[k]);
            rj__arrow_fail(a, NULL, RJ_EINVAL, text);
            return a->status;
        }
        const struct ArrowSchema *s = schema->children[child->source];
        rc = name_node(a, child, s->name ? s->name : "");
        if (rc == RJ_OK)
            rc = plan_node(a, child, s, depth + 1);
    }
    return rc == RJ_OK ? check_names(a, n) : rc;
}

static int
plan_children(rj_arrow *a, rj__arrow_node *n, const struct ArrowSchema *schema, int64_t count, int depth)
{
    if (schema->n_children != count)
        return rj__arrow_fail(a, n, RJ_EINVAL, "a schema with another number of children than its type has"), a->status;
    int rc = make_children(a, n, (size_t)count);
    for (int64_t k = 0; k < count && rc == RJ_OK; k++)
        rc = plan_node(a, &n->children[k], schema->children[k], depth + 1);
    return rc;
}

static int
plan_dictionary(rj_arrow *a, rj__arrow_node *n, const struct ArrowSchema *schema, int depth)
{
    static const char formats[] = "cCsSiIlL";
    const char *at = schema->format[0] && !schema->format[1] ? strchr(formats, schema->format[0]) : NULL;
    if (!at)
        return rj__arrow_fail(a, n, RJ_EINVAL, "a dictionary whose indexes are no integers"), a->status;
    n->kind = RJ__ARROW_DICTIONARY;
    n->put = rj__arrow_put_dictionary;
    n->width = 1 << (at - formats) / 2;
    n->is_signed = (at - formats) % 2 == 0;
    int rc = make_children(a, n, 1);
    return rc == RJ_OK ? plan_node(a, &n->children[0], schema->dictionary, depth + 1) : rc;
}

static int
as(rj__arrow_node *n, rj__arrow_kind kind, rj__arrow_put_fn *put, int width)
{
    n->kind = kind;
    n->put = put;
    n->width = width;
    return RJ_OK;
}

static int
refuse(rj_arrow *a, const rj__arrow_node *n, const char *format)
{
    char text[160];
    const char *is_bytes = (format[0] && strchr("zZw", format[0])) || strncmp(format, "vz", 2) == 0
                               ? " (bytes): cast it to a string, or encode it (base64, hex) first"
                               : ": cast it, or leave it out with columns=";
    snprintf(text, sizeof text, "no JSON for the Arrow type '%.60s'%s", format, is_bytes);
    return rj__arrow_fail(a, n, RJ_EINVAL, text), a->status;
}

static int
plan_map(rj_arrow *a, rj__arrow_node *n, const struct ArrowSchema *schema, int depth)
{
    as(n, RJ__ARROW_MAP, rj__arrow_put_map, 4);
    int rc = plan_children(a, n, schema, 1, depth);
    if (rc == RJ_OK && (n->children[0].kind != RJ__ARROW_STRUCT || n->children[0].child_count != 2))
        rj__arrow_fail(a, n, RJ_EINVAL, "a map whose entries are no pairs");
    return a->status;
}

static int
plan_runs(rj_arrow *a, rj__arrow_node *n, const struct ArrowSchema *schema, int depth)
{
    as(n, RJ__ARROW_RUNS, rj__arrow_put_runs, 0);
    int rc = plan_children(a, n, schema, 2, depth);
    if (rc == RJ_OK && (!schema->children[0]->format || !strchr("sil", schema->children[0]->format[0])))
        rj__arrow_fail(a, n, RJ_EINVAL, "runs whose ends are no integers");
    return a->status;
}

static int
plan_type(rj_arrow *a, rj__arrow_node *n, const struct ArrowSchema *schema, int depth)
{
    const char *format = schema->format;
    if (rj__arrow_scalar(a, n, format))
        return a->status;
    if (strcmp(format, "n") == 0)
        return as(n, RJ__ARROW_NULL, rj__arrow_put_nothing, 0);
    if (strcmp(format, "u") == 0 || strcmp(format, "U") == 0)
        return as(n, RJ__ARROW_TEXT, rj__arrow_put_string, *format == 'u' ? 4 : 8);
    if (strcmp(format, "vu") == 0)
        return as(n, RJ__ARROW_VIEW, rj__arrow_put_view, 16);
    if (strcmp(format, "+s") == 0)
        return plan_struct(a, n, schema, depth);
    if (strcmp(format, "+m") == 0)
        return plan_map(a, n, schema, depth);
    if (strcmp(format, "+r") == 0)
        return plan_runs(a, n, schema, depth);
    if (strcmp(format, "+l") == 0 || strcmp(format, "+L") == 0)
        as(n, RJ__ARROW_LIST, rj__arrow_put_list, format[1] == 'l' ? 4 : 8);
    else if (strcmp(format, "+vl") == 0 || strcmp(format, "+vL") == 0)
        as(n, RJ__ARROW_LIST_VIEW, rj__arrow_put_list_view, format[2] == 'l' ? 4 : 8);
    else if (strncmp(format, "+w:", 3) == 0) {
        as(n, RJ__ARROW_FIXED, rj__arrow_put_fixed, 0);
        n->size = strtoll(format + 3, NULL, 10);
    }
    else
        return refuse(a, n, format);
    return n->size < 0 ? refuse(a, n, format) : plan_children(a, n, schema, 1, depth);
}

static int
plan_node(rj_arrow *a, rj__arrow_node *n, const struct ArrowSchema *schema, int depth)
{
    if (depth > RJ_ARROW_MAX_DEPTH)
        return rj__arrow_fail(a, n, RJ_EDEPTH, "nested too deeply"), a->status;
    if (!schema || !schema->format || schema->n_children < 0)
        return rj__arrow_fail(a, n, RJ_EINVAL, "a schema without a format"), a->status;
    return schema->dictionary ? plan_dictionary(a, n, schema, depth) : plan_type(a, n, schema, depth);
}

int
rj__arrow_plan(rj_arrow *a, const struct ArrowSchema *schema)
{
    int rc = plan_node(a, &a->root, schema, 0);
    if (rc == RJ_OK && a->root.kind != RJ__ARROW_STRUCT)
        rj__arrow_fail(a, NULL, RJ_EINVAL, "rows need a struct: this is an array of values, not a table");
    return a->status;
}

void
rj__arrow_unplan(rj_arrow *a, rj__arrow_node *n)
{
    for (size_t k = 0; k < n->child_count; k++)
        rj__arrow_unplan(a, &n->children[k]);
    rj__release(&a->alloc, n->children);
    rj__release(&a->alloc, n->key);
}
