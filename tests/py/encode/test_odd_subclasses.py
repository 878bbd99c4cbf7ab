"""Subclasses that say odd things of themselves: whatever a `__str__`, `value` or `__fspath__` returns, what is written is JSON."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import os
import pathlib
import uuid

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import rjson


class Text(str):
    """A str with opinions."""

    __slots__ = ()

    def __str__(self):
        return "not this"

    def __len__(self):
        return 1

    def __hash__(self):
        return 5

    def __eq__(self, other):
        return True

    def encode(self, *args):
        return b"nor this"


HUGE = "long, \u4e2d and 😀 " * 2_000
texts = st.one_of(
    st.sampled_from(["", "€1.50", "$1.50", "12]", "1,2", '"', "\\", "\0", "é" * 300, "中", "😀", "1" * 10_000, HUGE]),
    st.text(max_size=40),
    st.text(alphabet=st.characters(min_codepoint=0xD800, max_codepoint=0xDFFF), max_size=3),
)
answers = st.one_of(texts, texts.map(Text), st.sampled_from([None, b"bytes", 5, 1.5, [], object()]))


def check(obj, expected, **options):
    """Both forms are the JSON text `expected`, and the str is as sound as one that was made another way."""
    text = rjson.dumps(obj, **options)
    assert text == expected
    assert text.isascii() == expected.isascii()
    assert "".join(list(text)) == text
    assert rjson.dumps_bytes(obj, **options) == expected.encode()
    json.loads(text)


def as_string(text):
    """The JSON string for any str, or None where it has lone surrogates."""
    plain = "".join(text)
    try:
        plain.encode()
    except UnicodeEncodeError:
        return None
    return json.dumps(plain, ensure_ascii=False)


def check_text(obj, text):
    """`obj` is written as this str, as a value and as a key, or refused where nobody could."""
    expected = as_string(text)
    if expected is None:
        for document in (obj, {obj: 1}):
            with pytest.raises(rjson.EncodeError, match="surrogate"):
                rjson.dumps(document)
        return
    check(obj, expected)
    check([{obj: obj}], f"[{{{expected}:{expected}}}]")
    check(obj, json.dumps(json.loads(expected)), ensure_ascii=True)


# ---- decimals


@settings(deadline=None)
@given(answers, st.decimals())
@example("€ 1.50]" * 1000, decimal.Decimal("1.50"))
@example("NaN", decimal.Decimal("1E+500"))
def test_a_decimal_is_its_digits_whatever_its_subclass_says(answer, number):
    """As with int and float, whose subclasses json asks for nothing either."""

    class Money(decimal.Decimal):
        def __str__(self):
            return answer

        __repr__ = __format__ = __float__ = __str__

    digits = str(number)
    if not number.is_finite():
        digits = "NaN" if number.is_nan() else "Infinity" if number > 0 else "-Infinity"
        with pytest.raises(rjson.EncodeError, match=f"{digits} is not JSON"):
            rjson.dumps(Money(number))
        check([Money(number)], "[null]", allow_nan="null")
        check([Money(number)], f"[{digits}]", allow_nan=True)
        return
    check([Money(number)], f"[{digits}]")
    check({Money(number): Money(number)}, f'{{"{digits}":{digits}}}')
    check(Money(number), f'"{digits}"', decimal="string")


def test_decimals_in_any_context():
    """The context of the thread decides how exponents are spelled, and both ways are JSON."""
    with decimal.localcontext() as context:
        for context.capitals in (0, 1):
            for text in ("1E+30", "1E-30", "-0E+5", "0.000", "-1.5", "123456789012345678901234567890"):
                number = decimal.Decimal(text)
                check(number, str(number))
                assert decimal.Decimal(str(json.loads(rjson.dumps(number), parse_float=decimal.Decimal))) == number


# ---- enums, paths


@settings(deadline=None)
@given(answers)
def test_an_enum_is_its_value_whatever_that_is(answer):
    class Odd(enum.Enum):
        MEMBER = 1

        @property
        def value(self):
            return answer

    if isinstance(answer, str):
        check_text(Odd.MEMBER, answer)
    elif isinstance(answer, (bytes, list)) or type(answer) is object:
        with pytest.raises(rjson.EncodeError):
            rjson.dumps({Odd.MEMBER: 1})
    else:
        check({Odd.MEMBER: Odd.MEMBER}, json.dumps({answer: answer}, separators=(",", ":")))


@settings(deadline=None)
@given(answers, st.sampled_from(["__str__", "__fspath__"]))
def test_a_path_is_what_os_fspath_says(answer, method):
    base = type(pathlib.PurePosixPath())
    path = type("Odd", (base,), {method: lambda self: answer, "__hash__": lambda self: 1})("x")
    try:
        text = os.fspath(path)  # which asks no __str__ since 3.15
    except TypeError:
        text = None
    if isinstance(text, str):
        check_text(path, text)
        return
    for document in (path, [{path: 1}]):
        with pytest.raises((TypeError, rjson.EncodeError)):
            rjson.dumps(document)


# ---- what is read from memory


@settings(deadline=None)
@given(answers)
def test_numbers_and_strings_are_what_they_hold(answer):
    """As in json: a subclass's spelling of its own does not count."""

    def says(self, *args):
        return answer

    own = dict.fromkeys(["__str__", "__repr__", "__format__", "__index__", "__int__", "__float__", "__iter__"], says)
    odd_int, odd_float, odd_str = (type("Odd", (base,), own) for base in (int, float, str))
    doc = [odd_int(5), odd_int(-(10**40)), odd_float(0.5), odd_str("é"), odd_str(HUGE)]
    check(doc, json.dumps(doc, ensure_ascii=False, separators=(",", ":")))
    check({odd_int(5): 1, odd_float(0.5): 2, odd_str("é"): 3}, '{"5":1,"0.5":2,"é":3}')


