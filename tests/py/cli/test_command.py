"""The command rjson: what it writes, what it says when something is wrong, and that files are whole whatever happens."""

from __future__ import annotations

import bz2
import contextlib
import fcntl
import gzip
import io
import itertools
import json
import lzma
import os
import pty
import re
import sqlite3
import stat
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

import rjson
from helpers import UNDER_ASAN
from rjson._cli import main

# The package that is tested, from every folder.
ENV = os.environ | {"PYTHONPATH": str(Path(rjson.__file__).parents[1])}
ROWS = [{"id": i, "name": f"né{i}", "x": i / 2} for i in range(50)]


def command(*arguments: object, stdin: bytes = b"", code: int = 0, env: dict[str, str] | None = None) -> bytes:
    """What the command writes; it ends with `code`, and says something if that is not 0."""
    done = subprocess.run(
        [sys.executable, "-m", "rjson", *map(str, arguments)],
        input=stdin,
        capture_output=True,
        env=ENV | (env or {}),
        timeout=60,
    )
    assert done.returncode == code, done.stderr
    assert bool(done.stderr) == (code != 0)
    return done.stdout if code == 0 else done.stderr


def run(*arguments: object, code: int = 0) -> None:
    """The same in this process."""
    assert main([str(argument) for argument in arguments]) == code


@pytest.fixture
def data(tmp_path):
    file = tmp_path / "data.json"
    file.write_bytes(rjson.dumps_bytes(ROWS))
    return file


@pytest.mark.parametrize(
    "options", [[], ["--indent", "2"], ["--tab"], ["--no-indent"], ["--compact"], ["--sort-keys"], ["--indent", "0"]]
)
def test_options_of_json_tool(options, data):
    """The same names, the same output."""
    expected = subprocess.run(
        [sys.executable, "-m", "json.tool", "--no-ensure-ascii", *options, data], capture_output=True, check=True
    ).stdout
    assert command("--no-ensure-ascii", *options, data) == expected
    assert command(*options, stdin=data.read_bytes()) == expected


TEXTS = [
    '\n\n[["blorpie"],[ "whoops" ] , [\n ],\t"d-shtaeou",\r"d-nthiouh",\n{"nifty":87}, {"morefield" :\tfalse,"field"\n:"yes"}  ]\n ',
    '{"ingredients":["frog", "water"]}\n{"ingredients":["chocolate","steel bolts"]}\n',
    '1\n"a"\n[]\n{}\n',
    '{"msg": "\u3053\u3093", "key": "\U0001f4a9", "n": [1.5, -0.0, 12345678901234567890, 1e-07]}',
    '{"b":{"a":[],"z":{}},"a":[[],{},[1]],"10":1,"9":2,"é":3}',
    "[1, 2]",
    "1",
    '"x"',
    "",
    "  \n",
    "[1,",
    "[1,]",
    '{"a":1',
    "nul",
    '["a\tb"]',
    '["\\u00e9\\ud800"]',
]


def json_tool(arguments):
    """Its exit code and what it writes, in this process."""
    import json.tool

    class Output(io.StringIO):
        def __exit__(self, *_):  # it would be closed
            pass

    output = Output()
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(io.StringIO()):
        try:
            json.tool.main()
        except SystemExit as e:
            return (e.code if isinstance(e.code, int) else e.code is not None), output.getvalue()
    return 0, output.getvalue()


@pytest.mark.parametrize("layout", ["", "--indent 2", "--indent 0", "--indent -1", "--tab", "--no-indent", "--compact"])
def test_every_combination_of_json_tool(layout, tmp_path, monkeypatch, capfd):
    """The same bytes and exit codes, errors among them; but for what the manual names: one text may hold several documents."""
    monkeypatch.chdir(tmp_path)
    for text in TEXTS:
        Path("x.json").write_text(text, encoding="utf-8", newline="")
        for options in itertools.product(["", "--sort-keys"], ["", "--json-lines"], ["", "--no-ensure-ascii"]):
            arguments = [*layout.split(), *" ".join(options).split(), "x.json"]
            if text.count("\n") > 1 and ("--json-lines" in options) == text.startswith(("\n", "[")):
                continue  # several documents, or several lines
            if text.isspace() and "--json-lines" in options:
                continue  # an empty line
            monkeypatch.setattr(sys, "argv", ["json.tool", *arguments])
            code, expected = json_tool(arguments)
            if "\\u" in text and "--no-ensure-ascii" in options:
                continue  # an escape stays one
            run(*arguments, *([] if "--no-ensure-ascii" in options else ["--ascii"]), code=code)
            if code == 0:
                assert capfd.readouterr() == (expected, ""), (text, arguments)
            else:
                assert capfd.readouterr().err.startswith("x.json:"), (text, arguments)


