"""A hook of mkdocs: pages that live beside the code they are about are on the site too, and links between all stay right."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

ROOT = Path(__file__).parents[1]

# Where a page lives in the tree, and what it is called on the site.
PAGES = {
    "python/README.md": "manual.md",
    "stream/README.md": "c-library.md",
    "stream/arch/TARGET.md": "instruction-sets.md",
    "src/README.md": "inside.md",
    "bench/README.md": "measurements.md",
    "bench/EXPERIMENTS.md": "experiments.md",
    "SECURITY.md": "security.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
PICTURES = {"bench/encode.svg": "pictures/encode.svg"}

_CODE = re.compile(r"`[^`\n]+`")
_LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")


def on_files(files: Any, config: Any) -> Any:
    for path, name in {**PAGES, **PICTURES}.items():
        files.append(File.generated(config, name, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    name = page.file.src_uri
    at_home = {site: path for path, site in PAGES.items()}.get(name, f"docs/{name}")
    markdown = _LINK.sub(lambda link: _on_site(link, posixpath.dirname(at_home)), markdown)
    # GitHub's tables want a backslash before a bar in code; these would show it.
    return _CODE.sub(lambda code: code[0].replace(r"\|", "|"), markdown)


def _on_site(link: re.Match[str], folder: str) -> str:
    """A link of a page in `folder`, as the site has it; only its text, if it leads to a file that is no page."""
    text, target, anchor = link[1], link[2], link[3] or ""
    if "://" in target or target.startswith("mailto:"):
        return link[0]
    path = posixpath.normpath(posixpath.join(folder, target))
    known = {**PAGES, **PICTURES}
    if path in known:
        return f"[{text}]({known[path]}{anchor})"
    if path.startswith("docs/"):
        return f"[{text}]({path.removeprefix('docs/')}{anchor})"
    return text if (ROOT / path).exists() else link[0]
