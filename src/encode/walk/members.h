/* The part of the walk (walk.h) that writes objects other than plain dicts: dict subclasses, and members in a given
 * order. */

/* Members that come from a fixed source: a tuple of keys and values in turn, or the fields of an object. */
typedef struct member_source {
    PyObject *owner, *source;
    Py_ssize_t pos;
    rjpy_frame_kind kind;
    rjpy_instance_view view; /* FIELDS: of the owner, unless Python code has run */
    int has_view;
} member_source;

/* The member at `pos`, borrowed; 0 at the end, or where it can only be had by next_member. Runs no Python code. */
RJ__INLINE int
peek_member(member_source *s, PyObject **key, PyObject **value)
{
    if (s->pos >= Py_SIZE(s->source))
        return 0;
    if (s->kind == RJ_FRAME_ENTRIES) {
        *key = PyTuple_GET_ITEM(s->source, s->pos);
        *value = PyTuple_GET_ITEM(s->source, s->pos + 1);
        return 1;
    }
    rjpy_plan *plan = (rjpy_plan *)s->source;
    rjpy_field *field = &plan->fields[s->pos];
    if (RJ__UNLIKELY(plan->runs_code))
        return 0;
    if (!s->has_view) {
        s->view = rjpy_instance_view_of(s->owner);
        s->has_view = 1;
    }
    *key = field->key;
    *value = rjpy_field_value_in(field, s->owner, &s->view);
    if (RJ__UNLIKELY(field->convert != NULL) && *value && rjpy_field_converts(field, *value))
        return 0;
    return *value != NULL;
}

/* The next member: 1 with its key (borrowed from the source) and its value (new), 0 at the end, -1 with an exception. */
RJ__INLINE int
next_member(rjpy_encoder *e, member_source *s, PyObject **key, PyObject **value)
{
    if (s->pos >= Py_SIZE(s->source))
        return 0;
    if (peek_member(s, key, value)) {
        Py_INCREF(*value);
    }
    else {
        const rjpy_plan *plan = (const rjpy_plan *)s->source;
        const rjpy_field *field = &plan->fields[s->pos];
        rjpy_enter_python(e);
        *key = field->key;
        *value = rjpy_field_output(e, plan, field, s->owner);
        s->has_view = 0;
    }
    s->pos += s->kind == RJ_FRAME_ENTRIES ? 2 : 1;
    if (*value)
        return 1;
    rjpy_stop_error(e);
    return -1;
}

RJ__INLINE int
is_omitted(const rjpy_encoder *e, const member_source *s, PyObject *value)
{
    return is_left_out(e, value) || (s->kind == RJ_FRAME_FIELDS && value == ((rjpy_plan *)s->source)->omitted);
}

/* A member whose key is nothing special, and any value: its key and the value, where it is a scalar; *value is to follow
 * otherwise, else NULL. NULL if there is no such member; then nothing has been written. */
RJ__INLINE uint8_t *
put_short_member(rjpy_encoder *e, uint8_t *cur, member_source *s, PyObject **value)
{
    PyObject *key;
    if (!peek_member(s, &key, value))
        return NULL;
    if (!is_omitted(e, s, *value)) {
        cur = begin_short_key(e, cur, key, *value);
        if (RJ__UNLIKELY(!cur))
            return NULL;
        uint8_t *next = put_scalar(e, cur, *value);
        if (next) {
            cur = next;
            *value = NULL;
        }
    }
    else {
        *value = NULL;
    }
    s->pos += s->kind == RJ_FRAME_ENTRIES ? 2 : 1;
    return cur;
}

/* `waiting`: of the member before s->pos, whose key is written already, or NULL; borrowed. */
RJ__INLINE uint8_t *
walk_members(rjpy_encoder *e, uint8_t *cur, member_source *s, PyObject *waiting)
{
    PyObject *key = NULL, *value = Py_XNewRef(waiting); /* a value that is to be written, its key being there; owned */
    for (;;) {
        if (is_full(e, cur)) {
            cur = rjpy_next_window(e, cur, 1, 0);
            s->has_view = 0;
            if (!cur)
                break;
        }
        if (!value) {
            uint8_t *next = put_short_member(e, cur, s, &value);
            if (RJ__LIKELY(next != NULL)) {
                cur = next;
                if (!value)
                    continue;
                Py_INCREF(value);
            }
            else {
                int rc = next_member(e, s, &key, &value);
                if (rc == 0) {
                    rjpy_leave(e);
                    return close_container(e, cur, '}');
                }
                if (rc < 0)
                    break;
                int is_begun = is_omitted(e, s, value) ? 0 : begin_member(e, &cur, key, &value);
                if (is_begun < 0)
                    break;
                if (is_begun == 0)
                    Py_CLEAR(value);
                continue;
            }
        }
        cur = put_non_scalar(e, cur, value);
        Py_CLEAR(value);
        s->has_view = 0;
        if (RJ__UNLIKELY(!cur))
            break;
    }
    rjpy_spill(e, s->kind, s->owner, s->source, NULL, value, s->pos, 0);
    Py_XDECREF(value);
    rjpy_leave(e);
    return NULL;
}

