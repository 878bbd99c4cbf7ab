#!/bin/sh
# pandas 3.1.1, read_json(lines=True): a null in a column of integers makes it float64, so that 2**53 + 1 in it comes back as 2**53, without a warning.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check pandas==3.1.1
"$folder/venv/bin/python" - <<'P'
import io
import pandas

with_null = pandas.read_json(io.StringIO('{"a":9007199254740993}\n{"a":null}\n'), lines=True)["a"]
without = pandas.read_json(io.StringIO('{"a":9007199254740993}\n{"a":1}\n'), lines=True)["a"]
print("pandas", pandas.__version__, with_null.dtype, int(with_null[0]), "| without a null:", without.dtype, int(without[0]))
assert int(with_null[0]) == 9007199254740992 and int(without[0]) == 9007199254740993
P
