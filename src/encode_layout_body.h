/*
 * The part of the walk (encode_body.h) that sets items apart. Compact documents have a comma and nothing else; with RJ__STYLED
 * the options say what (rj_layout). In both, every value ends with one comma, which stands for the separator until it is known
 * what follows: begin_item replaces it by the real one, close_container by the bracket.
 */

RJ__INLINE int
is_full(const rj_encoder *e, const uint8_t *cur)
{
    return RJ__UNLIKELY(e->end - cur < RJ_ITEM_ROOM + (RJ__STYLED ? RJ_LEAD_ROOM : 0));
}

/* Copies what is 16 bytes long in most cases, and at most RJ_SEPARATOR_MAX; stores as much. */
RJ__INLINE uint8_t *
put_separator(uint8_t *cur, const uint8_t *separator, Py_ssize_t length)
{
    memcpy(cur, separator, 16);
    if (RJ__UNLIKELY(length > 16))
        memcpy(cur + 16, separator + 16, RJ_SEPARATOR_MAX - 16);
    return cur + length;
}

RJ__INLINE int
has_short_line_break(const rj_encoder *e)
{
    Py_ssize_t indent = e->options->layout.indent;
    return indent == 0 || e->level * indent < RJ_NEWLINE_MAX;
}

/* Whether begin_item is sure to go on. */
RJ__INLINE int
has_room_for_line_break(const rj_encoder *e)
{
    return !RJ__STYLED || e->options->layout.indent < 0 || has_short_line_break(e);
}

/* A line break and the indentation of the level; has_short_line_break. */
RJ__INLINE uint8_t *
put_line_break(const rj_encoder *e, uint8_t *cur)
{
    const rj_layout *layout = &e->options->layout;
    Py_ssize_t length = 1 + e->level * layout->indent;
    memcpy(cur, layout->newline, 32);
    if (RJ__UNLIKELY(length > 32))
        memcpy(cur + 32, layout->newline + 32, RJ_NEWLINE_MAX - 32);
    return cur + length;
}

/* Before an item of an array, or (with its key) of an object. 0 where the walk stops first; the item is laid down then. */
RJ__INLINE int
begin_item(rj_encoder *e, uint8_t **cur, PyObject *key, PyObject *value)
{
    if (!RJ__STYLED)
        return 1;
    const rj_layout *layout = &e->options->layout;
    int is_indented = layout->indent >= 0;
    if (RJ__UNLIKELY(is_indented && !has_short_line_break(e)))
        return rj_lay_item(e, *cur, key, value);
    if ((*cur)[-1] == ',')
        *cur = put_separator(*cur - 1, layout->item_separator, layout->item_length);
    if (is_indented)
        *cur = put_line_break(e, *cur);
    return 1;
}

/* After a key, whose last byte is a colon. */
RJ__INLINE uint8_t *
end_key(const rj_encoder *e, uint8_t *cur)
{
    if (!RJ__STYLED)
        return cur;
    return put_separator(cur - 1, e->options->layout.key_separator, e->options->layout.key_length);
}

RJ__INLINE uint8_t *
open_container(rj_encoder *e, uint8_t *cur, uint8_t bracket)
{
    if (RJ__STYLED)
        e->level++;
    *cur = bracket;
    return cur + 1;
}

RJ__INLINE uint8_t *
put_bracket(uint8_t *cur, uint8_t bracket)
{
    cur[0] = bracket;
    cur[1] = ',';
    return cur + 2;
}

/* Ends a container whose opening bracket or last comma is the byte before. May stop, for a long line break. */
RJ__INLINE uint8_t *
close_container(rj_encoder *e, uint8_t *cur, uint8_t bracket)
{
    int has_items = cur[-1] == ',';
    if (RJ__STYLED) {
        e->level--;
        if (has_items && e->options->layout.indent >= 0) {
            if (RJ__UNLIKELY(!has_short_line_break(e)))
                return rj_lay_bracket(e, cur, bracket);
            return put_bracket(put_line_break(e, cur - 1), bracket);
        }
    }
    return put_bracket(RJ__LIKELY(has_items) ? cur - 1 : cur, bracket);
}
