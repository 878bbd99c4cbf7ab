"""rjson.uv: libuv's streams, and one document to thousands of them.

`rjson.dump_to(obj, stream)` writes to a `Stream`, waiting without the GIL; `await rjson.aio.dump(obj, stream)` does on
asyncio and uvloop, where nothing in Python happens per chunk. `Fanout` sends what is encoded once to many, from a thread
without the GIL.

The libuv here is the system's, on loops of its own. It shares nothing with the one inside uvloop.
"""

import os
import sys

_flags = sys.getdlopenflags()
try:
    # Never with global symbols: they would come in front of uvloop's.
    sys.setdlopenflags(os.RTLD_LOCAL | os.RTLD_NOW)
    from .._uv import libuv_version
except ImportError as e:
    raise ImportError(
        "rjson.uv needs libuv, which this rjson was built without, or cannot load. Install it (Debian, Ubuntu: "
        "apt install libuv1-dev pkg-config; Fedora: dnf install libuv-devel pkgconf) and build rjson again "
        f"(pip install --no-binary rjson --force-reinstall rjson). The cause: {e}"
    ) from e
finally:
    sys.setdlopenflags(_flags)

from ._fanout import Fanout, Subscriber  # noqa: E402
from ._stream import Stream  # noqa: E402

__all__ = ["Fanout", "Stream", "Subscriber", "libuv_version"]
