"""The package installs from a clone and from an sdist, and ships its types."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

import rjson
from helpers import UNDER_ASAN

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(UNDER_ASAN, reason="compilers cannot run under the preloaded sanitizer")
def test_install_from_sdist(tmp_path):
    """sdist, then a wheel from it in another folder, then use in a fresh environment. Compiled without optimization, for the time it takes."""
    sources = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, sources], check=True, capture_output=True)
    subprocess.run([sys.executable, "setup.py", "-q", "sdist", "-d", tmp_path], cwd=sources, check=True, capture_output=True)
    (sdist,) = tmp_path.glob("rjson-*.tar.gz")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run(
        [*pip, "wheel", "--no-build-isolation", "--no-deps", "-w", tmp_path, sdist],
        check=True, capture_output=True, env={**os.environ, "CFLAGS": "-O0"},
    )  # fmt: skip
    (wheel,) = tmp_path.glob("rjson-*.whl")
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env/bin/python"
    target = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"], check=True, capture_output=True, text=True
    ).stdout.strip()
    subprocess.run([*pip, "install", "--no-deps", "--target", target, wheel], check=True, capture_output=True)
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    subprocess.run([python, ROOT / "tests/smoke.py"], check=True, cwd=tmp_path, env=env)


def test_version_stands_in_one_place():
    """The header's version is the package's; the changelog and the citation follow it."""
    header = (ROOT / "stream/include/rjson/stream.h").read_text()
    assert f'#define RJ_VERSION "{rjson.__version__}"' in header
    assert f"version: {rjson.__version__}\n" in (ROOT / "CITATION.cff").read_text()
    assert f"## {rjson.__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_aio_is_imported_when_it_is_asked_for():
    """`import rjson` alone imports no event loop; `rjson.aio` works all the same."""
    code = """
import sys, rjson
assert "asyncio" not in sys.modules
assert rjson.aio.dump is sys.modules["rjson.aio"].dump
try:
    rjson.nothing
except AttributeError as e:
    assert str(e) == "module 'rjson' has no attribute 'nothing'"
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_import_is_light():
    """`import rjson`, and using it, imports no module that a bare interpreter would have to load first and that is not needed."""
    code = """
import sys
before = set(sys.modules)
import io, rjson
rjson.dump(rjson.loads("[1]"), io.BytesIO())
assert not {"typing", "re", "collections", "json", "socket", "tempfile", "contextlib", "enum"} & (set(sys.modules) - before)
"""
    subprocess.run(
        [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(Path(rjson.__file__).parents[1])!r}){code}"],
        check=True,
    )


@pytest.mark.parametrize("name", ["PyPy", "GraalVM"])
def test_other_implementations_are_told_what_they_lack(name):
    """In one sentence instead of pages of a compiler's errors."""
    code = f"""
import platform, runpy, sys
platform.python_implementation = lambda: {name!r}
sys.argv = ["setup.py", "build_ext"]
runpy.run_path("setup.py", run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith(f"rjson needs CPython, and this is {name}: ")
    assert done.stderr.count("\n") == 1
