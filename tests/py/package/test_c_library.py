"""The C library: its tests under sanitizers on every compiler that is here, its example, and what its header promises."""

import functools
import json
import os
import platform
import re
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


@pytest.mark.parametrize("test", THREADED_TESTS)
def test_what_stands_in_place_of_linux(test, tmp_path):
    """stream/platform.h: the code for other systems keeps the same promises. On Linux its files go before the library's."""
    folder = build("gcc", f"../build/stream-gcc-address/tests/{test}", "address,undefined")
    libraries = [folder / name for name in ("librjson-uv.a", "librjson.a") if "uv" in test or "uv" not in name]
    libuv = (
        subprocess.run(["pkg-config", "--cflags", "--libs", "libuv"], capture_output=True, text=True).stdout
        if "uv" in test
        else ""
    )
    portable = [path for path in sorted((ROOT / "stream").rglob("*.c")) if '"platform.h"' in path.read_text()]
    assert len(portable) == 4
    sanitize = ["-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
    command = ["gcc", "-std=c11", "-O1", "-g1", *sanitize, "-DRJ_ONLY_POSIX", "-pthread", "-Istream/include", "-Istream"]
    sources = [ROOT / "tests/c" / f"{test}.c", *portable]
    subprocess.run([*command, *sources, *libraries, *libuv.split(), "-lm", "-o", tmp_path / test], cwd=ROOT, check=True)
    done = subprocess.run([tmp_path / test], capture_output=True, text=True, timeout=300)
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


@pytest.fixture(scope="module")
def installed(stream_rows, tmp_path_factory):
    """What `make install` makes, under a prefix; and the environment in which pkg-config, CMake and Meson find it."""
    prefix = tmp_path_factory.mktemp("prefix")
    command = ["make", "-C", "stream", "CC=gcc", "BUILD=../build/stream-gcc", f"PREFIX={prefix}", "install"]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    paths = {"PKG_CONFIG_PATH": prefix / "lib/pkgconfig", "CMAKE_PREFIX_PATH": prefix, "LD_LIBRARY_PATH": prefix / "lib"}
    return prefix, {**os.environ, **{name: str(path) for name, path in paths.items()}}


def project(folder, language, source="stream_rows.c"):
    """An outside project: a build file as the manual has it, and the program."""
    manual = (ROOT / "stream/README.md").read_text()
    text = re.search(rf"```{language}\n(.*?)```", manual, re.DOTALL)[1]
    folder.mkdir(exist_ok=True)
    (folder / {"cmake": "CMakeLists.txt", "meson": "meson.build"}[language]).write_text(text)
    shutil.copy(ROOT / "examples/c" / source, folder / "program.c")
    return folder


def skip_without(*programs):
    """As they are on PATH; a shim of one that is not installed fails."""
    for program in programs:
        if not shutil.which(program) or subprocess.run([program, "--version"], capture_output=True).returncode:
            pytest.skip(f"{program} is not installed")


def run_outside(command, folder, env):
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def rows_of(program, env):
    return json.loads(run_outside([program, "3"], program.parent, env))


@pytest.mark.skipif(not shutil.which("pkg-config"), reason="pkg-config is not installed")
@pytest.mark.parametrize("static", [False, True])
def test_an_outside_program_by_pkg_config(installed, tmp_path, static):
    """Compiled with nothing but what `pkg-config rjson` says."""
    prefix, env = installed
    flags = run_outside(["pkg-config", "--cflags", "--libs", *["--static"][:static], "rjson"], tmp_path, env).split()
    if static:
        flags = [f"{prefix}/lib/librjson.a" if flag == "-lrjson" else flag for flag in flags]
    run_outside(["gcc", ROOT / "examples/c/stream_rows.c", *flags, "-o", tmp_path / "program"], tmp_path, env)
    libraries = subprocess.run(["ldd", tmp_path / "program"], env=env, capture_output=True, text=True).stdout
    assert ("librjson.so" in libraries) == (not static)
    assert len(rows_of(tmp_path / "program", env)) == 3


@pytest.mark.parametrize("target", ["rjson", "rjson-static", "rjson-uv", "rjson-uv-static"])
def test_an_outside_project_of_cmake(installed, tmp_path, target):
    """find_package, each target of it."""
    skip_without("cmake")
    needs_uv = "uv" in target
    if needs_uv and not HAS_LIBUV:
        pytest.skip("without libuv")
    _, env = installed
    folder = project(tmp_path / "project", "cmake", "uv_server.c" if needs_uv else "stream_rows.c")
    file = folder / "CMakeLists.txt"
    text = file.read_text().replace("rjson::rjson)", f"rjson::{target})")
    file.write_text(text.replace("REQUIRED)", "REQUIRED COMPONENTS uv)") if needs_uv else text)
    run_outside(["cmake", "-S", folder, "-B", tmp_path / "build"], tmp_path, env)
    run_outside(["cmake", "--build", tmp_path / "build"], tmp_path, env)
    if not needs_uv:
        assert len(rows_of(tmp_path / "build/program", env)) == 3


@pytest.mark.parametrize(("asked", "is_found"), [("0.1.0 EXACT", True), ("0.0.9", False), ("0.2", False)])
def test_cmake_is_told_the_version(installed, tmp_path, asked, is_found):
    """A later one than there is, or one before what was public changed, is not found."""
    skip_without("cmake")
    _, env = installed
    folder = project(tmp_path / "project", "cmake")
    file = folder / "CMakeLists.txt"
    file.write_text(file.read_text().replace("rjson 0.1 ", f"rjson {asked} "))
    done = subprocess.run(["cmake", "-S", folder, "-B", tmp_path / "build"], env=env, capture_output=True, text=True)
    assert (done.returncode == 0) == is_found, done.stderr


def test_an_outside_project_of_meson(installed, tmp_path):
    """dependency(), which asks pkg-config."""
    skip_without("meson", "ninja", "pkg-config")
    _, env = installed
    folder = project(tmp_path / "project", "meson")
    run_outside(["meson", "setup", tmp_path / "build", folder], tmp_path, env)
    run_outside(["meson", "compile", "-C", tmp_path / "build"], tmp_path, env)
    assert len(rows_of(tmp_path / "build/program", env)) == 3


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
