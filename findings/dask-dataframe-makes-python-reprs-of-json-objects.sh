#!/bin/sh
# dask 2026.8.0, dataframe.read_json(lines=True): nested objects and arrays come out as strings, and as Python spells them ("{'x': None}"), not as JSON: the
# setting dataframe.convert-string turns whole columns of objects into text. pandas, which does the reading, gives dicts and lists.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check "dask[dataframe]==2026.8.0" pandas==3.1.1 pyarrow==26.0.1
cd "$folder" && "$folder/venv/bin/python" - <<'P'
import json
import dask, dask.dataframe, pandas

with open("rows.ndjson", "w") as file:
    file.write('{"a":{"x":null}}\n{"a":{"x":true}}\n')
ours = dask.dataframe.read_json("rows.ndjson", lines=True).compute()["a"][0]
theirs = pandas.read_json("rows.ndjson", lines=True)["a"][0]
try:
    json.loads(ours)
    is_json = True
except ValueError:
    is_json = False
print("dask", dask.__version__, repr(ours), "| is JSON:", is_json, "| pandas:", theirs)
assert ours == "{'x': None}" and not is_json and theirs == {"x": None}
P
