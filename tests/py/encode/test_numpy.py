"""numpy's scalars and arrays are read from memory: every numeric, boolean and time dtype, any shape, strides and byte order, as
`tolist()` and the standard library would write them."""

import datetime
import json
import math
import os
import shutil
import subprocess
import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rjson
from helpers import CHUNK_SIZES, STREAMS, check_everywhere, stdlib

pytestmark = pytest.mark.isa

numpy = pytest.importorskip("numpy")
hypothesis_numpy = pytest.importorskip("hypothesis.extra.numpy")

SLOW = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
EXACT = [f"{order}{kind}" for order in "<>" for kind in ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f8", "?")]


@st.composite
def arrays(draw, dtypes):
    """An array, seen from somewhere: transposed, sliced with steps, reversed, Fortran-ordered, without items."""
    dtype = numpy.dtype(draw(st.sampled_from(dtypes)))
    shape = draw(hypothesis_numpy.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=6))
    elements = {"allow_nan": False, "allow_infinity": False} if dtype.kind == "f" else None
    a = draw(hypothesis_numpy.arrays(dtype, shape, elements=elements and hypothesis_numpy.from_dtype(dtype, **elements)))
    if draw(st.booleans()):
        a = a.T
    if draw(st.booleans()):
        a = numpy.asfortranarray(a)
    for axis in range(a.ndim):
        step = draw(st.sampled_from([1, 1, 2, -1, -3]))
        a = a[(slice(None),) * axis + (slice(None, None, step),)]
    return a


@SLOW
@given(
    arrays(EXACT),
    st.sampled_from([{}, {"indent": 2}, {"separators": (", ", ": ")}]),
    st.sampled_from(CHUNK_SIZES),
    st.sampled_from(STREAMS),
)
def test_any_shape_and_layout(a, options, chunk_size, stream):
    expected = json.dumps(
        a.tolist(), separators=None if options else (",", ":"), **{k: v for k, v in options.items() if k == "indent"}
    )
    assert rjson.dumps(a, **options) == expected
    assert stream([a], {"chunk_size": chunk_size, **options}) == rjson.dumps_bytes([a.tolist()], **options)


def shortest(value):
    """The shortest digits for the item's own width, from numpy, in the spelling of repr."""
    return repr(float(numpy.format_float_scientific(value, unique=True)))


@SLOW
@given(arrays([f"{order}{kind}" for order in "<>" for kind in ("f4", "f2")]))
def test_narrow_floats_have_the_digits_of_their_width(a):
    got = rjson.dumps(a)
    flat = [shortest(v) for v in a.ravel()]
    assert [t for t in got.replace("[", "").replace("]", "").split(",") if t] == flat
    assert numpy.array_equal(numpy.array(json.loads(got), dtype=a.dtype.newbyteorder("=")).reshape(a.shape), a)


def test_every_half():
    """All 63,488 finite values of 16 bits read back as themselves, with numpy's digits."""
    a = numpy.arange(65536, dtype="u2").view("f2")
    a = a[numpy.isfinite(a)]
    texts = rjson.dumps(a)[1:-1].split(",")
    assert texts == [shortest(v) for v in a]


def test_floats_of_32_bits():
    """Powers of two and ten with their neighbours, subnormals, and random bits."""
    rng = numpy.random.default_rng(5)
    bits = rng.integers(0, 2**32, 50_000, dtype="u4").view("f4")
    powers = numpy.concatenate([2.0 ** numpy.arange(-149, 128), 10.0 ** numpy.arange(-45, 39)]).astype("f4")
    near = numpy.concatenate(
        [powers, numpy.nextafter(powers, numpy.float32(0)), numpy.nextafter(powers, numpy.float32(numpy.inf))]
    )
    a = numpy.concatenate([bits, near, -near])
    a = a[numpy.isfinite(a)]
    assert rjson.dumps(a)[1:-1].split(",") == [shortest(v) for v in a]


def test_scalars():
    values = [
        numpy.int8(-5), numpy.uint64(2**64 - 1), numpy.float64(0.1), numpy.float32(0.1), numpy.float16(0.1), numpy.bool_(True),
        numpy.array(7), numpy.array(2.5, dtype=">f4"), numpy.str_("é"),
    ]  # fmt: skip
    check_everywhere(lambda: values, '[-5,18446744073709551615,0.1,0.1,0.1,true,7,2.5,"é"]')
    keys = {
        numpy.int64(5): 1,
        numpy.float32(0.1): 2,
        numpy.datetime64("2024-01-01"): 3,
        numpy.bool_(False): 4,
        numpy.float64(1.5): 5,
    }
    assert rjson.dumps(keys) == '{"5":1,"0.1":2,"2024-01-01":3,"false":4,"1.5":5}'


def test_nested_in_anything():
    a = numpy.arange(6).reshape(2, 3)
    obj = {"a": [a, {"b": a.T}], "c": (a[0], numpy.int64(1))}
    expected = stdlib({"a": [a.tolist(), {"b": a.T.tolist()}], "c": [a[0].tolist(), 1]})
    check_everywhere(lambda: obj, expected)
    check_everywhere(lambda: (row for row in a), stdlib(a.tolist()))


