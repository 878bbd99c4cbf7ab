"""loads: numbers. Ints are exact, floats the nearest doubles, whatever form they have and whatever number came before."""

import decimal
import json
import math
import random
import struct
import sys

import pytest

import rjson
from loads_helpers import json_loads, outcome, same

pytestmark = pytest.mark.vectors


def check_float(text):
    got = rjson.loads(text)
    assert same(got, float(text)), text


def test_floats_near_powers():
    for exponent in range(-345, 311):
        for digits in ("1", "9", "1.7976931348623157", "2.2250738585072014", "4.9406564584124654", "9.9999999999999999999"):
            check_float(f"{digits}e{exponent}")
    for exponent in range(-1074, 1024):
        value = math.ldexp(1.0, exponent)
        for neighbour in (value, math.nextafter(value, 0.0), math.nextafter(value, math.inf)):
            check_float(f"{neighbour:.17e}")
            check_float(repr(neighbour) if "e" in repr(neighbour) or "." in repr(neighbour) else f"{neighbour}.0")


def test_floats_halfway():
    """Exactly between two doubles, and just beside: ties go to even."""
    rng = random.Random(1)
    for _ in range(300):
        bits = rng.getrandbits(52) | 1 << 52
        exponent = rng.randrange(-60, 60)
        low, high = decimal.Decimal(bits), decimal.Decimal(bits + 1)
        with decimal.localcontext() as context:
            context.prec = 200
            middle = (low + high) / 2 * decimal.Decimal(2) ** exponent
            for text in (f"{middle:e}", f"{middle * (1 + decimal.Decimal(10) ** -40):e}", f"{middle:f}"):
                check_float(text if "." in text or "e" in text.lower() else text + ".0")


@pytest.mark.parametrize("digits", [1, 8, 15, 16, 17, 18, 19, 20, 21, 40, 400, 800])
def test_floats_of_many_digits(digits):
    rng = random.Random(digits)
    for _ in range(200):
        text = str(rng.randrange(10 ** (digits - 1), 10**digits))
        point = rng.randrange(1, digits + 1)
        check_float(f"{text[:point]}.{text[point:] or 0}")
        check_float(f"-{text[:point]}.{text[point:] or 0}e{rng.randrange(-340, 310)}")
        check_float(f"0.{'0' * rng.randrange(30)}{text}")
        check_float(f"{text}E{rng.randrange(-400, 400)}")


def test_floats_random_bits():
    rng = random.Random(2)
    for _ in range(20_000):
        (value,) = struct.unpack("<d", rng.getrandbits(64).to_bytes(8, "little"))
        if math.isfinite(value):
            assert same(rjson.loads(repr(value)), value)
            check_float(f"{value:.18e}")


def test_exponents_beyond_reckoning():
    for text in ("1e99999999999999999999", "1e-99999999999999999999", "0e99999999999999999999", "0.0e-5", "-0e0"):
        check_float(text)


@pytest.mark.parametrize("digits", range(1, 60))
def test_ints(digits):
    rng = random.Random(digits)
    edges = [10 ** (digits - 1), 10**digits - 1, 2 ** min(digits * 3, 63), 2 ** min(digits * 3, 63) - 1, 2**64 - 1, 2**64]
    for value in [*edges, *(rng.randrange(10**digits) for _ in range(20))]:
        for sign in ("", "-"):
            text = f"{sign}{value}"
            assert same(rjson.loads(text), int(text))
            assert same(rjson.loads(f"[{text},{text}]"), [int(text)] * 2)


def numbers_with_a_point(length):
    """Digits of this length and a point at every place between them, or none."""
    digits = ("1234567890" * 3)[:length]
    return [digits, *(f"{digits[:i]}.{digits[i:]}" for i in range(1, length))]


@pytest.mark.parametrize("length", range(1, 26))
def test_every_place_of_the_point(length):
    """Around what vectors take at once, before everything that may come next, in texts short and long."""
    for number in numbers_with_a_point(length):
        for text in (number, "-" + number, number + "e2", number + "E-7", "0." + "0" * length + number.replace(".", "")):
            expected = json.loads(text)
            assert same(rjson.loads(text), expected)
            for behind in (",", " ,", "\n]", "]"):
                padded = f"[{text}{behind}".rstrip(",]") + ("," if "," in behind else "")
                padded += '"' + "x" * 300 + '"]' if behind.endswith(",") else "]" + " " * 300
                assert same(rjson.loads(padded)[0], expected), padded
    for wrong in ("1.", "1.e5", "12345.", "1..2", "1.2.3", "123456789012345.", "1234567890123456.", "1e", "00.5", "01.5"):
        for text in (wrong, f"[{wrong}]", f'[{wrong},"{"x" * 300}"]', f'["{"x" * 300}",{wrong}]'):
            assert outcome(rjson.loads, text) == "refused", text


def test_ints_longer_than_python_allows():
    """Python's own limit against texts whose conversion takes quadratic time."""
    if not hasattr(sys, "get_int_max_str_digits") or not sys.get_int_max_str_digits():
        pytest.skip("no limit here")
    text = "1" * (sys.get_int_max_str_digits() + 1)
    with pytest.raises(rjson.DecodeError, match=r"parse_int takes any.*char 1") as e:
        rjson.loads(f"[{text}]")
    assert e.value.pos == 1
    assert rjson.loads(f"[{text}]", parse_int=len) == [len(text)]


# Numbers that are read in different ways, and what only begins like one.
FORMS = [
    *("0", "7", "-0", "-5", "-6", "42", "256", "257", "-300", "1234567", "12345678", "123456789012345", "1234567890123456"),
    *("9223372036854775807", "-9223372036854775808", "9223372036854775808", "18446744073709551615", "18446744073709551616"),
    *("0.5", "-0.0", "12.25", "1234567.5", "12345678.5", "123456789012.25", "0.1234567890123", "0.12345678901234"),
    *("0.1234567890123456", "0.12345678901234567", "123.12345678901234567", "1234567.123456789012", "12345678.123456789012"),
    *("0.123456789012345678901234567890", "0.000000000000000000000001", "1.5e3", "1e5", "12E-2", "1.2345678901234567e-300"),
    *("1.7976931348623157e+308", "5e-324", "123456789e0", "9007199254740993.0", "562949953421312.5"),
    *(
        "00",
        "01",
        "-",
        "--1",
        "1.",
        "1.e5",
        ".5",
        "12345.",
        "0.12345678901234567.",
        "1.2.3",
        "1e",
        "1e+",
        "1:2",
        "12;",
        "1/2",
    ),
    *("0123456", "-01.5", "1234:", "1234567890123456.", "+1", "1_000", "0x10"),
]


@pytest.mark.parametrize("first", FORMS)
def test_numbers_behind_others(first):
    """Each is read as if it were alone, also where others follow, or a long string, or nothing."""
    for second in FORMS:
        for text in (f"[{first},{second}]", f"[{first},{second},{first}]", f'[{first}, {second}, {second},"{"x" * 80}"]'):
            expected = outcome(json_loads, text)
            assert same(outcome(rjson.loads, text), expected), text
            assert same(outcome(rjson.loads, text.encode()), expected), text
