"""atheris on the extension. The first bytes choose what is done, its options, sizes of chunks and what the target takes; the rest
is a document: its structure, or its text.

Oracles: what `json` writes and reads, the same over every sink, and `repr` of what is read.

    make fuzz SECONDS=600

Without atheris the functions here replay a corpus (test_fuzz_corpus.py).
"""

from __future__ import annotations

import array
import datetime
import decimal
import enum
import io
import json
import struct
import sys
import uuid
from typing import Any

import rjson

CHUNK_SIZES = [1, 512, 513, 514, 600, 777, 1024, 4096]
CHARS = 'a"\\/\n\x00\x1f\x7f\x80éÿĀ߿ࠀ中\uffff😀\U0010ffff'


class Color(enum.Enum):
    RED = "red"
    ONE = 1


class Script:
    """Bytes that are asked for choices; zeros where they end."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1] if self.at <= len(self.data) else 0

    def take(self, count: int) -> bytes:
        part = self.data[self.at : self.at + count]
        self.at += count
        return part.ljust(count, b"\0")

    def rest(self) -> bytes:
        return self.data[self.at :]

    def choose(self, choices: Any) -> Any:
        return choices[self.byte() % len(choices)]


# ---- what is written


def text(script: Script) -> str:
    kind, count = script.byte(), script.byte()
    if kind & 1:
        return script.choose(CHARS) * (count * (kind >> 4)) + script.choose(CHARS)
    if kind & 2:
        return script.take(count).decode("latin-1")
    if kind & 4:
        return script.take(2 * (count % 64)).decode("utf-16-le", "replace")
    return "".join(script.choose(CHARS) for _ in range(count % 40))


def number(script: Script) -> float | int:
    kind = script.byte()
    if kind & 1:
        value = struct.unpack("<d", script.take(8))[0]
        return value if value - value == 0 else 0.0
    return int.from_bytes(script.take(kind >> 2), "little", signed=bool(kind & 2))


def leaf(script: Script) -> tuple[Any, Any]:
    """An object, and one that `json` writes in the same way."""
    kind = script.byte() % 16
    if kind < 4:
        value: Any = text(script)
    elif kind < 8:
        value = number(script)
    elif kind < 10:
        value = script.choose([None, True, False])
    elif kind == 10:
        year = 1 + int.from_bytes(script.take(2), "little") % 9999
        day = datetime.date(year, 1 + script.byte() % 12, 1 + script.byte() % 28)
        return day, day.isoformat()
    elif kind == 11:
        key = uuid.UUID(bytes=script.take(16))
        return key, str(key)
    elif kind == 12:
        return script.choose([(Color.RED, "red"), (Color.ONE, 1)])
    elif kind == 13:
        numbers = array.array(script.choose("bBhHiIqQ"))
        numbers.frombytes(script.take(script.byte() % 40 * numbers.itemsize))
        return numbers, numbers.tolist()
    elif kind == 14:
        whole = number(script)
        if isinstance(whole, int):
            return decimal.Decimal(whole), whole
        value = whole
    else:  # runs of one kind
        value = [script.choose([text, number])(script)] * (script.byte() % 64)
    return value, value


def document(script: Script, depth: int = 0) -> tuple[Any, Any]:
    kind = script.byte()
    if depth > 12 or kind < 96 or script.at >= len(script.data):
        return leaf(script)
    pairs = [document(script, depth + 1) for _ in range(kind % 12)]
    mine, plain = [m for m, _ in pairs], [p for _, p in pairs]
    form = kind // 12 % 8
    if form == 0:
        return iter(mine), plain
    if form == 1:
        return tuple(mine), plain
    if form < 5:
        keys = [script.choose([text, number, lambda s: None, lambda s: True])(script) for _ in pairs]
        return dict(zip(keys, mine)), dict(zip(keys, plain))
    return mine, plain


def options(script: Script) -> tuple[dict[str, Any], dict[str, Any]]:
    """For rjson, and for json."""
    flags = script.byte()
    mine: dict[str, Any] = {"ensure_ascii": bool(flags & 1)}
    indent = script.choose([0, 1, 2, 40, "\t", " é"]) if flags & 2 else None
    separators = (script.choose([",", ", ", " ,\n", "中"]), script.choose([":", ": ", "="])) if flags & 4 else None
    if indent is not None:
        mine["indent"] = indent
    if separators:
        mine["separators"] = separators
    return mine, {**mine, "separators": separators or (",", ":" if indent is None else ": ")}


class Target:
    """Takes what the script says of each piece; 0: an error."""

    def __init__(self, script: Script) -> None:
        self.takes = [script.byte() for _ in range(script.byte() % 8)]
        self.data = bytearray()
        self.failed = False

    def write(self, piece: bytes) -> int:
        most = self.takes.pop() if self.takes else len(piece)
        if most == 0:
            self.failed = True
            raise OSError("as the script says")
        taken = min(most * 9, len(piece))
        self.data += piece[:taken]
        return taken


def write(script: Script) -> None:
    mine, theirs = options(script)
    chunk_size = script.choose(CHUNK_SIZES)
    target = Target(script)
    begin = script.at

    def again() -> tuple[Any, Any]:  # iterators can be used once
        script.at = begin
        return document(script)

    expected = json.dumps(again()[1], **theirs).encode()
    assert rjson.dumps_bytes(again()[0], **mine) == expected
    assert rjson.dumps(again()[0], **mine).encode() == expected
    assert b"".join(rjson.iterencode(again()[0], chunk_size=chunk_size, **mine)) == expected
    try:
        count = rjson.dump(again()[0], target, chunk_size=chunk_size, **mine)
    except OSError as error:
        assert target.failed
        assert error.bytes_written == len(target.data)  # type: ignore[attr-defined]
        assert expected.startswith(target.data)
        return
    assert target.data == expected
    assert count == len(expected)


def write_many(script: Script) -> None:
    """Documents behind each other: those that fail are as if they had not been."""
    framing, chunk_size, flush = (
        script.choose(["lines", "seq", "array"]),
        script.choose(CHUNK_SIZES),
        script.choose(["full", "item"]),
    )
    out = io.BytesIO()
    writer = rjson.Writer(out, framing=framing, chunk_size=chunk_size, flush=flush)
    expected = []
    for _ in range(1 + script.byte() % 8):
        is_wrong = script.byte() % 4 == 0
        mine, plain = document(script)
        try:
            writer.write([mine, object()] if is_wrong else mine)
        except rjson.EncodeError:
            assert is_wrong
        else:
            assert not is_wrong
            expected.append(json.dumps(plain, ensure_ascii=False, separators=(",", ":")))
    writer.close()
    before, between, behind = {"lines": ("", "\n", "\n"), "seq": ("\x1e", "\n\x1e", "\n"), "array": ("[", ",", "]")}[framing]
    whole = before + between.join(expected) + behind if expected or framing == "array" else ""
    assert out.getvalue().decode() == whole
    assert writer.bytes_written == len(out.getvalue())
    assert writer.documents == len(expected)


# ---- what is read


def only_once(pairs: list[tuple[str, Any]]) -> Any:
    """What `duplicates="error"` refuses."""
    if len({key for key, _ in pairs}) < len(pairs):
        raise ValueError("a key comes twice")
    return dict(pairs)


def refuse(name: str) -> Any:
    raise ValueError(name)


def outcome(read: Any, data: Any) -> str:
    """`repr` tells all there is: which type, the bits of a float, the order of keys."""
    try:
        return repr(read(data))
    except (ValueError, RecursionError) as error:
        assert not isinstance(error, RecursionError)
        return "refused"


class Pieces(io.RawIOBase):
    def __init__(self, data: bytes, sizes: bytes) -> None:
        self.data, self.sizes = data, sizes or b"\1"
        self.calls = 0

    def readable(self) -> bool:
        return True

    def readinto(self, memory: Any) -> int:
        size = min(1 + self.sizes[self.calls % len(self.sizes)], len(memory), len(self.data))
        self.calls += 1
        memory[:size] = self.data[:size]
        self.data = self.data[size:]
        return size


def read(script: Script) -> None:
    sizes = script.take(script.byte() % 8)
    chunk_size = 1 + script.byte()
    flags = script.byte()
    hooks: dict[str, Any] = {"strict": bool(flags & 1)}
    if flags & 2:
        hooks["object_pairs_hook"] = list
    if flags & 4:
        hooks["parse_float"] = str
    if flags & 8:
        hooks["parse_int"] = str
    theirs = {**hooks, "parse_constant": refuse}
    if flags & 18 == 16:
        hooks["duplicates"], theirs["object_pairs_hook"] = "error", only_once
    data = script.rest()
    if data.count(b"[") + data.count(b"{") > 400:  # json and repr recurse
        return

    def oracle(source: bytes | str) -> Any:
        source = source if isinstance(source, str) else source.decode()
        return json.loads(source, **theirs)

    if data[:3] == b"\xef\xbb\xbf":
        return
    expected = outcome(oracle, data)
    assert outcome(lambda d: rjson.loads(d, **hooks), data) == expected
    loose = data.decode("utf-8", "surrogateescape")
    assert outcome(lambda d: rjson.loads(d, **hooks), loose) == outcome(oracle, loose)
    whole = b"[" + data + b"]"
    parts = outcome(
        lambda d: list(rjson.iterload(Pieces(d, sizes), framing="concat", chunk_size=chunk_size, **hooks)), whole
    )
    assert parts == outcome(lambda d: each(d.decode(), json.JSONDecoder(**theirs)), whole)
    if expected != "refused" and hooks["strict"]:
        reformat(data)


def each(text: str, decoder: json.JSONDecoder) -> list[Any]:
    """The documents of a text, one behind the other; where texts were joined, a byte order mark may be before each."""
    between = " \t\r\n\ufeff"
    values, at = [], 0
    while text[at:].strip(between):
        at += len(text[at:]) - len(text[at:].lstrip(between))
        value, at = decoder.raw_decode(text, at)
        values.append(value)
    return values


def reformat(data: bytes) -> None:
    """The same numbers and strings, whatever the layout."""
    out = io.BytesIO()
    rjson.reformat(io.BytesIO(data), out, chunk_size=512)
    assert repr(json.loads(out.getvalue())) == repr(json.loads(data))


def one_input(data: bytes) -> None:
    script = Script(data)
    [write, read, write_many, read][script.byte() % 4](script)


def main() -> None:
    import atheris

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
