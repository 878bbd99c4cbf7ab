"""The documents of encode.py: built from a fixed seed, so that every run and every machine has the same ones."""

from __future__ import annotations

import json
import lzma
import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COLD_ITEMS = 1_000_000
COLD_TEXT = 100_000_000  # characters at most in a cold list
LIST_ITEMS = 1000
MANY_ITEMS = 25_000

Rng = random.Random


@dataclass(frozen=True)
class Workload:
    """One row. `build()` makes its document; `refresh(document)` a copy whose strings nobody has looked at before."""

    name: str
    group: str
    build: Callable[[], Any]
    refresh: Callable[[Any], Any] | None = None


# ---- items

ALPHABETS = {
    "ASCII": "abcdefghijklmnopqrstuvwxyz ABCDEFGHIJ 0123456789",
    "Latin-1": "abcdefghijklmnopqrstuvwxyz éèüöäßñç",
    "Greek": "αβγδεζηθικλμνξοπρστυφχψω ",
    "CJK": "日本語漢字仮名交文章中文字符測試資料",
    "emoji": "😀😁😂🤣😃😄😅🚀🌍🎉",
    "mixed": "abcdefgh éü αβγδ 日本語 ",
}
ESCAPED = '"\\\n\t\x01'
LENGTHS = {"short": (0, 20), "medium": (20, 200), "long": (200, 2000)}


def text(rng: Rng, alphabet: str, length: int) -> str:
    return "".join(rng.choices(alphabet, k=length))


def escaped_text(rng: Rng, percent: int, length: int) -> str:
    ascii_letters = ALPHABETS["ASCII"]
    return "".join(rng.choice(ESCAPED) if rng.random() * 100 < percent else rng.choice(ascii_letters) for _ in range(length))


def random_bits(rng: Rng) -> float:
    while True:
        (value,) = struct.unpack("<d", rng.getrandbits(64).to_bytes(8, "little"))
        if value - value == 0:
            return value


def digits(count: int) -> Callable[[Rng], int]:
    return lambda rng: rng.randrange(10 ** (count - 1) if count > 1 else 0, 10**count) * rng.choice((1, 1, 1, -1))


NUMBERS: dict[str, Callable[[Rng], Any]] = {
    "ints of 1 digit": digits(1),
    "ints of 3 digits": digits(3),
    "ints of 9 digits": digits(9),
    "ints of 19 digits": lambda rng: rng.randrange(10**18, 2**63),
    "floats, random": lambda rng: rng.random(),
    "floats, two decimals": lambda rng: round(rng.random() * 1000, 2),
    "floats, integral": lambda rng: float(rng.randrange(100_000)),
    "floats, random bits": random_bits,
    "bools and None": lambda rng: rng.choice((True, False, None)),
}


def string_makers() -> dict[str, Callable[[Rng, int], str]]:
    makers: dict[str, Callable[[Rng, int], str]] = {
        name: lambda rng, length, alphabet=alphabet: text(rng, alphabet, length) for name, alphabet in ALPHABETS.items()
    }
    for percent in (1, 10, 30):
        makers[f"{percent} % escaped"] = lambda rng, length, percent=percent: escaped_text(rng, percent, length)
    return makers


# ---- fresh copies


def fresh(value: Any) -> Any:
    """A deep copy whose strings are new objects: no encoder has left its UTF-8 form in them."""
    if isinstance(value, str):
        return value[:-1] + value[-1:]
    if isinstance(value, list):
        return [fresh(v) for v in value]
    if isinstance(value, dict):
        return {key: fresh(v) for key, v in value.items()}
    return value


# ---- rows


def nested_dict(depth: int, width: int) -> Any:
    return {f"key{i}": nested_dict(depth - 1, width) for i in range(width)} if depth else "value"


def nested_list(depth: int, width: int) -> Any:
    return [nested_list(depth - 1, width) for _ in range(width)] if depth else 1


def users(count: int) -> dict[str, Any]:
    rng = Rng(11)
    return {
        "users": [
            {
                "id": i,
                "name": f"User {i}",
                "email": f"user{i}@example.com",
                "active": i % 3 != 0,
                "score": round(rng.random() * 100, 2),
                "tags": [f"tag{j}" for j in range(i % 5)],
                "address": {
                    "city": "Springfield",
                    "zip": f"{rng.randrange(100_000):05}",
                    "geo": [rng.random(), rng.random()],
                },
                "manager": None,
            }
            for i in range(count)
        ],
        "total": count,
    }


