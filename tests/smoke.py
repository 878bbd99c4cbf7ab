"""What an installed rjson must do at least, for tests of wheels: no test framework, nothing of the clone."""

import io
import os
import pathlib
import socket

import rjson
import rjson.aio
import rjson.compat

DOCUMENT = {"id": 1, "rows": [[1.5, None, True, "é\n"]] * 1000}

text = rjson.dumps(DOCUMENT)
assert rjson.loads(text) == DOCUMENT
assert rjson.compat.dumps(DOCUMENT, separators=(",", ":"), ensure_ascii=False) == text

out = io.BytesIO()
assert rjson.dump(({"id": i} for i in range(1000)), out) == len(out.getvalue())
assert rjson.loads(out.getvalue())[-1] == {"id": 999}

ours, theirs = socket.socketpair()
with ours, theirs:
    rjson.dump_to({"rows": iter(range(3))}, ours)
    assert theirs.recv(100) == b'{"rows":[0,1,2]}'

files = sorted(path.name for path in pathlib.Path(rjson.__file__).parent.iterdir())
assert "py.typed" in files, files
assert "_core.pyi" in files, files
if os.environ.get("RJSON_EXPECTS_UV") == "1":
    import rjson.uv

print("rjson", rjson.__version__, rjson.isa)
