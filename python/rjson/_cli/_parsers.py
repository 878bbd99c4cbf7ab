"""The arguments, from which help and completion are made too."""

from __future__ import annotations

import argparse
import os

import rjson

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

FRAMINGS = ("auto", "document", "lines", "array", "seq", "concat")

_REFORMAT = """\
Reformats JSON, token by token: in constant memory, with every digit as it was.
Reads and writes .gz, .bz2, .xz, .zst and .lz4, by suffix.

Commands (each has its --help):
  rjson from-csv [FILE]         rows of a CSV file
  rjson from-sqlite DB          rows of an SQLite database
  rjson completion SHELL        completion for bash, zsh and fish (needs argcomplete)
"""

_REFORMAT_EXAMPLES = """\
examples:
  rjson data.json                       with line breaks and indentation, to standard output
  curl -s URL | rjson                   in a pipeline
  rjson --compact big.json.gz -o small.json.zst
  rjson --in-place --indent 2 *.json    each file is replaced when its new content is complete
  rjson --lines rows.json > rows.ndjson one array becomes one line for each of its items
  rjson --array rows.ndjson             and back
  rjson --check *.json && echo fine

exit codes: 0; 1: a text is not JSON, or a file failed; 2: wrong arguments; 141: nobody reads the output any more
"""

_CSV_EXAMPLES = """\
examples:
  rjson from-csv people.csv --infer -o people.json
  rjson from-csv --delimiter ';' --lines export.csv.gz | head -n 3
  printf '1,2\\n' | rjson from-csv --no-header --array
"""

_SQLITE_EXAMPLES = """\
examples:
  rjson from-sqlite shop.db --table orders --lines -o orders.ndjson.gz
  rjson from-sqlite shop.db --query 'SELECT id, total FROM orders WHERE total > 100'
"""

_COMPLETION_EXAMPLES = """\
examples:
  eval "$(rjson completion bash)"                         in ~/.bashrc
  eval "$(rjson completion zsh)"                          in ~/.zshrc
  rjson completion fish > ~/.config/fish/completions/rjson.fish
"""


class _Help(argparse.RawDescriptionHelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=_width())


def _width() -> int:
    """Of the terminal, as argparse has it, without shutil: that imports every compressor."""
    try:
        return int(os.environ["COLUMNS"]) - 2
    except (KeyError, ValueError):
        pass
    try:
        return os.get_terminal_size(1).columns - 2
    except OSError:
        return 78


def _new(prog: str, description: str, epilog: str) -> argparse.ArgumentParser:
    return argparse.ArgumentParser(
        prog=prog, description=description, epilog=epilog, formatter_class=_Help, allow_abbrev=False
    )


