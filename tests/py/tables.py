"""The tables of the manual's pages, as rows of cells, for tests that hold a page against what really happens."""

import importlib.metadata
import re
from pathlib import Path

import pytest

from helpers import SLOW

ROOT = Path(__file__).parents[2]

CODE = re.compile(r"`(.*?)`(?!`)")


def cells_of(line: str) -> list[str]:
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def tables_of(page: str) -> list[tuple[str, list[list[str]]]]:
    """The tables of docs/<page>, each with the heading that it stands under; the first row is the table's header."""
    found: list[tuple[str, list[list[str]]]] = []
    heading, inside = "", False
    for line in (ROOT / "docs" / page).read_text().splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if line.startswith("|"):
            if not inside:
                found.append((heading, []))
            if not line.startswith("|-"):
                found[-1][1].append(cells_of(line))
        inside = line.startswith("|")
    return found


def code_of(cell: str) -> str | None:
    """What a cell begins with in backticks; None if it begins with words."""
    match = CODE.match(cell)
    return match[1] if match else None


def skip_other_version(page: str, package: str, version: str | None = None) -> None:
    """A page is about the versions that it names (`polars 2.1`); RJSON_SLOW=1 holds it against whatever is here."""
    named = re.search(rf"\b{re.escape(package)} (\d[\d.]*\d|\d)", (ROOT / "docs" / page).read_text())[1]
    here = version or importlib.metadata.version(package)
    if not f"{here}.".startswith(f"{named}.") and not SLOW:
        pytest.skip(f"docs/{page} is about {package} {named}, and this is {here}")
