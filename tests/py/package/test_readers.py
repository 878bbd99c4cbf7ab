"""docs/readers.md: what each reader that is installed makes of each text, against what the page says of it."""

import datetime
import functools
import io
import json
import math
import re
import shutil
import subprocess
import uuid
import warnings
from decimal import Decimal

import pytest

import rjson
from tables import ROOT, code_of, skip_other_version, tables_of

NAMES = {"Decimal": Decimal, "io": io}
exec(re.search(r"```python\n(.*?)```", (ROOT / "docs/readers.md").read_text(), re.DOTALL)[1], NAMES)
LINE_READERS, LINES, DOCUMENT_READERS, DOCUMENTS = (table for _, table in tables_of("readers.md"))
CALLS = {name: code_of(call) for table in (LINE_READERS, DOCUMENT_READERS) for name, call in table[1:]}
# Where the module has another name than its package.
PACKAGES = {"rapidjson": "python-rapidjson", "simdjson": "pysimdjson", "json_stream": "json-stream"}


def use(reader):
    """Makes a reader known to the calls of the page, if it is here and of the version that the page is about."""
    if reader == "jq":
        program = shutil.which("jq") or pytest.skip("jq is not installed")
        version = subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip()
        skip_other_version("readers.md", "jq", version.removeprefix("jq-"))
        NAMES["jq"] = jq
        return
    NAMES[reader] = pytest.importorskip(reader)
    for submodule in re.findall(rf"\b({reader}\.\w+)\.", CALLS[reader]):
        pytest.importorskip(submodule)
    if reader not in ("json", "rjson"):
        skip_other_version("readers.md", PACKAGES.get(reader, reader))


def jq(expression, file):
    """The values that the command writes, read exactly."""
    done = subprocess.run(["jq", "-c", expression, file], capture_output=True, text=True, check=True)
    return [json.loads(line, parse_int=lambda n: -0.0 if n == "-0" else int(n)) for line in done.stdout.split("\n") if line]


def rows_of(result):
    """What a reader returned, as a list of rows."""
    if hasattr(result, "fetchall"):  # duckdb's
        return [dict(zip(result.columns, row)) for row in result.fetchall()]
    if hasattr(result, "iloc"):  # pandas's
        return result.to_dict("records")
    return list(result)


def is_nan(value):
    return isinstance(value, float) and math.isnan(value)


def plain(row):
    """Without the columns that a row has nothing for, and the name that duckdb has for what has none."""
    if isinstance(row, dict):
        if [*row] == ["json"]:
            return plain(row["json"])
        return {str(k): plain(v) for k, v in row.items() if not (v is None or is_nan(v))}
    return [plain(v) for v in row] if isinstance(row, (list, tuple)) else row


def is_same(got, sent):
    """1.0 is as good as 1, and a date as its text; the instant of a time has to be the same, and the sign of a zero."""
    if isinstance(sent, dict):
        return isinstance(got, dict) and got.keys() == sent.keys() and all(is_same(got[k], sent[k]) for k in sent)
    if isinstance(got, dict):  # columns without names of their own
        return is_same([*got.values()], sent if isinstance(sent, list) else [sent])
    if isinstance(sent, list):
        return isinstance(got, list) and len(got) == len(sent) and all(map(is_same, got, sent))
    if isinstance(sent, str) and isinstance(got, datetime.datetime):
        return got.utcoffset() is not None and got == datetime.datetime.fromisoformat(sent.replace("Z", "+00:00"))
    if isinstance(got, (datetime.date, datetime.time, uuid.UUID)):
        return str(got) == sent
    if isinstance(sent, float) and isinstance(got, (int, float, Decimal)):
        return str(float(got)) == str(sent)
    return got == sent and isinstance(got, bool) == isinstance(sent, bool)