@settings(deadline=None)
@given(answers)
def test_a_uuid_is_its_int(answer):
    class Odd(uuid.UUID):
        def __str__(self):
            return answer

        __repr__ = __format__ = __str__

    class Lazy(Odd):
        int = property(lambda self: answer)

    odd = Odd(int=7)
    check({odd: odd}, '{"00000000-0000-0000-0000-000000000007":"00000000-0000-0000-0000-000000000007"}')
    lazy = Lazy.__new__(Lazy)
    if answer == 5 and not isinstance(answer, str):
        check(lazy, '"00000000-0000-0000-0000-000000000005"')
        return
    for document in (lazy, [lazy], {odd: lazy}):
        with pytest.raises(TypeError, match="128 bits"):
            rjson.dumps(document)


@pytest.mark.parametrize("number", [-1, 2**128, 2**200])
def test_a_uuid_out_of_range(number):
    lazy = type("Lazy", (uuid.UUID,), {"int": property(lambda self: number)})
    lazy = lazy.__new__(lazy)
    with pytest.raises(TypeError, match="128 bits"):
        rjson.dumps([lazy])


@settings(deadline=None)
@given(answers)
def test_dates_do_not_say_themselves_what_they_are(answer):
    def says(self, *args):
        return answer

    own = dict.fromkeys(["__str__", "__repr__", "__format__", "isoformat", "strftime"], says)
    bases = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta)
    odd = [type("Odd", (base,), own) for base in bases]
    doc = [odd[0](2024, 2, 29, 1, 2, 3, 4), odd[1](2024, 2, 29), odd[2](1, 2, 3), odd[3](days=1, seconds=4.5)]
    check(doc, '["2024-02-29T01:02:03.000004","2024-02-29","01:02:03","P1DT4.5S"]')


# ---- offsets

offsets = st.one_of(
    st.timedeltas(datetime.timedelta(days=-3), datetime.timedelta(days=3)),
    st.timedeltas(),
    st.sampled_from([datetime.timedelta(hours=h) for h in (24, -24, 25, -25)]),
    st.sampled_from([datetime.timedelta.min, datetime.timedelta.max, None, 5, "+01:00"]),
)


