"""docs/migrate.md: each row that has a value is run, there and here."""

import importlib
import re

import pytest

import rjson
from tables import ROOT, code_of, skip_other_version, tables_of

PAGE = (ROOT / "docs/migrate.md").read_text()
NAMES = {"rjson": rjson}
exec(re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)[1], NAMES)

# Where the module has another name than its package.
PACKAGES = {"rapidjson": "python-rapidjson"}
# The spaces that these write are not the page's subject.
COMPACT = {"json": "separators=(',', ':')", "simplejson": "separators=(',', ':')"}


def rows(form):
    """(call of the peer, cells) of each row with a value, of the tables of options or of those of values."""
    params = []
    for _, (header, *body) in tables_of("migrate.md"):
        calls = [code_of(cell) for cell in header]
        if form == "options" and header[-1] == "value":
            found = [(calls[0], row) for row in body if code_of(row[2])]
        elif form == "values" and header[0] == "value":
            found = [(calls[1], row) for row in body]
        else:
            continue
        for call, row in found:
            params.append(pytest.param(call, row, id=f"{call.split('.')[0]}-{row[0]}"))
    return params


def outcome(call, value, options=""):
    """What a call of the page writes, or `error`."""
    names = NAMES.copy()
    peer = call.split(".")[0]
    names[peer] = pytest.importorskip(peer)
    if peer not in ("json", "rjson"):
        skip_other_version("migrate.md", PACKAGES.get(peer, peer))
    for module in re.findall(rf"\b({peer}\.\w+)\.", call):
        names[module] = importlib.import_module(module)
    if peer in COMPACT and "indent" not in options and "separators" not in options:
        options = f"{options}, {COMPACT[peer]}".lstrip(", ")
        call = call if "..." in call else call.replace("(value)", "(value, ...)")
    names["value"] = eval(value, names)
    try:
        written = eval(call.replace("...", options), names)
    except (TypeError, ValueError, OverflowError, rjson.EncodeError):
        return "error"
    except Exception as e:
        assert type(e).__name__.endswith(("EncodeError", "SerializationError")), e
        return "error"
    return written.decode() if isinstance(written, bytes) else written


@pytest.mark.parametrize(("call", "row"), rows("options"))
def test_an_option_there_is_an_option_here(call, row):
    """The same text comes out of both."""
    there, here, value = row
    ours = code_of(here) or ""
    assert ours or here.startswith("nothing")
    theirs = "" if there.startswith("nothing") else code_of(there)
    expected = outcome(call, code_of(value), theirs)
    assert outcome("rjson.dumps(value, ...)", code_of(value), ours) == expected


@pytest.mark.parametrize(("call", "row"), rows("values"))
def test_a_value_is_written_as_the_page_says(call, row):
    """There, here, and here with what makes it the same."""
    value, there, here, same = row
    value = code_of(value)
    written, ours = outcome(call, value), outcome("rjson.dumps(value)", value)
    shown = [text.encode("utf-8", "backslashreplace").decode() for text in (written, ours)]
    assert shown == [code_of(cell) or re.match("error", cell)[0] for cell in (there, here)]
    assert (written == ours) == same.startswith("the same")
    options = code_of(same)
    if options and not same.endswith("the same string"):
        assert outcome("rjson.dumps(value, ...)", value, options) == written
    for options in re.findall(r"the same; `(.*?)`", same):
        assert outcome("rjson.dumps(value, ...)", value, options) == "error"


def test_the_page_has_every_peer():
    """Those of the benchmark, which are those that are asked about."""
    peers = {call.split(".")[0] for form in ("options", "values") for call in (p.values[0] for p in rows(form))}
    assert peers == {"json", "orjson", "msgspec", "pydantic_core", "simplejson", "ujson", "ssrjson", "rapidjson"}
    assert len(list(rows("options"))) > 50
    assert len(list(rows("values"))) > 70
