"""Builds rjson._core from src/ (CPython) and stream/ (plain C11), and rjson._uv where pkg-config finds libuv.

All other metadata is in pyproject.toml.

Environment:
    RJSON_PORTABLE=1    build without knowledge of CPython's internals (public API only)
    RJSON_UV=0          build without rjson._uv
    CFLAGS, LDFLAGS     as usual; the sanitized builds of the Makefile use them
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
X86_64 = ("x86", ["scalar", "sse4", "avx2", "avx512"])
ARM64 = ("arm64", ["scalar", "neon"])
# Of each machine: its dispatcher, and the instruction sets that it may have.
MACHINES = {"x86_64": X86_64, "AMD64": X86_64, "aarch64": ARM64, "arm64": ARM64}


def version() -> str:
    header = (ROOT / "stream/include/rjson/stream.h").read_text()
    return re.search(r'#define RJ_VERSION "(.+)"', header)[1]


def sources() -> list[str]:
    """Whole files are chosen by machine, so that none needs an #ifdef around its body."""
    dispatcher, isas = MACHINES.get(platform.machine(), ("generic", ["scalar"]))
    every_isa = set(X86_64[1] + ARM64[1])
    mine = [path for path in glob("src/*.c") if path.rsplit("_", 1)[-1].removesuffix(".c") not in every_isa - set(isas)]
    portable = [path for path in glob("stream/*.c") if "uv" not in path]
    arch = [f"stream/arch/text_{isa}.c" for isa in isas] + [f"stream/arch/dispatch_{dispatcher}.c"]
    return sorted(mine + portable + arch)


def pkg_config(*arguments: str) -> list[str]:
    done = subprocess.run(["pkg-config", *arguments, "libuv"], check=True, capture_output=True, text=True)
    return shlex.split(done.stdout)


def has_libuv() -> bool:
    if os.environ.get("RJSON_UV") == "0" or not shutil.which("pkg-config"):
        return False
    return subprocess.run(["pkg-config", "--exists", "libuv"]).returncode == 0


def uv_sources() -> list[str]:
    """Its own files, and what they need of librjson: the two extension modules share no symbols."""
    shared = [f"stream/{name}.c" for name in ("alloc", "chunk", "clock", "error", "fd_io", "sigpipe", "sink")]
    return sorted(glob("src/uv/*.c") + glob("stream/*uv*.c") + shared)


STATIC = ("RJ_STATIC", "1")

COMMON = {
    "depends": glob("src/**/*.h", recursive=True) + glob("stream/**/*.h", recursive=True),
    "extra_compile_args": ["-std=c11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wpedantic"],
}

core = Extension(
    "rjson._core",
    sources=sources(),
    include_dirs=["stream/include", "stream"],
    define_macros=[STATIC] + ([("RJSON_PORTABLE", "1")] if os.environ.get("RJSON_PORTABLE") == "1" else []),
    libraries=["pthread"],
    **COMMON,
)


def uv() -> Extension:
    common = {**COMMON, "extra_compile_args": COMMON["extra_compile_args"] + pkg_config("--cflags")}
    return Extension(
        "rjson._uv",
        sources=uv_sources(),
        include_dirs=["stream/include", "stream", "src"],
        define_macros=[STATIC],
        extra_link_args=pkg_config("--libs"),
        **common,
    )


class ParallelBuild(build_ext):
    """Compiles as many files at once as there are processors: setuptools builds one after the other."""

    def build_extensions(self) -> None:
        compile_one_by_one = self.compiler.compile

        def compile_at_once(sources: list[str], **options) -> list[str]:
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                objects = list(pool.map(lambda source: compile_one_by_one([source], **options), sources))
            return [path for paths in objects for path in paths]

        self.compiler.compile = compile_at_once
        super().build_extensions()


setup(
    version=version(),
    ext_modules=[core, uv()] if has_libuv() else [core],
    cmdclass={"build_ext": ParallelBuild},
)
