"""Builds rjson._core from src/ (CPython) and stream/ (plain C11), and rjson._uv where pkg-config finds libuv.

All other metadata is in pyproject.toml.

Environment:
    RJSON_PORTABLE=1    build without knowledge of CPython's internals (public API only)
    RJSON_UV=0          build without rjson._uv
    CFLAGS, LDFLAGS     as usual; what CFLAGS says of -O and -g is taken, else -O2 -g0
"""

import os
import platform
import re
import shlex
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from glob import glob
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

ROOT = Path(__file__).parent

IMPLEMENTATION = platform.python_implementation()
if IMPLEMENTATION != "CPython":
    raise SystemExit(
        f"rjson needs CPython, and this is {IMPLEMENTATION}: it makes strings, dicts and lists in the memory where CPython "
        f"keeps them, and calls what {IMPLEMENTATION} does not have (PyGC_Disable, immutable heap types). Use json there."
    )

# Folders whose every source belongs to rjson._core: all but those of an instruction set, or of libuv.
CORE_FOLDERS = [
    *["src", "src/cpython", "src/encode", "src/encode/types", "src/decode", "src/dump", "src/reformat", "src/arrow"],
    *["stream", "stream/text", "stream/number", "stream/sinks", "stream/reformat", "stream/arrow"],
]


def version() -> str:
    header = (ROOT / "stream/include/rjson/stream.h").read_text()
    return re.search(r'#define RJ_VERSION "(.+)"', header)[1]


def instruction_sets(machine: str) -> list[str]:
    for line in (ROOT / "stream/arch/sets.txt").read_text().splitlines():
        names, _, sets = line.partition(":")
        if machine.lower() in names.split():
            return sets.split()
    return ["scalar"]


def sources() -> list[str]:
    """Whole files are chosen by machine, so that none needs an #ifdef around its body."""
    isas = instruction_sets(platform.machine())
    mine = [path for folder in CORE_FOLDERS for path in glob(f"{folder}/*.c")]
    walks = [path for isa in isas for path in glob(f"src/isa/*_{isa}.c")]
    arch = ["stream/arch/dispatch.c", *(path for isa in isas for path in glob(f"stream/arch/*_{isa}.c"))]
    return sorted(mine + walks + arch)


def pkg_config(*arguments: str) -> list[str]:
    done = subprocess.run(["pkg-config", *arguments, "libuv"], check=True, capture_output=True, text=True)
    return shlex.split(done.stdout)


def has_libuv() -> bool:
    if os.environ.get("RJSON_UV") == "0" or not shutil.which("pkg-config"):
        return False
    return subprocess.run(["pkg-config", "--exists", "libuv"]).returncode == 0


def uv_sources() -> list[str]:
    """Its own files, and what they need of librjson: the two extension modules share no symbols."""
    shared = ["alloc", "clock", "error", "framing", "sinks/chunk", "sinks/fd_io", "sinks/sigpipe", "sinks/sink"]
    return sorted(glob("src/uv/*.c") + glob("stream/uv/*.c") + [f"stream/{name}.c" for name in shared])


STATIC = ("RJ_STATIC", "1")
INCLUDES = ["stream/include", "stream", "src"]


def compile_flags() -> list[str]:
    """Debug information is ten times as large as the code, and Python's own flags ask for it; what the user asks for
    counts.
    """
    given = os.environ.get("CFLAGS", "").split()
    optimized = [] if any(flag.startswith("-O") for flag in given) else ["-O2"]
    bare = [] if any(flag.startswith("-g") for flag in given) else ["-g0"]
    # A sanitizer has checks of its own.
    hardened = [] if "-fsanitize" in " ".join(given) else ["-fstack-protector-strong"]
    if hardened and optimized:
        hardened += ["-U_FORTIFY_SOURCE", "-D_FORTIFY_SOURCE=3"]
    return ["-std=c11", *optimized, *bare, *hardened, *SECTIONS, "-fvisibility=hidden", "-Wall", "-Wextra", "-Wpedantic"]


# Tables of addresses are read-only once the module is loaded, and what nothing refers to is left out.
LINK = ["-Wl,-z,relro,-z,now", "-Wl,--gc-sections"] if platform.system() == "Linux" else []
SECTIONS = ["-ffunction-sections", "-fdata-sections"] if LINK else []


# Where there are better sets, what processors from before 2009 need; with options for the layout, from before 2013. It may
# be slower, if it is small: 1.05 to 1.3 times, reading text beyond ASCII 1.8 times. See bench/EXPERIMENTS.md.
FOR_SIZE = ("_scalar.c", "encode_styled_sse4.c")


def size_flags(source: str) -> list[str]:
    is_old = source.endswith(FOR_SIZE) and len(instruction_sets(platform.machine())) > 1
    return ["-Os"] if is_old and "-O2" in COMMON["extra_compile_args"] else []


COMMON = {
    "depends": glob("src/**/*.h", recursive=True) + glob("stream/**/*.h", recursive=True),
    "extra_compile_args": compile_flags(),
}

core = Extension(
    "rjson._core",
    sources=sources(),
    include_dirs=INCLUDES,
    define_macros=[STATIC] + ([("RJSON_PORTABLE", "1")] if os.environ.get("RJSON_PORTABLE") == "1" else []),
    libraries=["pthread"],
    extra_link_args=LINK,
    **COMMON,
)


def uv() -> Extension:
    common = {**COMMON, "extra_compile_args": COMMON["extra_compile_args"] + pkg_config("--cflags")}
    return Extension(
        "rjson._uv",
        sources=uv_sources(),
        include_dirs=INCLUDES,
        define_macros=[STATIC],
        extra_link_args=pkg_config("--libs") + LINK,
        **common,
    )


class ParallelBuild(build_ext):
    """Compiles as many files at once as there are processors: setuptools builds one after the other."""

    def build_extensions(self) -> None:
        compile_one_by_one = self.compiler.compile

        def compile_at_once(sources: list[str], **options) -> list[str]:
            def compile_one(source: str) -> list[str]:
                flags = [*options["extra_postargs"], *size_flags(source)]
                return compile_one_by_one([source], **{**options, "extra_postargs": flags})

            with ThreadPoolExecutor(os.cpu_count()) as pool:
                objects = list(pool.map(compile_one, sources))
            return [path for paths in objects for path in paths]

        self.compiler.compile = compile_at_once
        super().build_extensions()


setup(
    version=version(),
    ext_modules=[core, uv()] if has_libuv() else [core],
    cmdclass={"build_ext": ParallelBuild},
)
