#!/bin/sh
# fsspec 2026.9.0, memory and local file systems: an exception that leaves `with fs.open(path, "wb")` publishes what was written so far under the final name.
# Inside `with fs.transaction` nothing is published. A reader cannot tell a part from the whole.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check fsspec==2026.9.0
"$folder/venv/bin/python" - "$folder" <<'P'
import sys
import fsspec

for protocol, path in (("memory", "/a"), ("file", sys.argv[1] + "/a")):
    fs = fsspec.filesystem(protocol)
    try:
        with fs.open(path, "wb") as f:
            f.write(b'{"id":1}\n')
            raise RuntimeError("the source failed")
    except RuntimeError:
        pass
    plain = fs.cat(path)
    fs.rm(path)
    try:
        with fs.transaction, fs.open(path, "wb") as f:
            f.write(b'{"id":1}\n')
            raise RuntimeError("the source failed")
    except RuntimeError:
        pass
    print("fsspec", fsspec.__version__, protocol, "| with:", plain, "| transaction:", fs.exists(path))
    assert plain == b'{"id":1}\n' and not fs.exists(path)
P