def cell_of(read, sent):
    """What the page says of a reader: `ok`, `error`, or else the first value that came out differently."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            got = [plain(row) for row in read()]
    except Exception:
        return "error"
    if len(got) != len(sent):
        return f"{len(got)} rows"
    for theirs, ours in zip(got, map(plain, sent)):
        if not is_same(theirs, ours):
            value = theirs["a"] if isinstance(theirs, dict) and [*theirs] == ["a"] == [*ours] else theirs
            shown = str(value) if isinstance(value, datetime.date) else ascii(value)
            return f"**`{shown if len(shown) < 50 else shown[:20] + '...'}`**"
    return "ok"


def exactly(text):
    """JSON as it is meant: 1E+400 is not infinite."""
    return json.loads(text, parse_float=lambda n: Decimal(n) if math.isinf(float(n)) else float(n))


@functools.cache
def lines_of(cell, options=""):
    """The text of a row of the page, and its values. Bytes are the text itself, as long as no option is asked to write them."""
    rows = eval(code_of(cell), NAMES)
    if isinstance(rows, bytes):
        if not options:
            complete = rows if rows.endswith(b"}") else rows.rpartition(b"\n")[0]
            return rows, [exactly(line) for line in complete.decode("utf-8-sig").splitlines() if line]
        rows = [*map(json.loads, rows.splitlines())]
    text = b"".join(rjson.iterencode(rows, framing="lines", **eval(f"dict({options})")))
    return text, [*map(exactly, text.decode().split("\n")[:-1])]


def lines_cell(reader, row, file, ours="", theirs=""):
    text, sent = lines_of(row, ours)
    file.write_bytes(text)
    call = CALLS[reader].replace(", ...", f", {theirs}" if theirs else "")
    return cell_of(lambda: rows_of(eval(call, {**NAMES, "file": str(file)})), sent)


def document_cell(reader, row):
    text = eval(code_of(row), NAMES)
    try:
        sent = exactly(text)
    except ValueError:
        sent = None  # is not one document, so whatever comes out is wrong
    return cell_of(lambda: [eval(CALLS[reader], {**NAMES, "text": text})], [sent])


@pytest.mark.parametrize("reader", LINES[0][1:-1])
def test_lines(reader, tmp_path):
    """The cells of a reader's column; and that what the last column has for it, or for all, does avoid what is in bold."""
    use(reader)
    file, column = tmp_path / "x.ndjson", LINES[0].index(reader)
    for row in LINES[1:]:
        assert lines_cell(reader, row[0], file) == row[column], row[0]
        for name, options in re.findall(r"(?:(\w+): )?`([^`]*=[^`]*)`", row[-1]):
            if name == reader:
                assert lines_cell(reader, row[0], file, theirs=options) == "ok", (row[0], options)
            elif not name:
                try:
                    assert "*" not in lines_cell(reader, row[0], file, ours=options), (row[0], options)
                except (rjson.EncodeError, RecursionError):
                    pass  # it is not written


@pytest.mark.parametrize("reader", DOCUMENTS[0][1:])
def test_documents(reader):
    """The cells of a reader's column."""
    use(reader)
    column = DOCUMENTS[0].index(reader)
    for row in DOCUMENTS[1:]:
        assert document_cell(reader, row[0]) == row[column], row[0]


def test_the_python_function_of_duckdb(tmp_path):
    """It leaves out what SQL's function refuses."""
    use("duckdb")
    file = tmp_path / "x.ndjson"
    file.write_bytes(b'{"a":1}\n' * 25_000 + b'{"a":1,"b":2}\n')
    assert rows_of(NAMES["duckdb"].read_json(str(file)))[-1] == {"a": 1}
    with pytest.raises(NAMES["duckdb"].InvalidInputException):
        rows_of(NAMES["duckdb"].sql(f"from read_ndjson('{file}')"))


def test_the_setting_of_dask(tmp_path):
    """Without it, objects are objects."""
    use("dask")
    file = tmp_path / "x.ndjson"
    file.write_bytes(b'{"a":{"x":1}}\n{"a":{"y":2}}\n')
    with NAMES["dask"].config.set({"dataframe.convert-string": False}):
        assert rows_of(NAMES["dask"].dataframe.read_json(str(file), lines=True).compute(scheduler="synchronous")) == [
            {"a": {"x": 1}}, {"a": {"y": 2}},
        ]  # fmt: skip


@pytest.mark.parametrize("cut", [b'\x1e[1,2\n\x1e{"a":1}\n', b'\x1e{"a":1}\n\x1e[1,2', b'\x1e{"a":1}\n\x1e12'])
def test_record_separators_of_jq(cut):
    """It leaves out what is cut, and says nothing; rjson says something."""
    use("jq")
    done = subprocess.run(["jq", "--seq", "-c", "."], input=cut, capture_output=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, b'\x1e{"a":1}\n', b"")
    with pytest.raises(rjson.DecodeError):
        list(rjson.iterload([cut], framing="seq", end=True))
    if not cut.endswith(b"12"):
        with pytest.raises(rjson.DecodeError):
            list(rjson.iterload([cut], framing="seq"))
