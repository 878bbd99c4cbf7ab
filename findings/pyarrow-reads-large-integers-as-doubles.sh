#!/bin/sh
# pyarrow 26.0.1, read_json: an integer of 2**63 or more makes its whole column double, without an error or a warning, so that 2**53 + 1 in
# another row of it comes back as 2**53.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check pyarrow==26.0.1
"$folder/venv/bin/python" - <<'P'
import io
import pyarrow, pyarrow.json

rows = b'{"a":9007199254740993}\n{"a":9223372036854775808}\n'
table = pyarrow.json.read_json(io.BytesIO(rows))
column = table.column("a")
print("pyarrow", pyarrow.__version__, column.type, column.to_pylist())
assert str(column.type) == "double" and column.to_pylist()[0] == 9007199254740992.0
P
