"""`rjson FILE...`"""

from __future__ import annotations

import os

import rjson

from . import _files
from ._errors import Located, describe
from ._parsers import usage_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterable
    from typing import Any

STDIN = "<stdin>"


def layout(options: argparse.Namespace, lines: bool) -> dict[str, Any]:
    """The options of the layout; documents of one line are compact unless something else is said."""
    if lines and options.indent is not None:
        usage_error(options, "--lines and --seq are for documents of one line: not with --indent or --tab")
    if options.no_indent:
        return {"separators": (", ", ": ")}
    if options.compact or lines:
        return {}
    return {"indent": "    " if options.indent is None else options.indent}


def run(options: argparse.Namespace) -> int:
    """Reformat the files, one after the other."""
    names = options.files or ["-"]
    if options.in_place and (options.output or options.check or "-" in names):
        usage_error(options, "--in-place is for files, and goes with neither --output nor --check")
    if options.check and options.output:
        usage_error(options, "--check writes nothing: not with --output")
    settings = {
        "ensure_ascii": options.ascii,
        **layout(options, options.framing_out in ("lines", "seq")),
        "framing_in": options.framing_in,
        "framing_out": options.framing_out or "auto",
    }
    one = _sorted if options.sort_keys else _streamed
    if options.check:
        return _check(options, names)
    if options.in_place:
        for name in names:
            with _files.target(name) as target:
                _write(options, [name], target, settings, one)
    else:
        with _files.target(options.output) as target:
            _write(options, names, target, settings, one)
    return 0


def _check(options: argparse.Namespace, names: list[str]) -> int:
    """Every file is looked at, whatever is wrong with the others."""
    import sys

    status = 0
    for name in names:
        try:
            _from_file(options, name, lambda source, _: rjson.reformat(source, None, framing_in=options.framing_in))
        except Located as e:
            message = describe(e)
            if message is None:
                raise
            print(message, file=sys.stderr)
            status = 1
    return status


def _from_file(options: argparse.Namespace, name: str, use: Callable[[Any, Any], Any]) -> Any:
    """What `use` makes of a file that is open, and of a callable to tell its progress; failures tell the file's name."""
    shown = STDIN if name == "-" else name
    try:
        source = _files.open_source(name)
        bar = _files.Bar(shown, source, options.progress)
        try:
            return use(source, bar.callback)
        finally:
            bar.close()
            _files.close(source)
    except BrokenPipeError:
        raise
    except Exception as e:
        raise Located(shown, e) from e


def _write(
    options: argparse.Namespace,
    names: list[str],
    target: Any,
    settings: dict[str, Any],
    one: Callable[[Any, Any, dict[str, Any], Any], int],
) -> None:
    """All files to one target. What ends a document ends with a line break."""
    if settings["framing_out"] == "array" and len(names) > 1:
        _write_joined(options, names, target, settings, one)
        return
    for name in names:
        written = _from_file(options, name, lambda source, progress: one(source, target, settings, progress))
        if written and settings["framing_out"] in ("auto", "array"):
            _put(target, b"\n")


def _put(target: Any, data: bytes) -> None:
    if isinstance(target, int):
        os.write(target, data)
    else:
        target.write(data)


def _streamed(source: Any, target: Any, settings: dict[str, Any], progress: Any) -> int:
    return rjson.reformat(source, target, progress=progress, **settings)


def _write_joined(
    options: argparse.Namespace,
    names: list[str],
    target: Any,
    settings: dict[str, Any],
    one: Callable[[Any, Any, dict[str, Any], Any], int],
) -> None:
    """Several files become one array: a thread makes lines of them, of which the array is made."""
    import threading

    read, write = os.pipe()
    failures: list[BaseException] = []
    lines = {"framing_in": settings["framing_in"], "framing_out": "lines"}

    def make_lines() -> None:
        try:
            for name in names:
                _from_file(options, name, lambda source, progress: one(source, write, lines, progress))
        except BaseException as e:
            failures.append(e)
            os.write(write, b"]")  # so that the array is not completed
        finally:
            os.close(write)

    thread = threading.Thread(target=make_lines)
    thread.start()
    try:
        rjson.reformat(read, target, **{**settings, "framing_in": "lines"})
    except rjson.DecodeError:
        if not failures:
            raise
    finally:
        os.close(read)
        thread.join()
        if failures:
            raise failures[0]
    _put(target, b"\n")


# ---- sorted, which takes Python objects


def _sorted(source: Any, target: Any, settings: dict[str, Any], progress: Any) -> int:
    """Numbers stay text, so that they keep their digits."""
    file = _files.as_file(source, "rb")
    framing: Any = settings["framing_in"]
    if framing == "auto":
        framing, file = _guess(file, settings["framing_out"])
    reading: dict[str, Any] = {"parse_int": rjson.Raw, "parse_float": rjson.Raw, "duplicates": "error"}
    if framing == "document":
        documents: Iterable[Any] = [rjson.load(file, **reading)]
    else:
        documents = rjson.iterload(file, framing=framing, **reading)
    # Escapes of lone surrogates stay escapes.
    options = {"surrogates": "escape"} | {k: v for k, v in settings.items() if not k.startswith("framing")}
    framing_out = settings["framing_out"]
    if framing_out == "array":
        return rjson.dump_to(iter(documents), target, sort_keys=True, **options)
    count = 0
    for document in documents:
        before, after = {"lines": (b"", b"\n"), "seq": (b"\x1e", b"\n")}.get(framing_out, (b"\n" if count else b"", b""))
        _put(target, before + rjson.dumps_bytes(document, sort_keys=True, **options) + after)
        count += 1
    if count == 0 and framing_out == settings["framing_in"] == "auto":
        raise rjson.DecodeError("Expecting value", "", 0)
    return count


def _guess(file: Any, framing_out: str) -> tuple[str, Any]:
    """How documents are held together, as reformat would guess; the file, which was read a little."""
    import io

    start = b""
    while not start.strip() and (part := file.read(1 << 12)):
        start += part
    mark = start.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    framing = "seq" if mark == b"\x1e" else "array" if mark == b"[" and framing_out != "auto" else "concat"

    class Rest(io.RawIOBase):
        """What was read, and then the rest."""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any) -> int:
            nonlocal start
            if not start:
                start = file.read(len(buffer))
            part, start = start[: len(buffer)], start[len(buffer) :]
            buffer[: len(part)] = part
            return len(part)

    return framing, io.BufferedReader(Rest())