static RJ__NOINLINE uint8_t *
walk_entries(rjpy_encoder *e, uint8_t *cur, PyObject *owner, PyObject *entries, Py_ssize_t pos, PyObject *value)
{
    member_source s = {.owner = owner, .source = entries, .pos = pos, .kind = RJ_FRAME_ENTRIES};
    return walk_members(e, cur, &s, value);
}

static RJ__NOINLINE uint8_t *
walk_fields(rjpy_encoder *e, uint8_t *cur, PyObject *owner, PyObject *plan, Py_ssize_t pos, PyObject *value)
{
    member_source s = {.owner = owner, .source = plan, .pos = pos, .kind = RJ_FRAME_FIELDS};
    return walk_members(e, cur, &s, value);
}

/* `owner`'s members in the order of `entries` (consumed; NULL with an exception). */
static RJ__NOINLINE uint8_t *
put_entries(rjpy_encoder *e, uint8_t *cur, PyObject *owner, PyObject *entries)
{
    if (!entries)
        return rjpy_stop_error(e);
    cur = enter(e, cur, owner) ? walk_entries(e, open_container(e, cur, '{'), owner, entries, 0, NULL) : NULL;
    Py_DECREF(entries);
    return cur;
}

/* Members that are about to be used after Python code may have run. */
static void
own_members(const rjpy_member *members, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_INCREF(members[i].key);
        Py_INCREF(members[i].value);
    }
}

static void
disown_members(const rjpy_member *members, Py_ssize_t count)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        Py_DECREF(members[i].key);
        Py_DECREF(members[i].value);
    }
}

/* Goes on with these members, owned, by way of a tuple. */
static RJ__NOINLINE uint8_t *
walk_rest(rjpy_encoder *e, uint8_t *cur, PyObject *dict, const rjpy_member *members, Py_ssize_t count)
{
    rjpy_own_ancestors(e); /* the garbage collector may run */
    PyObject *entries = rjpy_members_tuple(members, count);
    if (!entries) {
        rjpy_leave(e);
        return rjpy_stop_error(e);
    }
    cur = walk_entries(e, cur, dict, entries, 0, NULL);
    Py_DECREF(entries);
    return cur;
}

/* Spills these members, owned: the walk has stopped in the value of the first. Always NULL. */
static RJ__NOINLINE uint8_t *
spill_rest(rjpy_encoder *e, PyObject *dict, const rjpy_member *members, Py_ssize_t count)
{
    rjpy_own_ancestors(e);
    PyObject *entries = rjpy_members_tuple(members, count);
    if (entries)
        rjpy_spill(e, RJ_FRAME_ENTRIES, dict, entries, NULL, NULL, 2, 0);
    else
        rjpy_stop_error(e);
    Py_XDECREF(entries);
    rjpy_leave(e);
    return NULL;
}

/* The members of a small dict (entered), in order. They belong to the dict as long as nothing but C code runs, and
 * are owned here from the first value on that may be more than that. */
