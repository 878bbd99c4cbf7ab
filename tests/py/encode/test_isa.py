"""The instruction set is chosen at import, can be forced, and makes no difference to the output."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rjson

ROOT = next(path for path in Path(__file__).resolve().parents if (path / "stream").is_dir())
# All but scalar, of all machines.
SETS = re.findall(r"\w+(?=.* scalar$)", re.sub(".*:|#.*", "", (ROOT / "stream/arch/sets.txt").read_text()), re.MULTILINE)
CODE = r"""
import array, hashlib, random, sys, rjson
rng = random.Random(5)
alphabet = [c for c in map(chr, [*range(0, 0x250), 0x3bb, 0x7ff, 0x800, 0x4e2d, 0xfffd, 0x1f600, 0x10ffff])]
doc = []
for i in range(4000):
    doc.append("".join(rng.choices(alphabet[: rng.choice([128, 256, len(alphabet)])], k=rng.randrange(i % 200 + 1))))
    doc.append({"k" * (i % 70): rng.random(), str(i): i * 10**9, doc[-1]: [None, True]})
digest = hashlib.sha256(rjson.dumps_bytes(doc))
digest.update(b"".join(rjson.iterencode(doc, chunk_size=777)))
for options in ({"ensure_ascii": True}, {"indent": 3, "sort_keys": True}, {"separators": (" ,", "= ")}):
    digest.update(rjson.dumps_bytes(doc, **options))
    digest.update(b"".join(rjson.iterencode(doc, chunk_size=513, **options)))
floats = array.array("d", [rng.uniform(-1, 1) * 10.0 ** rng.randrange(-20, 20) for _ in range(5000)])
digest.update(rjson.dumps_bytes([floats, array.array("f", floats), array.array("q", [int(f) % 2**62 for f in floats])]))
text = rjson.dumps(doc)
digest.update(text.encode())
escaped = rjson.dumps(["".join(rng.choices('abcdefgh"\\\n\x01', k=rng.randrange(i % 300 + 1))) for i in range(2000)])
digest.update(escaped.encode())
for source in (text, text.encode(), text.encode()[:-1] + b" ]", escaped, escaped.encode(), rjson.dumps(floats)):
    digest.update(repr(rjson.loads(source)).encode("utf-8", "surrogatepass"))
print(rjson.isa, digest.hexdigest())
"""


def run(isa):
    env = {**os.environ, "RJSON_ISA": isa}
    return subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, env=env)


@pytest.mark.parametrize("isa", [*SETS, ""])
def test_forced_instruction_sets_agree(isa):
    """Each that this machine has writes and reads what the scalar one does; without a wish it is the widest."""
    scalar = run("scalar")
    assert scalar.stdout.startswith("scalar "), scalar.stderr
    other = run(isa)
    if "no such instruction set" in other.stderr:
        pytest.skip(f"this machine has no {isa}")
    name, digest = other.stdout.split()
    assert digest == scalar.stdout.split()[1]
    if isa or "RJSON_ISA" not in os.environ:
        assert name == (isa or rjson.isa)


def test_unknown_instruction_set():
    """Forcing one that does not exist is an ImportError that names it."""
    done = run("mmx")
    assert done.returncode != 0
    assert "ImportError" in done.stderr
    assert "RJSON_ISA=mmx" in done.stderr


@pytest.mark.skipif(
    platform.machine() != "x86_64" or "RJSON_ISA" in os.environ, reason="these are for x86-64, and one may be forced"
)
def test_best_is_chosen():
    """The widest that the processor has."""
    with open("/proc/cpuinfo") as f:
        flags = set(next(line for line in f if line.startswith("flags")).split())
    has_avx512 = {"avx512f", "avx512bw", "avx512dq", "avx512vl", "avx512ifma", "avx512vbmi", "avx512_vbmi2"} <= flags
    best = "avx512" if has_avx512 else "avx2" if "avx2" in flags else "sse4" if "sse4_2" in flags else "scalar"
    assert rjson.isa == best
