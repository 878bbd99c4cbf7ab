"""Ints that readers may not have, and ints of more digits than Python converts."""

from __future__ import annotations

import array
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import rjson
from helpers import check_everywhere, stdlib

# ---- integers that readers may not have


def test_integers_int64():
    """Both ends are in, one more is out, in every kind of place; keys are strings, so that nothing is lost in them."""
    lowest, highest = -(2**63), 2**63 - 1
    inside = [lowest, highest, 0, -1, 2**53]
    check_everywhere(lambda: [inside, {"a": lowest}], stdlib([inside, {"a": lowest}]), integers="int64")
    for outside in (lowest - 1, highest + 1, 2**64 - 1, 2**64, -(2**64), 10**5000):
        for doc in (outside, [outside], {"a": outside}, [1.5, (outside,)]):
            with pytest.raises(rjson.EncodeError, match=r'outside of int64, .* \(integers="exact" writes it'):
                rjson.dumps(doc, integers="int64")
        assert rjson.dumps({outside: 1}, integers="int64") == rjson.dumps({outside: 1})


@pytest.mark.parametrize("bits", [53, 63, 64, 65, 20_000])
def test_integers_as_strings(bits):
    """Beyond 2**53 - 1 in either direction, the numbers that JavaScript has no more."""
    for n in (2**bits, 2**bits - 1, 2**bits + 1, -(2**bits), 1 - 2**bits):
        expected = f'"{digits_of(n)}"' if abs(n) > 2**53 - 1 else str(n)
        for indent in (None, 1):
            assert rjson.dumps(n, integers="string", indent=indent) == expected
        assert rjson.dumps([n, True, 1.5, {"a": n}], integers="string") == f'[{expected},true,1.5,{{"a":{expected}}}]'
        assert rjson.dumps_bytes({n: n}, integers="string") == f'{{"{digits_of(n)}":{expected}}}'.encode()


def test_integers_as_strings_in_arrays():
    numpy = pytest.importorskip("numpy")
    values = [0, 2**53 - 1, 2**53, 2**64 - 1]
    expected = '[0,9007199254740991,"9007199254740992","18446744073709551615"]'
    assert rjson.dumps(numpy.array(values, "u8"), integers="string") == expected
    assert rjson.dumps(array.array("Q", values), integers="string") == expected
    assert rjson.dumps([numpy.int64(-(2**63)), numpy.int64(-5)], integers="string") == '["-9223372036854775808",-5]'
    assert rjson.dumps({numpy.uint64(2**64 - 1): 1}, integers="string") == '{"18446744073709551615":1}'
    assert rjson.dumps(numpy.array([-(2**63)], "i8"), integers="int64") == "[-9223372036854775808]"
    with pytest.raises(rjson.EncodeError, match=r"outside of int64.* at \$\[1\]"):
        rjson.dumps(numpy.array([1, 2**63], "u8"), integers="int64")


# ---- more digits than Python converts


def digits_of(n):
    """By division, in pieces that Python's limit allows."""
    if n < 0:
        return "-" + digits_of(-n)
    pieces = []
    while True:
        n, rest = divmod(n, 10**4000)
        if not n:
            return str(rest) + "".join(p.rjust(4000, "0") for p in reversed(pieces))
        pieces.append(str(rest))


@given(st.integers(1, 70_000), st.integers(0, 2**64), st.booleans())
@settings(max_examples=40, deadline=None)
def test_ints_of_any_size(bits, low, is_negative):
    """Ours have no limit: sys.get_int_max_str_digits() is about texts that come from strangers."""
    n = (1 << bits) + low
    n = -n if is_negative else n
    assert rjson.dumps([n, {n: n}]) == f'[{digits_of(n)},{{"{digits_of(n)}":{digits_of(n)}}}]'


@pytest.mark.parametrize("exponent", [598, 599, 600, 601, 602, 603, 640, 4299, 4300, 4301, 20_000])
def test_powers_of_ten(exponent):
    """Zeros at the end, nines, and what lies beside them, around every border between two ways."""
    n = 10**exponent
    zeros = "1" + "0" * exponent
    assert rjson.dumps([n, n - 1, n + 1, -n]) == f"[{zeros},{'9' * exponent},{zeros[:-1]}1,-{zeros}]"
    check_everywhere(lambda: [n], f"[{zeros}]")


def test_the_least_limit_there_is():
    """640 digits; in a process of its own, because it is the interpreter's."""
    code = (
        "import sys, rjson; getattr(sys, 'set_int_max_str_digits', int)(640); n = 10**641 - 1;"
        "assert rjson.dumps([n, {n: 1}]) == '[' + '9' * 641 + ',{\"' + '9' * 641 + '\":1}]'"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_large_subclasses():
    """Their own arithmetic is not asked."""

    class Odd(int):
        def __neg__(self):
            return 5

        __pos__ = __abs__ = __rshift__ = __and__ = bit_length = to_bytes = __lt__ = __int__ = __index__ = __neg__

    assert rjson.dumps([Odd(10**1000), Odd(-(10**5000))]) == f"[1{'0' * 1000},-1{'0' * 5000}]"


def test_the_place_is_named_behind_a_key_that_has_no_repr():
    """A key of so many digits has none either."""
    with pytest.raises(rjson.EncodeError, match=r"at \$\[<int>\]\[0\]"):
        rjson.dumps({10**5000: [object()]})