static RJ__NOINLINE uint8_t *
walk_few(rjpy_encoder *e, uint8_t *cur, PyObject *dict, const rjpy_member *members, Py_ssize_t count)
{
    Py_ssize_t i = 0, owned_from = RJ_FREE_THREADED ? 0 : count; /* without the GIL they are owned already */
    while (cur && i < count && !is_full(e, cur)) {
        PyObject *value = members[i].value;
        if (is_left_out(e, value)) {
            i++;
            continue;
        }
        uint8_t *next = begin_short_key(e, cur, members[i].key, value);
        if (RJ__UNLIKELY(!next))
            break;
        i++;
        cur = put_scalar(e, next, value);
        if (RJ__UNLIKELY(!cur)) {
            if (owned_from == count) {
                owned_from = i - 1;
                own_members(members + owned_from, count - owned_from);
            }
            cur = put_non_scalar(e, next, value);
        }
    }
    Py_ssize_t rest = cur ? i : i - 1;
    if (owned_from == count && rest < count) {
        owned_from = rest;
        own_members(members + owned_from, count - owned_from);
    }
    if (!cur)
        cur = spill_rest(e, dict, members + rest, count - rest);
    else if (rest < count || is_full(e, cur)) /* the closing bracket needs room too */
        cur = walk_rest(e, cur, dict, members + rest, count - rest);
    else {
        rjpy_leave(e);
        cur = close_container(e, cur, '}');
    }
    disown_members(members + owned_from, count - owned_from);
    return cur;
}

/* The members of a dict in their order, where it has few that need only be sorted: how many, or 0. Without the GIL they are
 * owned. */
RJ__INLINE Py_ssize_t
sort_few(rjpy_encoder *e, PyObject *dict, rjpy_member members[RJ_FEW_MEMBERS])
{
    Py_ssize_t count = 0;
    rjpy_section section;
    rjpy_lock(&section, dict);
    int is_only_sorted = !e->options->refuses_duplicates || !rjpy_may_repeat_keys(e, dict);
    Py_ssize_t size = PyDict_GET_SIZE(dict);
    if (is_only_sorted && size <= RJ_FEW_MEMBERS && (!RJ_FREE_THREADED || size > 0) &&
        rjpy_sort_few(e->cache, dict, members))
        count = size;
    if (RJ_FREE_THREADED)
        own_members(members, count);
    rjpy_unlock(&section);
    return count;
}

static RJ__NOINLINE uint8_t *
put_arranged_dict(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    rjpy_member members[RJ_FEW_MEMBERS];
    Py_ssize_t count = sort_few(e, v, members);
    if (count) {
        if (enter(e, cur, v))
            return walk_few(e, open_container(e, cur, '{'), v, members, count);
        if (RJ_FREE_THREADED)
            disown_members(members, count);
        return NULL;
    }
    Py_INCREF(v); /* comparing keys may run Python code */
    cur = put_entries(e, cur, v, rjpy_arranged_entries(e, v));
    Py_DECREF(v);
    return cur;
}

/* The pairs of a dict subclass with an items() of its own. `key`, `value`: of a pair whose key is written already, or NULL;
 * consumed. */
static RJ__NOINLINE uint8_t *
walk_pairs(rjpy_encoder *e, uint8_t *cur, PyObject *owner, PyObject *iterator, PyObject *key, PyObject *value)
{
    for (;;) {
        if (is_full(e, cur))
            cur = rjpy_next_window(e, cur, 1, 0);
        if (cur && value) {
            cur = put_value(e, cur, value);
            Py_CLEAR(value);
        }
        if (!cur)
            break;
        Py_CLEAR(key);
        if (pause_before(e, cur, NULL, 0))
            break;
        int rc = rjpy_next_pair(e, iterator, &key, &value);
        if (rc == 0) {
            rjpy_leave(e);
            return close_container(e, cur, '}');
        }
        if (rc > 0 && is_left_out(e, value))
            Py_CLEAR(value);
        else if (rc < 0 || begin_member(e, &cur, key, &value) < 0)
            break;
    }
    rjpy_spill(e, RJ_FRAME_PAIRS, owner, iterator, key, value, 0, 0);
    Py_XDECREF(key);
    Py_XDECREF(value);
    rjpy_leave(e);
    return NULL;
}

static RJ__NOINLINE uint8_t *
put_dict_subclass(rjpy_encoder *e, uint8_t *cur, PyObject *v)
{
    int direct;
    rjpy_enter_python(e);
    PyObject *iterator = rjpy_dict_subclass_pairs(e, v, &direct);
    if (!iterator)
        return direct ? put_container(e, cur, v) : rjpy_stop_error(e);
    if (RJ__STYLED && (e->options->sort_keys || e->options->refuses_duplicates)) {
        cur = put_entries(e, cur, v, rjpy_arranged_pairs(e, iterator));
    }
    else if (enter(e, cur, v)) {
        cur = walk_pairs(e, open_container(e, cur, '{'), v, iterator, NULL, NULL);
    }
    else {
        cur = NULL;
    }
    Py_DECREF(iterator);
    return cur;
}
