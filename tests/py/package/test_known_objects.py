"""True, False and None are told by their addresses: whatever these are, an interpreter has to be found a table for them."""

import ctypes
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers import UNDER_ASAN

ROOT = Path(__file__).resolve().parents[3]
HEADER = next((ROOT / "src").rglob("literal_places.h"))
SHIM = f"""
#include "{HEADER}"
uint64_t factor_for(const uintptr_t *addresses) {{ return rjpy_literal_factor(addresses); }}
size_t place_of(uint64_t factor, uintptr_t address) {{ return rjpy_place_of_address(factor, address); }}
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if UNDER_ASAN or not compiler:
        pytest.skip("needs a compiler, and a process without sanitizers")
    folder = tmp_path_factory.mktemp("places")
    (folder / "shim.c").write_text(SHIM)
    command = [
        compiler,
        "-std=c11",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-shared",
        "-fPIC",
        "-o",
        folder / "shim.so",
        folder / "shim.c",
    ]
    subprocess.run(command, check=True)
    shim = ctypes.CDLL(str(folder / "shim.so"))
    shim.factor_for.restype = ctypes.c_uint64
    shim.place_of.argtypes = [ctypes.c_uint64, ctypes.c_size_t]
    shim.place_of.restype = ctypes.c_size_t
    return shim


def places(library, addresses):
    factor = library.factor_for((ctypes.c_size_t * 3)(*addresses))
    return [library.place_of(factor, address) for address in addresses]


def triples():
    """Of executables at fixed low addresses, of shared libraries, of one page, of pages that differ in one bit, at random."""
    for base in (0x400000, 0x8F0000, 0x9A1B20, 0xABCDE0, 0x555555554000, 0x7F1234567000, 0x7FFFFFFFE000, 0xFFFF800000000000):
        for gap in (16, 24, 32, 48, 4096, 1 << 20):
            yield base, base + gap, base + 2 * gap
            yield base, base + gap, base + 100 * gap
            yield base + 7 * gap, base, base + gap
        for bit in range(4, 46):
            yield base, base ^ 1 << bit, base ^ 3 << bit
    randomly = random.Random(26)
    for bits in (24, 32, 47, 64):
        for _ in range(5000):
            yield tuple(16 * address for address in randomly.sample(range(1, 1 << bits - 4), 3))


def test_each_literal_has_a_place_of_its_own_wherever_the_three_are(library):
    """At once, and in a table of eight: a search by small steps never ended for some addresses below 16 MiB."""
    for addresses in triples():
        found = places(library, addresses)
        assert len(set(found)) == 3, [hex(address) for address in addresses]
        assert max(found) < 8


def test_the_search_ends_where_there_is_no_such_table(library):
    """Equal addresses have equal places with any factor."""
    assert library.factor_for((ctypes.c_size_t * 3)(0x9A1B20, 0x9A1B20, 0x9A1B40)) == 0
