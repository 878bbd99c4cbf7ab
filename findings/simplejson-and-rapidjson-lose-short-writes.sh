#!/bin/sh
# simplejson 4.3.0 and python-rapidjson 1.25: dump() to a raw file whose write() takes fewer bytes than it is given, as io.RawIOBase allows (a pipe in
# non-blocking mode, a socket's makefile with buffering=0). What write() returns is not looked at: all but the bytes taken is lost, without an error.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check simplejson==4.3.0 python-rapidjson==1.25
"$folder/venv/bin/python" - <<'P'
import io, json
import rapidjson, simplejson


class Stingy(io.RawIOBase):
    """Takes up to seven bytes a call."""

    def __init__(self):
        self.data = b""

    def writable(self):
        return True

    def write(self, data):
        data = (data.encode() if isinstance(data, str) else bytes(data))[:7]
        self.data += data
        return len(data)


document = {"name": "a string of some length", "rows": list(range(100))}
whole = len(json.dumps(document))
for module in (simplejson, rapidjson):
    target = Stingy()
    module.dump(document, target)
    print(module.__name__, module.__version__, "kept", len(target.data), "of about", whole)
    assert len(target.data) < whole
P