class Zone(datetime.tzinfo):
    def __init__(self, offset):
        self.offset = offset

    def utcoffset(self, when):
        return self.offset


def as_key(moment):
    """The same, of a class whose hash does not ask for the offset."""
    hashable = type("Key", (datetime.datetime,), {"__hash__": lambda self: 1})
    return hashable.combine(moment.date(), moment.time(), moment.tzinfo)


def instant(fields, offset):
    """Seconds since the year 1, exactly, of fields whose year may be outside of what a datetime in UTC can have."""
    return (fields - datetime.datetime.min) - offset


@settings(deadline=None)
@given(st.datetimes(), offsets)
@example(datetime.datetime(2024, 1, 1), datetime.timedelta(hours=25))
@example(datetime.datetime(2024, 1, 1), datetime.timedelta(days=999999999))
@example(datetime.datetime.min, datetime.timedelta(hours=-4, minutes=-56, seconds=-2))
@example(datetime.datetime.min, datetime.timedelta(seconds=3208))
@example(datetime.datetime.max, datetime.timedelta(seconds=-75))
@example(datetime.datetime.min, datetime.timedelta(hours=23, minutes=59, seconds=31))
def test_offsets_are_those_of_isoformat(when, offset):
    """The error that isoformat() raises, or the same instant at an offset of whole minutes."""
    moment = when.replace(tzinfo=Zone(offset))
    try:
        expected = moment.isoformat()
    except (ValueError, TypeError) as error:
        for document in (moment, [moment], {as_key(moment): 1}, when.time().replace(tzinfo=Zone(offset))):
            with pytest.raises(type(error)) as caught:
                rjson.dumps(document)
            assert not isinstance(caught.value, rjson.EncodeError)
            assert type(error) is TypeError or str(caught.value).startswith("offset must be a timedelta strictly between")
        return
    if offset is None or offset % datetime.timedelta(minutes=1) == datetime.timedelta(0):
        check({as_key(moment): moment}, json.dumps({expected: expected}, separators=(",", ":")))
        return
    try:
        written = datetime.datetime.fromisoformat(json.loads(rjson.dumps(moment)))
    except rjson.EncodeError as error:
        assert "outside the years 1 to 9999" in str(error)
        assert abs(offset) > datetime.timedelta(hours=23, minutes=59)
        return
    assert instant(written.replace(tzinfo=None), written.utcoffset()) == instant(when, offset)
    assert abs(written.utcoffset() - offset) < datetime.timedelta(minutes=1)
    with pytest.raises(rjson.EncodeError, match="whole minutes"):
        rjson.dumps([when.time().replace(tzinfo=Zone(offset))])


# ---- names of fields


@settings(deadline=None)
@given(answers)
def test_dataclass_fields_with_any_name(answer):
    """Frameworks make up their own `__dataclass_fields__`."""

    class Kind:
        name = "_FIELD"

    @dataclasses.dataclass
    class Field:
        name: object
        _field_type: type = Kind

    obj = type("Odd", (), {"__dataclass_fields__": {"x": Field(answer)}})()
    if not isinstance(answer, str):
        with pytest.raises(TypeError):
            rjson.dumps(obj)
        return
    try:
        setattr(obj, "".join(answer), 1)
    except (ValueError, TypeError, UnicodeEncodeError):
        return
    expected = as_string(answer)
    if expected is None or type(answer) is Text:
        with pytest.raises((rjson.EncodeError, AttributeError, TypeError)):
            rjson.dumps(obj)
        return
    check(obj, f"{{{expected}:1}}")


@settings(deadline=None)
@given(texts, st.booleans())
def test_raw_takes_the_text_that_a_str_holds(text, is_odd):
    value = as_string(text)
    if value is None:
        return
    check([rjson.Raw(Text(value) if is_odd else value)], f"[{value}]")