@pytest.mark.parametrize("wrong", ["--indent x", "--tab --compact", "--indent 2 --no-indent", "--colour"])
def test_wrong_arguments_of_json_tool(wrong, monkeypatch):
    """Exit code 2, of both."""
    monkeypatch.setattr(sys, "argv", ["json.tool", *wrong.split()])
    assert json_tool(wrong)[0] == 2
    assert command(*wrong.split(), code=2).startswith(b"usage: ")


def test_what_is_not_as_in_json_tool(data, tmp_path):
    """As the manual has it."""
    assert command("--compact", stdin=b'[1.0E2,"\\/",{"a":1,"a":2}]') == b'[1.0E2,"\\/",{"a":1,"a":2}]\n'
    assert command("--compact", "--json-lines", stdin=b"[1,\n2]\n3") == b"[1,2]\n3\n"
    assert b"Expecting value" in command(stdin=b"[NaN]", code=1)
    assert b"15 at most" in command("--indent", "16", code=2)
    assert b"unrecognized" in command("--comp", code=2)
    assert command("--sort-keys", "--compact", stdin=b'["\\ud800"]') == b'["\\ud800"]\n'
    command(data, "-o", data, "--compact")
    assert data.read_bytes() == rjson.dumps_bytes(ROWS) + b"\n"


def test_json_lines_of_json_tool(tmp_path):
    """--json-lines reads a document a line, and writes each with the layout."""
    lines = b'{"a":1}\n[2]\n'
    expected = subprocess.run(
        [sys.executable, "-m", "json.tool", "--json-lines"], input=lines, capture_output=True, check=True
    ).stdout
    assert command("--json-lines", stdin=lines) == expected


def test_framings(data, tmp_path):
    """An array to lines and back, and to JSON-seq; several files are one stream of documents."""
    run("--lines", data, "-o", tmp_path / "rows.ndjson")
    assert (tmp_path / "rows.ndjson").read_text() == "".join(rjson.dumps(row) + "\n" for row in ROWS)
    run("--array", "--compact", tmp_path / "rows.ndjson", "-o", tmp_path / "back.json")
    assert (tmp_path / "back.json").read_bytes() == data.read_bytes() + b"\n"
    run("--seq", data, "-o", tmp_path / "rows.seq")
    assert (tmp_path / "rows.seq").read_text() == "".join(f"\x1e{rjson.dumps(row)}\n" for row in ROWS)
    (tmp_path / "one.json").write_text('{"a": 1}')
    run("--array", data, tmp_path / "one.json", tmp_path / "rows.seq", "-o", tmp_path / "all.json")
    assert rjson.loads((tmp_path / "all.json").read_bytes()) == [*ROWS, {"a": 1}, *ROWS]
    run("--lines", tmp_path / "one.json", data, "-o", tmp_path / "all.ndjson")
    assert [rjson.loads(line) for line in (tmp_path / "all.ndjson").read_text().splitlines()] == [{"a": 1}, *ROWS]
    assert command(tmp_path / "one.json", "-", "--compact", stdin=b"2") == b'{"a":1}\n2\n'


def test_digits_are_kept():
    """Also where keys are sorted."""
    text = b'{"b":1.000,"a":[1E400,-0.0,' + b"9" * 5000 + b"]}"
    assert command("--compact", stdin=text) == text + b"\n"
    assert command("--compact", "--sort-keys", stdin=text) == b'{"a":[1E400,-0.0,' + b"9" * 5000 + b'],"b":1.000}\n'
    assert b"Duplicate key" in command("--sort-keys", stdin=b'{"a":1,"a":2}', code=1)
    assert command("--sort-keys", "--lines", stdin=b'[{"b":1,"a":2}]') == b'{"a":2,"b":1}\n'
    assert command("--sort-keys", "--array", "--compact", stdin=b'{"b":1,"a":2}\n1') == b'[{"a":2,"b":1},1]\n'


