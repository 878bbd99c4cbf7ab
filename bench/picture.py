"""Draws what encode.py measured.

python bench/picture.py RESULTS.json bench/encode    writes bench/encode.svg and bench/encode.png
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "rjson"  # the same file for the same figures
import matplotlib.pyplot as plt  # noqa: E402

TITLES = {"bytes": "dumps_bytes", "str": "dumps"}
MEAN, ROW = "#1f5fa8", "#9db8d6"


def draw_family(axes: Any, rows: list[dict[str, Any]], means: dict[str, float]) -> None:
    groups = [name for name in means if name != "all rows"][::-1]
    for y, group in enumerate(groups):
        ratios = [r["ratio"] for r in rows if r["group"] == group]
        axes.plot(ratios, [y] * len(ratios), "|", color=ROW, markersize=11, markeredgewidth=1.5)
        axes.plot([means[group]], [y], "o", color=MEAN, markersize=7)
        label, above = f"{means[group]:.2f}x", (0, 7)
        axes.annotate(label, (means[group], y), xytext=above, textcoords="offset points", ha="center", fontsize=9)
    axes.axvline(1, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xticks([0.5, 1, 2, 4, 8], ["0.5x", "1x", "2x", "4x", "8x"])
    axes.minorticks_off()
    axes.set_yticks(range(len(groups)), groups)
    axes.set_ylim(-0.6, len(groups) - 0.2)
    axes.spines[["top", "right"]].set_visible(False)


def draw(results: dict[str, Any]) -> Any:
    families = list(results["summary"])
    figure, all_axes = plt.subplots(1, len(families), figsize=(4.6 * len(families), 7.2), sharey=True, squeeze=False)
    for axes, family in zip(all_axes[0], families, strict=True):
        means = results["summary"][family]
        draw_family(axes, [r for r in results["rows"] if r["family"] == family], means)
        axes.set_title(f"{TITLES[family]}: {means['all rows']:.2f}x over all rows")
    figure.supxlabel(
        "time of the fastest other encoder over rjson's: each row, and the geometric mean of its group", fontsize=10
    )
    others = ", ".join(f"{name} {version}".strip() for name, version in results["versions"].items() if name != "rjson")
    figure.text(0.5, -0.04, f"{results['machine']}\nothers: {others}", ha="center", fontsize=9)
    figure.tight_layout()
    return figure


def main() -> None:
    results = json.loads(Path(sys.argv[1]).read_text())
    figure = draw(results)
    for suffix, metadata in ((".svg", {"Date": None}), (".png", {})):
        figure.savefig(sys.argv[2] + suffix, bbox_inches="tight", dpi=110, metadata=metadata)


if __name__ == "__main__":
    main()