def api_page() -> dict[str, Any]:
    rng = Rng(12)
    return {
        "page": 3,
        "per_page": 30,
        "next": "https://api.example.com/v1/issues?page=4&per_page=30",
        "items": [
            {
                "id": rng.randrange(10**9),
                "node_id": text(rng, "ABCDEFabcdef0123456789", 24),
                "url": f"https://api.example.com/v1/issues/{i}",
                "title": text(rng, ALPHABETS["ASCII"], rng.randrange(20, 80)),
                "user": {"login": text(rng, "abcdef", 8), "id": rng.randrange(10**7), "site_admin": False},
                "labels": [{"name": "bug", "color": "d73a4a"}] * (i % 3),
                "state": "open",
                "locked": False,
                "comments": rng.randrange(100),
                "created_at": "2024-02-28T23:59:58Z",
                "closed_at": None,
                "body": escaped_text(rng, 2, rng.randrange(100, 600)),
            }
            for i in range(30)
        ],
    }


def earlier() -> Iterator[Workload]:
    """The ten rows of the earlier rjson, and its large one."""
    strings = string_makers()["ASCII"]
    documents: dict[str, Callable[[], Any]] = {
        "dict of 100": lambda: {f"k{i}": i for i in range(100)},
        "dict of 1000": lambda: {f"key_{i}": i for i in range(1000)},
        "nested dicts": lambda: nested_dict(4, 5),
        "list of 1000 ints": lambda: list(range(1000)),
        "ints and strings": lambda: [i if i % 2 else f"str_{i}" for i in range(1000)],
        "nested lists": lambda: nested_list(4, 5),
        "1000 short strings": lambda: [f"str_{i}" for i in range(1000)],
        "1000 medium strings": lambda: [strings(Rng(i), 30) for i in range(1000)],
        "100 strings of 100": lambda: [strings(Rng(i), 100) for i in range(100)],
        "users": lambda: users(50),
        "110,000 elements": lambda: [{"id": i, "name": f"item {i}", "values": [i, i * 0.5, True]} for i in range(13_750)],
    }
    for name, build in documents.items():
        yield Workload(name, "earlier rjson", build)


def documents() -> Iterator[Workload]:
    rng = Rng(13)
    yield Workload("tiny reply", "documents", lambda: {"id": 17, "ok": True, "name": "x"})
    yield Workload("API page", "documents", api_page, fresh)
    yield Workload(
        "dicts, few keys", "documents", lambda: [{"id": i, "x": i * 3, "y": i * 7, "on": True} for i in range(500)]
    )
    yield Workload(
        "dicts, many distinct keys",
        "documents",
        lambda: [{f"{text(rng, 'abcdef', 8)}{i}_{j}": j for j in range(5)} for i in range(500)],
    )


def listed(name: str, make: Callable[[Rng], Any], count: int) -> Callable[[], list[Any]]:
    """What builds a list of so many, from a seed of its own."""
    return lambda: list(map(make, [Rng(name)] * count))


def with_quotes(rng: Rng, alphabet: str, length: int) -> str:
    """Two of a hundred characters are what texts really have to escape."""
    return "".join(rng.choice('"\\\n\t') if rng.random() < 0.02 else rng.choice(alphabet) for _ in range(length))


def fields() -> Iterator[Workload]:
    """Lists of what the text fields of documents hold, of 25 to 63 characters as a rule."""
    kinds: dict[str, Callable[[Rng], str]] = {
        "sentences": lambda rng: text(rng, ALPHABETS["ASCII"], rng.randrange(25, 64)),
        "sentences, quotes": lambda rng: with_quotes(rng, ALPHABETS["ASCII"], rng.randrange(25, 64)),
        "HTML": lambda rng: f'<div class="{text(rng, "abc", 5)}">\n<p>text {rng.randrange(1000)}</p>\n</div>',
        "JSON in JSON": lambda rng: json.dumps({"id": rng.randrange(1000), "name": text(rng, "abc", 5), "ok": True}),
        "paragraphs, quotes": lambda rng: with_quotes(rng, ALPHABETS["ASCII"], rng.randrange(200, 600)),
        "CJK, quotes": lambda rng: with_quotes(rng, ALPHABETS["CJK"], rng.randrange(25, 64)),
    }
    for name, make in kinds.items():
        yield Workload(name, "fields", listed(name, make, LIST_ITEMS), fresh)