def test_mistakes_are_shown(tmp_path, monkeypatch, capsys):
    """file:line:column, what is wrong, and the line with the place."""
    monkeypatch.chdir(tmp_path)
    Path("bad.json").write_text('{\n\t"é": [1,],\n"b": 2}')
    run("bad.json", code=1)
    assert capsys.readouterr().err == 'bad.json:2:10: Expecting value\n\t"é": [1,],\n\t        ^\n'
    error = command("--compact", stdin=b"[" + b"1," * 100_000 + b"x]", code=1).decode()
    assert error.startswith("<stdin>:1:200002: Expecting value\n")
    assert error.splitlines()[1].endswith("1,1,x]")
    assert len(error.splitlines()[2]) == error.splitlines()[1].index("x") + 1
    with gzip.open("bad.json.gz", "wt") as file:
        file.write("[1,\n2 3]")
    run("bad.json.gz", code=1)
    assert capsys.readouterr().err == "bad.json.gz:2:3: Expecting ',' delimiter\n2 3]\n  ^\n"
    run("nowhere.json", code=1)
    assert capsys.readouterr().err == "nowhere.json: No such file or directory\n"
    run("--sort-keys", "bad.json", code=1)
    assert capsys.readouterr().err.startswith("bad.json:2:10: Expecting value\n")
    error = command("--sort-keys", stdin=b'{"b":1}\n{"a":2,}\n{"a":3}', code=1)
    assert error == b'<stdin>:2:8: Expecting property name enclosed in double quotes\n{"a":2,}\n       ^\n'
    run("-o", "/dev/full", "--compact", "--from", "lines", "bad.json", code=1)