def test_deep_indentation_of_arrays():
    a = numpy.arange(12).reshape(2, 3, 2)
    obj = a
    expected = a.tolist()
    for _ in range(100):
        obj, expected = [obj], [expected]
    check_everywhere(lambda: obj, json.dumps(expected, indent=3), indent=3)


def test_many_dimensions():
    a = numpy.arange(4).reshape((1,) * 28 + (2, 1, 2))
    check_everywhere(lambda: a, stdlib(a.tolist()))
    with pytest.raises(RecursionError, match="max_depth=30"):
        rjson.dumps(a, max_depth=30)
    assert rjson.dumps(a, max_depth=31) == stdlib(a.tolist())


def test_without_items():
    for shape in [(0,), (0, 3), (2, 0), (2, 0, 3), (2, 3, 0), (0, 0)]:
        a = numpy.zeros(shape)
        check_everywhere(lambda a=a: a, stdlib(a.tolist()))
        assert rjson.dumps([a], indent=1) == json.dumps([a.tolist()], indent=1)


def test_what_is_not_finite():
    for dtype in ("f2", "f4", "f8", "g"):
        a = numpy.array([1, math.nan, math.inf, -math.inf], dtype=dtype)
        assert rjson.dumps(a, allow_nan=True) == "[1.0,NaN,Infinity,-Infinity]"
        assert rjson.dumps(a, allow_nan="null") == "[1.0,null,null,null]"
        with pytest.raises(rjson.EncodeError, match=r"float NaN is not JSON .* at \$\.x\[1\]\[0\]"):
            rjson.dumps({"x": a[:2].reshape(2, 1)})


def test_long_doubles_keep_their_digits():
    third = numpy.longdouble(1) / 3
    text = rjson.dumps(third)
    assert numpy.longdouble(text) == third
    assert rjson.dumps(numpy.array([2, 0.5], dtype="g")) == "[2.0,0.5]"


def test_integers_that_javascript_holds():
    a = numpy.array([[1, 2], [3, 2**53]], dtype="u8")
    assert rjson.dumps(a) == "[[1,2],[3,9007199254740992]]"
    with pytest.raises(rjson.EncodeError, match=r"JavaScript .* at \$\[1\]\[1\]"):
        rjson.dumps(a, integers="js-safe")


@given(
    st.sampled_from(["s", "ms", "us", "ns", "m", "h", "5s", "25us"]),
    st.lists(st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)), min_size=1, max_size=10),
)
def test_datetime64_as_isoformat(unit, values):
    a = numpy.array(values, dtype="M8[us]").astype(f"M8[{unit}]")
    expected = [v.isoformat() for v in a.astype("M8[us]").tolist()]
    assert json.loads(rjson.dumps(a)) == expected
    assert json.loads(rjson.dumps(a.astype(a.dtype.newbyteorder(">")), naive_utc=True)) == [v + "+00:00" for v in expected]


@given(st.sampled_from("YMWD"), st.lists(st.dates(), min_size=1, max_size=10))
def test_datetime64_that_are_dates(unit, values):
    a = numpy.array(values, dtype="M8[D]").astype(f"M8[{unit}]")
    assert json.loads(rjson.dumps(a)) == [v.isoformat() for v in a.astype("M8[D]").tolist() if v is not None]


def test_datetime64_edges():
    assert (
        rjson.dumps(numpy.array(["NaT", "2024-01-01T00:00:00.123456789"], dtype="M8[ns]"))
        == '[null,"2024-01-01T00:00:00.123456789"]'
    )
    assert (
        rjson.dumps(numpy.datetime64("2024-01-01T00:00:00.123456789", "ns"), omit_microseconds=True)
        == '"2024-01-01T00:00:00"'
    )
    assert (
        rjson.dumps(numpy.datetime64("1969-12-31T23:59:59.999", "ms"), naive_utc=True, utc_z=True)
        == '"1969-12-31T23:59:59.999000Z"'
    )
    assert (
        rjson.dumps(numpy.datetime64("1970-01-01T00:00:00.000000000000000001", "as"))
        == '"1970-01-01T00:00:00.000000000000000001"'
    )
    for value in (
        numpy.datetime64(10**15, "s"),
        numpy.datetime64(10**9, "D"),
        numpy.datetime64(-(10**9), "Y"),
        numpy.datetime64("0000-12-31"),
    ):
        with pytest.raises(rjson.EncodeError, match="outside the years 1 to 9999"):
            rjson.dumps(value)


def test_timedelta64():
    a = numpy.array([90, -1, 0, "NaT"], dtype="m8[s]")
    assert rjson.dumps(a) == '["PT1M30S","-PT1S","PT0S",null]'
    assert rjson.dumps(a, timedelta="seconds") == "[90.0,-1.0,0.0,null]"
    assert rjson.dumps(numpy.timedelta64(1500, "ms"), timedelta="seconds") == "1.5"
    assert rjson.dumps(numpy.timedelta64(3, "D")) == '"P3D"'
    with pytest.raises(rjson.EncodeError, match="no fixed length"):
        rjson.dumps(numpy.timedelta64(1, "M"))