def many() -> Iterator[Workload]:
    """Lists that fit into a cache, of more items than a branch predictor remembers."""
    kinds: dict[str, Callable[[Rng], Any]] = {
        "names": lambda rng: text(rng, ALPHABETS["ASCII"], rng.randint(5, 14)),
        "10 to 30 characters": lambda rng: text(rng, ALPHABETS["ASCII"], rng.randint(10, 30)),
        "sentences": lambda rng: text(rng, ALPHABETS["ASCII"], rng.randrange(25, 64)),
        "sentences, quotes": lambda rng: with_quotes(rng, ALPHABETS["ASCII"], rng.randrange(25, 64)),
        "20 to 200 characters": lambda rng: text(rng, ALPHABETS["ASCII"], rng.randint(20, 200)),
        "Greek names": lambda rng: text(rng, ALPHABETS["Greek"], rng.randint(5, 14)),
        "CJK names": lambda rng: text(rng, ALPHABETS["CJK"], rng.randint(2, 8)),
        "ints of 1 to 18 digits": lambda rng: rng.randrange(10 ** rng.randint(1, 18)),
        "records": lambda rng: {
            "id": rng.randrange(10**9),
            "name": text(rng, ALPHABETS["ASCII"], rng.randint(5, 25)),
            "title": text(rng, ALPHABETS["ASCII"], rng.randint(20, 60)),
            "city": text(rng, ALPHABETS["Latin-1"], rng.randint(4, 12)),
            "price": round(rng.random() * 1000, 2),
            "ok": rng.random() < 0.5,
        },
    }
    for name, make in kinds.items():
        yield Workload(f"many: {name}", "many", listed(name, make, MANY_ITEMS // 5 if name == "records" else MANY_ITEMS))


def containers() -> Iterator[Workload]:
    """Documents that are containers more than anything else: small ones, empty ones, and many in each other."""

    def tree(depth: int) -> Any:
        return [tree(depth - 1), tree(depth - 1)] if depth else 0

    def coordinates() -> Any:
        rng = Rng("coordinates")
        return [[round(rng.random() * 360 - 180, 6), round(rng.random() * 180 - 90, 6)] for _ in range(500)]

    rows: dict[str, Callable[[], Any]] = {
        "coordinates": coordinates,
        "small dicts": lambda: [{"id": i, "name": f"name {i}"} for i in range(500)],
        "lists of one": lambda: [[i] for i in range(1000)],
        "dicts of lists": lambda: [{"tags": [], "ids": [i, i + 1], "meta": {}, "next": {"id": i}} for i in range(250)],
        "binary tree": lambda: tree(9),
        "empty lists and dicts": lambda: [[], {}] * 500,
    }
    for name, make in rows.items():
        yield Workload(name, "containers", make)
    yield Workload("200 lists in each other", "deep", lambda: json.loads("[" * 200 + "]" * 200))
    yield Workload("200 dicts in each other", "deep", lambda: json.loads('{"a":' * 200 + "1" + "}" * 200))


def list_rows(name: str, group: str, make: Callable[[Rng], Any], is_text: bool = False) -> Iterator[Workload]:
    """Items that fit into the caches, and so many in such an order that they do not."""

    def cold() -> list[Any]:
        rng = Rng(f"cold {name}")
        sample = [make(rng) for _ in range(1000)]
        mean = sum(map(len, sample)) // len(sample) if is_text else 0
        count = min(COLD_ITEMS, COLD_TEXT // (mean + 1)) if is_text else COLD_ITEMS
        # Long texts take long to make up: copies will do, they lie elsewhere in memory all the same.
        items = [fresh(rng.choice(sample)) if mean > 100 else make(rng) for _ in range(count)]
        rng.shuffle(items)
        return items

    def hot() -> list[Any]:
        rng = Rng(name)
        return [make(rng) for _ in range(LIST_ITEMS)]

    yield Workload(name, group, hot, fresh if is_text else None)
    yield Workload(f"{name} (cold)", f"{group}, cold", cold)


def numbers() -> Iterator[Workload]:
    for name, make in NUMBERS.items():
        yield from list_rows(name, "numbers", make)


def strings() -> Iterator[Workload]:
    for name, make in string_makers().items():
        for size, (low, high) in LENGTHS.items():
            yield from list_rows(
                f"{name}, {size}",
                "strings",
                lambda rng, make=make, low=low, high=high: make(rng, rng.randint(low, high)),
                True,
            )
        yield Workload(f"{name}, 1 MB", "strings", lambda name=name, make=make: make(Rng(name), 1_000_000), fresh)


def with_fresh(rows: Iterator[Workload]) -> Iterator[Workload]:
    """Each row, and for those with strings one on copies that are made anew for every call."""
    for row in rows:
        yield Workload(row.name, row.group, row.build)
        if row.refresh:
            yield Workload(f"{row.name} (fresh)", f"{row.group}, fresh", row.build, row.refresh)


def built_in() -> list[Workload]:
    """Group by group."""
    rows = [
        row
        for rows in (earlier(), documents(), fields(), many(), containers(), numbers(), strings())
        for row in with_fresh(rows)
    ]
    groups = {row.group: index for index, row in reversed(list(enumerate(rows)))}
    return sorted(rows, key=lambda row: groups[row.group])


def corpus(folder: Path) -> Iterator[Workload]:
    """The files of a folder that end in .json or .json.xz, as documents."""

    def parse(path: Path) -> Any:
        data = path.read_bytes()
        return json.loads(lzma.decompress(data) if path.suffix == ".xz" else data)

    paths = sorted(path for path in folder.iterdir() if path.name.endswith((".json", ".json.xz")))
    for path in paths:
        yield from with_fresh(iter([Workload(path.name, "corpus", lambda path=path: parse(path), fresh)]))