def test_check_looks_at_every_file(data, tmp_path, capsys):
    """And writes nothing but what is wrong."""
    run("--check", data)
    (tmp_path / "bad.json").write_text("[1,\n")
    (tmp_path / "worse.json").write_text("")
    run("--check", tmp_path / "bad.json", data, tmp_path / "worse.json", code=1)
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.rsplit("/")[-1] for line in err.splitlines() if ".json" in line] == [
        "bad.json:1:4: Expecting value (the text ends here)",
        "worse.json:1:1: Expecting value",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--nope"],
        ["--indent", "16"],
        ["--indent", "x"],
        ["--compact", "--tab"],
        ["--lines", "--indent", "2"],
        ["--in-place"],
        ["--in-place", "-o", "x", "y"],
        ["--check", "-o", "x", "y"],
        ["from-sqlite", "db"],
        ["from-csv", "--delimiter", "::"],
        ["completion", "cmd"],
    ],
)
def test_wrong_arguments(arguments, capsys):
    """Usage, what is wrong, and exit code 2."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: rjson")


@pytest.mark.parametrize("arguments", ["", "--lines --from concat", "--sort-keys", "from-csv"])
def test_nobody_reads_the_output_any_more(arguments):
    """Exit code 141, as of a process that SIGPIPE ended, and no word."""
    pipeline = f"yes '[1,2]' | head -c 2000000 | {sys.executable} -m rjson {arguments} | true; exit ${{PIPESTATUS[2]}}"
    done = subprocess.run(["bash", "-c", pipeline], capture_output=True, timeout=60)
    assert (done.returncode, done.stderr) == (141, b"")


# ---- files


@pytest.mark.parametrize(("suffix", "module"), [("gz", gzip), ("bz2", bz2), ("xz", lzma)])
def test_compressed_files(suffix, module, data, tmp_path):
    """Their suffix says how, for reading and for writing."""
    packed = tmp_path / f"data.json.{suffix}"
    run("--compact", data, "-o", packed)
    with module.open(packed) as file:
        assert file.read() == data.read_bytes() + b"\n"
    run("--lines", packed, "-o", tmp_path / "rows.ndjson")
    assert len((tmp_path / "rows.ndjson").read_text().splitlines()) == len(ROWS)
    packed.write_bytes(packed.read_bytes()[:-20])
    run(packed, "-o", tmp_path / "rows.ndjson", code=1)
    assert len((tmp_path / "rows.ndjson").read_text().splitlines()) == len(ROWS)


def test_zst(data, tmp_path):
    """Where there is a module for it."""
    if sys.version_info < (3, 14):
        pytest.importorskip("zstandard")
    run("--compact", data, "-o", tmp_path / "data.json.zst")
    run("--compact", tmp_path / "data.json.zst", "-o", tmp_path / "back.json")
    assert (tmp_path / "back.json").read_bytes() == data.read_bytes() + b"\n"


def test_in_place(data, tmp_path):
    """Permissions stay, links stay links, and nothing else is in the folder."""
    os.chmod(data, 0o640)
    link = tmp_path / "link.json"
    link.symlink_to(data)
    run("--in-place", "--indent", "2", link)
    assert data.read_text() == json.dumps(ROWS, indent=2, ensure_ascii=False) + "\n"
    assert stat.S_IMODE(data.stat().st_mode) == 0o640
    assert link.is_symlink()
    run("--in-place", "--compact", data)
    assert data.read_bytes() == rjson.dumps_bytes(ROWS) + b"\n"
    assert sorted(os.listdir(tmp_path)) == ["data.json", "link.json"]


def test_in_place_leaves_what_it_cannot_read(data, tmp_path, capsys):
    """A file with a mistake stays as it is; so does an output whose input has one."""
    broken = data.read_bytes()[:-1]
    data.write_bytes(broken)
    other = tmp_path / "other.json"
    other.write_text("[ 1 ]")
    run("--in-place", other, data, code=1)
    run(data, "-o", other, code=1)
    assert data.read_bytes() == broken
    assert other.read_text() == "[\n    1\n]\n"
    assert sorted(os.listdir(tmp_path)) == ["data.json", "other.json"]


def test_killed_at_any_moment(tmp_path):
    """The file is the old one or the new one."""
    file = tmp_path / "data.json"
    old, new = b"[" + b"1, " * 2_000_000 + b"1]", b"[" + b"1," * 2_000_000 + b"1]\n"
    for i in range(12):
        file.write_bytes(old)
        child = subprocess.Popen([sys.executable, "-m", "rjson", "--in-place", "--compact", file])
        time.sleep(0.02 * i)
        child.kill()
        child.wait()
        assert file.read_bytes() in (old, new)


def test_an_output_that_is_no_file(data):
    """It is written to, not replaced."""
    run(data, "-o", "/dev/null")
    assert not Path("/dev/null").is_file()


# ---- rows


def test_csv(tmp_path, capsys):
    """Fields are strings, or what they look like; numbers keep their digits."""
    text = 'id,name,"x,y"\r\n1,"a ""b""\nc",1.50\r\n007,,true\r\n'
    rows = [{"id": "1", "name": 'a "b"\nc', "x,y": "1.50"}, {"id": "007", "name": "", "x,y": "true"}]
    assert json.loads(command("from-csv", stdin=text.encode())) == rows
    lines = command("from-csv", "--infer", "--lines", stdin=b"\xef\xbb\xbf" + text.encode())
    assert lines == b'{"id":1,"name":"a \\"b\\"\\nc","x,y":1.50}\n{"id":"007","name":null,"x,y":true}\n'
    assert (
        command("from-csv", "--no-header", "--compact", "--delimiter", ";", stdin=b"1;2\n\n3\n") == b'[["1","2"],[],["3"]]\n'
    )
    assert command("from-csv", "--compact", stdin=b"") == b"[]\n"
    assert command("from-csv", stdin=b"a,b\n1,2\n3\n", code=1) == b"<stdin>:3: 1 fields, but 2 names\n"
    assert command("from-csv", stdin=b"a,a\n", code=1) == b"<stdin>:1: two columns are named 'a'\n"
    assert command("from-csv", stdin=b'a\n"b', code=1).startswith(b"<stdin>:2: ")
    assert command("from-csv", stdin=b"a\n\xff", code=1).startswith(b"<stdin>: ")
    assert command("from-csv", "--encoding", "latin-1", "--compact", stdin=b"a\n\xe9") == '[{"a":"é"}]\n'.encode()
    run("from-csv", tmp_path / "nowhere.csv", code=1)
    assert "No such file" in capsys.readouterr().err


def test_sqlite(tmp_path, capsys):
    """Tables, views and queries; the database is not changed."""
    db = tmp_path / "shop.db"
    with sqlite3.connect(db) as connection:
        connection.execute('CREATE TABLE "odd ""name" (id INTEGER, price REAL, note TEXT, data BLOB)')
        connection.execute("INSERT INTO \"odd \"\"name\" VALUES (1, 2.5, NULL, x'0001'), (9007199254740993, -1, 'é', NULL)")
    connection.close()
    run("from-sqlite", db, "--table", 'odd "name', "--lines", "-o", tmp_path / "out")
    expected = (
        '{"id":1,"price":2.5,"note":null,"data":"AAE="}\n{"id":9007199254740993,"price":-1.0,"note":"é","data":null}\n'
    )
    assert (tmp_path / "out").read_text() == expected
    assert command("from-sqlite", db, "--query", "SELECT 1 AS a WHERE 0", "--compact") == b"[]\n"
    for arguments, message in (
        (["--table", "none"], "no such table"),
        (["--query", "SELECT 1 AS a, 2 AS a"], "two columns are named 'a'"),
        (["--query", 'DELETE FROM "odd ""name"'], "readonly"),
        (["--query", "SELEC"], "syntax error"),
    ):
        run("from-sqlite", db, *arguments, code=1)
        assert message in capsys.readouterr().err
    run("from-sqlite", tmp_path / "none.db", "--table", "t", code=1)
    assert not (tmp_path / "none.db").exists()


@pytest.mark.skipif(UNDER_ASAN, reason="memory cannot be measured under it")
@pytest.mark.parametrize("rows", ["csv", "json"])
def test_constant_memory(rows, tmp_path):
    """Forty times the rows take no more."""
    program = (
        "import re, sys; from rjson._cli import main; assert main(sys.argv[1:]) == 0; "
        "print(re.search(r'VmHWM:\\s*([0-9]+)', open('/proc/self/status').read())[1])"
    )
    peaks = []
    for count in (5_000, 200_000):
        file = tmp_path / "rows"
        if rows == "csv":
            file.write_text("id,name\n" + "".join(f"{i},name {i}\n" for i in range(count)))
        else:
            file.write_text("[" + ",".join(f'{{"id": {i}}}' for i in range(count)) + "]")
        arguments = ["from-csv", "--infer", file] if rows == "csv" else ["--lines", file]
        done = subprocess.run(
            [sys.executable, "-c", program, *arguments, "-o", tmp_path / "out"], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 5 * 1024


# ---- help, completion, progress


def test_help_has_examples_that_work(data, tmp_path):
    """Those of the commands are shown by --help."""
    for arguments in ([], ["from-csv"], ["from-sqlite"], ["completion"]):
        assert b"examples:\n  " in command(*arguments, "--help")
    assert command("--version") == f"rjson {rjson.__version__}\n".encode()


def completions(line: str, folder: Path) -> set[str]:
    """What the shell would offer: argcomplete's protocol."""
    out = folder / "completions"
    env = {
        "_ARGCOMPLETE": "1",
        "COMP_LINE": line,
        "COMP_POINT": str(len(line)),
        "_ARGCOMPLETE_STDOUT_FILENAME": str(out),
        "_ARGCOMPLETE_IFS": "\n",
        "COMP_TYPE": "9",
        "_ARGCOMPLETE_SUPPRESS_SPACE": "1",
    }
    subprocess.run([sys.executable, "-m", "rjson"], env=ENV | env, cwd=folder, check=True, timeout=60)
    return set(out.read_text().split("\n"))


