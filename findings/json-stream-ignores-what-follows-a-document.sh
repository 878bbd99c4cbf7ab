#!/bin/sh
# json-stream 2.5.1: load() of a text that holds two documents, one after the other, gives the first and says nothing of the second.
# json, ijson and the fast decoders all raise an error for the same text.
set -e
folder=$(mktemp -d); trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv" && "$folder/venv/bin/pip" install -q --disable-pip-version-check json-stream==2.5.1
"$folder/venv/bin/python" - <<'P'
import importlib.metadata, io, json
import json_stream

text = "[1][2]"
value = json_stream.to_standard_types(json_stream.load(io.StringIO(text)))
try:
    json.loads(text)
    standard = "accepted"
except ValueError as e:
    standard = str(e)
print("json-stream", importlib.metadata.version("json-stream"), value, "| json:", standard)
assert value == [1] and "Extra data" in standard
P
