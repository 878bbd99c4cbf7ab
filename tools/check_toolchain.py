"""Exit with 0 if an extension can be built here: compiler, Python headers, venv with pip, pkg-config and libuv."""

import importlib.util
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path


def main() -> int:
    header = Path(sysconfig.get_path("include")) / "Python.h"
    tools = all(shutil.which(tool) for tool in ("gcc", "pkg-config"))
    modules = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
    if not (header.exists() and tools and modules):
        return 1
    libuv = subprocess.run(["pkg-config", "--exists", "libuv"]).returncode
    libc = subprocess.run(["gcc", "-E", "-x", "c", "-"], input=b"#include <stdio.h>\n", capture_output=True).returncode
    return libuv or libc


if __name__ == "__main__":
    sys.exit(main())