CUT = {
    '{"a": [1,\n  2': ("2:4: Expecting ',' delimiter", "  2", "   ^"),
    '{"a": [1,\n  2 \n\n': ("2:4: Expecting ',' delimiter", "  2", "   ^"),
    '{"a": [1,\r\n': ("1:10: Expecting value", '{"a": [1,', "         ^"),
    '{"a":': ("1:6: Expecting value", '{"a":', "     ^"),
    '{"a":\t\n': ("1:6: Expecting value", '{"a":', "     ^"),
    '[\n    "é"\n \n': ("2:8: Expecting ',' delimiter", '    "é"', "       ^"),
    "[\n1\n" + "\n" * 9: ("2:2: Expecting ',' delimiter", "1", " ^"),
    '{"a":1}\n{"a":2}\n{"a"\n': ("3:5: Expecting ':' delimiter", '{"a"', "    ^"),
}


@pytest.mark.parametrize("text", CUT)
@pytest.mark.parametrize("way", ["file", "gz", "stdin", "--check", "--sort-keys", "--lines", "second"])
def test_texts_that_are_cut(text, way, tmp_path, monkeypatch, capfd):
    """A mistake at the end is told behind what is there, with its line: not behind the last line break, where there is none."""
    monkeypatch.chdir(tmp_path)
    place, line, pointer = CUT[text]
    name = {"gz": "cut.json.gz", "stdin": "<stdin>"}.get(way, "cut.json")
    Path("cut.json").write_bytes(text.encode())
    Path("cut.json.gz").write_bytes(gzip.compress(text.encode()))
    Path("whole.json").write_text("[1]")
    if way == "stdin":
        error = command(stdin=text.encode(), code=1).decode()
    else:
        options = {"file": [], "gz": [], "second": ["whole.json"]}.get(way, [way])
        run(*options, name, code=1)
        error = capfd.readouterr().err
    if way == "--sort-keys" and text.count("{") == 3:  # documents one by one: where its line began is not known any more
        place = place.replace("3:5", "4:1")
    assert error == f"{name}:{place} (the text ends here)\n{line}\n{pointer}\n"


