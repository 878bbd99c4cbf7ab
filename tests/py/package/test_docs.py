"""Every example in the README and the docstrings does what it says."""

import ast
import doctest
import inspect
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import rjson
import rjson.aio
import rjson.compat
from helpers import HAS_UV
from rjson import _compressed, _encoder, _options, _paths, _reformat
from rjson.aio import _writer

MODULES = [rjson, _compressed, _encoder, _paths, _reformat, _writer]
PUBLIC = [rjson, rjson.aio, rjson.compat]
if HAS_UV:
    import rjson.uv
    from rjson.uv import _fanout, _stream

    MODULES += [_fanout, _stream]
    PUBLIC += [rjson.uv]

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("module", MODULES)
def test_docstrings(module):
    """The examples of the docstrings."""
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0


def pages():
    """The README, the package's manual, and the pages beside it."""
    return [ROOT / "README.md", ROOT / "python/README.md", *sorted((ROOT / "docs").glob("*.md"))]


def manual():
    return "".join(page.read_text() for page in pages())


def python_blocks():
    """Of every page; one that is to stand behind the first of its page does."""
    blocks = []
    for page in pages():
        of_page = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
        blocks += [of_page[0] + code if code.startswith("# behind ") else code for code in of_page]
    return [code for code in blocks if HAS_UV or "rjson.uv" not in code]


@pytest.mark.parametrize("code", python_blocks(), ids=lambda code: code.splitlines()[0][:40])
def test_readme_examples(code, tmp_path):
    """Each Python block of the README and of the manual runs as it stands, in a process and folder of its own."""
    optional = "httpx|aiohttp|requests|urllib3|starlette|flask|pydantic|attrs|numpy|fsspec|dask|pyarrow"
    for module in re.findall(rf"^(?:import|from) ({optional})", code, re.MULTILINE):
        pytest.importorskip(module)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert done.returncode == 0, done.stderr


def anchors(page):
    """Those of a page's headings, as GitHub and mkdocs make them."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.replace("`", "")).strip().lower().replace(" ", "-") for heading in headings}


def test_links_lead_somewhere():
    """In every page of the tree, and to a heading that is there."""
    pages = [page for page in ROOT.rglob("*.md") if not {"build", ".venv", "node_modules"} & set(page.parts)]
    assert len(pages) > 15
    for page in pages:
        for target, anchor in re.findall(r"\]\((?!\w+:)([^)\s#]*)#?([^)\s]*)\)", page.read_text()):
            file = page.parent / target if target else page
            assert file.exists(), f"{page}: {target}"
            if anchor and file.suffix == ".md":
                assert anchor in anchors(file), f"{page}: {target}#{anchor}"


def test_powers_are_code():
    """Elsewhere 2**53 begins bold text."""
    for page in pages():
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
        assert not re.search(r"\d\*\*\d", text), page


def test_every_page_is_on_the_site():
    """`make docs` makes it; whoever adds a page adds it to the navigation."""
    navigation = (ROOT / "mkdocs.yml").read_text()
    for page in (ROOT / "docs").glob("*.md"):
        assert f": {page.name}\n" in navigation, page


def test_readme_has_examples():
    """And there are some."""
    assert len(python_blocks()) >= 4


def test_everything_public_is_documented():
    """Names in __all__ exist, have docstrings, and are in the README or the manual."""
    text = manual()
    for module in PUBLIC:
        for name in module.__all__:
            thing = getattr(module, name)
            assert isinstance(thing, str) or thing.__doc__ or thing is vars(json).get(name), name
            if not name.startswith("_"):
                assert name in text, name


def test_signatures():
    """help() and editors see the real parameters."""
    encoding = (rjson.dumps, rjson.dumps_bytes, rjson.dump, rjson.dump_to, rjson.iterencode, rjson.Raw, rjson.Encoder)
    for function in (*encoding, rjson.loads, rjson.load, rjson.iterload, rjson.aio.iterload):
        assert inspect.signature(function).parameters, function


def test_the_manual_lists_every_option():
    """As the table has it, Options has it, and the encoder takes it; and the groups of `passthrough`."""
    manual = (ROOT / "python/README.md").read_text()
    table = manual[manual.index("| option | default |") : manual.index("## Many documents")]
    listed = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert listed == set(rjson.Options.__annotations__)
    for name in listed:
        try:
            rjson.Encoder(**{name: object()})
        except (TypeError, ValueError) as e:
            assert "unexpected keyword" not in str(e)
    for group in _options.TypeGroup.__args__:
        assert f"`{group}`" in table
        rjson.Encoder(passthrough=[group])


def test_the_manual_lists_every_option_of_reading():
    manual = (ROOT / "python/README.md").read_text()
    table = manual[manual.index("| option of reading |") : manual.index("What RFC 8259 leaves open")]
    listed = {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert listed == set(rjson.DecodeOptions.__annotations__)
    for name in listed:
        try:
            rjson.loads("1", **{name: object()})
        except (TypeError, ValueError) as e:
            assert "unexpected keyword" not in str(e)


def test_editors_show_the_docstrings():
    """What the stub says of a function or class of _core is what help() says: editors look nowhere else."""
    module = ast.parse((ROOT / "python/rjson/_core.pyi").read_text())
    bodies = [
        (rjson._core, module),
        *((getattr(rjson._core, n.name, None), n) for n in module.body if isinstance(n, ast.ClassDef)),
    ]
    documented = {}
    for owner, body in bodies:
        for node in body.body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and hasattr(owner, node.name) and ast.get_docstring(node):
                assert ast.get_docstring(node).strip() == inspect.getdoc(getattr(owner, node.name)).strip(), node.name
                documented[node.name] = node
    assert documented.keys() >= {"dumps", "dumps_bytes", "loads", "Raw", "EncodeError", "write"}


def documented_keys(name):
    """The keys of a TypedDict of _options, and the docstrings below them."""
    module = ast.parse((ROOT / "python/rjson/_options.py").read_text())
    (body,) = (node.body for node in module.body if isinstance(node, ast.ClassDef) and node.name == name)
    return {
        node.target.id: ast.literal_eval(below.value)
        for node, below in itertools.pairwise(body)
        if isinstance(node, ast.AnnAssign) and isinstance(below, ast.Expr)
    }


def documented_arguments(docstring):
    """The names of the section Args, and what it says of each."""
    arguments = re.search(r"Args:\n(.*?)\n\n", inspect.cleandoc(docstring), re.DOTALL)[1]
    found = re.findall(r"^    (\w[\w, ]*): (.*(?:\n {8}.*)*)", arguments, re.MULTILINE)
    return {name: text for names, text in found for name in names.split(", ")}


@pytest.mark.parametrize(("name", "thing"), [("Options", rjson.Encoder), ("DecodeOptions", rjson.loads)])
def test_editors_show_what_an_option_means(name, thing):
    """Below each option, where they look, stands what help() says of it."""
    keys, arguments = documented_keys(name), documented_arguments(thing.__doc__)
    assert keys.keys() == getattr(rjson, name).__annotations__.keys()
    assert {key: " ".join(text.split()) for key, text in keys.items()} == {
        key: " ".join(arguments[key].split()) for key in keys
    }
