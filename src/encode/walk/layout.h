/*
 * The part of the walk (walk.h) that separates items. Compact documents have a comma and nothing else; with
 * RJ__STYLED the options say what (rjpy_layout). In both, every value ends with one comma, which stands for the
 * separator until it is known what follows: begin_item replaces it by the real one, close_container by the bracket.
 */

/* Behind this the window has no room for another item. Scalars do not change the window, so it need not be asked for
 * between them. */
RJ__INLINE const uint8_t *
full_behind(const rjpy_encoder *e)
{
    return e->end - (RJ_ITEM_ROOM + (RJ__STYLED ? RJ_LEAD_ROOM : 0));
}

RJ__INLINE int
is_full(const rjpy_encoder *e, const uint8_t *cur)
{
    return RJ__UNLIKELY(cur > full_behind(e));
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

/* Opens or closes `by` brackets, and says how long the lead is then. */
RJ__INLINE void
change_level(rjpy_encoder *e, int by)
{
    const rjpy_layout *layout = &e->options->layout;
    e->level += by;
    e->lead_length = layout->item_length + (layout->indent >= 0 ? 1 + e->level * layout->indent : 0);
}

/* Whether the lead of this level has been made in advance. */
RJ__INLINE int
has_short_lead(const rjpy_encoder *e)
{
    return !RJ__STYLED || RJ__LIKELY(e->lead_length <= RJ_LEAD_MAX);
}

/* Copies the lead without its first `skipped` bytes; has_short_lead. Stores up to RJ_LEAD_MAX bytes. */
RJ__INLINE uint8_t *
put_lead(const rjpy_encoder *e, uint8_t *cur, Py_ssize_t skipped)
{
    const uint8_t *lead = e->options->layout.lead + skipped;
    Py_ssize_t length = e->lead_length - skipped;
    memcpy(cur, lead, 32);
    if (RJ__UNLIKELY(length > 32))
        memcpy(cur + 32, lead + 32, (size_t)(RJ_LEAD_MAX - skipped - 32));
    return cur + length;
}

/* Before an item of an array, or (with its key) of an object. 0 where the walk stops first; the item is spilled then. */
RJ__INLINE int
begin_item(rjpy_encoder *e, uint8_t **cur, PyObject *key, PyObject *value)
{
    if (!RJ__STYLED || e->options->layout.is_compact)
        return 1;
    if (RJ__UNLIKELY(!has_short_lead(e)))
        return rjpy_break_before_item(e, *cur, key, value);
    if (RJ__LIKELY((*cur)[-1] == ',')) /* a branch: what is written next must not wait for this byte */
        *cur = put_lead(e, *cur - 1, 0);
    else
        *cur = put_lead(e, *cur, e->options->layout.item_length);
    return 1;
}

/* After a key, whose last byte is a colon. */
RJ__INLINE uint8_t *
end_key(const rjpy_encoder *e, uint8_t *cur)
{
    if (!RJ__STYLED || e->options->layout.is_compact)
        return cur;
    return put_separator(cur - 1, e->options->layout.key_separator, e->options->layout.key_length);
}

RJ__INLINE uint8_t *
open_container(rjpy_encoder *e, uint8_t *cur, uint8_t bracket)
{
    if (RJ__STYLED)
        change_level(e, 1);
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

/* Ends a container whose last byte is its opening bracket, or the comma of its last item. May stop, for a long line
 * break. */
RJ__INLINE uint8_t *
close_items(rjpy_encoder *e, uint8_t *cur, uint8_t bracket, int has_items)
{
    if (RJ__STYLED) {
        change_level(e, -1);
        if (has_items && e->options->layout.indent >= 0) {
            if (RJ__UNLIKELY(!has_short_lead(e)))
                return rjpy_break_before_bracket(e, cur, bracket);
            return put_bracket(put_lead(e, cur - 1, e->options->layout.item_length), bracket);
        }
    }
    return put_bracket(RJ__LIKELY(has_items) ? cur - 1 : cur, bracket);
}

RJ__INLINE uint8_t *
close_container(rjpy_encoder *e, uint8_t *cur, uint8_t bracket)
{
    return close_items(e, cur, bracket, cur[-1] == ',');
}