def test_a_string_that_is_cut():
    """Its line is shown too."""
    for text in '["abc', '[1,\n"abc  ':
        assert command(stdin=text.encode(), code=1).decode().splitlines()[1].rstrip() == text.split("\n")[-1].rstrip()


def test_compressed_files_that_are_cut(tmp_path, monkeypatch, capfd):
    """One line that says so, exit code 1, and the file stays as it was."""
    monkeypatch.chdir(tmp_path)
    whole = gzip.compress(b"[" + b"1," * 5000 + b"1]")
    for end in (0, 1, 9, 10, 20, len(whole) - 9, len(whole) - 1):
        Path("cut.json.gz").write_bytes(whole[:end])
        for options in (["--check"], ["--in-place"], ["--sort-keys", "-o", "out.json"], ["--lines", "-o", "out.json"]):
            run(*options, "cut.json.gz", code=1)
            error = capfd.readouterr().err
            assert error.startswith("cut.json.gz: the gz data is cut: ")
            assert error.count("\n") == 1
        assert Path("cut.json.gz").read_bytes() == whole[:end]
    assert sorted(os.listdir()) == ["cut.json.gz"]


def test_completion(tmp_path):
    """Options, their values, commands and files, from the parsers; scripts for three shells."""
    pytest.importorskip("argcomplete")
    (tmp_path / "frame.json").touch()
    assert {"--sort-keys", "--seq"} <= completions("rjson --s", tmp_path)
    assert completions("rjson --from l", tmp_path) == {"lines"}
    assert {"from-csv", "from-sqlite", "frame.json"} <= completions("rjson fr", tmp_path)
    assert completions("rjson from-csv --deli", tmp_path) == {"--delimiter"}
    assert "zsh" in completions("rjson completion ", tmp_path)
    for shell in ("bash", "zsh", "fish"):
        assert b"rjson" in command("completion", shell)
    script = command("completion", "bash")
    subprocess.run(["bash", "-n"], input=script, check=True)


def test_progress_bar_on_a_terminal(data, tmp_path):
    """Of a large file, if standard error is a terminal; nowhere else."""
    pytest.importorskip("tqdm")
    program = (
        "import sys; from rjson._cli import _files, main; _files._SHOWN_FROM = 1; _files._DELAY = 0; main(sys.argv[1:])"
    )
    for options, shown in ([], True), (["--no-progress"], False):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, 300, 0, 0))
        with open(tmp_path / "out", "wb") as out:
            subprocess.run([sys.executable, "-c", program, data, *options], stdout=out, stderr=slave, check=True)
        os.write(slave, b".")
        seen = os.read(master, 10000).decode()
        os.close(slave)
        os.close(master)
        assert bool(re.search(r"\d+%.*B/s", seen)) == shown
    assert command(data) == (tmp_path / "out").read_bytes()


def test_little_is_imported():
    """What takes long to import is imported where it is used: neither tqdm nor json, csv, sqlite3, typing for a small file."""
    program = "import sys; from rjson._cli import main; main(['-', '--compact']); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], input=b"[1]", capture_output=True, check=True)
    loaded = set(done.stdout.decode().split())
    assert "rjson" in loaded
    assert not loaded & {
        "tqdm",
        "json",
        "csv",
        "sqlite3",
        "typing",
        "tempfile",
        "argcomplete",
        "asyncio",
        "gzip",
        "threading",
        "pathlib",
    }