@pytest.mark.skipif(not shutil.which("localedef"), reason="makes a locale")
@pytest.mark.parametrize("name", ["de_DE", "ps_AF"])
def test_long_doubles_in_a_locale_without_a_point(tmp_path, name):
    """Whatever the program's locale puts between the digits, of one byte or two."""
    subprocess.run(["localedef", "-i", name, "-f", "UTF-8", tmp_path / f"{name}.UTF-8"], check=False, capture_output=True)
    if not (tmp_path / f"{name}.UTF-8/LC_NUMERIC").exists():
        pytest.skip("no sources of locales here")
    script = f"""
import locale, numpy, rjson
values = numpy.array([0.5, -1.25e300, 3, 1e30], dtype="g")
expected = rjson.dumps(values)
locale.setlocale(locale.LC_NUMERIC, "{name}.UTF-8")
assert locale.localeconv()["decimal_point"] != "."
assert rjson.dumps(values) == expected and expected.startswith("[0.5,-1.25")
"""
    subprocess.run([sys.executable, "-c", script], check=True, env=os.environ | {"LOCPATH": str(tmp_path)})


def test_other_kinds_go_to_default():
    for a in (
        numpy.array([1j]),
        numpy.array(["x"]),
        numpy.array([None]),
        numpy.zeros(2, dtype="i4,f4"),
        numpy.ma.array([1, 2], mask=[0, 1]),
    ):
        with pytest.raises(rjson.EncodeError, match="is not JSON serializable"):
            rjson.dumps(a)
        assert rjson.dumps(a, default=lambda o: "asked") == '"asked"'
    assert rjson.dumps(numpy.arange(2), default=lambda o: "asked", passthrough=["numpy"]) == '"asked"'


def test_an_array_stays_alive_while_it_is_written():
    chunks = rjson.iterencode([numpy.arange(100_000.0)], chunk_size=512)
    first = next(chunks)
    junk = [numpy.ones(100_000) for _ in range(5)]
    assert (first + b"".join(chunks)).decode() == stdlib([numpy.arange(100_000.0).tolist()])
    del junk


class Slow:
    """A target whose write() runs code of others', as another thread does while a write waits without the GIL."""

    def __init__(self, meanwhile):
        self.text = b""
        self.meanwhile = meanwhile

    def write(self, data):
        self.text += data
        self.meanwhile()


def slow_dump(array, meanwhile, via):
    if via == "dump":
        target = Slow(meanwhile)
        rjson.dump([array], target, chunk_size=600)
        return target.text
    text = b""
    for chunk in rjson.iterencode([array], chunk_size=600):
        text += chunk
        meanwhile()
    return text


@pytest.mark.parametrize("via", ["dump", "iterencode"])
@pytest.mark.parametrize("shape", [(100_000,), (1000, 100)])
def test_an_array_is_not_resized_while_it_is_written(via, shape):
    """numpy refuses it, with refcheck=False too; afterwards it can be resized again."""
    array = numpy.arange(100_000.0).reshape(shape).copy()
    refused = []

    def resize():
        try:
            array.resize(10, refcheck=False)
        except ValueError as e:
            refused.append(e)

    assert slow_dump(array, resize, via).decode() == stdlib([numpy.arange(100_000.0).reshape(shape).tolist()])
    assert refused
    array.resize(10, refcheck=False)


class Interface(numpy.ndarray):
    """An array whose interface is another one's: its memory may become another at any time."""

    def __new__(cls, array):
        self = super().__new__(cls, 0)
        self.array = array
        return self

    @property
    def __array_struct__(self):
        return self.array.__array_struct__


@pytest.mark.parametrize("via", ["dump", "iterencode"])
def test_memory_that_moves_is_found_again(via):
    """The rest comes from where the items are now."""
    owner = Interface(numpy.arange(100_000))

    def move():
        owner.array = numpy.arange(100_000)

    text = slow_dump(owner, move, via)
    assert text.decode() == stdlib([list(range(100_000))])


@pytest.mark.parametrize("via", ["dump", "iterencode"])
@pytest.mark.parametrize(
    "other", [numpy.arange(10), numpy.arange(100_000.0), numpy.arange(100_000).reshape(10, -1), numpy.array(["x"] * 100_000)]
)
def test_an_array_of_another_shape_or_kind_is_an_error(via, other):
    owner = Interface(numpy.arange(100_000))

    def replace():
        owner.array = other

    with pytest.raises(RuntimeError, match="Interface changed its shape while it was being encoded") as caught:
        slow_dump(owner, replace, via)
    assert caught.value.path.startswith("$[0][")


def test_an_interface_that_fails_midway():
    owner = Interface(numpy.arange(100_000))

    def lose():
        owner.array = None

    with pytest.raises((AttributeError, RuntimeError)):
        slow_dump(owner, lose, "dump")