def _add_layout(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("layout").add_mutually_exclusive_group()
    group.add_argument("--indent", type=_indent, metavar="N", help="so many spaces a level (4)")
    group.add_argument("--tab", action="store_const", const="\t", dest="indent", help="a tab a level")
    group.add_argument("--no-indent", action="store_true", help="a line, with spaces behind commas and colons")
    group.add_argument("--compact", action="store_true", help="no white space at all")


def _indent(text: str) -> str:
    number = int(text)
    if number > 15:
        raise argparse.ArgumentTypeError("15 at most")
    return " " * number  # none if it is negative, as in the json module


_indent.__name__ = "number"


def _add_ascii(parser: argparse.ArgumentParser) -> None:
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--ascii", action="store_true", help="escape whatever is not ASCII")
    group.add_argument("--no-ensure-ascii", action="store_false", dest="ascii", help="leave it as it is (the default)")


def _add_out(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        metavar="OUT",
        help="write to this file, which is replaced when all is written; its suffix says how to compress it",
    )
    parser.add_argument(
        "--no-progress",
        action="store_false",
        dest="progress",
        help="no progress bar (which needs tqdm, a terminal, and a few seconds of work)",
    )


def _reformat_parser() -> argparse.ArgumentParser:
    from . import _reformat

    parser = _new("rjson", _REFORMAT, _REFORMAT_EXAMPLES)
    parser.add_argument("files", nargs="*", metavar="FILE", help="what to read; - or none: standard input")
    _add_out(parser)
    parser.add_argument("-i", "--in-place", action="store_true", help="replace each file by its new form")
    parser.add_argument("--check", action="store_true", help="write nothing; the exit code says whether all is JSON")
    _add_layout(parser)
    _add_ascii(parser)
    parser.add_argument(
        "--sort-keys",
        action="store_true",
        help="members in the order of their keys; takes memory for a document, and refuses equal keys",
    )
    framing = parser.add_argument_group("documents").add_mutually_exclusive_group()
    framing.add_argument("--lines", action="store_const", const="lines", dest="framing_out", help="one a line (NDJSON)")
    framing.add_argument("--array", action="store_const", const="array", dest="framing_out", help="one array of them")
    framing.add_argument("--seq", action="store_const", const="seq", dest="framing_out", help="JSON-seq (RFC 7464)")
    parser.add_argument("--json-lines", action="store_const", const="lines", dest="framing_in", help="same as --from lines")
    parser.add_argument(
        "--from", choices=FRAMINGS, dest="framing_in", help="what holds documents together in the input (auto)"
    )
    parser.add_argument("--version", action="version", version=f"rjson {rjson.__version__}")
    parser.set_defaults(run=_reformat.run, framing_in="auto", framing_out=None)
    return parser


def _rows_options(parser: argparse.ArgumentParser) -> None:
    _add_out(parser)
    _add_layout(parser)
    _add_ascii(parser)
    framing = parser.add_mutually_exclusive_group()
    framing.add_argument("--lines", action="store_true", help="a line for each row (NDJSON)")
    framing.add_argument("--array", action="store_false", dest="lines", help="one array of them (the default)")


def _csv_parser() -> argparse.ArgumentParser:
    from . import _rows

    parser = _new("rjson from-csv", "Rows of a CSV file as objects, in constant memory.", _CSV_EXAMPLES)
    parser.add_argument("file", nargs="?", default="-", metavar="FILE", help="what to read; - or none: standard input")
    parser.add_argument("--delimiter", default=",", metavar="C", help="what stands between fields (a comma)")
    parser.add_argument("--no-header", action="store_true", help="there are no names in the first row: rows become arrays")
    parser.add_argument(
        "--infer", action="store_true", help="numbers, true, false and null become those, and empty fields null"
    )
    parser.add_argument("--encoding", default="utf-8-sig", metavar="NAME", help="of the file (UTF-8)")
    _rows_options(parser)
    parser.set_defaults(run=_rows.run_csv)
    return parser


def _sqlite_parser() -> argparse.ArgumentParser:
    from . import _rows

    parser = _new("rjson from-sqlite", "Rows of an SQLite database as objects, in constant memory.", _SQLITE_EXAMPLES)
    parser.add_argument("db", metavar="DB", help="the database, which is opened for reading only")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--table", metavar="T", help="all of a table, or of a view")
    what.add_argument("--query", metavar="Q", help="what a query gives")
    _rows_options(parser)
    parser.set_defaults(run=_rows.run_sqlite)
    return parser


def _completion_parser() -> argparse.ArgumentParser:
    from . import _completion

    parser = _new("rjson completion", "What a shell is to run to complete rjson's arguments.", _COMPLETION_EXAMPLES)
    parser.add_argument("shell", choices=("bash", "zsh", "fish"))
    parser.set_defaults(run=_completion.run)
    return parser


_COMMANDS = {"from-csv": _csv_parser, "from-sqlite": _sqlite_parser, "completion": _completion_parser}


def parse(arguments: list[str]) -> argparse.Namespace:
    """The options of the command that the first argument names; `run` is the command's function."""
    if "_ARGCOMPLETE" in os.environ:
        from . import _completion

        _completion.complete(_COMMANDS, _reformat_parser)
    command = _COMMANDS.get(arguments[0]) if arguments else None
    parser = command() if command else _reformat_parser()
    options = parser.parse_args(arguments[1:] if command else arguments)
    options.usage_error = parser.error
    return options


def usage_error(options: argparse.Namespace, message: str) -> NoReturn:
    """Ends with the usage, a message, and exit code 2."""
    options.usage_error(message)
    raise AssertionError
