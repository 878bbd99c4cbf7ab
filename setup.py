"""Builds rjson._core from src/ (CPython) and stream/ (plain C11). All other metadata is in pyproject.toml.

Environment:
    RJSON_PORTABLE=1    build without knowledge of CPython's internals (public API only)
    CFLAGS, LDFLAGS     as usual; the sanitized builds of the Makefile use them
"""

import os
import platform
import re
from glob import glob
from pathlib import Path

from setuptools import Extension, setup

ROOT = Path(__file__).parent
IS_X86_64 = platform.machine() in ("x86_64", "AMD64")


def version() -> str:
    header = (ROOT / "stream/include/rjson/stream.h").read_text()
    return re.search(r'#define RJ_VERSION "(.+)"', header)[1]


def sources() -> list[str]:
    """Whole files are chosen by platform, so that none needs an #ifdef around its body."""
    arch = ["text_scalar", "text_avx2", "dispatch_x86"] if IS_X86_64 else ["text_scalar", "dispatch_generic"]
    portable = [path for path in glob("stream/*.c") if "uv" not in path]
    files = glob("src/*.c") + portable + [f"stream/arch/{name}.c" for name in arch]
    if not IS_X86_64:
        files.remove("src/encode_avx2.c")
    return sorted(files)


core = Extension(
    "rjson._core",
    sources=sources(),
    include_dirs=["stream/include", "stream"],
    depends=glob("src/**/*.h", recursive=True) + glob("stream/**/*.h", recursive=True),
    define_macros=[("RJSON_PORTABLE", "1")] if os.environ.get("RJSON_PORTABLE") == "1" else [],
    extra_compile_args=["-std=c11", "-O2", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wpedantic"],
    libraries=["pthread"],
)

setup(version=version(), ext_modules=[core])
