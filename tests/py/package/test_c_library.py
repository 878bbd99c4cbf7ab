"""The C library: its tests under sanitizers on every compiler that is here, its example, and what its header promises."""

import functools
import json
import os
import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from helpers import SLOW, UNDER_ASAN

ROOT = Path(__file__).parents[3]
COMPILERS = [cc for cc in ("gcc", "clang") if shutil.which(cc)]
HAS_LIBUV = shutil.which("pkg-config") and subprocess.run(["pkg-config", "--exists", "libuv"]).returncode == 0
TESTS = sorted(path.stem for path in (ROOT / "tests/c").glob("test_*.c") if HAS_LIBUV or "uv" not in path.stem)
THREADED_TESTS = [name for name in ("test_sink_fd", "test_uv_fanout") if name in TESTS]

pytestmark = pytest.mark.skipif(UNDER_ASAN, reason="it is built with its own sanitizers, and not for preloading")


def build(cc, target, sanitizers=None):
    name = f"stream-{cc}{'-' + sanitizers.split(',')[0] if sanitizers else ''}"
    command = ["make", "-C", "stream", "-j2", f"CC={cc}", f"BUILD=../build/{name}", target]
    if sanitizers:
        command += ["SANITIZE=1", f"SANITIZERS={sanitizers}", "CFLAGS=-O1 -g1"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr  # warnings are errors there
    return ROOT / "build" / name


@pytest.fixture(scope="module", params=COMPILERS if SLOW else COMPILERS[:1])
def sanitized(request):
    if request.param == "clang" and not any(Path("/usr/lib").glob("llvm-*/lib/clang/*/lib/linux/libclang_rt.asan*")):
        pytest.skip("clang's sanitizer runtime is not installed (libclang-rt-dev)")
    return build(request.param, "tests", "address,undefined")


@pytest.mark.parametrize("test", TESTS)
def test_under_address_and_undefined_behaviour_sanitizers(sanitized, test):
    """Each file's promises hold, without a memory error or undefined behaviour."""
    done = subprocess.run([sanitized / "tests" / test], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("test", THREADED_TESTS)
def test_under_the_thread_sanitizer(test):
    """Those that have threads have no data race."""
    program = build("gcc", f"../build/stream-gcc-thread/tests/{test}", "thread") / "tests" / test
    done = subprocess.run([program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


HAS_FUZZER = any(Path("/usr/lib").glob("llvm-*/lib/clang/*/lib/linux/libclang_rt.fuzzer*"))


@pytest.mark.skipif(not shutil.which("clang") or not HAS_FUZZER, reason="libFuzzer is not installed (libclang-rt-dev)")
def test_fuzzing_the_transcoder(tmp_path):
    """tests/fuzz: for some seconds, in pieces and windows of any size, it writes what it writes in one piece."""
    program = build("clang", "../build/stream-clang/fuzz/fuzz_reformat") / "fuzz/fuzz_reformat"
    for i, text in enumerate((b'{"a":[1.5e3,"\\u00e9\\n\xc3\xa9",true,null]}', b"[1,2]\n[3]\n", b"\x1e[]\n\x1e1\n")):
        (tmp_path / str(i)).write_bytes(bytes(8) + text)
    command = [program, tmp_path, "-max_total_time=5", "-max_len=2000", "-seed=1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-4000:]


FUZZ = ROOT / "tests/fuzz"


@pytest.mark.parametrize("target", sorted(path.stem for path in FUZZ.glob("fuzz_*.c")))
def test_the_corpus_of_each_fuzz_target(target):
    """What libFuzzer found to reach new code, under the sanitizers: each gives what the oracle gives."""
    program = build("gcc", f"../build/stream-gcc-address/replay/{target}", "address,undefined") / "replay" / target
    corpus = sorted((FUZZ / "corpus" / target.removeprefix("fuzz_")).iterdir())
    assert corpus
    done = subprocess.run([program, *corpus], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.fixture(scope="module")
def stream_rows():
    return build("gcc", "examples") / "examples/stream_rows"


def test_example_streams_a_valid_document(stream_rows):
    """examples/c: a hundred thousand rows through a pipe."""
    out = subprocess.run([stream_rows, "100000"], capture_output=True, check=True).stdout
    rows = json.loads(out)
    assert len(rows) == 100_000
    assert rows[1234] == {"id": 1234, "name": "row 1234", "share": 29.25, "even": True}


def test_example_in_constant_memory(stream_rows):
    """Ten times the rows take no more memory."""
    peaks = []
    for count in ("200000", "2000000"):
        r, w = os.pipe()
        with subprocess.Popen([stream_rows, count], stdout=subprocess.DEVNULL) as child:
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        os.close(r), os.close(w)
        assert child.returncode == 0
        peaks.append(usage.ru_maxrss)
    assert peaks[1] < peaks[0] + 500


def test_example_reports_failures(stream_rows):
    """A full disk and a closed pipe are exit codes and messages, not signals."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run([stream_rows, "100000"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    r, w = os.pipe()
    os.close(r)
    done = subprocess.run([stream_rows, "100000"], stdout=w, stderr=subprocess.PIPE, text=True)
    os.close(w)
    assert done.returncode == 1
    assert "Broken pipe" in done.stderr


@pytest.mark.parametrize("cc", COMPILERS)
@pytest.mark.parametrize("header", ["stream", "reformat"])
def test_public_header_compiles_alone_as_c_and_cxx(cc, header, tmp_path):
    """For C11 and C++11, with all warnings."""
    languages = [("c", "c11"), ("c++", "c++11")] if shutil.which("g++") else [("c", "c11")]
    for language, standard in languages:
        source = tmp_path / "x"
        source.write_text(f"#include <rjson/{header}.h>\nint main(void) {{ return RJ_OK; }}\n")
        command = [cc, "-x", language, f"-std={standard}", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]
        done = subprocess.run([*command, "-I", ROOT / "stream/include", source], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_stream_never_includes_python():
    """The C library is usable without CPython, and the extension makes no system call of its own."""
    for path in [*(ROOT / "stream").rglob("*.[ch]")]:
        assert "Python.h" not in path.read_text(), path
    for path in (ROOT / "src").rglob("*.[ch]"):
        assert "<unistd.h>" not in path.read_text(), path
        assert "<sys/" not in path.read_text(), path


SCAN = r"""
#include <stdio.h>

#include "arch/ISA/target.h"

#include "arch/ISA/scan.h"

static int
first_special(const uint8_t *block)
{
    uint64_t high, special = rj__scan_special(block, &high);
    return special ? (int)(__builtin_ctzll(special) >> RJ__SCAN_SHIFT) : -1;
}

#include "arch/common/target_end.h"

int
main(void)
{
    if (!(SUPPORTED))
        return 77;
    for (int c = 0; c < 256; c++)
        for (int place = 0; place < RJ__SCAN_BLOCK; place++) {
            uint8_t block[RJ__SCAN_BLOCK];
            memset(block, 'a', sizeof block);
            block[place] = (uint8_t)c;
            printf("%d %d %d\n", c, place, first_special(block));
        }
    return 0;
}
"""
SUPPORTED = {
    "scalar": "1",
    "sse4": '__builtin_cpu_supports("sse4.2")',
    "avx2": '__builtin_cpu_supports("avx2")',
    "avx512": '__builtin_cpu_supports("avx512vbmi2")',
}


@pytest.fixture(scope="module")
def texts(tmp_path_factory):
    """texts(compiler, level): an object of what writes strings and numbers, for every instruction set."""

    @functools.cache
    def compiled(cc, level):
        folder = tmp_path_factory.mktemp("texts")
        shared = [path for part in ("text", "number") for path in sorted((ROOT / "stream" / part).glob("*.c"))]
        arch = [ROOT / "stream/arch/dispatch.c", *(ROOT / f"stream/arch/text_{name}.c" for name in SUPPORTED)]
        includes = [f"-I{ROOT}/stream", f"-I{ROOT}/stream/include"]
        subprocess.run([cc, level, "-std=c11", *includes, "-c", *shared, *arch], cwd=folder, check=True)
        subprocess.run(["ld", "-r", *sorted(folder.glob("*.o")), "-o", folder / "texts.o"], check=True)
        return folder / "texts.o"

    return compiled


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="instruction sets of x86-64")
@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("isa", SUPPORTED)
@pytest.mark.parametrize("cc", COMPILERS)
def test_what_ends_a_string_is_found_at_every_optimization_level(texts, cc, isa, level, tmp_path):
    """A quote, a backslash or a control character, at each place of a block, and no other byte: whatever the compiler knows."""
    source, program = tmp_path / "scan.c", tmp_path / "scan"
    source.write_text(SCAN.replace("ISA", isa).replace("SUPPORTED", SUPPORTED[isa]))
    command = [cc, level, "-std=c11", "-Istream", "-Istream/include", source, texts(cc, level), "-lm", "-o", program]
    subprocess.run(command, cwd=ROOT, check=True)
    done = subprocess.run([program], capture_output=True, text=True)
    if done.returncode == 77:
        pytest.skip(f"this machine has no {isa}")
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert len(rows) >= 256 * 8
    special = {*range(0x20), ord('"'), ord("\\")}
    assert all(found == (place if c in special else -1) for c, place, found in rows)
