"""Numbers are written as repr writes them."""

import array
import math
import random
import struct
from concurrent.futures import ProcessPoolExecutor

import pytest

import rjson
from helpers import SLOW

pytestmark = pytest.mark.isa


def bits(n):
    return struct.unpack("<d", n.to_bytes(8, "little"))[0]


def check(numbers):
    """All at once; the first that is wrong, where one is."""
    got = rjson.dumps(numbers)
    if got != repr(numbers).replace(" ", ""):
        wrong = [(x, text) for x, text in zip(numbers, got[1:-1].split(",")) if text != repr(x)]
        pytest.fail(f"{len(wrong)} wrong, the first {wrong[0]}")


def test_random_doubles():
    """100,000 doubles of random bits; 100 million in the slow target."""
    rng = random.Random(1)
    for _ in range(1000 if SLOW else 1):
        numbers = array.array("d", rng.randbytes(800_000))
        check([x for x in numbers if x - x == 0])


def check_floats(first, stop, step):
    for start in range(first, stop, step << 16):
        numbers = array.array("f", array.array("I", range(start, min(stop, start + (step << 16)), step)).tobytes())
        check([x for x in numbers if x - x == 0])
    return True


def test_every_float():
    """The doubles that are IEEE 754 binary32 numbers: one in 65,537, and all 2**32 in the slow target."""
    if not SLOW:
        assert check_floats(0, 1 << 32, 65_537)
        return
    parts = 256
    with ProcessPoolExecutor() as pool:
        firsts = range(0, 1 << 32, (1 << 32) // parts)
        results = [pool.submit(check_floats, first, first + (1 << 32) // parts, 1) for first in firsts]
        assert all(r.result() for r in results)


def test_short_decimals_and_their_neighbours():
    """Numbers of up to seven decimals, from far below one to where there are no decimals, and the doubles beside them."""
    rng = random.Random(5)
    for _ in range(100):
        numbers = []
        for _ in range(500):
            top = rng.choice((1e-3, 1, 10, 100, 1e3, 1e5, 1e8, 2.0**36, 1e11, 1e12, 1e16))
            x = round(rng.random() * top, rng.randrange(8)) * rng.choice((1, -1))
            numbers += [x, math.nextafter(x, math.inf), math.nextafter(x, -math.inf)]
        check(numbers)
    edges = [0.0, -0.0, 1e-4, 9.9999e-5, 1.5e-4, 2.0**36, 2.0**36 - 1e-4, 0.9999, 0.99995, 99999.9999, 2.0**53, 1e15 + 0.5]
    check([x for edge in edges for x in (edge, -edge, math.nextafter(edge, math.inf), math.nextafter(edge, -math.inf))])


def test_every_place_of_the_point():
    """One to seventeen digits, with the point before, between and behind them, as far as numbers are spelled out and farther."""
    rng = random.Random(6)
    for exponent in [*range(-26, 22), -324, -308, -100, -99, 99, 100, 290]:
        check(
            [
                float(f"{sign}{rng.choice('123456789')}{rng.randrange(10**count):0{count}}e{exponent}")
                for count in range(1, 17)
                for sign in ("", "-")
                for _ in range(20)
            ]
        )


def test_whole_doubles_beyond_2_to_the_53():
    """Where doubles are two apart, up to where repr begins to write exponents, and beyond."""
    rng = random.Random(7)
    check([float(2**53 + 2 * i) for i in range(-10, 2000)])
    check([float(rng.randrange(2**53, 10**16)) for _ in range(20_000)])
    check([float(10**16 + 2 * i) for i in range(-2000, 2000)])


def test_powers_and_their_neighbours():
    """All powers of two and ten, and the doubles beside them: where shortest-digits algorithms go wrong."""
    powers = [2.0**e for e in range(-1074, 1024)] + [float(f"1e{e}") for e in range(-323, 309)]
    for x in powers:
        (n,) = struct.unpack("<Q", struct.pack("<d", x))
        for y in (x, -x, bits(n - 1), bits(n + 1), bits(n + 2)):
            assert rjson.dumps(y) == repr(y)


def test_ordinary_doubles():
    """Prices, ratios, integers as floats, and halves: short decimals and ties."""
    rng = random.Random(2)
    for i in range(50_000):
        for x in (
            i / 100,
            i / 3,
            float(i),
            i + 0.5,
            i * 1e15,
            i * 1e-9,
            round(rng.uniform(-1e6, 1e6), i % 8),
        ):
            assert rjson.dumps(x) == repr(x)


def test_single_precision_values():
    """Doubles that were floats in another life have long decimals."""
    rng = random.Random(3)
    for _ in range(20_000):
        (x,) = struct.unpack("<f", rng.getrandbits(32).to_bytes(4, "little"))
        if x - x == 0:
            assert rjson.dumps(x) == repr(x)


def test_integers_of_every_length():
    """Around every power of two and ten up to far beyond 64 bits."""
    for base, top in ((2, 200), (10, 60)):
        for e in range(top):
            for d in (-2, -1, 0, 1, 2):
                for n in (base**e + d, -(base**e) + d):
                    assert rjson.dumps(n) == str(n)


def test_random_integers():
    """100,000 of random length."""
    rng = random.Random(4)
    for _ in range(100_000):
        n = rng.getrandbits(rng.randrange(1, 130)) * rng.choice((1, -1))
        assert rjson.dumps(n) == str(n)
